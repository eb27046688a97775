# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which problems an app has, for every verdict, status, plan and end. Unknown is never good news."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import CAUSES, UNDECIDED_CAUSES, Cause
from ansible_collections.storeops.refunds.plugins.module_utils._report.classify import (
    OWN_CAUSES,
    WAIVABLE_CAUSES,
    Finding,
    problems_of,
)
from ansible_collections.storeops.refunds.plugins.module_utils._report.model import Difference, Problem
from ansible_collections.storeops.refunds.plugins.module_utils._tracker_spec import TRACKERS

HINT, MESSAGE = "A hint.", "A message."
RUN = "Run storeops.refunds.site to update"
UPDATE = "update it, or correct the declaration"
GOOD: dict[str, t.Any] = {
    "cause": "accepted",
    "hint": HINT,
    "status": "Active",
    "action": "unchanged",
    "outcome": "checked",
    "is_failed": False,
    "is_unreachable": False,
    "message": MESSAGE,
}


def found(**changes: t.Any) -> tuple[Problem, ...]:
    """The problems of an app that differs in this from a good one."""
    return problems_of(Finding(**{**GOOD, **changes}))


def own(kind: t.Any, cause: str, text: str = MESSAGE) -> Problem:
    """A problem of a cause that is ours."""
    return Problem(kind, cause, text)


@pytest.mark.parametrize("is_failed", [False, True])
@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause(cause: Cause, is_failed: bool) -> None:
    failed = (own("unknown", "failed"),) if is_failed else ()
    wanted: tuple[Problem, ...] = (Problem("refused", cause, HINT),)
    if cause == "accepted":
        wanted = failed
    elif cause in ("app_not_released", "key_not_yet_created"):
        wanted = (Problem("pending", cause, HINT), *failed)
    elif cause == "not_checked" and is_failed:
        wanted = failed
    elif cause in UNDECIDED_CAUSES:
        wanted = (Problem("unknown", cause, HINT),)
    assert found(cause=cause, is_failed=is_failed) == wanted


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, ()),
        ({"is_unreachable": True}, (own("unknown", "host_unreachable"),)),
        (
            {"is_unreachable": True, "message": ""},
            (own("unknown", "host_unreachable", OWN_CAUSES["host_unreachable"]),),
        ),
        ({"outcome": "not_tried"}, (own("unknown", "not_tried"),)),
        ({"outcome": "not_tried", "message": ""}, (own("unknown", "not_tried", OWN_CAUSES["not_tried"]),)),
        ({"cause": ""}, (own("unknown", "failed"),)),
        ({"cause": "", "message": ""}, (own("unknown", "failed", OWN_CAUSES["failed"]),)),
        ({"cause": "a new one"}, (own("unknown", "failed", "a new one: A hint."),)),
        ({"is_failed": True, "message": ""}, (own("unknown", "failed", OWN_CAUSES["failed"]),)),
        # The tracker's own status.
        ({"status": "Failed"}, (own("refused", "tracker_failed"),)),
        ({"status": "Failed", "message": ""}, (own("refused", "tracker_failed", OWN_CAUSES["tracker_failed"]),)),
        ({"status": "Failed", "is_failed": True}, (own("refused", "tracker_failed"),)),
        ({"status": "Failed", "cause": "unauthenticated"}, (Problem("refused", "unauthenticated", HINT),)),
        (
            {"status": "Failed", "cause": "app_not_released"},
            (Problem("pending", "app_not_released", HINT), own("refused", "tracker_failed")),
        ),
        (
            {"status": "Failed", "cause": "key_not_yet_created"},
            (Problem("pending", "key_not_yet_created", HINT), own("refused", "tracker_failed")),
        ),
        (
            {"status": "Failed", "cause": "not_checked", "tracker": "devtodev"},
            (Problem("unknown", "not_checked", HINT), own("refused", "tracker_failed")),
        ),
        # No other tracker has a status of its own: Apple's verdict was stored, and nobody was asked today.
        (
            {"status": "Failed", "cause": "not_checked", "tracker": "ledger"},
            (
                Problem("unknown", "not_checked", HINT),
                own(
                    "refused",
                    "tracker_failed",
                    "Apple refused this key when it was last asked. Run it again with credential_check: required.",
                ),
            ),
        ),
        ({"status": "Unknown"}, (own("unknown", "tracker_unknown"),)),
        ({"status": "Unknown", "message": ""}, (own("unknown", "tracker_unknown", OWN_CAUSES["tracker_unknown"]),)),
        ({"status": "Unknown", "action": "unknown"}, (own("unknown", "plan_unknown"),)),
        ({"status": "Unknown", "cause": "unreachable"}, (Problem("unknown", "unreachable", HINT),)),
        ({"status": "Pending"}, (own("pending", "tracker_pending", OWN_CAUSES["tracker_pending"]),)),
        ({"status": "Pending", "cause": "app_not_released"}, (Problem("pending", "app_not_released", HINT),)),
        # What a person has to do is told whatever else is waited for, and not before a run has asked for it.
        ({"status": "Pending", "next_step": "Enter it."}, (own("pending", "tracker_pending", "Enter it."),)),
        (
            {"status": "Pending", "cause": "app_not_released", "next_step": "Enter it."},
            (Problem("pending", "app_not_released", HINT), own("pending", "tracker_pending", "Enter it.")),
        ),
        # Where a person enters it, nothing is known of the tracker, and site itself creates nothing.
        (
            {"action": "create", "status": "Pending", "tracker": "devtodev", "next_step": "Enter it."},
            (
                Problem(
                    "drift",
                    "drift",
                    "This ledger has no note that a person was asked to enter this at devtodev. Run "
                    "storeops.refunds.site, which says what to enter where.",
                ),
            ),
        ),
        ({"status": None}, ()),
        # What failed before anybody was asked is told once, whatever the status.
        ({"status": "Unknown", "cause": "not_checked", "is_failed": True}, (own("unknown", "failed"),)),
        ({"status": "Unknown", "cause": "", "is_failed": True}, (own("unknown", "failed"),)),
        # The plan.
        ({"action": "unknown"}, (own("unknown", "plan_unknown"),)),
        ({"action": "unknown", "message": ""}, (own("unknown", "plan_unknown", OWN_CAUSES["plan_unknown"]),)),
        (
            {"action": "unknown", "message": "", "tracker": "revenuecat"},
            (
                own(
                    "unknown",
                    "plan_unknown",
                    f"{OWN_CAUSES['plan_unknown']} Set revenuecat.on_unknown: replace for one run of site, which "
                    "applies the declared key.",
                ),
            ),
        ),
        ({"action": "unknown", "is_failed": True}, (own("unknown", "failed"),)),
        ({"action": "unknown", "cause": "unauthenticated"}, (Problem("refused", "unauthenticated", HINT),)),
        (
            {"action": "create", "status": "Pending"},
            (
                Problem(
                    "drift",
                    "drift",
                    "The tracker doesn't have this integration. Run storeops.refunds.site to create it.",
                ),
            ),
        ),
        # An app may have several trackers: which one it is stands in the sentence.
        *(
            (
                {"action": action, "tracker": tracker},
                (Problem("drift", "drift", f"{text} Run storeops.refunds.site to {step}."),),
            )
            for action, tracker, text, step in (
                ("create", "ledger", "The ledger doesn't have this integration.", "create it"),
                ("create", "revenuecat", "revenuecat doesn't have this integration.", "create it"),
                ("update", "qonversion", "qonversion doesn't have what is declared.", UPDATE),
                ("delete", "ledger", "Declared absent, and the ledger still has it.", "remove it"),
                ("delete", "devtodev", "Declared absent, and devtodev still has it.", "remove it"),
            )
        ),
        (
            {"action": "delete", "is_failed": True},
            (
                own("unknown", "failed"),
                Problem(
                    "drift",
                    "drift",
                    "Declared absent, and the tracker still has it. Run storeops.refunds.site to remove it.",
                ),
            ),
        ),
        (
            {"action": "update"},
            (
                Problem(
                    "drift",
                    "drift",
                    f"The tracker doesn't have what is declared. {RUN} it, or correct the declaration.",
                ),
            ),
        ),
        (
            {
                **{"action": "update", "status": "Pending", "tracker": "devtodev", "next_step": "Enter it."},
                "differences": (Difference("key_id", "A", "B"),),
            },
            (
                Problem(
                    "drift",
                    "drift",
                    "What a person was last asked to enter at devtodev isn't what is declared (key_id A was asked for, "
                    "B is declared). Run storeops.refunds.site, which says what to enter where, or correct the "
                    "declaration.",
                ),
            ),
        ),
        # The same key may lie elsewhere on each machine; together with another field it is told.
        ({"action": "update", "differences": (Difference("private_key_path", "/a", "/b"),)}, ()),
        # state: absent needs no check.
        ({"cause": "not_checked", "status": "Absent"}, ()),
        ({"cause": "not_checked", "status": "Absent", "action": ""}, (Problem("unknown", "not_checked", HINT),)),
        ({"cause": "unreachable", "status": "Absent"}, (Problem("unknown", "unreachable", HINT),)),
        ({"cause": "not_checked"}, (Problem("unknown", "not_checked", HINT),)),
    ],
)
def test_every_other_finding(changes: dict[str, t.Any], wanted: tuple[Problem, ...]) -> None:
    assert found(**changes) == wanted


@pytest.mark.parametrize("tracker", [*TRACKERS, "", "of tomorrow"])
def test_only_an_option_that_is_there_is_named(tracker: str) -> None:
    (problem,) = found(action="unknown", message="", tracker=tracker)
    assert re.findall(r"(\w+)\.(\w+): replace", problem.hint) == [
        (tracker, name) for name in TRACKERS.get(tracker, {}).get("options", ()) if name == "on_unknown"
    ]


def test_what_differs_is_told_with_both_values() -> None:
    differences = (Difference("key_id", "OLD", "NEW"), Difference("issuer_id", "", "x" * 200), Difference("a", "b", ""))
    (problem,) = found(action="update", differences=differences)
    start = (
        "The tracker doesn't have what is declared (key_id OLD is held, NEW is declared; issuer_id (unknown) is held, x"
    )
    assert problem.hint.startswith(start) and "x" * 200 not in problem.hint
    end = f"; a b is held, (none) is declared). {RUN} key_id, issuer_id and a, or correct the declaration."
    assert problem.hint.endswith(end)
    (problem,) = found(action="update", differences=differences[:1])
    assert f"{RUN} key_id, or correct" in problem.hint
    (problem,) = found(action="update", differences=differences[:2])
    assert f"{RUN} key_id and issuer_id, or correct" in problem.hint


def test_what_may_be_waived() -> None:
    never = {"accepted", "app_not_released", "key_not_yet_created", "tracker_pending"}
    assert set(WAIVABLE_CAUSES) == {*CAUSES, *OWN_CAUSES} - never and len(WAIVABLE_CAUSES) == len(set(WAIVABLE_CAUSES))
