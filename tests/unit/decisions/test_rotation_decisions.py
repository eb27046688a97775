# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rotation decides, without a call: what is proven, what keeps the old key, and what is said at the end."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from unit_support import ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.decision import Decision
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.rotation import (
    PREDICTED,
    Known,
    Request,
    chosen_new_key,
    faults,
    judged,
    unproven,
)
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.rotation_obstacles import obstacles
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.rotation_words import End
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import Environment
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration, Status
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import CAUSES, Cause, Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._plan import plan
from ansible_collections.storeops.refunds.plugins.plugin_utils._hook import refusal_of_hook

OLD, NEW, APP = "OLDKEY0001", "NEWKEY0001", "com.example.one"


def held(
    key_id: str | None = OLD,
    tracker: str = "ledger",
    status: Status = "Active",
    environment: Environment = "production",
    **more: t.Any,
) -> Integration:
    """Give an integration."""
    project = "" if tracker == "ledger" else "game"
    return Integration(Identity(tracker, project, environment, APP), ISSUER, key_id, "f1", status, **more)


def decision(cause: Cause, after: Integration, before: Integration | None = None) -> Decision:
    """Give the decision about an integration of the old key."""
    verdict = Verdict(cause, "A hint.", after.identity.environment)
    return Decision(verdict, plan(before or held(tracker=after.identity.tracker), after), after)


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("is_released", [False, True])
def test_what_counts_as_proof(cause: Cause, is_released: bool) -> None:
    """Accepted; not released, of an app that nobody knows to be; and a key that check mode only predicts."""
    status: Status = "Active" if cause == "accepted" else "Pending"
    is_proven = not unproven(decision(cause, held(NEW, status=status)), is_released)
    expected = cause in ("accepted", "key_not_yet_created") or (cause == "app_not_released" and not is_released)
    assert is_proven == expected


@pytest.mark.parametrize("status", ["Failed", "Unknown", "Absent"])
def test_a_tracker_that_is_not_active_is_no_proof(status: Status) -> None:
    assert f"is {status}, not Active" in unproven(decision("accepted", held(NEW, "devtodev", status)), True)


def test_a_tracker_that_hides_its_key_is_no_proof() -> None:
    hidden = decision("accepted", held(NEW, "revenuecat"))
    hidden.step = replace(hidden.step, action="unknown")
    assert "on_unknown: replace" in unproven(hidden, True)


def test_never_released_is_taken_back_for_an_app_that_production_accepted() -> None:
    verdict = Verdict("app_not_released", "A hint.", "production", sandbox_accepts=True)
    assert judged(verdict, False) is verdict
    assert judged(verdict, True).cause == "unauthenticated" and "so the app was released" in judged(verdict, True).hint


def test_released_is_what_production_accepted_anywhere() -> None:
    for entry in (held(), held(status="Failed", accepted_at="2026-01-01T00:00:00Z"), held(tracker="devtodev")):
        assert Known((entry,)).released == {APP}
    for entry in (held(status="Pending"), held(environment="sandbox")):
        assert Known((entry,)).released == set()


KEEPS: dict[str, tuple[Known, str]] = {
    "the ledger": (Known((held(),)), f"{APP} in the ledger"),
    "the sandbox": (Known((held(environment="sandbox"),)), f"{APP} (sandbox) in the ledger"),
    "another tracker": (Known((held(tracker="devtodev"),)), f"{APP} at devtodev (project game)"),
    "a failed one": (Known((held(status="Failed"),)), f"Still with {OLD}"),
    "a hidden key": (Known((held(None, "revenuecat", "Unknown"),)), "doesn't show its key"),
    "unread": (Known((), ("devtodev: no answer.",)), "Could not be read: devtodev: no answer."),
}


@pytest.mark.parametrize(("known", "told"), KEEPS.values(), ids=list(KEEPS))
def test_what_keeps_the_old_key(known: Known, told: str) -> None:
    (text,) = obstacles(OLD, NEW, known, ())
    assert told in text


def test_what_does_not_keep_it() -> None:
    other = held(None, "revenuecat", "Unknown")
    for known in (
        Known((held(NEW),)),
        Known((held(status="Absent"),)),
        Known((other,), others={other.identity: "partner"}, issuers=frozenset({"mine"})),
    ):
        assert obstacles(OLD, NEW, known, ()) == []


@pytest.mark.parametrize(
    ("issuer", "issuers"), [("mine", {"mine"}), ("mine", {"mine", "partner"}), (None, {"mine"}), ("partner", set())]
)
def test_a_declared_key_is_not_the_one_that_a_tracker_hides(issuer: str | None, issuers: set[str]) -> None:
    """Declared with another key it may still have the old one, unless another team's key is declared."""
    other = held(None, "revenuecat", "Unknown")
    known = Known((other,), others={other.identity: issuer}, issuers=frozenset(issuers))
    (text,) = obstacles(OLD, NEW, known, ())
    assert (
        text.startswith(f"May still use {OLD}, because the tracker doesn't show its key ") and f": {APP} at re" in text
    )


def test_what_a_person_has_not_entered_yet_keeps_it() -> None:
    waiting = held(NEW, "devtodev", "Pending")
    one = decision("accepted", waiting)
    assert f"Not Active with {NEW} yet" in obstacles(OLD, NEW, Known((waiting,)), [one])[0], (
        "the page's own waiting state"
    )
    one.next_step = "Enter it."
    assert f"Enter {NEW} there" in obstacles(OLD, NEW, Known((waiting,)), [one])[0]
    assert "Enter the new key there" in obstacles(OLD, PREDICTED, Known((waiting,)), [one])[0]


def test_check_mode_knows_what_the_run_would_leave() -> None:
    before, refused = held(), held(tracker="devtodev")
    stays = decision("unauthenticated", refused)
    stays.error = "refused"
    after = Known((before, refused)).after([decision("key_not_yet_created", held(None, status="Pending")), stays])
    assert [one.identity.tracker for one in after.using(OLD)] == ["devtodev"] and not after.hidden


ASKED = Request(OLD, "/k/new.p8", "new key")
REFUSED: dict[str, tuple[Request, Known, str]] = {
    "nothing uses it": (ASKED, Known(()), "nothing to rotate"),
    "only what is to go uses it": (
        ASKED,
        Known((held(),), declared_absent=frozenset({held().identity})),
        f"Only what is declared absent uses {OLD}: ",
    ),
    "its name": (replace(ASKED, old_name="new key"), Known((held(),)), f"is the name of {OLD} itself"),
    "its name there": (replace(ASKED, named_key_id=OLD), Known((held(),)), f"is the name of {OLD} itself"),
    "its file": (replace(ASKED, old_path="/k/new.p8"), Known((held(),)), "is the file of the key"),
    "its file as held": (ASKED, Known((held(private_key_path="/k/new.p8"),)), "is the file of the key"),
    "another team's": (
        replace(ASKED, new_issuer="partner", old_issuers=frozenset({"mine"})),
        Known((held(),)),
        "issuer_id: partner is another team's. The key OLDKEY0001 belongs to mine",
    ),
    "another team's by default": (
        replace(ASKED, new_issuer="partner", old_issuers=frozenset({"mine"}), is_default_issuer=True),
        Known((held(),)),
        "refund_tracking_defaults.issuer_id: partner is another team's. The key OLDKEY0001 belongs to mine",
    ),
    "unread": (ASKED, Known((held(),), ("devtodev: no answer.",)), "devtodev: no answer."),
}


@pytest.mark.parametrize(("asked", "known", "told"), REFUSED.values(), ids=list(REFUSED))
def test_what_stops_a_rotation_before_a_key_is_made(asked: Request, known: Known, told: str) -> None:
    (text,) = faults(asked, known)
    assert told in text


def test_what_does_not_stop_it() -> None:
    assert faults(ASKED, Known((held(),))) == []
    assert faults(replace(ASKED, has_new=True), Known(())) == []
    both = replace(ASKED, new_issuer="mine", old_issuers=frozenset({"mine", "theirs"}))
    assert faults(both, Known((held(),))) == faults(replace(both, old_issuers=frozenset()), Known((held(),))) == []


END = End(OLD, NEW, "/k/new.p8", 3, 3, "done")
WORDS: dict[str, tuple[End, str, str]] = {
    "done": (END, f"3 integrations were moved from {OLD} to {NEW}. {OLD} is revoked.", "would"),
    "one": (replace(END, moved=1), "1 integration was moved", "would"),
    "check mode": (
        replace(END, check_mode=True),
        f"would be moved from {OLD} to {NEW}. {OLD} would be revoked.",
        "is ",
    ),
    "predicted": (replace(END, new="", check_mode=True), "to the new key", "key_id"),
    "kept": (replace(END, revocation="not_asked"), f"{OLD} is still active.", "revoked."),
    "taken": (replace(END, revocation="taken"), f"The revocation of {OLD} was asked for; look in", f"{OLD} is revoked"),
    "before": (replace(END, moved=0, revocation="before"), f"{OLD} was revoked before.", "is revoked"),
    "unlisted": (replace(END, revocation="unlisted"), f"lists no key {OLD}, so nothing was revoked", "is revoked"),
}


@pytest.mark.parametrize(("end", "told", "untold"), WORDS.values(), ids=list(WORDS))
def test_what_is_said_at_the_end(end: End, told: str, untold: str) -> None:
    assert told in str(end) and untold not in str(end)
    assert "Put the new key into your list of keys" in str(end) and "/k/new.p8" in str(end)


def test_a_declared_new_key_need_not_be_declared_again() -> None:
    for revocation in ("done", "not_asked"):
        end = replace(END, revocation=revocation, is_declared=True, has_old_apps=False)
        assert "Put the new key" not in str(end) and "next run of" not in str(end)
        told = f"Apps are still declared with {OLD}: declare them with {NEW}. Until then, "
        assert told in str(replace(end, has_old_apps=True)) and "Put the" not in str(replace(end, has_old_apps=True))


def test_which_key_is_the_new_one() -> None:
    """Of two keys with the same name, nobody knows."""
    assert chosen_new_key(NEW, [OLD]) == chosen_new_key(None, [NEW]) == NEW
    assert chosen_new_key(None, []) == chosen_new_key(None, [NEW, OLD]) == ""


def test_a_hook_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hook.yml").touch()
    monkeypatch.setenv("HOOKS", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert [refusal_of_hook(path) for path in (None, "", "~/hook.yml", "$HOOKS/hook.yml")] == [""] * 4
    assert "hook.yml is relative" in refusal_of_hook("hook.yml")
    assert "is relative" in refusal_of_hook("$NOT_SET_AT_ALL/hook.yml")
    assert "isn't a file on the controller" in refusal_of_hook(str(tmp_path / "hoook.yml"))
