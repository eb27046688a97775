# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task opens each tracker once, and trackers share what costs time: listings, readings, browsers, sessions."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._context import Context
from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, HttpSettings, Reply, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared import devtodev
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared.trackers import Trackers
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev import DevtodevByBrowser
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.protocol import Times
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.settings import parse

COOKIE = {"name": "sid", "value": "made-up-cookie-value", "domain": "devtodev.invalid", "path": "/"}
SESSION = json.dumps({"cookies": [COOKIE], "origins": []})
NAMES = [f"com.example.n{number}" for number in range(40)]


class Answers(Transport):
    """Answers every call alike."""

    def __init__(self, document: t.Any) -> None:
        super().__init__(HttpSettings())
        self.document = document
        self.asked: list[str] = []

    def send(self, call: Call) -> Reply:
        """Answer."""
        self.asked.append(call.url)
        return Reply(200, {"content-type": "application/json"}, json.dumps(self.document).encode())


def trackers(folder: Path, transport: Transport) -> Trackers:
    """Make what a task has."""
    context = Context(False, {}, lambda: 0.0, lambda _text: None, transport)
    place = find_place(f"sqlite:///{folder}/ledger.db", {})
    return Trackers(context, Ledger(place, True, context.warn), Times(1.0, 1.0))


def test_one_listing_for_a_project_whatever_its_apps_are_given(tmp_path: Path) -> None:
    entries = [
        {"id": name, "type": "app_store", "app_store": {"bundle_id": name, "subscription_key_configured": True}}
        for name in NAMES
    ]
    transport = Answers({"items": entries})
    account = {"api_key": "sk_made_up", "project_id": "proj1"}
    with trackers(tmp_path, transport) as opened:
        for name in NAMES:
            tracker = opened.open(parse("revenuecat", {**account, "create_app": True, "app_name": name}))
            held = tracker.find(Identity("revenuecat", "proj1", "production", name))
            assert held is not None and held.status == "Unknown"
        assert len(transport.asked) == 1
        other = opened.open(parse("revenuecat", {**account, "project_id": "proj2"}))
        assert len(other.list("production")) == len(NAMES) and len(transport.asked) == 2


def test_one_reading_of_a_qonversion_project(tmp_path: Path) -> None:
    transport = Answers({"bundle_id": NAMES[0], "has_iap_private_key": False})
    with trackers(tmp_path, transport) as opened:
        for takes_over in (True, False):
            tracker = opened.open(parse("qonversion", {"api_key": "sk_made_up", "replace_bundle": takes_over}))
            assert tracker.list("production")[0].status == "Absent"
    assert len(transport.asked) == 1


def test_equal_settings_share_a_tracker(tmp_path: Path) -> None:
    with trackers(tmp_path, Answers({})) as opened:
        first = opened.open(parse("devtodev", {"project": "p1"}))
        assert opened.open(parse("devtodev", {"project": "p1"})) is first
        assert opened.open(parse("devtodev", {"project": "p2"})) is not first
        assert opened.open(parse("ledger", {})) is opened.open(parse("ledger", {}))


def test_one_browser_and_one_session_for_all_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devtodev, "require_playwright", lambda: None)
    options = {"session": SESSION, "url": "https://devtodev.invalid/{project}"}
    with trackers(tmp_path, Answers({})) as opened:
        tabs = []
        for name in NAMES:
            tracker = opened.open(parse("devtodev", {**options, "project": name}))
            assert isinstance(tracker, DevtodevByBrowser) and tracker.project == name
            tabs.append(tracker.tab)
        assert len({id(tab.browser) for tab in tabs}) == 1 and len({tab.visitor for tab in tabs}) == 1


def test_a_session_of_another_place_is_refused_when_a_file_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devtodev, "require_playwright", lambda: None)
    path = tmp_path / "session.json"
    path.write_text(SESSION)
    path.chmod(0o600)
    settings = parse("devtodev", {"session_path": str(path), "url": "https://elsewhere.invalid/"})
    with trackers(tmp_path, Answers({})) as opened, pytest.raises(InputError, match=r"nothing for elsewhere\.invalid"):
        opened.open(settings)
