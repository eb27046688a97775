# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a list leaves out is removed when asked: of the same teams and environment only, and not too much at once."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps, outcomes
from unit_servers import FOREIGN, Simulator
from unit_support import BUNDLE_ID, ISSUER, OTHER_ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.irreversible import Gate
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._trackers import ledger

TWO = "com.example.two"
NAMES = [f"com.example.n{number:02}" for number in range(20)]


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    """Twenty apps of one team in the ledger, one of another team, and one of the sandbox."""
    made = Bulk(sim, tmp_path)
    made.run(apps(FOREIGN, key="b"))
    made.run(apps(NAMES[0], environment="sandbox"), credential_check="skip")
    made.world(NAMES)
    made.run(apps(*NAMES))
    assert made.held() == [FOREIGN, *NAMES]
    return made


def mine(bulk: Bulk) -> list[dict[str, t.Any]]:
    """Give the key of the first team alone."""
    return bulk.keys[:1]


def test_what_is_not_listed_goes_after_the_listed_apps(bulk: Bulk) -> None:
    done = bulk.both(apps(*NAMES[2:]), keys=mine(bulk), purge=True)
    assert outcomes(done)[-2:] == [(NAMES[0], "delete", "changed"), (NAMES[1], "delete", "changed")]
    assert [entry["bundle_id"] for entry in done.results["integrations"]] == [*NAMES[2:], *NAMES[:2]]
    assert list(done.results["diff"]["after"]) == NAMES[:2] and done.results["diff"]["after"][NAMES[0]] == {}
    assert done.results["integrations"][-1]["status"] == "Absent"
    assert bulk.held() == [FOREIGN, *NAMES[2:]], "the other team's app stays"
    assert bulk.held(environment="sandbox") == [NAMES[0]], "the other environment stays"
    # What is left and not declared is named, as it is without a purge.
    assert [(one["bundle_id"], one["environment"]) for one in done.results["undeclared"]] == [(NAMES[0], "sandbox")]
    assert f"Held in the ledger and not declared: {NAMES[0]} (sandbox)." in done.results["summary"]
    assert not bulk.both(apps(*NAMES[2:]), keys=mine(bulk), purge=True).results["changed"]


def test_what_goes_is_recorded_with_its_proof_and_what_came_of_it(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    record = {
        "step": "purge",
        "target": ", ".join(NAMES[:2]),
        "asked_by": "purge: true",
        "proven": f"of the 20 production integrations of team {ISSUER}, 2 aren't listed",
        "answer": "the ledger's list",
    }
    options: dict[str, t.Any] = {"keys": mine(bulk), "purge": True}
    for check_mode, outcome in ((True, "would be done"), (False, "done")):
        done = bulk.run(apps(*NAMES[2:]), check_mode=check_mode, **options)
        (found,) = done.results["irreversible"]
        assert found | record == found and found["outcome"] == outcome and found["proven_at"]
    assert "irreversible" not in bulk.run(apps(*NAMES[2:]), **options).results

    def broken(*_given: object) -> None:
        raise LedgerError("The disk is full.")

    monkeypatch.setattr(ledger, "remove_integrations", broken)
    failed = bulk.run(apps(*NAMES[3:]), **options)
    assert "The disk is full." in failed.message and failed.results["irreversible"][0]["outcome"] == "not done"
    assert NAMES[2] in bulk.held()


def test_nothing_goes_without_the_permit(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gate, "ask", lambda *_given: None)
    bulk.run(apps(*NAMES[2:]), keys=mine(bulk), purge=True)
    assert bulk.held() == [FOREIGN, *NAMES]


def test_nothing_goes_unasked(bulk: Bulk) -> None:
    assert len(bulk.both(apps(NAMES[0])).results["integrations"]) == 1
    assert bulk.held() == [FOREIGN, *NAMES]


@pytest.mark.parametrize("where", ["issuer_id", "keys", "apps"])
def test_the_teams_are_those_of_the_listed_apps(bulk: Bulk, where: str) -> None:
    named: dict[str, t.Any] = {"keys": mine(bulk), "credential_check": "advisory"}
    other = {"bundle_id": TWO, "key": "other"}
    if where == "issuer_id":
        named["issuer_id"] = f" {OTHER_ISSUER.upper()}"
        other = {"bundle_id": TWO, "state": "absent"}
    elif where == "keys":
        named["keys"] = bulk.keys
        other = {"bundle_id": TWO, "key": "b"}
    else:
        named["keys"] = [*mine(bulk), bulk.key("other", issuer_id=OTHER_ISSUER)]
    done = bulk.both([*apps(*NAMES), other], purge=True, **named)
    assert outcomes(done)[-1] == (FOREIGN, "delete", "changed")
    assert FOREIGN not in bulk.held()


def test_a_key_that_no_app_uses_names_no_team(bulk: Bulk) -> None:
    done = bulk.both(apps(*NAMES[1:]), keys=bulk.keys, purge=True)
    assert outcomes(done)[-1] == (NAMES[0], "delete", "changed")
    assert bulk.held() == [FOREIGN, *NAMES[1:]]


def test_the_limit_is_each_teams_own(bulk: Bulk) -> None:
    others = [f"com.other.n{number}" for number in range(4)]
    bulk.run(apps(*others, key="b"), credential_check="skip")
    left = [*apps(*NAMES), *apps(FOREIGN, *others[:2], key="b")]
    done = bulk.both(left, keys=bulk.keys, purge=True, credential_check="skip")
    expected = (
        f"purge_limit: 2 of the 5 integrations held of Issuer ID {OTHER_ISSUER} are not listed, and at most 1 may"
    )
    assert done.message.startswith(expected), "a tenth of 25 would be 2"
    assert len(bulk.held()) == 25
    assert not bulk.both([*left, *apps(others[2], key="b")], purge=True, credential_check="skip").message


def test_an_app_that_fails_is_listed_all_the_same(bulk: Bulk) -> None:
    keys = [*mine(bulk), bulk.key("none", private_key_path="/none/key.p8")]
    done = bulk.both([*apps(NAMES[0], key="none"), *apps(*NAMES[1:19])], keys=keys, purge=True)
    assert outcomes(done)[0] == (NAMES[0], "unchanged", "failed")
    assert outcomes(done)[-1] == (NAMES[19], "delete", "changed")
    assert bulk.held() == [FOREIGN, *NAMES[:19]]


@pytest.mark.parametrize(
    ("limit", "listed", "allowed"),
    [
        (None, 18, True),
        (None, 17, False),
        ("10 %", 18, True),
        ("10%", 17, False),
        ("1%", 19, True),
        ("1%", 18, False),
        (3, 17, True),
        ("3", 16, False),
        ("0", 19, False),
        ("100%", 1, True),
    ],
)
def test_the_limit(bulk: Bulk, limit: str | int | None, listed: int, allowed: bool) -> None:
    more = {} if limit is None else {"purge_limit": limit}
    before = bulk.sim.calls()["total"]
    done = bulk.both(apps(*NAMES[:listed]), keys=mine(bulk), purge=True, **more)
    if allowed:
        assert not done.message and bulk.held() == [FOREIGN, *NAMES[:listed]]
        return
    left_out = NAMES[listed : listed + 10]
    assert done.message.startswith(f"purge_limit: {20 - listed} of the 20 integrations held of Issuer ID {ISSUER} are ")
    assert ", ".join(left_out) in done.message and "Nothing was done." in done.message
    assert bulk.held() == [FOREIGN, *NAMES] and bulk.sim.calls()["total"] == before


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tracker": "devtodev"}, "purge: works with tracker: ledger only, not with devtodev."),
        ({"purge_limit": "few"}, "purge_limit: 'few' is neither a number of integrations nor a share such as 10%."),
        ({"purge_limit": "101%"}, "purge_limit: '101%' is neither"),
        ({"purge_limit": "-1"}, "purge_limit: '-1' is neither"),
        ({"issuer_id": "x"}, "issuer_id: 'x' isn't an Issuer ID"),
        (
            {"keys": [], "apps": [{"bundle_id": NAMES[0], "state": "absent"}]},
            "purge: removes integrations of the Issuer IDs that the task names, and it names none.",
        ),
        ({"apps": []}, "purge: apps lists no production app, so purge would remove every one that is held."),
        ({"apps": [], "issuer_id": ISSUER}, f"purge: apps lists no production app of Issuer ID {ISSUER}, so"),
        ({"issuer_id": OTHER_ISSUER}, f"purge: apps lists no production app of Issuer ID {OTHER_ISSUER}, so"),
        (
            {"apps": apps(*NAMES, environment="sandbox")},
            f"purge: apps lists no production app of Issuer ID {ISSUER}, so purge would remove every one",
        ),
        (
            {"apps": [*apps(*NAMES), *apps(TWO, key="b", environment="sandbox")], "keys": "all"},
            f"purge: apps lists no production app of Issuer ID {OTHER_ISSUER}, so",
        ),
        ({"keys": ["oops"]}, "21 entries of keys and apps can't be used; nothing was done. keys[0]: isn't a mapping."),
        (
            {"apps": [*apps(*NAMES), *apps("com..b")], "on_faulty_app": "report"},
            "apps[20]: bundle_id: 'com..b' isn't a",
        ),
        ({"apps": apps(*NAMES), "keys": "faulty"}, "keys[1] (b): issuer_id: 'x' isn't an Issuer ID"),
    ],
)
def test_bad_purges(bulk: Bulk, options: dict[str, t.Any], expected: str) -> None:
    keys = {"all": bulk.keys, "faulty": [*mine(bulk), bulk.key("b", issuer_id="x")]}
    given = {"keys": mine(bulk), "purge": True, "purge_limit": "100%", **options}
    given["keys"] = keys.get(str(given["keys"]), given["keys"])
    done = bulk.both(given.pop("apps", apps(*NAMES)), **given)
    assert done.message.startswith(expected) and bulk.held() == [FOREIGN, *NAMES]


def test_apps_listed_as_absent_do_not_count_for_the_limit(bulk: Bulk) -> None:
    gone = [{"bundle_id": name, "state": "absent"} for name in NAMES[:9]]
    done = bulk.both([*gone, *apps(*NAMES[9:19])], keys=mine(bulk), purge=True, issuer_id=ISSUER)
    assert not done.message and bulk.held() == [FOREIGN, *NAMES[9:19]]


def test_names_of_the_list_are_not_the_ledgers(bulk: Bulk) -> None:
    """A bundle ID with other capitals is another app."""
    done = bulk.both([*apps(*NAMES[1:]), *apps(NAMES[0].upper())], keys=mine(bulk), purge=True)
    assert outcomes(done)[-1] == (NAMES[0], "delete", "changed")
    assert BUNDLE_ID not in done.message
