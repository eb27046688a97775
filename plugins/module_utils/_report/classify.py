# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an app's audit result means: which problems it has, and of which kind they are."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._model.text import shortened
from .._model.verdict import CAUSES, UNDECIDED_CAUSES
from .._tracker_spec import TRACKERS
from .model import KEY_FIELDS, Difference, Problem

# Causes beside those of a verdict, and what they mean where a result brings no text of its own.
OWN_CAUSES: t.Mapping[str, str] = {
    "drift": "What the tracker has isn't what is declared.",
    "still_held": "Declared absent, and still held. Remove it at the tracker by hand.",
    "plan_unknown": "The tracker does not show which key it holds, and the ledger does not know what was last applied.",
    "not_tried": "The audit ended before this app's turn.",
    "host_unreachable": "The host that stands for this app could not be reached.",
    "failed": "The audit of this app failed before there was a verdict.",
    "tracker_failed": "The tracker itself says that this integration doesn't work. Look at its page.",
    "tracker_unknown": "The tracker shows a status that this collection doesn't know, or none at all.",
    "wrong_apple_id": "Verified notifications of this app name another app_apple_id than the declared one. Compare it "
    "with App Store Connect: App Information, Apple ID.",
    "tracker_pending": "The tracker doesn't show this integration as Active yet. Wait and run again. If it stays so, "
    "look at the tracker's page.",
}
_REFUSED_BEFORE = "Apple refused this key when it was last asked. Run it again with credential_check: required."
_NO_FAILURE = ("app_not_released", "key_not_yet_created")
_PENDING = (*_NO_FAILURE, "tracker_pending")
_OF_THE_TRACKER: t.Mapping[str, t.Literal["refused", "unknown"]] = {
    "tracker_failed": "refused",
    "tracker_unknown": "unknown",
}
# What a waiver may name.
WAIVABLE_CAUSES: tuple[str, ...] = tuple(
    cause for cause in (*CAUSES, *OWN_CAUSES) if cause != "accepted" and cause not in _PENDING
)
_CONFIRMED_NOW = (
    "devtodev.confirmed: true was given to this audit, and an audit records nothing. Run storeops.refunds.site with it."
)
_DRIFT = {
    "create": "{Holder} doesn't have this integration. Run storeops.refunds.site to create it.",
    "update": "{Holder} doesn't have what is declared{both}. Run storeops.refunds.site to update {fields}, or correct "
    "the declaration.",
    "delete": "Declared absent, and {holder} still has it. Run storeops.refunds.site to remove it.",
}
# Where a person enters what is declared, the ledger holds what the person was last asked for.
_DRIFT_BY_HAND = {
    **_DRIFT,
    "create": "This ledger has no note that a person was asked to enter this at {tracker}. Run storeops.refunds.site, "
    "which says what to enter where.",
    "update": "What a person was last asked to enter at {tracker} isn't what is declared{both}. Run "
    "storeops.refunds.site, which says what to enter where, or correct the declaration.",
    "delete": f"Declared absent, and the ledger still has it. {_CONFIRMED_NOW}",
}


@dataclass(frozen=True)
class Finding:
    """What decides about the problems of one app. ``cause`` is empty when there was no verdict.

    ``is_confirmed_now``: by a person's word that a run would record.
    """

    cause: str
    hint: str
    status: str | None
    action: str
    outcome: str
    is_failed: bool
    is_unreachable: bool
    message: str
    differences: tuple[Difference, ...] = ()
    tracker: str = ""
    next_step: str = ""
    own_finding: str = ""
    is_confirmed_now: bool = False

    @property
    def is_elsewhere(self) -> bool:
        """True where a run would only note another path of the same key, as one on another machine has it."""
        return self.action == "update" and [one.field for one in self.differences] == ["private_key_path"]

    @property
    def shows_status(self) -> bool:
        """True where the status is the tracker's own, so that a bad one isn't Apple's verdict of some day."""
        return self.tracker == "devtodev"


def problems_of(found: Finding) -> tuple[Problem, ...]:
    """Return an app's problems, none when all is well."""
    if found.own_finding == "still_held":
        # What Apple or the tracker says of an app that is to go is no matter.
        return (Problem("drift", "still_held", found.hint or OWN_CAUSES["still_held"]),)
    problems = [problem for problem in (_of_the_check(found), _of_the_tracker(found)) if problem]
    is_explained = any(problem.kind in ("refused", "unknown") for problem in problems)
    if found.own_finding == "wrong_apple_id":
        problems.append(Problem("drift", "wrong_apple_id", found.message or OWN_CAUSES["wrong_apple_id"]))
        is_explained = True
    if found.is_failed and not is_explained:
        problems.append(_own("unknown", "failed", found.message))
        is_explained = True
    if found.action in _DRIFT and not found.is_elsewhere:
        texts = _DRIFT_BY_HAND if found.next_step or found.is_confirmed_now else _DRIFT
        problems.append(Problem("drift", "drift", _filled(texts[found.action], found)))
    elif found.action == "unknown" and not is_explained:
        problems.append(_own("unknown", "plan_unknown", found.message or _unknown_key(found.tracker)))
    # Before an app is released, too, a person has to enter its key; before a change is made, nobody has.
    step = _CONFIRMED_NOW if found.is_confirmed_now else found.next_step
    if found.status == "Pending" and ((step and found.action not in _DRIFT) or not problems):
        problems.append(_own("pending", "tracker_pending", step))
    return tuple(problems)


def _filled(text: str, found: Finding) -> str:
    """Return a text about drift with what it names, and at which tracker: an app may have several."""
    holder = found.tracker if found.tracker not in ("", "ledger") else f"the {found.tracker or 'tracker'}"
    start = holder.replace("the ", "The ", 1)
    return text.format(both=_both(found), fields=_fields(found), tracker=found.tracker, holder=holder, Holder=start)


def _both(found: Finding) -> str:
    """Return both values of each field, or nothing where the result doesn't tell them."""
    held = "was asked for" if found.next_step else "is held"
    told = [
        f"{one.field} {_short(one.field, one.before or _nothing(one.field))} {held}, "
        f"{_short(one.field, one.after or '(none)')} is declared"
        for one in found.differences
    ]
    return f" ({'; '.join(told)})" if told else ""


def _fields(found: Finding) -> str:
    """Return what a run would update, as far as the result tells."""
    names = [one.field for one in found.differences]
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:]))) or "it"


def _short(field: str, value: str) -> str:
    """Two paths may differ at their ends."""
    return value if field == "private_key_path" else shortened(value)


def _nothing(field: str) -> str:
    """Say what a held value that isn't told means: a tracker that doesn't show its key may hold one."""
    return "(unknown)" if field in KEY_FIELDS else "(none)"


def _unknown_key(tracker: str) -> str:
    """Say what is unknown, and by which option it is settled, where the tracker has it."""
    has_option = "on_unknown" in TRACKERS.get(tracker, {}).get("options", ())
    step = f" Set {tracker}.on_unknown: replace for one run of site, which applies the declared key."
    return OWN_CAUSES["plan_unknown"] + (step if has_option else "")


def _own(kind: t.Literal["unknown", "pending"], cause: str, text: str) -> Problem:
    return Problem(kind, cause, text or OWN_CAUSES[cause])


def _of_the_tracker(found: Finding) -> Problem | None:
    """Return what the tracker's own status says, where Apple's verdict doesn't explain it already."""
    if found.own_finding in _OF_THE_TRACKER:
        kind = _OF_THE_TRACKER[found.own_finding]
        return Problem(kind, found.own_finding, found.message or OWN_CAUSES[found.own_finding])
    # Where something failed before anybody was asked, nobody knows the status.
    is_sound = found.cause in ("accepted", *_NO_FAILURE) or (found.cause == "not_checked" and not found.is_failed)
    if not is_sound and not (found.shows_status and found.cause in ("", *UNDECIDED_CAUSES)):
        return None
    # What failed without Apple's answer is no word of the tracker's.
    message = found.message if is_sound else ""
    if found.status == "Failed":
        # What was noted on some day is no word of the tracker's either, where it has none of its own.
        is_noted = found.cause == "not_checked" and not found.shows_status
        told = _REFUSED_BEFORE if is_noted else message or OWN_CAUSES["tracker_failed"]
        return Problem("refused", "tracker_failed", told)
    # Where it isn't known which key the tracker holds, that is the finding.
    if is_sound and found.status == "Unknown" and found.action != "unknown":
        return _own("unknown", "tracker_unknown", message)
    return None


def _of_the_check(found: Finding) -> Problem | None:
    if found.is_unreachable:
        return _own("unknown", "host_unreachable", found.message)
    if found.outcome == "not_tried":
        return _own("unknown", "not_tried", found.message)
    # Also where what failed kept Apple from being asked, such as an entry that can't be used.
    is_told = found.own_finding in _OF_THE_TRACKER
    if not found.cause or (found.cause == "not_checked" and found.is_failed and not is_told):
        return _own("unknown", "failed", found.message)
    if found.cause == "accepted":
        return None
    if found.cause in _NO_FAILURE:
        return Problem("pending", found.cause, found.hint)
    if found.cause not in CAUSES:
        return _own("unknown", "failed", f"{found.cause}: {found.hint}")
    if found.cause not in UNDECIDED_CAUSES:
        return Problem("refused", found.cause, found.hint)
    # state: absent needs no check.
    is_absent = found.cause == "not_checked" and found.status == "Absent" and bool(found.action)
    return None if is_absent else Problem("unknown", found.cause, found.hint)
