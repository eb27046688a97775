# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What devtodev's page shows after the form was submitted, beside what was submitted."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from tracker_answers_support import identity
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, PACKAGE

from ansible_collections.storeops.refunds.plugins.module_utils._trackers.browser import _reason_of, step_for
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.clicks import Reaction
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev import DevtodevByBrowser
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_attempt import Attempt, look, unproven
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_page import PageProblem, Shown
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_settings import DevtodevSettings
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.page_words import Words
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.protocol import Times


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (Shown(BUNDLE_ID, ISSUER, KEY_ID, "Active"), ""),
        (Shown(None, None, None, "Active"), ""),
        (
            Shown(BUNDLE_ID, ISSUER, "OLDKEY0001", "Active"),
            f"it still shows key_id 'OLDKEY0001', and {KEY_ID} was submitted.",
        ),
        (
            Shown(BUNDLE_ID, OTHER_ISSUER, "", "Active"),
            f"it still shows issuer_id '{OTHER_ISSUER}', and {ISSUER} was submitted; key_id '', and {KEY_ID} was "
            "submitted.",
        ),
    ],
)
def test_both_values_are_told(shown: Shown, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{PACKAGE}._trackers.devtodev_attempt.picture_of", lambda _page, veil: f"Screenshot: {veil}")
    form = SimpleNamespace(open=lambda: shown, page=None, veil="/p.png")
    values = {"bundle_id": BUNDLE_ID, "issuer_id": ISSUER, "key_id": KEY_ID}
    attempt = Attempt()
    problem = look(t.cast(t.Any, form), values, attempt)
    assert attempt.shown is shown and (problem is None) is (told == "")
    assert problem is None or (problem.message, problem.next_step) == (told, "Screenshot: /p.png")


NONE = Shown(None, None, None, "")
HIDDEN = Shown(None, None, None, "Active")
OLD = Shown(None, ISSUER, "OLDKEY0001", "Active")
NEW = Shown(None, ISSUER, KEY_ID, "Active")


@pytest.mark.parametrize(
    ("before", "now", "is_known"),
    [
        (NONE, HIDDEN, True),
        (Shown(None, None, None, "Not connected"), HIDDEN, True),
        (OLD, NEW, True),
        (HIDDEN, NEW, True),
        (HIDDEN, HIDDEN, False),
        (Shown(None, None, None, "Pending"), HIDDEN, False),
        (Shown(None, None, None, "Error"), HIDDEN, False),
        (Shown(None, None, None, "", is_veiled=True), HIDDEN, False),
        (OLD, HIDDEN, False),
        (NEW, NEW, False),
        (Shown(None, OTHER_ISSUER, KEY_ID, "Active"), NEW, True),
        (Shown(None, ISSUER, KEY_ID, "Error"), NEW, True),
        (Shown(None, None, None, "Error"), Shown(None, ISSUER, None, "Active"), False),
    ],
)
def test_what_was_there_before_proves_nothing(
    before: Shown, now: Shown, is_known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{PACKAGE}._trackers.devtodev_attempt.picture_of", lambda _page, _veil: "Screenshot: /p.png")
    form: t.Any = SimpleNamespace(words=Words(), page=None, veil=b"")
    problem = unproven(form, Attempt(before=before, shown=now))
    assert (problem is None) is is_known
    step = "" if now.key_id else " If the page shows the Key ID, name the place by devtodev.page.key_id."
    assert problem is None or problem.next_step.endswith(f"to handoff.{step} Screenshot: /p.png")
    assert unproven(form, Attempt(before=before, shown=now, reaction=Reaction("", True))) is None


@pytest.mark.parametrize("tracks", [None, BUNDLE_ID, "com.example.two"])
def test_what_another_app_has_by_now_is_not_removed(tracks: str | None) -> None:
    nothing = t.cast(t.Any, None)
    tracker = DevtodevByBrowser(nothing, nothing, DevtodevSettings("browser"), Times(1, 1), str, lambda: 60.0)
    form: t.Any = SimpleNamespace(open=lambda: Shown(tracks, None, None, "Active"), ready_to_remove=lambda: "removes")
    if tracks != "com.example.two":
        assert tracker._ready_to_remove(form, identity("devtodev")) == "removes"
        return
    with pytest.raises(PageProblem, match=r"now tracks com\.example\.two"):
        tracker._ready_to_remove(form, identity("devtodev"))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("BrowserType.launch: Target closed\n[pid=1][err] x: error while loading shared libraries: a.so", "x: error"),
        ("BrowserType.launch: Timeout 60000ms exceeded.\n[pid=1][err] [1:2:ERROR:x/bus.cc:407] no bus", "BrowserType"),
        (
            "Target closed\n[pid=1][err] [1:2:ERROR:dbus/bus.cc:407] no bus\n[pid=1][err] No usable sandbox!",
            "No usable",
        ),
        ("Target closed\n[pid=1][err] [1:2:ERROR:dbus/bus.cc:407] no bus", "Target closed"),
        ("", "it didn't say why"),
    ],
)
def test_why_a_browser_did_not_start(error: str, told: str) -> None:
    assert _reason_of(error).startswith(told)


@pytest.mark.parametrize(
    ("net_error", "step"),
    [
        ("ERR_CERT_AUTHORITY_INVALID", "trust the certificate's CA"),
        ("ERR_CERT_DATE_INVALID", "this machine's clock"),
        ("ERR_CERT_COMMON_NAME_INVALID", ""),
        ("ERR_PROXY_CONNECTION_FAILED", "https_proxy"),
        ("ERR_TUNNEL_CONNECTION_FAILED", "https_proxy"),
        ("ERR_NAME_NOT_RESOLVED", ""),
    ],
)
def test_each_fault_of_the_network_has_its_step(net_error: str, step: str) -> None:
    assert step in step_for(net_error) and bool(step_for(net_error)) is bool(step)
