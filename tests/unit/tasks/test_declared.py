# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task asked for stands beside what is held; and a list says a long hint once for each app, the key first."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps
from unit_servers import FOREIGN, Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, Outcome, fingerprint_of, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.ledger import LedgerTracker

TWO = "com.example.two"
FIELDS = ("issuer_id", "key_id", "key_fingerprint")
GENERAL = "If the app was never released"
Json = dict[str, t.Any]


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    return Bulk(sim, tmp_path)


def alone(bulk: Bulk, bundle_id: str, check_mode: bool = False, **changes: t.Any) -> Outcome:
    """Run the module for one app."""
    common = {name: value for name, value in bulk.options([]).items() if name not in ("apps", "keys")}
    return run_task(integration.TASK, {**common, **bulk.keys[0], "bundle_id": bundle_id, **changes}, check_mode)


def key(issuer_id: str | None, key_id: str | None, fingerprint: str | None) -> Json:
    return dict(zip(FIELDS, (issuer_id, key_id, fingerprint), strict=True))


def of_held(entry: Json) -> Json:
    """The key that is held, of an entry or an integration."""
    return {name: entry[name] for name in FIELDS}


def test_a_refused_key_stands_beside_the_held_one(bulk: Bulk) -> None:
    bulk.run(apps(BUNDLE_ID, TWO))
    held = key(ISSUER, KEY_ID, fingerprint_of(bulk.sim.pem))
    wrong = {"issuer_id": OTHER_ISSUER, "private_key_path": str(bulk.folder / "foreign.p8")}
    refused = key(OTHER_ISSUER, KEY_ID, fingerprint_of(bulk.sim.other_pem))
    done = bulk.both([*apps(BUNDLE_ID, key="wrong"), *apps(TWO)], keys=[bulk.keys[0], bulk.key("wrong", **wrong)])
    first, second = done.results["integrations"]
    assert (of_held(first), first["declared"], first["outcome"]) == (held, refused, "failed")
    assert (of_held(second), second["declared"], second["outcome"]) == (held, held, "unchanged")
    for check_mode in (True, False):
        results = alone(bulk, BUNDLE_ID, check_mode, **wrong).results
        assert results["failed"] and (of_held(results["integration"]), results["declared"]) == (held, refused)
    missing = bulk.both(apps(FOREIGN)).results["integrations"][0]
    assert (of_held(missing), missing["declared"]) == (key(None, None, None), held)


def test_what_is_not_known_of_a_declared_key_is_null(bulk: Bulk, tmp_path: Path) -> None:
    contradicting = write_key(tmp_path / "SubscriptionKey_OTHER00001.p8", bulk.sim.pem)
    named = tmp_path / "SubscriptionKey_NAMED00001.p8"
    for changes, wanted in (
        ({"private_key_path": str(tmp_path / "none.p8")}, key(ISSUER, KEY_ID, None)),
        ({"private_key_path": str(contradicting)}, key(ISSUER, KEY_ID, None)),
        ({"private_key_path": str(named), "key_id": None}, key(ISSUER, "NAMED00001", None)),
    ):
        for check_mode in (True, False):
            assert alone(bulk, BUNDLE_ID, check_mode, **changes).results["declared"] == wanted
        assert (
            bulk.both(apps(BUNDLE_ID), keys=[bulk.key("a", **changes)]).results["integrations"][0]["declared"] == wanted
        )
    soon = {"private_key_path": str(tmp_path / "none.p8"), "key_predicted": True, "key_id": None}
    planned = alone(bulk, BUNDLE_ID, check_mode=True, **soon)
    assert (planned.results["declared"], planned.message) == (key(ISSUER, None, None), "")


def test_nothing_is_declared_for_what_is_to_go(bulk: Bulk) -> None:
    bulk.run(apps(BUNDLE_ID, TWO))
    wanted = [*apps(BUNDLE_ID), {"bundle_id": FOREIGN, "state": "absent"}]
    done = bulk.both(wanted, purge=True, purge_limit="1")
    assert [(entry["bundle_id"], entry["declared"] is None) for entry in done.results["integrations"]] == [
        (BUNDLE_ID, False),
        (FOREIGN, True),
        (TWO, True),
    ]
    assert alone(bulk, BUNDLE_ID, state="absent").results["declared"] is None


def test_the_key_comes_before_what_is_held(bulk: Bulk) -> None:
    bulk.run(apps(BUNDLE_ID, TWO))
    done = bulk.both(apps(BUNDLE_ID, TWO, FOREIGN), keys=[bulk.key("a", issuer_id=OTHER_ISSUER)])
    changed = f"Changed: issuer_id was {ISSUER} (accepted) and is {OTHER_ISSUER} now."
    inferred = (
        f"Key {KEY_ID} is refused for all 3 apps here. A key that was made just now may need some minutes: run again "
        f"then. If it stays so, most likely the key was revoked, or the Key ID or the Issuer ID {OTHER_ISSUER} is "
        "wrong. Compare them in App Store Connect."
    )
    hints = [entry["credential_check"]["hint"] for entry in done.results["integrations"]]
    # No list of what to compare once the cause is known, and nothing of a first release of apps that were Active.
    assert hints[:2] == [f"{changed} Check this first."] * 2
    assert hints[2] == f"{inferred} {GENERAL}: Apple's production service refuses it until then."
    assert done.message.split("\n") == [
        "3 of 3 apps need attention, 1 of 1 key needs attention.",
        f"key a: unauthenticated: {changed} Check this first. Apps: {BUNDLE_ID}, {TWO}.",
        f"key a: unauthenticated: {inferred} Apps: {FOREIGN}.",
    ]


def test_a_list_says_a_long_hint_once(bulk: Bulk) -> None:
    names = [f"com.example.n{number}" for number in range(30)]
    bulk.world(names)
    done = bulk.both(apps(*names), keys=[bulk.key("a", issuer_id=OTHER_ISSUER)])
    for name, entry in zip(names, done.results["integrations"], strict=True):
        hint = entry["credential_check"]["hint"]
        first, end, _rest = hint.partition(" Compare them in App Store Connect.")
        assert entry["msg"] == f"{name}: the credential check failed: unauthenticated. {first}{end}"
        assert json.dumps(entry).count(GENERAL) == hint.count(GENERAL) == 1
    assert GENERAL not in done.message
    # One app has room for all of it.
    assert "Compare in App Store Connect" in alone(bulk, names[0], issuer_id=OTHER_ISSUER).message


def test_the_advice_for_check_mode_is_in_the_short_message_too(bulk: Bulk) -> None:
    keys = [bulk.key("a", private_key_path=str(bulk.folder / "none.p8"))]
    advised = [
        "set key_predicted" in bulk.run(apps(BUNDLE_ID), mode, keys=keys).results["integrations"][0]["msg"]
        for mode in (True, False)
    ]
    assert advised == [True, False]


def test_a_list_that_cannot_be_had_hides_no_refusal(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: t.Any) -> t.NoReturn:
        raise LedgerError("No list.")

    monkeypatch.setattr(LedgerTracker, "list", broken)
    done = alone(bulk, FOREIGN)
    assert done.results["credential_check"]["cause"] == "unauthenticated" and "unauthenticated" in done.message
