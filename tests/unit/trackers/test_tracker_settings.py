# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tracker's options become frozen settings, and every fault in them is told at once, by its path."""

from __future__ import annotations

import importlib
import json
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._tracker_spec import TRACKERS
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_settings import DevtodevSettings
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.options import SettingsError
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.page_words import Words
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.qonversion_settings import QonversionSettings
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat_settings import RevenueCatSettings
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.settings import (
    Settings,
    parse,
    require_environment,
)

PACKAGE = "ansible_collections.storeops.refunds.plugins.module_utils._trackers"

COOKIE = {"name": "sid", "value": "made-up-cookie-value", "domain": "devtodev.invalid", "path": "/"}
SESSION = json.dumps({"cookies": [COOKIE], "origins": []})
PAGE = "https://devtodev.invalid/{project}/{bundle_id}"
SOUND: dict[str, dict[str, t.Any]] = {
    "ledger": {},
    "revenuecat": {"api_key": "sk_made_up", "project_id": "proj1"},
    "qonversion": {"api_key": "sk_made_up", "project": "studio"},
    "devtodev": {"session": SESSION, "project": "p1", "url": PAGE, "page": {"submit": {"name": "Go"}}},
}


@pytest.mark.parametrize("tracker", TRACKERS)
def test_equal_options_are_equal_settings(tracker: str) -> None:
    """One tracker serves all of them."""
    first, second = parse(tracker, SOUND[tracker]), parse(tracker, dict(SOUND[tracker]))
    assert first == second and hash(first) == hash(second) and first.tracker == tracker
    assert "made-up-cookie-value" not in repr(first) and "sk_made_up" not in repr(first)
    if tracker != "ledger":
        assert parse(tracker, other_of(tracker)) != first


def other_of(tracker: str) -> dict[str, t.Any]:
    """Change what names the project."""
    return SOUND[tracker] | {"project_id" if tracker == "revenuecat" else "project": "other"}


FULL: list[tuple[str, dict[str, t.Any], Settings]] = [
    ("revenuecat", SOUND["revenuecat"], RevenueCatSettings(Secret("sk_made_up"), "proj1")),
    (
        "revenuecat",
        SOUND["revenuecat"]
        | {"url": "http://127.0.0.1:8765/rc", "create_app": True, "app_name": " My app ", "on_unknown": "fail"},
        RevenueCatSettings(Secret("sk_made_up"), "proj1", "http://127.0.0.1:8765/rc", True, "My app", False, "fail"),
    ),
    (
        "revenuecat",
        SOUND["revenuecat"] | {"delete_app": True, "create_app": False, "on_unknown": "replace"},
        RevenueCatSettings(Secret("sk_made_up"), "proj1", delete_app=True, on_unknown="replace"),
    ),
    ("qonversion", {"api_key": " sk_made_up "}, QonversionSettings(Secret("sk_made_up"))),
    (
        "qonversion",
        SOUND["qonversion"] | {"url": "https://q.example/", "replace_bundle": True, "on_unknown": "replace"},
        QonversionSettings(Secret("sk_made_up"), "studio", "https://q.example", True, "replace"),
    ),
    ("devtodev", {}, DevtodevSettings()),
    (
        "devtodev",
        {"confirmed": True, "project": "p", "url": PAGE, "browser_path": "/b", "on_unknown": "fail"},
        DevtodevSettings(url=PAGE, project="p", browser_path="/b", is_confirmed=True, on_unknown="fail"),
    ),
    (
        "devtodev",
        {"session": SESSION, "url": "https://devtodev.invalid/"},
        DevtodevSettings("browser", "https://devtodev.invalid/", session=Secret(SESSION)),
    ),
    # A path is always meant for this task; the session may come from the environment.
    (
        "devtodev",
        {"session": SESSION, "session_path": "/s.json", "url": "https://devtodev.invalid/"},
        DevtodevSettings("browser", "https://devtodev.invalid/", session_path="/s.json"),
    ),
    (
        "devtodev",
        {"session": SESSION, "mode": "handoff"},
        DevtodevSettings("handoff", session=Secret(SESSION)),
    ),
    (
        "devtodev",
        {"page": {"active_texts": ["A"], "waiting_texts": ["W"], "failed_texts": ["F", "G"], "menu": ["M", "N"]}},
        DevtodevSettings(words=Words(("A",), ("W",), ("F", "G")), menu=("M", "N")),
    ),
]


@pytest.mark.parametrize(("tracker", "options", "wanted"), FULL)
def test_every_option_has_its_place(tracker: str, options: dict[str, t.Any], wanted: Settings) -> None:
    assert parse(tracker, options) == wanted


@pytest.mark.parametrize(
    ("tracker", "options", "named"),
    [
        ("revenuecat", {}, "revenuecat.api_key"),
        ("qonversion", {}, "qonversion.api_key"),
        ("qonversion", {"api_key": "x", "url": "x"}, "qonversion.url"),
        ("devtodev", {"mode": "robot"}, "devtodev.mode"),
        ("devtodev", {"page": 7}, "devtodev.page"),
    ],
)
def test_a_fault_of_a_task_is_named_by_the_trackers_option(tracker: str, options: dict[str, t.Any], named: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.{tracker}_settings")
    with pytest.raises(SettingsError) as caught:
        module.parse(options)
    assert caught.value.faults[0].option == named


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"mode": "browser", "session_path": "/s"},
            "devtodev.url: is required with mode: browser. Give the address of",
        ),
        ({"mode": "browser", "url": "https://d.example"}, "devtodev.session: is required with mode: browser. Give dev"),
        (
            {"session": SESSION, "url": "https://d.example:8443/x"},
            "devtodev.session: holds nothing for d.example:8443, so nobody is signed in. Give devtodev.session",
        ),
        ({"url": PAGE}, "devtodev.project: is required: devtodev.url contains {project}."),
        ({"mode": "robot"}, "devtodev.mode: is none of browser, handoff."),
    ],
)
def test_what_is_wrong_at_devtodev_is_told(options: dict[str, t.Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse("devtodev", options)
    assert str(caught.value).startswith(told) and len(caught.value.faults) == 1


FAULTS: list[tuple[str, dict[str, t.Any], list[str]]] = [
    ("revenuecat", {}, ["api_key", "project_id"]),
    ("revenuecat", {"api_key": "ä", "project_id": "a/b", "url": "http://x.invalid"}, ["api_key", "project_id", "url"]),
    ("qonversion", {"url": "x"}, ["api_key", "url"]),
    ("qonversion", {"api_key": "sk_x", "on_unknown": "ask", "replace_bundle": "no"}, ["replace_bundle", "on_unknown"]),
    ("devtodev", {"mode": "browser"}, ["url", "session"]),
    ("devtodev", {"mode": "robot", "url": PAGE}, ["mode", "project"]),
    ("devtodev", {"url": "https://a.invalid/b c", "page": {"active_texts": ["", "x"]}}, ["url", "page.active_texts"]),
    ("devtodev", {"session": "{}", "url": "https://a.invalid"}, ["session"]),
    ("devtodev", {"session": SESSION, "url": "https://a.invalid"}, ["session"]),
    (
        "devtodev",
        {"page": {"status": "x", "submit": {"name": ["x"]}, "menu": "x"}},
        [
            "page.submit.name",
            "page.status",
            "page.menu",
        ],
    ),
]


@pytest.mark.parametrize(("tracker", "options", "named"), FAULTS)
def test_every_fault_is_named_by_its_path(tracker: str, options: dict[str, t.Any], named: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(tracker, options, f"apps[3].{tracker}")
    assert [fault.option for fault in caught.value.faults] == [f"apps[3].{tracker}.{name}" for name in named]
    assert all(f"apps[3].{tracker}.{name}: " in f"{caught.value}" for name in named)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"confirmd": True}, "devtodev: unknown field confirmd; did you mean confirmed?"),
        ({"page": {"submitt": {}}}, "devtodev.page: unknown field submitt; did you mean submit?"),
        (
            {"page": {"submit": {"lable": "x"}}},
            "devtodev.page.submit: unknown field lable; did you mean label?",
        ),
    ],
)
def test_a_misspelt_name(options: dict[str, t.Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse("devtodev", options)
    assert f"{caught.value}" == told


def test_environments() -> None:
    for tracker in TRACKERS:
        require_environment(tracker, "production")
    require_environment("ledger", "sandbox")
    for tracker in tuple(TRACKERS)[1:]:
        with pytest.raises(InputError, match=rf"apps\[0\]\.environment: {tracker} has one key"):
            require_environment(tracker, "sandbox", "apps[0].environment")
