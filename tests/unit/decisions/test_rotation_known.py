# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rotation knows of integrations, and every obstacle in its words. No tracker is asked."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.decision import Decision
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.rotation import (
    PREDICTED,
    Known,
    Request,
    faults,
    is_accepted,
    is_foreign,
    unproven,
)
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.rotation_obstacles import obstacles
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.rotation_words import End
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import Environment
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    CONFIRMED,
    REMOVAL_ASKED,
    Identity,
    Integration,
    Status,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import CAUSES, Cause, Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._plan import Plan, plan

OLD, NEW = "OLDKEY0001", "NEWKEY0001"
STEP = " Give the options of these trackers (in keys, apps or the task), "
UNSEEN = "in no ledger or tracker that this run can see"
DECLARE = " Declare these apps with the new key, or with state: absent."


def held(
    app: str = "a",
    key_id: str | None = OLD,
    status: Status = "Active",
    tracker: str = "ledger",
    environment: Environment = "production",
    **more: t.Any,
) -> Integration:
    """An integration of an app."""
    project = "" if tracker == "ledger" else "game"
    return Integration(Identity(tracker, project, environment, app), "issuer", key_id, "f", status, **more)


def decided(
    entry: Integration, cause: Cause = "accepted", error: str = "", action: t.Any = None, next_step: str = ""
) -> Decision:
    """The decision to leave an integration as it is then."""
    step = plan(entry, entry) if action is None else Plan(action, entry, entry)
    verdict = Verdict(cause, "A hint.", entry.identity.environment)
    return Decision(verdict, step, entry, error=error, next_step=next_step)


ONE, TWO, GONE = held(), held("b", NEW), held("c", OLD, "Absent")
HIDDEN, HIDDEN_GONE = held("d", None, "Unknown", "revenuecat"), held("e", None, "Absent", "revenuecat")
SANDBOX = held("f", NEW, environment="sandbox")
# Never noted, at a tracker that can't be asked: of an app that is held elsewhere, and of one that isn't.
UNNOTED, NOWHERE = held("b", None, "Unknown", "devtodev"), held("x", None, "Unknown", "devtodev")
UNNOTED, NOWHERE = (replace(one, issuer_id=None, key_fingerprint=None) for one in (UNNOTED, NOWHERE))


def test_who_uses_a_key() -> None:
    known = Known((ONE, TWO, GONE, HIDDEN, HIDDEN_GONE, SANDBOX))
    assert known.using(OLD) == (ONE,) and known.using(NEW) == (TWO, SANDBOX) and known.using("x") == ()
    assert known.hidden == (HIDDEN,)
    declared = replace(known, others={HIDDEN.identity: "partner"})
    assert declared.hidden == replace(declared, issuers=frozenset({"partner", "issuer"})).hidden == (HIDDEN,)
    assert replace(declared, issuers=frozenset({"issuer"})).hidden == ()
    assert known.places == {("a", "production"), ("b", "production"), ("d", "production"), ("f", "sandbox")}


def test_who_was_released() -> None:
    accepted = held("g", NEW, "Failed", accepted_at="2026-01-01T00:00:00Z")
    assert Known((ONE, HIDDEN, SANDBOX, accepted)).released == {"a", "g"}


def test_what_may_be_moved_by_what_is_held_and_declared() -> None:
    known = Known((ONE, TWO, GONE, HIDDEN, SANDBOX), unnoted=frozenset({UNNOTED.identity, NOWHERE.identity}))
    declared = {one.identity for one in (ONE, HIDDEN, UNNOTED, NOWHERE)}
    both = [ONE, TWO, SANDBOX]
    # An app that is held nowhere may be one of another ledger.
    assert known.movable(OLD, NEW, declared) == [*both, HIDDEN, UNNOTED]
    assert known.movable(OLD, NEW, ()) == both, "nobody says with which key it is to be"
    other = replace(known, others={one.identity: "issuer" for one in (ONE, HIDDEN, UNNOTED)})
    assert other.movable(OLD, NEW, declared) == both
    absent = replace(known, declared_absent=frozenset(one.identity for one in (ONE, HIDDEN)))
    assert absent.movable(OLD, NEW, declared) == [TWO, SANDBOX, UNNOTED]


@pytest.mark.parametrize(
    ("action", "key_id", "error", "wanted"),
    [
        ("create", None, "", PREDICTED),
        ("update", None, "", PREDICTED),
        ("update", NEW, "", NEW),
        ("update", None, "It failed.", None),
        ("unknown", None, "", None),
        ("unchanged", None, "", None),
        ("delete", None, "", None),
    ],
)
def test_what_is_known_after_decisions_are_carried_out(
    action: str, key_id: str | None, error: str, wanted: str | None
) -> None:
    before = Known((ONE, TWO), ("unread",), {TWO.identity: None})
    after = before.after([decided(replace(ONE, key_id=key_id), error=error, action=action), decided(SANDBOX)])
    assert after == replace(before, held=(replace(ONE, key_id=wanted), TWO, SANDBOX))


@pytest.mark.parametrize(
    ("issuer", "issuers", "wanted"),
    [("a", {"b"}, True), ("a", {"a", "b"}, False), ("a", (), False), (None, {"b"}, False)],
)
def test_whose_key_is_another_teams(issuer: str | None, issuers: t.Collection[str], wanted: bool) -> None:
    assert is_foreign(issuer, issuers) is wanted


@pytest.mark.parametrize("cause", CAUSES)
def test_what_may_be_moved(cause: Cause) -> None:
    assert is_accepted(Verdict(cause, "", "production")) is (cause in ("accepted", "app_not_released"))


def test_why_an_integration_is_not_proven() -> None:
    assert unproven(decided(TWO, error="It failed."), False) == "It failed."
    hidden = "revenuecat doesn't show which key it holds. Set its option on_unknown: replace."
    assert unproven(decided(HIDDEN, action="unknown"), False) == hidden
    assert unproven(decided(TWO, "unauthenticated"), False) == "unauthenticated: A hint."
    assert unproven(decided(replace(TWO, status="Failed")), False) == "its status at ledger is Failed, not Active."
    assert unproven(decided(replace(TWO, status="Failed"), "key_not_yet_created"), False) == ""
    assert unproven(decided(replace(TWO, status="Pending")), True) == unproven(decided(TWO), True) == ""
    assert unproven(decided(TWO, "app_not_released"), True).startswith("unauthenticated: ")
    assert unproven(decided(TWO, "app_not_released"), False) == ""


WAITING = held("b", NEW, "Pending", "devtodev")
BY_HAND = (
    f"1 integration must be entered by hand: b at devtodev (project game). Enter {NEW} there, as the warning says. "
    "Once the page shows Active, run storeops.refunds.rotate_key again with devtodev.confirmed: true, for that run "
    "only."
)
UNCONFIRMED = (
    f"May still use {OLD}, because nobody confirmed what was to be done by hand: b at devtodev (project game). Declare "
    "what isn't declared, with state: absent if it is to go, and run storeops.refunds.site. Once it is done, run that "
    "again with devtodev.confirmed: true. Then run storeops.refunds.rotate_key again."
)
NOBODYS = (
    " Declare these apps with the new key and run storeops.refunds.site, with on_unknown: replace if it asks for it. "
    "Then run storeops.refunds.rotate_key again."
)
MENDED = " Mend what this run says of each, then run storeops.refunds.rotate_key again."
IDLE = (
    f"On {NEW}, but not known to be Active: b in the ledger.{STEP}and run storeops.refunds.rotate_key "
    "again once they are Active."
)
HERE, THERE = held("h"), held("i", NEW)
OBSTACLES: dict[str, tuple[Known, t.Sequence[Decision], list[str]]] = {
    "nothing": (Known((TWO, GONE, SANDBOX)), [decided(TWO)], []),
    "the old key": (
        Known((ONE, SANDBOX, held("f", OLD, environment="sandbox", tracker="devtodev"))),
        [],
        [
            f"Still with {OLD}: a in the ledger, f (sandbox) at devtodev (project game).{STEP}"
            "or move them there yourself."
        ],
    ),
    "a hidden key": (
        Known((HIDDEN,)),
        [],
        [f"May still use {OLD}, because the tracker doesn't show its key: d at revenuecat (project game).{NOBODYS}"],
    ),
    "a hidden key that could not be moved": (
        Known((HIDDEN,)),
        [decided(HIDDEN, error="x")],
        [f"May still use {OLD}, because the tracker doesn't show its key: d at revenuecat (project game).{MENDED}"],
    ),
    "a hidden key, declared with another one": (
        Known((HIDDEN,), others={HIDDEN.identity: "issuer"}, issuers=frozenset({"issuer"})),
        [],
        [
            f"May still use {OLD}, because the tracker doesn't show its key and no run is known to have applied the "
            "declared one: d at revenuecat (project game). Run storeops.refunds.site with on_unknown: replace for "
            "these trackers. Then run storeops.refunds.rotate_key again."
        ],
    ),
    "never noted": (
        Known((TWO,), unnoted=frozenset({UNNOTED.identity})),
        [],
        [
            f"May still use {OLD}, because the tracker doesn't show its key and no run is known to have applied the "
            "declared one: b at devtodev (project game). Run storeops.refunds.site with on_unknown: replace for these "
            "trackers. Then run storeops.refunds.rotate_key again."
        ],
    ),
    "never noted, and held nowhere": (
        Known((), declared_old=frozenset({NOWHERE.identity}), unnoted=frozenset({NOWHERE.identity})),
        [],
        [
            f"May still use {OLD}, because the tracker doesn't show its key: x at devtodev (project game).{NOBODYS}",
            f"Declared with {OLD}, but {UNSEEN}: x.{DECLARE}",
        ],
    ),
    "never noted, and moved": (
        Known((WAITING,), declared_old=frozenset({UNNOTED.identity}), unnoted=frozenset({UNNOTED.identity})),
        [decided(WAITING, next_step="Enter it.")],
        [BY_HAND],
    ),
    "another key that nobody confirmed": (
        Known((replace(WAITING, key_id="OTHERKEY01"), replace(ONE, key_id="OTHERKEY01", status="Pending"))),
        [],
        [UNCONFIRMED],
    ),
    "another key, before its removal was asked for": (
        Known((replace(WAITING, key_id="OTHERKEY01", word=REMOVAL_ASKED),), issuers=frozenset({"issuer"})),
        [],
        [UNCONFIRMED],
    ),
    "another key that Apple refused on the day on which it was asked for": (
        Known((replace(WAITING, key_id="OTHERKEY01", status="Failed"),)),
        [],
        [UNCONFIRMED],
    ),
    "another key that somebody confirmed": (
        Known((replace(WAITING, key_id="OTHERKEY01", word=CONFIRMED), held("i", "OTHERKEY01", tracker="devtodev"))),
        [],
        [],
    ),
    "another team's key that nobody confirmed": (
        Known((replace(WAITING, key_id="OTHERKEY01"),), issuers=frozenset({"mine"})),
        [],
        [],
    ),
    "declared absent": (
        Known(
            (ONE, HIDDEN, WAITING, SANDBOX),
            declared_absent=frozenset(one.identity for one in (ONE, HIDDEN, WAITING, SANDBOX)),
        ),
        [],
        [
            "Declared absent and still held: a in the ledger, d at revenuecat (project game), b at devtodev (project "
            "game). Run storeops.refunds.site, which removes them or says how. Then run storeops.refunds.rotate_key "
            "again."
        ],
    ),
    "not Active": (Known((replace(TWO, status="Failed"),)), [], [IDLE]),
    "not Active, and decided": (Known((replace(TWO, status="Failed"),)), [decided(TWO)], []),
    "by hand": (Known(()), [decided(WAITING, next_step="Enter it.")], [BY_HAND]),
    "by hand, and failed": (Known(()), [decided(WAITING, error="x", next_step="Enter it.")], []),
    "waiting, and not for a person": (
        Known(()),
        [decided(WAITING)],
        [
            f"Not Active with {NEW} yet: b at devtodev (project game). Once the tracker shows Active, run "
            "storeops.refunds.rotate_key again."
        ],
    ),
    "waiting, and failed": (Known(()), [decided(WAITING, error="x")], []),
    "waiting, and not released": (Known(()), [decided(WAITING, "app_not_released")], []),
    "waiting for a key that is yet to be made": (Known(()), [decided(WAITING, "key_not_yet_created")], []),
    "declared and held nowhere": (
        Known((), declared_old=frozenset({ONE.identity, held("z", environment="sandbox").identity})),
        [],
        [f"Declared with {OLD}, but {UNSEEN}: a, z (sandbox).{DECLARE}"],
    ),
    "declared with an unknown key": (
        Known((), declared_unknown=frozenset({ONE.identity})),
        [],
        [f"Declared with a key whose key_id isn't known, but {UNSEEN}: a.{DECLARE}"],
    ),
    "declared with an unknown key, and held": (Known((TWO,), declared_unknown=frozenset({TWO.identity})), [], []),
    "declared, and held with another key": (
        Known((TWO,), declared_old=frozenset({TWO.identity})),
        [],
        [f"Declared with {OLD}, but a ledger or tracker has another key for them: b.{DECLARE}"],
    ),
    "declared, held and moved": (Known((TWO,), declared_old=frozenset({TWO.identity})), [decided(TWO)], []),
    "declared, nowhere and moved": (Known((), declared_old=frozenset({TWO.identity})), [decided(TWO)], []),
    "declared, and told already": (
        Known((ONE,), declared_old=frozenset({ONE.identity})),
        [],
        [f"Still with {OLD}: a in the ledger.{STEP}or move them there yourself."],
    ),
    "tried, and not moved": (
        Known((ONE, held("b"))),
        [decided(ONE)],
        [
            f"Still with {OLD}, as they could not be moved: a in the ledger.{MENDED}",
            f"Still with {OLD}: b in the ledger.{STEP}or move them there yourself.",
        ],
    ),
    "unread": (Known((), ("one.", "two.")), [], ["Could not be read: one.", "Could not be read: two."]),
}


@pytest.mark.parametrize("case", OBSTACLES)
def test_what_keeps_the_old_key_in_words(case: str) -> None:
    known, decisions, told = OBSTACLES[case]
    assert obstacles(OLD, NEW, known, decisions) == told


def test_each_of_them_says_what_to_do() -> None:
    # What could not be read has the tracker's own step.
    told = [text for _known, _decisions, found in OBSTACLES.values() for text in found if "be read: " not in text]
    starts = ("Declare", "Give", "Mend", "Run", "Once")
    assert [text for text in told if not any(f". {start} " in text for start in starts)] == []


def test_a_key_that_is_not_made_yet_is_entered_once_it_is() -> None:
    (told,) = obstacles(OLD, PREDICTED, Known(()), [decided(WAITING, next_step="Enter it.")])
    assert told.startswith("Once the new key is made, 1 integration must be entered by hand: ")
    assert " Enter the new key there, as the warning says. " in told


def test_several_obstacles_are_told_in_their_order() -> None:
    known = Known((ONE, HIDDEN, replace(TWO, status="Failed")), ("x.",), declared_old=frozenset({held("y").identity}))
    found = obstacles(OLD, NEW, known, [decided(WAITING, next_step="Enter it.")])
    starts = ("Still with", "May still use", f"On {NEW}", "1 integration must", "Declared with", "Could not be read")
    assert len(found) == 6 and all(text.startswith(start) for text, start in zip(found, starts, strict=True))


ASKED = Request(OLD, "/k/new.p8", "new key")


@pytest.mark.parametrize(
    ("asked", "known", "starts"),
    [
        (ASKED, Known((ONE,)), []),
        (replace(ASKED, new_path="", old_path=""), Known((ONE,)), []),
        (replace(ASKED, new_name="", old_name=""), Known((ONE,)), []),
        (replace(ASKED, named_key_id=NEW), Known((ONE,)), []),
        (replace(ASKED, old_path="/k/other.p8"), Known((replace(ONE, private_key_path="/k/old.p8"),)), []),
        (ASKED, Known((replace(TWO, private_key_path="/k/new.p8"), ONE)), []),
        (ASKED, Known(()), ["No integration uses OLDKEY0001, and the new key isn't there yet"]),
        (ASKED, Known((), ("x.",)), ["x."]),
        (
            replace(ASKED, old_path="/k/new.p8", old_name="new key", new_issuer="p", old_issuers=frozenset({"m", "n"})),
            Known((), ("x.",)),
            [
                "x.",
                f"new_key.private_key_path: /k/new.p8 is the file of the key {OLD}, which is to be replaced.",
                f"new_key.name: 'new key' is the name of {OLD} itself.",
                f"new_key.issuer_id: p is another team's. The key {OLD} belongs to m and n, and",
            ],
        ),
    ],
)
def test_every_reason_why_no_key_may_be_made_is_told(asked: Request, known: Known, starts: list[str]) -> None:
    found = faults(asked, known)
    assert len(found) == len(starts) and all(text.startswith(start) for text, start in zip(found, starts, strict=True))


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        (ONE, "a in the ledger"),
        (SANDBOX, "f (sandbox) in the ledger"),
        (HIDDEN, "d at revenuecat (project game)"),
        (replace(HIDDEN, identity=Identity("qonversion", "", "sandbox", "d")), "d (sandbox) at qonversion"),
    ],
)
def test_the_name_of_an_integration(entry: Integration, wanted: str) -> None:
    assert entry.identity.place == wanted


END = End(OLD, NEW, "/k/new.p8", 3, 4, "done")
NAMED = "and its name if the entry has one"
PUT = f"Put the new key into your list of keys (key_id {NEW}, private_key_path /k/new.p8, {NAMED})."
REFUSES = "With the old values there, the next run of storeops.refunds.site fails: Apple refuses the revoked key."
MOVES = "the next run of storeops.refunds.site moves the apps back."
KNOW = f"Services that this collection doesn't know may use {OLD}: check them before you revoke it."
WORDS: dict[str, tuple[End, str]] = {
    "done": (END, f"3 integrations were moved from {OLD} to {NEW}. {OLD} is revoked. {PUT} {REFUSES}"),
    "one": (
        replace(END, moved=1, revocation="not_asked"),
        f"1 integration was moved from {OLD} to {NEW}. {OLD} is still active. {PUT} With the old values there, {MOVES} "
        f"{KNOW}",
    ),
    "check mode": (
        replace(END, moved=2000, check_mode=True, new="", left=("One.", "Two.")),
        f"2,000 integrations would be moved from {OLD} to the new key. One. Two. {OLD} would be revoked. Put the new "
        f"key into your list of keys (private_key_path /k/new.p8, and its name if the entry has one). {REFUSES}",
    ),
    "check mode, not revoked": (
        replace(END, moved=1, check_mode=True, revocation="not_asked", is_declared=True, has_old_apps=False),
        f"1 integration would be moved from {OLD} to {NEW}. {OLD} would stay active. {KNOW}",
    ),
    "nothing left": (
        replace(END, moved=0, sound=1, revocation="before", is_declared=True),
        f"Nothing is left to move: 1 integration uses {NEW}, and Apple accepts it. {OLD} was revoked before. Apps are "
        f"still declared with {OLD}: declare them with {NEW}. Until then, the next run of storeops.refunds.site fails: "
        "Apple refuses the revoked key.",
    ),
    "nothing left, many": (
        replace(END, moved=0, sound=2, revocation="unlisted", is_declared=True, has_old_apps=False, check_mode=True),
        f"Nothing is left to move: 2 integrations use {NEW}, and Apple accepts it. App Store Connect lists no key "
        f"{OLD}, so nothing was revoked.",
    ),
    "some by hand": (
        replace(END, moved=1, sound=1, by_hand=2, left=("Enter them.",), revocation="not_asked"),
        f"1 integration was moved from {OLD} to {NEW}. Enter them. {OLD} is still active. {PUT} With the old values "
        f"there, {MOVES} {KNOW}",
    ),
    "the others by hand": (
        replace(END, moved=0, sound=1, by_hand=2, left=("Enter them.",), is_declared=True, has_old_apps=False),
        f"1 integration uses {NEW}, and Apple accepts it. Enter them. {OLD} is revoked.",
    ),
    "all by hand": (
        replace(END, moved=0, sound=0, by_hand=2, left=("Enter them.",), is_declared=True, has_old_apps=False),
        f"Enter them. {OLD} is revoked.",
    ),
    "declared": (
        replace(END, is_declared=True, revocation="not_asked"),
        f"3 integrations were moved from {OLD} to {NEW}. {OLD} is still active. Apps are still declared with {OLD}: "
        f"declare them with {NEW}. Until then, {MOVES} {KNOW}",
    ),
}


@pytest.mark.parametrize("case", WORDS)
def test_all_that_is_said_at_the_end(case: str) -> None:
    end, told = WORDS[case]
    assert str(end) == told
