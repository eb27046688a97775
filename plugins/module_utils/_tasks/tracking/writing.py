# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many decisions carried out: in the ledger many at once, elsewhere one after the other."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from functools import partial

from ..._context import Context
from ..._decisions.decision import Decision, give_up, leave_open
from ..._ledger.explained import RowsFailed
from ..._model.errors import LedgerError, RefundsError, unforeseen
from ..._model.permit import Permit
from ..._trackers.ledger import LedgerTracker
from ..._trackers.protocol import NotActive, Tracker

# What a kill can undo at most; larger transactions save nothing that can be measured.
BATCH = 500
# What a fault of ours spoils when it meets one app of a list.
ONE_APP = "the other apps went on"


@dataclass
class Writer:
    """Carries decisions out, nothing in check mode. What fails is said in the decision itself."""

    tracker: Tracker
    context: Context
    _waiting: list[Decision] = field(default_factory=list, init=False)
    _problem: str = field(default="", init=False)

    def add(self, decision: Decision) -> None:
        if decision.is_only_news and not self._can_note():
            return
        # What is only observed is no change, and yet written: it fails in check mode as it would in the run. Nothing
        # is removed at a tracker if the ledger can't be told of it.
        if decision.write in ("note", "remove"):
            self._tried(decision, self.tracker.check_place, does_nothing=True)
        if self.context.check_mode and decision.write == "remove":
            self._tried(decision, partial(self.tracker.foretell_removal, decision.held.identity))
        if self.context.check_mode or decision.write is None:
            return
        if not isinstance(self.tracker, LedgerTracker):
            self._one(decision)
            return
        self._waiting.append(decision)
        if len(self._waiting) >= BATCH:
            self.flush()

    def _can_note(self) -> bool:
        try:
            self.tracker.check_place()
        except RefundsError:
            return False
        return self.context.transport.remaining() > 0

    def flush(self) -> None:
        """Write what still waits; in check mode and for other trackers nothing does."""
        waiting, self._waiting = self._waiting, []
        if not isinstance(self.tracker, LedgerTracker):
            return
        saved = [decision for decision in waiting if decision.write != "remove"]
        removed = [decision for decision in waiting if decision.write == "remove"]
        entries = [decision.step.desired for decision in saved if decision.step.desired]
        identities = [decision.held.identity for decision in removed]
        tracker = self.tracker
        self._together(saved, lambda: tracker.note_all(entries))
        self._together(removed, lambda: tracker.remove_all(identities))

    def purge(self, decisions: t.Sequence[Decision], target: str, permit: Permit) -> None:
        """Remove what is not listed."""
        tracker = self.tracker
        if not isinstance(tracker, LedgerTracker):
            raise AssertionError("no other tracker tells all that a team has")
        for start in range(0, len(decisions), BATCH):
            part = decisions[start : start + BATCH]
            identities = [decision.held.identity for decision in part]
            self._together(part, partial(tracker.purge, identities, target, permit))

    def _together(self, decisions: t.Sequence[Decision], write: t.Callable[[], None]) -> None:
        if self._problem:
            for decision in decisions:
                decision.is_untried = True
                give_up(decision, f"{decision.held.identity.bundle_id}: not tried after this: {self._problem}")
            return
        try:
            write()
        except RowsFailed as failed:
            # All the others were written.
            for decision in decisions:
                fault = failed.faults.get(decision.held.identity)
                if fault is not None:
                    give_up(decision, f"{decision.held.identity.bundle_id}: {fault}")
        except LedgerError as error:
            # It would fail for the rest as well, each time after a wait.
            self._problem = f"{error}"
        except Exception as error:
            # What was written before is kept and must be told.
            self._problem = unforeseen(error)
        if self._problem:
            for decision in decisions:
                give_up(decision, f"{decision.held.identity.bundle_id}: {self._problem}")

    def _one(self, decision: Decision) -> None:
        bundle_id = decision.held.identity.bundle_id
        if self.context.transport.remaining() <= 0:
            decision.is_untried = True
            # What was done before is done, so the next run comes further.
            give_up(decision, not_tried(bundle_id, self.context, "Raise deadline, or run again."))
            return
        self._tried(decision, partial(carry_out, decision, self.tracker))

    def _tried(self, decision: Decision, work: t.Callable[[], None], does_nothing: bool = False) -> None:
        bundle_id = decision.held.identity.bundle_id
        try:
            work()
        except RefundsError as error:
            how = leave_open if error.may_have_changed else give_up
            how(decision, naming(bundle_id, f"{error}"))
        except Exception as error:
            # Nobody knows how far it came.
            is_harmless = does_nothing or self.context.check_mode or decision.write == "note"
            how = give_up if is_harmless else leave_open
            how(decision, naming(bundle_id, unforeseen(error, ONE_APP)))


def carry_out(decision: Decision, tracker: Tracker) -> None:
    """Do at the tracker what was decided. Raises a RefundsError; a tracker that is not Active then is no exception."""
    desired = decision.step.desired
    if decision.write == "remove" and decision.step.current is not None:
        tracker.remove(decision.step.current.identity)
    elif decision.write == "note" and desired is not None:
        tracker.note(desired)
    elif decision.write == "save" and desired is not None and decision.credentials is not None:
        try:
            decision.held = tracker.save(desired, decision.credentials)
        except NotActive as error:
            decision.held, decision.error = error.integration, f"{error}"


def not_tried(bundle_id: str, context: Context, next_step: str = "Raise deadline.") -> str:
    return f"{bundle_id}: not tried, {context.transport.limit} was over before. {next_step}"


def naming(bundle_id: str, message: str) -> str:
    return message if bundle_id in message else f"{bundle_id}: {message}"
