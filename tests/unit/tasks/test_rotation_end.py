# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a rotation revokes the old key, and what it tells then. What was moved, and the revocation, are stand-ins."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from unit_support import ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._context import Results, TaskFailed
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.decision import Decision
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.irreversible import Gate
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.rotation import Known
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.declaration import Declaration
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError, RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._model.key_problem import KeyProblem
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._plan import plan
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.remote_revocation import Revoked
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.request import KeyRequest
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation import rotation as module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.job import Job
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.moving import Moved
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.loaded_keys import LoadedKey

OLD, NEW, NOW = "OLD1234567", "NEW1234567", "2026-11-28T00:00:00Z"
NEW_KEY = KeySource(ISSUER, NEW, "/keys/new.p8", None, "strict", name="new")
NAMED = "and its name if the entry has one"
DECLARED = f"Put the new key into your list of keys (key_id {NEW}, private_key_path /keys/new.p8, {NAMED})."
BACK = "With the old values there, the next run of storeops.refunds.site moves the apps back."
REFUSED = "With the old values there, the next run of storeops.refunds.site fails: Apple refuses the revoked key."
CHECK_THEM = f"Services that this collection doesn't know may use {OLD}: check them before you revoke it."
MOVED = f"2 integrations were moved from {OLD} to {NEW}."


def held(name: str, key_id: str = OLD) -> Integration:
    """An integration."""
    return Integration(Identity("ledger", "", "production", f"com.example.{name}"), ISSUER, key_id, "f", "Active")


def moved(name: str, error: str = "") -> Decision:
    """What a run decided about one."""
    step = plan(held(name), held(name, NEW))
    return Decision(Verdict("accepted", "", "production"), step, held(name, NEW), error=error)


@dataclass
class Rotation:
    """One run, after which ``left`` keeps the old key."""

    monkeypatch: pytest.MonkeyPatch
    decisions: t.Sequence[Decision] = field(default_factory=lambda: [moved("a"), moved("b")])
    left: t.Sequence[str] = ()
    revoke: bool = True
    outcome: Revoked | RefundsError = field(default_factory=lambda: Revoked(OLD, True))
    check_mode: bool = False
    problem: KeyProblem | None = None
    new: KeySource = NEW_KEY
    keys: dict[str, KeySource] = field(default_factory=dict)
    declared_old: t.Sequence[Identity] = ()
    asked: list[tuple[KeyRequest, str]] = field(default_factory=list)

    def run(self) -> Results:
        """Do it."""
        before = Known((held("a"), held("b")), declared_old=frozenset(self.declared_old))
        done = Moved(LoadedKey(self.new, problem=self.problem), before, self.decisions, self.left)
        self.monkeypatch.setattr(module, "move", lambda job: {OLD: done}[job.asked.old_key_id])
        self.monkeypatch.setattr(module, "revoke_key", self._revoke)
        counters = SimpleNamespace(as_result=lambda: {"calls": 7})
        context: t.Any = SimpleNamespace(
            check_mode=self.check_mode,
            timestamp=lambda: NOW,
            progress=lambda text: None,
            transport=SimpleNamespace(counters=counters),
        )
        asked: t.Any = SimpleNamespace(
            old_key_id=OLD, new=NEW_KEY, revoke=self.revoke, team_id=7, declaration=Declaration(self.keys, ())
        )
        connection: t.Any = SimpleNamespace(is_given=True)
        return module._move(Job(asked, context, connection))

    def failed(self) -> TaskFailed:
        """Do it; give the error."""
        with pytest.raises(TaskFailed) as caught:
            self.run()
        return caught.value

    def _revoke(self, asked: KeyRequest, context: t.Any, connection: t.Any, gate: Gate, proven: str) -> Revoked:
        assert context.check_mode is gate.check_mode is self.check_mode and connection.is_given
        self.asked.append((asked, proven))
        permit = gate.ask("revoke_key", OLD, "revoke: true", proven, "the list")
        if isinstance(self.outcome, RefundsError):
            raise self.outcome
        if permit:
            gate.done(permit)
        return self.outcome


def test_after_all_is_moved_the_old_key_is_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    rotation = Rotation(monkeypatch)
    done = rotation.run()
    ((asked, proven),) = rotation.asked
    assert asked == KeyRequest(KeySource(ISSUER, OLD, None, None, "strict"), team_id=7)
    assert proven == f"no known integration uses it, and Apple accepts {NEW} for both apps"
    assert done["changed"] and [one["outcome"] for one in done["irreversible"]] == ["done"]
    assert done["http"] == {"calls": 7}
    assert done["diff"]["before"][f"key {OLD}"] == {"active": True}
    assert done["diff"]["after"][f"key {OLD}"] == {"active": False} and len(done["diff"]["after"]) == 3
    assert done["rotation"] == {
        "old_key_id": OLD,
        "new_key_id": NEW,
        "issuer_id": ISSUER,
        "uses": [held(name).identity.place for name in "ab"],
        "message": f"{MOVED} {OLD} is revoked. {DECLARED} {REFUSED}",
    }


@pytest.mark.parametrize(
    ("outcome", "said", "left_so"),
    [
        (Revoked(OLD, False), f"{OLD} was revoked before.", REFUSED),
        # Mistyped, or another team's: the old key may well work.
        (
            Revoked(None, False),
            f"App Store Connect lists no key {OLD}, so nothing was revoked.",
            f"{BACK.rstrip('.')}, or fails if the old key was revoked.",
        ),
    ],
)
def test_a_key_that_needs_no_revocation(
    monkeypatch: pytest.MonkeyPatch, outcome: Revoked, said: str, left_so: str
) -> None:
    stays = plan(held("a", NEW), held("a", NEW))
    settled = Decision(Verdict("accepted", "", "production"), stays, held("a", NEW))
    done = Rotation(monkeypatch, [settled], outcome=outcome).run()
    assert not done["changed"] and done["diff"] == {"before": {}, "after": {}}
    assert done["rotation"]["message"].endswith(f" {said} {DECLARED} {left_so}")


@pytest.mark.parametrize("left", [(), ("com.example.c may use it.",)])
def test_who_does_not_ask_keeps_the_old_key(monkeypatch: pytest.MonkeyPatch, left: tuple[str, ...]) -> None:
    rotation = Rotation(monkeypatch, revoke=False, left=left)
    done = rotation.run()
    assert rotation.asked == [] and "irreversible" not in done and f"key {OLD}" not in done["diff"]["before"]
    told = " ".join([MOVED, *left, f"{OLD} is still active.", DECLARED, BACK, CHECK_THEM])
    assert done["changed"] and done["rotation"]["message"] == told


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_may_use_the_old_key_keeps_it(monkeypatch: pytest.MonkeyPatch, check_mode: bool) -> None:
    rotation = Rotation(monkeypatch, left=("com.example.c may use it.", "So may d."), check_mode=check_mode)
    error = rotation.failed()
    lines = [f"{OLD} {'would stay' if check_mode else 'stays'} active.", "com.example.c may use it.", "So may d."]
    assert str(error) == "\n".join([*lines, *([] if check_mode else [f"{DECLARED} {BACK}"])])
    assert rotation.asked == [] and error.results["changed"] and "irreversible" not in error.results
    assert error.results["rotation"]["message"] == str(error) and error.results["http"] == {"calls": 7}


@pytest.mark.parametrize("revoke", [False, True])
def test_an_app_that_could_not_be_moved_keeps_it(monkeypatch: pytest.MonkeyPatch, revoke: bool) -> None:
    rotation = Rotation(monkeypatch, [moved("a", "com.example.a: refused.")], revoke=revoke)
    error = rotation.failed()
    assert str(error).startswith(f"{OLD} stays active.\n") and "com.example.a: refused." in str(error)
    assert rotation.asked == []


def test_with_nothing_moved_nothing_has_to_be_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    stays = Decision(Verdict("accepted", "", "production"), plan(held("a", NEW), held("a", NEW)), held("a", NEW))
    error = Rotation(monkeypatch, [stays], left=("So may d.",)).failed()
    assert str(error) == f"{OLD} stays active.\nSo may d." and not error.results["changed"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("decisions", "failure", "changed"),
    [
        (["a"], RefundsError("No."), True),
        (["a"], TaskFailed("No.", {"changed": True}), True),
        ([], RefundsError("No."), False),
        ([], TaskFailed("No.", {"changed": True}), True),
        ([], TaskFailed("No.", {}), False),
    ],
)
def test_a_revocation_that_fails_is_told_with_what_was_moved(
    monkeypatch: pytest.MonkeyPatch, decisions: list[str], failure: RefundsError, changed: bool, check_mode: bool
) -> None:
    decided = [moved(name) for name in decisions]
    error = Rotation(monkeypatch, decided, outcome=failure, check_mode=check_mode).failed()
    assert str(error) == error.results["rotation"]["message"] and error.results["changed"] is changed
    # Where it may be done all the same, site may fail, too.
    left_so = f"{BACK[:-1]}, or fails if the old key was revoked." if isinstance(failure, TaskFailed) else BACK
    told = f"\n1 integration was moved from {OLD} to {NEW}. {DECLARED} {left_so}"
    assert str(error) == f"No.{told if decisions and not check_mode else ''}"
    assert [one["outcome"] for one in error.results["irreversible"]] == ["would be done" if check_mode else "begun"]
    assert f"key {OLD}" not in error.results["diff"]["before"]


def test_check_mode_predicts_it_for_a_key_that_is_not_made_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    new = KeySource(ISSUER, None, "/keys/new.p8", None, "strict", name="new")
    problem = KeyProblem("key_not_yet_created", "Not yet.", "Wait.")
    rotation = Rotation(monkeypatch, check_mode=True, new=new, problem=problem)
    done = rotation.run()
    assert rotation.asked[0][1] == "no known integration would use it, once 2 are moved"
    assert done["rotation"]["new_key_id"] is None and f"{OLD} would be revoked." in done["rotation"]["message"]
    assert [one["outcome"] for one in done["irreversible"]] == ["would be done"]
    rotation = Rotation(monkeypatch, check_mode=True, new=new)
    rotation.run()
    assert rotation.asked[0][1] == "no known integration uses it, and Apple accepts the new key for both apps"


def test_a_revocation_alone_is_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    stays = Decision(Verdict("accepted", "", "production"), plan(held("a", NEW), held("a", NEW)), held("a", NEW))
    assert Rotation(monkeypatch, [stays]).run()["changed"] is True


def test_what_a_person_must_still_enter_is_not_counted_as_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand = moved("b")
    by_hand.next_step = "Enter it."
    some = f"1 integration was moved from {OLD} to {NEW}. c."
    for decisions, told in (([moved("a"), by_hand], some), ([by_hand], "c.")):
        rotation = Rotation(monkeypatch, decisions, revoke=False, left=("c.",))
        assert rotation.run()["rotation"]["message"].startswith(f"{told} {OLD} is still active. {DECLARED}")
    # What it moves back, site moves back by hand, too.
    assert BACK in str(Rotation(monkeypatch, [by_hand], left=("c.",)).failed())


@pytest.mark.parametrize("is_left", [False, True])
def test_what_is_declared_already_is_not_asked_for(monkeypatch: pytest.MonkeyPatch, is_left: bool) -> None:
    old_apps = [held("a").identity] if is_left else []
    done = Rotation(monkeypatch, keys={"new": NEW_KEY}, declared_old=old_apps).run()
    fails = "the next run of storeops.refunds.site fails: Apple refuses the revoked key."
    more = f" Apps are still declared with {OLD}: declare them with {NEW}. Until then, {fails}"
    assert done["rotation"]["message"] == f"{MOVED} {OLD} is revoked.{more if is_left else ''}"


def test_without_a_session_nothing_is_begun() -> None:
    asked: t.Any = SimpleNamespace(revoke=True)
    connection: t.Any = SimpleNamespace(is_given=False)
    with pytest.raises(InputError) as caught:
        module._move(Job(asked, t.cast(t.Any, None), connection))
    assert str(caught.value) == (
        "revoke: needs a signed-in session of App Store Connect. Give session or session_path (of fastlane "
        "spaceauth, or a browser's export), or set FASTLANE_SESSION. "
        "Or leave revoke out, and revoke the key in the browser."
    )


@pytest.mark.parametrize("stage", ["plan", "move"])
def test_each_stage_gets_what_was_asked(monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    asked: t.Any = SimpleNamespace(stage=stage, session="session")
    context: t.Any = SimpleNamespace(warn=print)
    params = {"stage": stage}
    monkeypatch.setattr(module, "rotation_request", lambda *given: {True: asked}[given == (params, print)])
    monkeypatch.setattr(module, "Connection", lambda *given: given)
    monkeypatch.setattr(module, "plan", lambda job: {"plan": job})
    monkeypatch.setattr(module, "_move", lambda job: {"move": job})
    job = Job(asked, context, t.cast(t.Any, ("session", context)))
    assert module.run(params, context) == {stage: job}
