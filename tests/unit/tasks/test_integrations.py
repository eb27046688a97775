# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of apps in one task: what comes of each, and of all together."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps, causes, outcomes, predicted
from unit_servers import FOREIGN, UNRELEASED, Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, fingerprint_of, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._apple.hints import NEW_KEY
from ansible_collections.storeops.refunds.plugins.module_utils._declared_spec import KEY_ENTRY
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
    new_path = str(write_key(bulk.folder / "rotated.p8", bulk.sim.other_pem))
    rotated = bulk.key("rotated", key_id="ROTATED001", private_key_path=new_path)
    entries = [wanted[0], *apps(BUNDLE_ID, key="rotated"), {"bundle_id": FOREIGN, "state": "absent"}]
    changed = bulk.both(entries, keys=[*bulk.keys, rotated])
    assert changed.results["summary"] == "3 apps: 1 changed, 1 removed, 1 unchanged."
    assert [one["key"] for one in changed.results["integrations"]] == ["a", "rotated", None]
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
    damaged = str(write_key(tmp_path / "damaged.p8", bulk.sim.pem[:99]))
    copy = str(write_key(tmp_path / "copy.p8", bulk.sim.pem))
    keys = [
        bulk.keys[0],
        bulk.key("other", issuer_id=OTHER_ISSUER, private_key_path=copy),
        bulk.key("damaged", private_key_path=damaged),
    ]
    entries = [
        *apps(BUNDLE_ID, UNRELEASED, FOREIGN, "com.example.One"),
        *apps(TWO, key="other"),
        *apps("com.example.six", key="damaged"),
        {"bundle_id": "com.example.seven", "state": "absent"},
    ]
    options = {one["key"]: {name: value for name, value in one.items() if name != "key"} for one in keys}
    for check_mode in (True, False):
        whole = bulk.run(entries, check_mode, keys=keys)
        for entry, item in zip(entries, whole.results["integrations"], strict=True):
            bulk.start_over()
            bulk.sim.control("GET", "/calls")
            single = bulk.options([])
            for name in ("apps", "keys"):
                del single[name]
            own = {name: value for name, value in entry.items() if name != "key"}
            key = options[entry.get("key", "a")]
            alone = run_task(integration.TASK, {**single, **key, **own}, check_mode)
            assert alone.results["integration"].items() <= item.items()
            assert alone.results["credential_check"]["cause"] == item["credential_check"]["cause"]
            assert bool(alone.results.get("failed")) == (item["outcome"] == "failed")
            assert alone.results["changed"] == (item["outcome"] == "changed")
            assert alone.results["declared"] == item["declared"]
            if item["credential_check"]["cause"] != "unauthenticated":
                assert alone.message.startswith(item["msg"].partition(" (In check mode")[0])
        bulk.start_over()


def test_one_broken_app_stops_no_other(bulk: Bulk, tmp_path: Path) -> None:
    keys = [bulk.keys[0], bulk.key("none", private_key_path=str(tmp_path / "none.p8"))]
    broken = apps("com.example.broken", key="none")
    done = bulk.run([*broken, *apps(BUNDLE_ID, FOREIGN, UNRELEASED)], keys=keys)
    assert outcomes(done) == [
        ("com.example.broken", "unchanged", "failed"),
        (BUNDLE_ID, "create", "changed"),
        (FOREIGN, "unchanged", "failed"),
        (UNRELEASED, "create", "changed"),
    ]
    assert done.results["failed"] and done.results["changed"] and bulk.held() == [BUNDLE_ID, UNRELEASED]
    assert list(done.results["diff"]["after"]) == [BUNDLE_ID, UNRELEASED]
    headline, *lines = done.message.split("\n")
    assert headline == "2 of 4 apps need attention, 1 of 2 keys needs attention."
    assert done.results["summary"] == (
        "4 apps: 2 need attention, 2 changed (of these not Active: com.example.unreleased)."
    )
    assert len(lines) == 2
    assert lines[0].startswith(f"key none: key_unreadable: {tmp_path}/none.p8 does not exist")
    assert lines[1].startswith(f"{FOREIGN}: unauthenticated: Key {KEY_ID} works for 2 of 3 apps here, ")
    assert done.results["integrations"][2]["msg"].startswith(f"{FOREIGN}: the credential check failed: unauthenticated")
    assert len([text for text in done.warnings if UNRELEASED in text]) == 1
    write_key(tmp_path / "none.p8", bulk.sim.pem)
    again = bulk.run([*broken, *apps(BUNDLE_ID, TWO)], keys=keys)
    assert outcomes(again)[1:] == [(BUNDLE_ID, "unchanged", "unchanged"), (TWO, "create", "changed")]


def test_what_one_app_tells_of_its_key_is_told_of_its_neighbors(bulk: Bulk) -> None:
    bulk.run(apps(BUNDLE_ID))
    bulk.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    for listed in (apps(BUNDLE_ID, TWO), apps(TWO, BUNDLE_ID)):
        done = bulk.both(listed)
        for entry in done.results["integrations"]:
            hint = entry["credential_check"]["hint"]
            assert "Most likely the key was revoked" in hint and "Key ID or the Issuer ID" not in hint, hint


@pytest.mark.parametrize("count", [1, 2])
def test_of_a_key_that_apple_does_not_know_yet_it_is_said_to_run_again(bulk: Bulk, count: int) -> None:
    world = bulk.sim.control("GET", "/world")
    (new,) = [one for team in world["teams"] for one in team["iap_keys"] if one["key_id"] == KEY_ID]
    new["created_at"] = time.time()
    bulk.sim.control("PUT", "/world", {**world, "key_propagation_s": 86_400})
    done = bulk.both(apps(*(BUNDLE_ID, TWO)[:count]))
    assert all(NEW_KEY in entry["credential_check"]["hint"] for entry in done.results["integrations"])
    assert count == 1 or done.message.index(NEW_KEY) < done.message.index("revoked")
    bulk.sim.control("PUT", "/world", {**world, "key_propagation_s": 0})
    assert not bulk.both(apps(*(BUNDLE_ID, TWO)[:count])).results.get("failed")


def test_the_key_or_the_app(bulk: Bulk) -> None:
    bulk.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    done = bulk.both(apps(BUNDLE_ID, TWO))
    hints = [entry["credential_check"]["hint"] for entry in done.results["integrations"]]
    assert all(f"Key {KEY_ID} is refused for both apps here" in hint for hint in hints)
    headline, line = done.message.split("\n")
    assert headline == "2 of 2 apps need attention, 1 of 2 keys needs attention.", "a revoked key is a key in trouble"
    assert line.startswith(f"key a: unauthenticated: Key {KEY_ID} is refused for both apps here. {NEW_KEY} If it")
    assert line.endswith(f" is wrong. Compare them in App Store Connect. Apps: {BUNDLE_ID}, {TWO}.")


def test_what_is_held_sharpens_a_refusal(bulk: Bulk) -> None:
    bulk.run(apps(BUNDLE_ID, TWO))
    wrong = bulk.key("wrong", private_key_path=str(bulk.folder / "foreign.p8"))
    done = bulk.both([*apps(BUNDLE_ID, key="wrong"), *apps("com.example.TWO")], keys=[bulk.keys[0], wrong])
    hints = [entry["credential_check"]["hint"] for entry in done.results["integrations"]]
    mine, foreign = (fingerprint_of(pem)[:12] for pem in (bulk.sim.pem, bulk.sim.other_pem))
    changed = f"Changed: the private key's fingerprint was {mine}… (accepted) and is {foreign}… now. Check this first."
    assert hints[0].startswith(
        f"{changed} Apple accepts the declared key 'a' for this app, and refuses key {KEY_ID}, with which it is "
        f"declared. Both are keys of one team, so {KEY_ID} is revoked, or its Key ID is wrong, or it was made just now."
    )
    assert hints[1].startswith(f"Held in the ledger with other capitals: {TWO}. ")
    assert [entry["status"] for entry in done.results["integrations"]] == ["Active", "Absent"]
    # A wrong capital is no reason to remove the right integration.
    assert f"with other capitals than declared: {TWO} (declared: com.example.TWO). " in done.message
    assert "state: absent" not in done.message + done.results["summary"]
    alone = bulk.both(apps(BUNDLE_ID, key="wrong"), keys=[wrong]).results["integrations"][0]
    assert alone["credential_check"]["hint"].startswith(
        f"Changed: the private key's fingerprint was {mine}… (accepted) and is {foreign}… now. Check this first."
    )


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
    keys = [bulk.keys[0], bulk.key("none", private_key_path=str(bulk.folder / "none.p8"))]
    done = bulk.both([*apps(*names), *apps("com.example.keyless", key="none")], keys=keys)
    headline, *lines = done.message.split("\n")
    assert headline == "14 of 14 apps need attention, 2 of 2 keys need attention."
    assert lines[0].startswith("key a: unauthenticated: ")
    assert lines[0].endswith(f" Apps: {', '.join(names[:5])} and 8 more.")
    assert lines[1].startswith("key none: key_unreadable: ") and lines[1].endswith(" Apps: com.example.keyless.")
    assert len(lines) == 2


def test_many_causes(bulk: Bulk) -> None:
    keys = [bulk.key(f"n{number}", private_key_path=str(bulk.folder / f"none{number}")) for number in range(23)]
    wanted = [{**key, "apps": [f"com.example.{key['key']}"]} for key in keys]
    done = bulk.both([], keys=wanted)
    lines = done.message.split("\n")
    assert lines[0] == "23 of 23 apps need attention, 23 of 23 keys need attention."
    assert len(lines) == 1 + 20 + 1 and lines[-1] == "And 3 more causes: see integrations."


def test_order_is_that_of_the_list_and_a_predicted_key_is_planned(bulk: Bulk) -> None:
    names = [f"com.example.n{number}" for number in range(40)]
    bulk.world(names)
    bulk.sim.fault(kind="delay", seconds=0.3, times=5)
    done = bulk.run(apps(*reversed(names)))
    assert [entry["bundle_id"] for entry in done.results["integrations"]] == list(reversed(names))
    soon = [bulk.key("a", private_key_path="/none/key.p8")]
    bulk.start_over()
    planned = bulk.run(apps(BUNDLE_ID), check_mode=True, keys=soon, iap_keys=predicted("a"))
    assert causes(planned) == ["key_not_yet_created"] and outcomes(planned) == [(BUNDLE_ID, "create", "changed")]


def test_an_empty_list(bulk: Bulk) -> None:
    done = bulk.both([])
    assert (done.results["integrations"], done.results["changed"]) == ([], False)


BAD_LISTS: list[tuple[list[t.Any], list[str]]] = [
    (apps("com.a", "com.b", " com.a\n"), ["apps[2] (com.a): stands in apps[0] (com.a) already, for production as"]),
    (
        [*apps("com.a"), "com..b"],
        ["2 entries of", "apps[1]: bundle_id: 'com..b' isn't a bundle ID", "apps[1]: has no key"],
    ),
    (apps("com.a", key="c"), ["apps[0] (com.a): key: 'c' isn't an entry of keys (there are: a, b)."]),
    ([*apps("com.a"), "com.b"], ["2 entries of keys and apps", "apps[1] (com.b): has no key (declared keys: a, b)."]),
    (apps("com.a", app_apple_id=0), ["apps[0] (com.a): app_apple_id: 0 isn't an Apple ID"]),
    (apps("com.a", issuer_id="x"), ["apps[0] (com.a): unknown field issuer_id (known: bundle_id, key, "]),
    (
        [*apps("com.a", key="c"), *apps("com.b"), *apps("com..c"), {"bundle_id": "com.d"}],
        [
            "4 entries of keys and apps can't be used; nothing was done.",
            "apps[0] (com.a): key",
            "apps[2]",
            "apps[3] (com.d",
        ],
    ),
]


@pytest.mark.parametrize(("entries", "expected"), BAD_LISTS)
def test_bad_lists_are_refused_before_anything_is_done(bulk: Bulk, entries: list[t.Any], expected: list[str]) -> None:
    done = bulk.both([*entries, BUNDLE_ID], bundle_id="com.example.default")
    assert done.results["failed"] and all(text in done.message for text in expected), done.message
    assert bulk.sim.calls()["total"] == 0 and not bulk.ledger.exists()


def test_keys_are_hidden_and_names_are_not(bulk: Bulk) -> None:
    inline = {"private_key_path": None, "private_key_content": bulk.sim.pem}
    other = {**inline, "private_key_content": bulk.sim.other_pem.replace("\n", "\\n")}
    keys = [bulk.key("studio", **inline), bulk.key("other", **other)]
    outcome = bulk.run([*apps(BUNDLE_ID, key="studio"), *apps(FOREIGN, key="other")], keys=keys)
    for text in (bulk.sim.pem, bulk.sim.other_pem):
        assert not [line for line in text.splitlines() if line in repr(outcome)]
    assert all(text in repr(outcome) for text in (ISSUER, KEY_ID, BUNDLE_ID, FOREIGN))
    path = bulk.run(apps(TWO), keys=[bulk.key("a", private_key_path="/gone/key.p8")])
    assert "/gone/key.p8" in path.message


def test_only_what_is_secret_is_marked_as_such() -> None:
    """From ansible-core 2.22 on, every text below a marked option is redacted in the whole run."""
    spec = integrations.TASK.argument_spec
    assert spec["apps"].get("no_log") in (None, False) and spec["keys"]["no_log"] is False
    assert [name for name, option in KEY_ENTRY.items() if option.get("no_log")] == ["private_key_content"]
