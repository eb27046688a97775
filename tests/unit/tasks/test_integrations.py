# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of apps in one task: what comes of each, and of all together."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps, causes, outcomes
from unit_servers import FOREIGN, UNRELEASED, Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, fingerprint_of, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration, integrations

TWO = "com.example.two"
Json = dict[str, t.Any]


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    """Keys and a ledger that is not there yet."""
    return Bulk(sim, tmp_path)


def test_create_unchanged_update_delete(bulk: Bulk) -> None:
    wanted = [*apps(TWO, BUNDLE_ID), *apps(FOREIGN, key="b")]
    done = bulk.both(wanted)
    assert outcomes(done) == [(name, "create", "changed") for name in (TWO, BUNDLE_ID, FOREIGN)]
    first = done.results["integrations"][0]
    assert first["credential_check"]["accepted"] and first["status"] == "Active" and first["msg"] == ""
    assert first["key_fingerprint"] == fingerprint_of(bulk.sim.pem) and first["issuer_id"] == ISSUER
    assert list(done.results["diff"]["after"]) == [TWO, BUNDLE_ID, FOREIGN]
    assert done.results["diff"]["before"][TWO] == {} and done.results["diff"]["after"][TWO]["key_id"] == KEY_ID
    again = bulk.both(wanted)
    assert outcomes(again) == [(name, "unchanged", "unchanged") for name in (TWO, BUNDLE_ID, FOREIGN)]
    assert (again.results["changed"], again.results["diff"]["after"], again.results["http"]["calls"]) == (False, {}, 3)
    rotated = {**wanted[1], "key_id": "ROTATED001", "private_key_path": str(bulk.folder / "foreign.p8")}
    changed = bulk.both([wanted[0], rotated, {"bundle_id": FOREIGN, "state": "absent"}])
    assert outcomes(changed) == [
        (TWO, "unchanged", "unchanged"),
        (BUNDLE_ID, "update", "changed"),
        (FOREIGN, "delete", "changed"),
    ]
    assert list(changed.results["diff"]["after"]) == [BUNDLE_ID, FOREIGN]
    assert changed.results["diff"]["before"][BUNDLE_ID]["key_id"] == KEY_ID
    assert changed.results["diff"]["after"][FOREIGN] == {} and bulk.held() == [BUNDLE_ID, TWO]


def test_an_app_apple_id_that_changes_is_a_change_with_its_diff(bulk: Bulk) -> None:
    """Apple's payloads are verified against it: a silent change would show as refunds that can't be verified."""
    (one,) = apps(TWO)
    bulk.run([{**one, "app_apple_id": 7}])
    changed = bulk.both([{**one, "app_apple_id": 8}])
    assert outcomes(changed) == [(TWO, "update", "changed")]
    diff = changed.results["diff"]
    assert (diff["before"][TWO].pop("app_apple_id"), diff["after"][TWO].pop("app_apple_id")) == (7, 8)
    assert diff["before"] == diff["after"], "nothing else differs"
    for entry in (one, {**one, "app_apple_id": 8}):
        assert outcomes(bulk.both([entry])) == [(TWO, "unchanged", "unchanged")], "what is left out is kept"


def test_each_item_is_what_the_single_module_says(bulk: Bulk, tmp_path: Path) -> None:
    """Same verdicts, same integration, same message, whatever is wrong."""
    write_key(tmp_path / "damaged.p8", bulk.sim.pem[:99])
    entries = [
        *apps(BUNDLE_ID, UNRELEASED, FOREIGN, "com.example.One"),
        {**apps(TWO)[0], "issuer_id": OTHER_ISSUER},
        {"bundle_id": "com.example.six", "key": "a", "private_key_path": str(tmp_path / "damaged.p8")},
        {"bundle_id": "com.example.seven", "state": "absent"},
    ]
    for check_mode in (True, False):
        whole = bulk.run(entries, check_mode)
        for entry, item in zip(entries, whole.results["integrations"], strict=True):
            bulk.start_over()
            bulk.sim.control("GET", "/calls")
            single = bulk.options([])
            for name in ("apps", "keys"):
                del single[name]
            alone = run_task(
                integration.TASK,
                {**single, **bulk.keys["a"], **{name: value for name, value in entry.items() if name != "key"}},
                check_mode,
            )
            assert alone.results["integration"].items() <= item.items()
            assert alone.results["credential_check"]["cause"] == item["credential_check"]["cause"]
            assert bool(alone.results.get("failed")) == (item["outcome"] == "failed")
            assert alone.results["changed"] == (item["outcome"] == "changed")
            assert alone.results["declared"] == item["declared"]
            if item["credential_check"]["cause"] != "unauthenticated":
                assert alone.message.startswith(item["msg"].partition(" (In check mode")[0])
        bulk.start_over()


def test_one_broken_app_stops_no_other(bulk: Bulk, tmp_path: Path) -> None:
    broken = {"bundle_id": "com.example.broken", "key": "a", "private_key_path": str(tmp_path / "none.p8")}
    done = bulk.run([broken, *apps(BUNDLE_ID, FOREIGN, UNRELEASED)])
    assert outcomes(done) == [
        ("com.example.broken", "unchanged", "failed"),
        (BUNDLE_ID, "create", "changed"),
        (FOREIGN, "unchanged", "failed"),
        (UNRELEASED, "create", "changed"),
    ]
    assert done.results["failed"] and done.results["changed"] and bulk.held() == [BUNDLE_ID, UNRELEASED]
    assert list(done.results["diff"]["after"]) == [BUNDLE_ID, UNRELEASED]
    message = done.message
    assert message.startswith("Of 4 apps, 2 failed. com.example.broken: key_unreadable: ")
    assert f"{FOREIGN}: unauthenticated: Key {KEY_ID} works for 2 of 3 apps here" in message
    assert done.results["integrations"][2]["msg"].startswith(f"{FOREIGN}: the credential check failed: unauthenticated")
    assert len([text for text in done.warnings if UNRELEASED in text]) == 1
    write_key(tmp_path / "none.p8", bulk.sim.pem)
    again = bulk.run([broken, *apps(BUNDLE_ID, TWO)])
    assert outcomes(again)[1:] == [(BUNDLE_ID, "unchanged", "unchanged"), (TWO, "create", "changed")]


def test_the_key_or_the_app(bulk: Bulk) -> None:
    bulk.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    done = bulk.both(apps(BUNDLE_ID, TWO))
    hints = [entry["credential_check"]["hint"] for entry in done.results["integrations"]]
    assert all(f"Key {KEY_ID} is refused for all 2 apps here" in hint for hint in hints)
    assert f"{BUNDLE_ID}, {TWO}: unauthenticated: Key {KEY_ID} is refused for all 2 apps here" in done.message


def test_what_is_held_sharpens_a_refusal(bulk: Bulk) -> None:
    bulk.run(apps(BUNDLE_ID, TWO))
    wrong = {"bundle_id": BUNDLE_ID, "key": "a", "private_key_path": str(bulk.folder / "foreign.p8")}
    done = bulk.both([wrong, *apps("com.example.TWO")])
    hints = [entry["credential_check"]["hint"] for entry in done.results["integrations"]]
    assert hints[0].startswith("Changed since the integration was stored (Active): private key was ")
    assert f"The tracker holds {TWO}, which differs only in capitals" in hints[1]
    assert [entry["status"] for entry in done.results["integrations"]] == ["Active", "Absent"]


def test_an_app_that_production_accepted_before(bulk: Bulk) -> None:
    bulk.run(apps(BUNDLE_ID))
    bulk.sim.control("PATCH", f"/apps/{BUNDLE_ID}", {"released": False})
    done = bulk.both(apps(BUNDLE_ID, UNRELEASED))
    assert causes(done) == ["unauthenticated", "app_not_released"]
    assert "although it accepted it for this app before" in done.results["integrations"][0]["credential_check"]["hint"]


def test_the_same_app_in_both_environments(bulk: Bulk) -> None:
    entries = [*apps(BUNDLE_ID, TWO), {**apps(BUNDLE_ID)[0], "environment": "sandbox"}]
    done = bulk.both(entries)
    assert list(done.results["diff"]["after"]) == [BUNDLE_ID, TWO, f"{BUNDLE_ID} (sandbox)"]
    assert done.results["diff"]["after"][f"{BUNDLE_ID} (sandbox)"]["environment"] == "sandbox"
    one = bulk.both([{**apps(TWO)[0], "environment": "sandbox"}])
    assert list(one.results["diff"]["after"]) == [TWO]


def test_policies(bulk: Bulk) -> None:
    advisory = bulk.both(apps(FOREIGN, BUNDLE_ID), credential_check="advisory")
    assert not advisory.message and [one["status"] for one in advisory.results["integrations"]] == ["Failed", "Active"]
    assert len([text for text in advisory.warnings if FOREIGN in text]) == 1
    skipped = bulk.both(apps(TWO), credential_check="skip")
    assert causes(skipped) == ["not_checked"] and skipped.results["http"]["calls"] == 0


def test_many_warnings_are_few(bulk: Bulk) -> None:
    names = [f"com.example.n{number}" for number in range(13)]
    bulk.world(names, unreleased=names)
    done = bulk.both(apps(*names))
    shown = [text for text in done.warnings if "new ledger" not in text]
    assert len(shown) == 11 and shown[-1] == "And 3 more apps with a warning like these: see integrations."


def test_few_are_named_for_each_cause_and_no_cause_hides_another(bulk: Bulk) -> None:
    names = [f"com.example.n{number}" for number in range(13)]
    key = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": str(bulk.folder / "none.p8")}
    done = bulk.both([*apps(*names), {"bundle_id": "com.example.keyless", **key}])
    named = ", ".join(names[:5])
    assert done.message.startswith(f"Of 14 apps, 14 failed. {named} and 8 more: unauthenticated: ")
    assert "com.example.keyless: key_unreadable: " in done.message and names[5] not in done.message


def test_many_causes(bulk: Bulk) -> None:
    wanted = [
        {
            "bundle_id": f"com.example.n{number}",
            "issuer_id": ISSUER,
            "key_id": KEY_ID,
            "private_key_path": str(bulk.folder / f"none{number}"),
        }
        for number in range(13)
    ]
    assert bulk.both(wanted).message.endswith(" And 3 more causes: see integrations.")


def test_order_is_that_of_the_list_and_a_predicted_key_is_planned(bulk: Bulk) -> None:
    names = [f"com.example.n{number}" for number in range(40)]
    bulk.world(names)
    bulk.sim.fault(kind="delay", seconds=0.3, times=5)
    done = bulk.run(apps(*reversed(names)))
    assert [entry["bundle_id"] for entry in done.results["integrations"]] == list(reversed(names))
    soon = {"a": {**bulk.keys["a"], "private_key_path": "/none/key.p8", "key_predicted": True}}
    bulk.start_over()
    planned = bulk.run(apps(BUNDLE_ID), check_mode=True, keys=soon)
    assert causes(planned) == ["key_not_yet_created"] and outcomes(planned) == [(BUNDLE_ID, "create", "changed")]


def test_an_empty_list(bulk: Bulk) -> None:
    done = bulk.both([])
    assert (done.results["integrations"], done.results["changed"]) == ([], False)


BAD_LISTS: list[tuple[list[Json], list[str]]] = [
    (apps("com.a", "com.b", " com.a\n"), ["apps[2] (com.a): stands in apps[0] already, for production as well."]),
    ([*apps("com.a"), {"bundle_id": "com..b"}], ["apps[1].bundle_id: 'com..b' isn't a bundle ID"]),
    (apps("com.a", key="c"), ["apps[0] (com.a): key: 'c' isn't an entry of keys (there are: a, b)."]),
    ([*apps("com.a"), {"bundle_id": "com.b"}], ["apps[1] (com.b): private_key_path: or private_key_content is req"]),
    ([{**apps("com.a")[0], "issuer_id": "x"}], ["apps[0] (com.a): issuer_id: 'x' isn't an Issuer ID"]),
    ([{**apps("com.a")[0], "key_id": "x y"}], ["apps[0] (com.a): key_id: 'x y' isn't a Key ID"]),
    (
        [*apps("com.a", key="c"), *apps("com.b"), {"bundle_id": "com..c"}, {"bundle_id": "com.d"}],
        [
            "3 entries of apps can't be used; nothing was done.",
            "apps[0] (com.a): key",
            "apps[2].bundle_id",
            "apps[3] (com.d)",
        ],
    ),
]


@pytest.mark.parametrize(("entries", "expected"), BAD_LISTS)
def test_bad_lists_are_refused_before_anything_is_done(bulk: Bulk, entries: list[Json], expected: list[str]) -> None:
    done = bulk.both([*entries, *apps(BUNDLE_ID)], bundle_id="com.example.default")
    assert done.results["failed"] and done.message.startswith(expected[0]), done.message
    assert all(text in done.message for text in expected)
    assert bulk.sim.calls()["total"] == 0 and not bulk.ledger.exists()


def test_keys_are_hidden_and_names_are_not(bulk: Bulk) -> None:
    inline = {"studio": {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_content": bulk.sim.pem}}
    own = {"bundle_id": FOREIGN, "key": "studio", "private_key_content": bulk.sim.other_pem.replace("\n", "\\n")}
    outcome = bulk.run([*apps(BUNDLE_ID, key="studio"), own], keys=inline)
    for text in (bulk.sim.pem, bulk.sim.other_pem):
        assert not [line for line in text.splitlines() if line in repr(outcome)]
    assert all(text in repr(outcome) for text in (ISSUER, KEY_ID, BUNDLE_ID, FOREIGN))
    path = bulk.run(apps(TWO), keys={"a": {**bulk.keys["a"], "private_key_path": "/gone/key.p8"}})
    assert "/gone/key.p8" in path.message


def test_the_task_is_the_one_of_the_module() -> None:
    spec = integrations.TASK.argument_spec
    assert spec["apps"]["no_log"] is True and spec["keys"]["no_log"] is True
