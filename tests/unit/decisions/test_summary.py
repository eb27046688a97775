# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one line about a list of apps: what isn't Active is said in the first run, too, and a removal is called one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.decision import Decision
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    REMOVAL_ASKED,
    Identity,
    Integration,
    Status,
    absent,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._plan import Action, Plan
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared.few_warnings import MOST
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.outcomes import (
    confirmations,
    entries,
    removals,
    summary,
    unconfirmed,
)

ACCEPTED = Verdict("accepted", "", "production")
# The actions at the trackers of one app, each with the status that is held then, and how the app is told.
APPS: dict[str, tuple[list[tuple[Action, Status]], str, str]] = {
    "made": ([("create", "Active")], "1 changed", "1 would change"),
    "made, not released": (
        [("create", "Pending")],
        "1 changed (of these not Active: com.example.made,-not-released)",
        "1 would change (of these would not be Active: com.example.made,-not-released)",
    ),
    "kept": ([("unknown", "Unknown")], "1 not Active (com.example.kept)", "1 would not be Active (com.example.kept)"),
    "one of two": (
        [("update", "Active"), ("unknown", "Unknown")],
        "1 changed (of these not Active: com.example.one-of-two)",
        "1 would change (of these would not be Active: com.example.one-of-two)",
    ),
    "refused by the page": (
        [("unchanged", "Failed")],
        "1 not Active (com.example.refused-by-the-page)",
        "1 would not be Active (com.example.refused-by-the-page)",
    ),
    "removed": ([("delete", "Absent")], "1 removed", "1 would be removed"),
    "removed at one, left at another": ([("delete", "Absent"), ("unchanged", "Active")], "1 changed", "1 would change"),
    "declared absent, and waiting": (
        [("unchanged", "Pending")],
        "1 declared absent and still held (com.example.declared-absent,-and-waiting)",
        "1 declared absent and still held (com.example.declared-absent,-and-waiting)",
    ),
    "declared absent, and Active": (
        [("unchanged", "Active"), ("delete", "Absent")],
        "1 changed (of these declared absent and still held: com.example.declared-absent,-and-Active at devtodev "
        "(project p0))",
        "1 would change (of these declared absent and still held: com.example.declared-absent,-and-Active at devtodev "
        "(project p0))",
    ),
    "made, absent in p1": (
        [("create", "Pending"), ("unchanged", "Active")],
        "1 changed (of these not Active: com.example.made,-absent-in-p1; declared absent and still held: "
        "com.example.made,-absent-in-p1 at devtodev (project p1))",
        "1 would change (of these would not be Active: com.example.made,-absent-in-p1; declared absent and still held: "
        "com.example.made,-absent-in-p1 at devtodev (project p1))",
    ),
    "moved, absent in p1": (
        [("create", "Active"), ("unchanged", "Pending")],
        "1 changed (of these declared absent and still held: com.example.moved,-absent-in-p1 at devtodev (project p1))",
        "1 would change (of these declared absent and still held: com.example.moved,-absent-in-p1 at devtodev "
        "(project p1))",
    ),
    "Active, absent in p1": (
        [("unchanged", "Active"), ("unchanged", "Active")],
        "1 declared absent and still held (com.example.Active,-absent-in-p1 at devtodev p1)",
        "1 declared absent and still held (com.example.Active,-absent-in-p1 at devtodev p1)",
    ),
    "declared absent, and gone": ([("delete", "Absent")], "1 removed", "1 would be removed"),
    "was gone": ([("unchanged", "Absent")], "1 unchanged", "1 unchanged"),
    "as declared": ([("unchanged", "Active")], "1 unchanged", "1 unchanged"),
}


def decisions(name: str) -> list[Decision]:
    found = []
    for number, (action, status) in enumerate(APPS[name][0]):
        identity = Identity("devtodev", f"p{number}", "production", f"com.example.{name.replace(' ', '-')}")
        held = Integration(identity, "i", "k", "f", status) if status != "Absent" else absent(identity)
        is_absent = name.startswith("declared absent") or name.endswith(f"absent in p{number}")
        found.append(Decision(ACCEPTED, Plan(action, None, held), held, is_absent=is_absent))
    return found


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize("check_mode", [False, True])
def test_each_app_is_told_by_what_it_is_afterwards(name: str, check_mode: bool) -> None:
    assert summary(decisions(name), check_mode) == f"1 app: {APPS[name][1 + check_mode]}."


def test_the_first_run_names_those_that_are_not_active() -> None:
    several = [*decisions("made"), *decisions("made, not released"), *decisions("kept"), *decisions("removed")]
    assert summary(several, False) == (
        "4 apps: 2 changed (of these not Active: com.example.made,-not-released), 1 removed, 1 not Active "
        "(com.example.kept)."
    )


@pytest.mark.parametrize("name", APPS)
def test_a_confirmation_is_acknowledged_whatever_else_is_said_of_its_app(name: str) -> None:
    """A slip in the variable that confirms would look the same otherwise."""
    found = decisions(name)
    assert confirmations(found, True) == confirmations(found, False) == ""
    found[-1].is_confirmation = True
    place = found[-1].held.identity.place
    assert confirmations(found, True) == f"Would be confirmed by hand: {place}."
    assert confirmations(found, False) == f"Confirmed by hand: {place}."


def test_a_confirmation_that_comes_too_early_is_told_from_none() -> None:
    found = decisions("made")
    assert unconfirmed(found, True) == unconfirmed(found, False) == ""
    found[-1].is_too_early = True
    place = found[-1].held.identity.place
    assert unconfirmed(found, True) == f"Would not be confirmed, because this run would ask for it first: {place}."
    assert unconfirmed(found, False) == f"Not confirmed, because this run asks for it first: {place}."
    found[-1].error = "The ledger can't be written."
    assert unconfirmed(found, False) == "", "nobody was asked then"


def test_all_that_is_to_be_entered_is_named_where_warnings_stop() -> None:
    """The next confirmation counts for each of them."""
    (one,) = decisions("made")
    one.next_step = "Enter the key."

    def named(number: int) -> Decision:
        return replace(one, held=replace(one.held, identity=replace(one.held.identity, bundle_id=f"com.n{number:02}")))

    assert entries([named(number) for number in range(MOST)], False) == ""
    many = [named(number) for number in range(MOST + 1)]
    told = ", ".join(decision.held.identity.place for decision in many)
    assert entries([*many, *many], False) == f"Enter these by hand: {told}."
    assert entries(many, True) == f"You would have to enter these by hand: {told}."
    many[0].error = "Refused."
    assert entries(many, False) == "", "it is told by its error"


def test_all_that_is_to_be_removed_is_named_once() -> None:
    """The next confirmation counts for each of them, however many there are."""
    (one,) = decisions("declared absent, and waiting")
    asked = []
    for number in range(12):
        identity = replace(one.held.identity, bundle_id=f"com.example.n{number}")
        held = replace(one.held, identity=identity)
        step = Plan("unchanged", held, replace(held, word=REMOVAL_ASKED))
        asked.append(replace(one, held=held, step=step, has_no_api=True))
    names = ", ".join(each.held.identity.place for each in asked)
    assert removals(asked, False) == f"Remove these by hand: {names}."
    assert removals(asked, True) == f"You would have to remove these by hand: {names}."
    before = [replace(each, step=Plan("unchanged", each.held, each.held)) for each in asked]
    elsewhere = [replace(each, has_no_api=False) for each in asked]
    failed = [replace(each, error="The ledger can't be written.") for each in asked]
    assert [removals(some, False) for some in (before, elsewhere, failed)] == [""] * 3


def test_nobody_knows_what_apple_will_say_of_a_key_that_is_yet_to_be_made() -> None:
    (decision,) = decisions("made, not released")
    decision.held = replace(decision.held, identity=replace(decision.held.identity, tracker="ledger"))
    decision.verdict = Verdict("key_not_yet_created", "", "production")
    assert summary([decision], True) == "1 app: 1 would change."
