# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tracker's options become frozen settings, and every fault in them is told at once, by its path."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.options import SettingsError
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.settings import (
    TRACKERS,
    parse,
    require_environment,
)

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


FAULTS: list[tuple[str, dict[str, t.Any], list[str]]] = [
    ("revenuecat", {}, ["api_key", "project_id"]),
    ("revenuecat", {"api_key": "ä", "project_id": "a/b", "url": "http://x.invalid"}, ["api_key", "project_id", "url"]),
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
    for tracker in TRACKERS[1:]:
        with pytest.raises(InputError, match=rf"apps\[0\]\.environment: {tracker} has one key"):
            require_environment(tracker, "sandbox", "apps[0].environment")
