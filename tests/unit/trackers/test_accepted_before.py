# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a tracker shows now: an app that production accepted once was released, and its refusal is a refusal."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from json_tracker_support import PROJECT, Place, store_app
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.decision import Decision
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.integration import (
    Rules,
    Wanted,
    decide_present,
)
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.refusal import known_released
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    Credentials,
    Identity,
    Integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import parse_content
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.writing import carry_out
from ansible_collections.storeops.refunds.plugins.module_utils._trackers import qonversion, revenuecat
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev import DevtodevByBrowser
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_attempt import Attempt
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_page import Shown as PageShows
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_settings import DevtodevSettings
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.last_applied import LastApplied
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.protocol import Times
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat_apps import AppEntry

BUNDLE, AT = "com.example.one", "2026-10-01T00:00:00Z"
Shown = t.Callable[[Integration | None], Integration]


def noted(tracker: str, **fields: t.Any) -> Integration:
    identity = Identity(tracker, "proj1", "production", BUNDLE)
    return Integration(
        identity, **{"issuer_id": "i", "key_id": "K1", "key_fingerprint": "f", "status": "Active", **fields}
    )


NOTES = {
    "applied": {"accepted_at": AT},
    "a save that broke off": {"issuer_id": None, "key_id": None, "key_fingerprint": None, "accepted_at": AT},
}


def at_qonversion(key_id: str | None, has_key: bool | None) -> Shown:
    config = qonversion.Config(BUNDLE, key_id, "i" if key_id else None, has_key, ())
    return lambda row: qonversion._held(Identity("qonversion", "proj1", "production", BUNDLE), config, row)


def at_revenuecat(has_key: bool | None) -> Shown:
    entry = AppEntry("app1", BUNDLE, has_key)
    return lambda row: revenuecat._held(Identity("revenuecat", "proj1", "production", BUNDLE), entry, row)


SHOWN: dict[str, Shown] = {
    "qonversion: as applied": at_qonversion("K1", True),
    "qonversion: another key": at_qonversion("K2", True),
    "qonversion: no key": at_qonversion(None, False),
    "qonversion: not told": at_qonversion(None, None),
    "revenuecat: a key": at_revenuecat(True),
    "revenuecat: no key": at_revenuecat(False),
    "revenuecat: not told": at_revenuecat(None),
}


@pytest.mark.parametrize("note", NOTES)
@pytest.mark.parametrize("name", SHOWN)
def test_that_it_was_released_is_never_forgotten(name: str, note: str) -> None:
    row = noted(name.partition(":")[0], **NOTES[note])
    assert SHOWN[name](row).was_accepted
    # Nor made up.
    assert not SHOWN[name](None).was_accepted


ACCOUNTS: dict[str, dict[str, t.Any]] = {
    "ledger": {},
    "devtodev": {"devtodev": {"project": "p1"}},
    "revenuecat": {},
    "qonversion": {},
}


def place_at(sim: Simulator, folder: Path, tracker: str) -> Place:
    """An account at the tracker, with the app."""
    place = Place(sim, folder, tracker, own={"project_id": PROJECT} if tracker == "revenuecat" else {})
    keys = [{"secret": place.secret}]
    if tracker == "revenuecat":
        project = {"id": PROJECT, "name": "Studio", "apps": [store_app("app1", BUNDLE_ID)]}
        place.world(revenuecat={"projects": [project], "api_keys": keys, "requests_per_minute": 0})
    elif tracker == "qonversion":
        place.world(qonversion={"projects": [{"name": "Studio", "secret_key": place.secret, "apple": {}}]})
    return place


@pytest.mark.parametrize("first", ["required", "skip", "not released yet"])
@pytest.mark.parametrize("tracker", ACCOUNTS)
def test_one_run_in_which_apple_accepts_makes_it_released(
    sim: Simulator, tmp_path: Path, tracker: str, first: str
) -> None:
    place = place_at(sim, tmp_path, tracker)
    sim.announced.setdefault(tracker, "")
    options = place.options(**ACCOUNTS[tracker])
    if tracker == "ledger":
        options["ledger"] = {"url": f"sqlite:///{tmp_path}/ledger.db"}
    if first == "not released yet":
        sim.control("PATCH", f"/apps/{BUNDLE_ID}", {"released": False})
    if first != "required":
        place.run({**options, "credential_check": "skip" if first == "skip" else "required"})
        sim.control("PATCH", f"/apps/{BUNDLE_ID}", {"released": True})
    assert place.run(options).results["credential_check"]["accepted"]
    sim.control("PATCH", f"/apps/{BUNDLE_ID}", {"released": False})
    refused = place.run(options).results
    assert (refused["credential_check"]["cause"], refused.get("failed")) == ("unauthenticated", True)


NOT_RELEASED = Verdict("app_not_released", "A hint.", "production", sandbox_accepts=True)
GOOD = Verdict("accepted", "All is well.", "production", checked_at=AT)


@pytest.mark.parametrize("word", ["Pending", "Checking", "Error", "", "Active"])
@pytest.mark.parametrize("first", [GOOD, NOT_RELEASED], ids=lambda one: one.cause)
def test_nor_does_the_page_of_devtodev_take_it_back(sim: Simulator, tmp_path: Path, word: str, first: Verdict) -> None:
    """The page may go on to say Pending, or an unknown word."""
    ledger = Ledger(find_place(f"sqlite:///{tmp_path}/ledger.db", {}), False, str)
    applied = LastApplied(ledger, lambda: "2026-11-30T00:00:00Z")
    nothing: t.Any = None
    tracker = DevtodevByBrowser(applied, nothing, DevtodevSettings("browser"), Times(1, 1), str, lambda: 60.0)
    identity = Identity("devtodev", "", "production", BUNDLE_ID)
    key = Credentials(ISSUER, KEY_ID, parse_content(sim.pem), "/k/a.p8")
    source = KeySource(ISSUER, KEY_ID, "/k/a.p8", None, "required")
    shown = PageShows(BUNDLE_ID, ISSUER, KEY_ID, word)

    def visit(whose: Identity, _work: t.Any, attempt: Attempt | None = None) -> t.Any:
        if attempt is not None:
            applied.begin(t.cast(Integration, submitted.step.desired))
            attempt.shown = shown
        return None

    tracker.__dict__["_visit"] = visit

    def decided(current: Integration | None, verdict: Verdict) -> Decision:
        wanted = Wanted(identity, source, key, None)
        return decide_present(wanted, current, verdict, Rules(tracker, "required", False, str))

    submitted = decided(None, first)
    carry_out(submitted, tracker)
    if first is NOT_RELEASED:
        shown_then = tracker._merged(identity, shown)
        assert shown_then is not None and not shown_then.was_accepted
        carry_out(decided(shown_then, GOOD), tracker)
    current = tracker._merged(identity, shown)
    assert current is not None and current.accepted_at is not None
    assert known_released(NOT_RELEASED, [current], key).cause == "unauthenticated"
