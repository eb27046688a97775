# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An app that is declared absent, and the place that is asked about it shows another app: is it gone?"""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest
from rotation_support import NEW, OLD, ONE, TWO, Publisher
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, PACKAGE, Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    find_integration,
    put_integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import (
    integration_info,
    integrations,
)
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_page import Shown
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.qonversion import Config

OTHER_APP = "com.example.two"
SESSION = '[{"name": "sid", "value": "made-up-cookie-value", "domain": "devtodev.invalid"}]'
URL = "https://devtodev.invalid/form"
ACCOUNTS: dict[str, dict[str, t.Any]] = {
    "qonversion": {"api_key": "sk_made_up"},
    "devtodev": {"mode": "browser", "url": URL, "session": SESSION},
}
PLACES: dict[str, str | None] = {"own": BUNDLE_ID, "foreign": OTHER_APP, "empty": None}


@pytest.fixture
def ledger(tmp_path: Path) -> t.Iterator[Ledger]:
    """A ledger that was there before."""
    made = Ledger(find_place(f"sqlite:///{tmp_path}/ledger.db", {}), False, lambda _text: None)
    kept = Identity("ledger", "", "production", "com.example.three")
    put_integration(made, Integration(kept, ISSUER, "OTHERKEY01", "f2", "Active"), "2026-01-01T00:00:00Z")
    with contextlib.closing(made):
        yield made


def show(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Let both trackers show what lies at a place."""
    there = PLACES[place]
    issuer_id, key_id = (ISSUER, KEY_ID if place == "own" else "OTHERKEY02") if there else (None, None)
    config = Config(there, key_id, issuer_id, bool(there), (None,) * 5)
    monkeypatch.setattr(f"{PACKAGE}._trackers.qonversion.Project.read", lambda _self: config)
    shown = Shown(there, issuer_id, key_id, "Active" if there else "")
    monkeypatch.setattr(f"{PACKAGE}._trackers.devtodev.DevtodevByBrowser._visit", lambda *_given: shown)
    monkeypatch.setattr(f"{PACKAGE}._tasks.shared.devtodev.Browsers.tab", lambda *_given: None)


def declare_absent(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, tracker: str, place: str, check_mode: bool, **account: t.Any
) -> Outcome:
    """Declare an app absent, and its key."""
    show(monkeypatch, place)
    app = {"bundle_id": BUNDLE_ID, "trackers": [tracker], tracker: ACCOUNTS[tracker] | account, "state": "absent"}
    key = {"key": "old", "issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": "/none/o.p8", "state": "absent"}
    options = {"keys": [key], "apps": [app], "ledger": {"url": f"sqlite:///{ledger.place.path}"}}
    return run_task(integrations.TASK, options, check_mode)


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("is_noted", [True, False])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("tracker", ACCOUNTS)
def test_only_the_own_place_tells_that_it_is_gone(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, tracker: str, place: str, is_noted: bool, check_mode: bool
) -> None:
    identity = Identity(tracker, "", "production", BUNDLE_ID)
    if is_noted:
        put_integration(ledger, Integration(identity, ISSUER, KEY_ID, "f1", "Active"), "2026-01-01T00:00:00Z")
    done = declare_absent(monkeypatch, ledger, tracker, place, check_mode)
    assert "integrations" in done.results, done
    (entry,) = done.results["integrations"]
    is_doubtful = place == "foreign" and is_noted
    assert bool(done.results.get("failed")) is is_doubtful, done.message
    assert ("so nobody knows whether" in entry["msg"]) is is_doubtful and (OTHER_APP in entry["msg"]) is is_doubtful
    is_held = place == "own"
    assert (entry["status"] == "Absent") is not (is_doubtful or is_held)
    assert not is_doubtful or entry["status"] == "Unknown"
    keeps_row = is_noted and (check_mode or place != "empty")
    assert (find_integration(ledger, identity) is not None) is keeps_row
    assert done.results["removable_keys"] == ([] if is_doubtful or is_held else ["old"])


def test_a_project_that_is_to_change_its_app_has_lost_the_one_of_before(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    identity = Identity("qonversion", "", "production", BUNDLE_ID)
    put_integration(ledger, Integration(identity, ISSUER, KEY_ID, "f1", "Active"), "2026-01-01T00:00:00Z")
    refused = declare_absent(monkeypatch, ledger, "qonversion", "foreign", False)
    assert "qonversion.replace_bundle: true" in refused.results["integrations"][0]["msg"]
    done = declare_absent(monkeypatch, ledger, "qonversion", "foreign", False, replace_bundle=True)
    assert not done.results.get("failed") and done.results["removable_keys"] == ["old"]
    assert find_integration(ledger, identity) is None


@pytest.mark.parametrize("is_noted", [True, False])
@pytest.mark.parametrize("place", ["foreign", "empty"])
@pytest.mark.parametrize("tracker", ACCOUNTS)
def test_who_asks_for_one_app_is_told_that_nobody_knows(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, tracker: str, place: str, is_noted: bool
) -> None:
    if is_noted:
        identity = Identity(tracker, "", "production", BUNDLE_ID)
        put_integration(ledger, Integration(identity, ISSUER, KEY_ID, "f1", "Active"), "2026-01-01T00:00:00Z")
    show(monkeypatch, place)
    options = {"bundle_id": BUNDLE_ID, "tracker": tracker, tracker: ACCOUNTS[tracker], "credential_check": "skip"}
    done = run_task(integration_info.TASK, {**options, "ledger": {"url": f"sqlite:///{ledger.place.path}"}})
    (entry,) = done.results["integrations"]
    is_doubtful = place == "foreign" and is_noted
    assert entry["status"] == ("Unknown" if is_doubtful else "Absent")
    assert ("so nobody knows whether" in " ".join(done.warnings)) is is_doubtful, done.warnings


@pytest.mark.parametrize("tracker", ACCOUNTS)
def test_a_key_that_may_still_be_there_is_not_revoked(
    monkeypatch: pytest.MonkeyPatch, sim: Simulator, tmp_path: Path, tracker: str
) -> None:
    """The place is that of another app, and the ledger knows of the old key there."""
    publisher = Publisher(sim, tmp_path)
    assert publisher.site(publisher.declared(ONE, TWO)).results["changed"]
    identity = Identity(tracker, "", "production", ONE)
    with contextlib.closing(Ledger(find_place(f"sqlite:///{tmp_path}/ledger.db", {}), False, lambda _text: None)) as it:
        put_integration(it, Integration(identity, ISSUER, OLD, "f1", "Active"), "2026-01-01T00:00:00Z")
    show(monkeypatch, "foreign")
    app = {"bundle_id": ONE, "trackers": ["ledger", tracker], tracker: ACCOUNTS[tracker]}
    done = publisher.rotate(publisher.declared(app, TWO), revoke=True)
    assert done.results["failed"] and f"{ONE} at {tracker}" in done.message, done.message
    told = f"Could not be read: devtodev: {ONE}: devtodev's page tracks '{OTHER_APP}', so nobody knows whether"
    assert (told in done.message) is (tracker == "devtodev"), done.message
    assert publisher.active() == {OLD, NEW} and "irreversible" not in done.results
