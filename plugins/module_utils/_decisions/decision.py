# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A decision about one app's integration, and what becomes of it where nobody can tell, or it can't be carried out."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._context import Results
from .._model.integration import Credentials, Identity, Integration, Observation, Status, absent, worse
from .._model.verdict import Verdict
from .._plan import Plan, stand_still


@dataclass
class Decision:
    """``held``: the integration as it is then. ``error`` tells why the app failed; what was done counts all the same.

    ``is_refusal``: the verdict is why, and ``brief`` is the error without what stands in the verdict's hint.
    ``is_untried``: the app did not get its turn. ``declared``: the key that is asked for, None when none is.
    ``key_name``: the key's short name. ``app_name``: as declared. ``is_of_key``: the error is the key's, not the app's.
    ``is_predicted``: check mode; ``held`` is what a run would leave. ``is_absent``: it is declared to be absent.
    ``is_wrong_apple_id``: Apple's verified notifications contradict the declared number. ``next_step``: what a person
    has to do at the tracker. ``why_kept``: why what is declared absent can't be removed, and what a person can do.
    ``is_confirmation``: a person said in this run that it is done; ``is_too_early``: and this run is the first to ask.
    ``has_no_api``: the tracker can't be asked. ``is_surplus``: nobody declares it, and a purge removes it.
    ``bad_status``: Failed or Unknown, where the tracker itself shows that; the error says so.
    """

    verdict: Verdict
    step: Plan
    held: Integration
    credentials: Credentials | None = field(default=None, repr=False)
    error: str = ""
    brief: str = ""
    declared: Results | None = None
    is_refusal: bool = False
    is_untried: bool = False
    key_name: str = ""
    app_name: str = ""
    is_of_key: bool = False
    is_predicted: bool = False
    is_absent: bool = False
    is_wrong_apple_id: bool = False
    next_step: str = ""
    why_kept: str = ""
    is_confirmation: bool = False
    is_too_early: bool = False
    has_no_api: bool = False
    is_surplus: bool = False
    bad_status: Status | None = None

    @property
    def told(self) -> Integration:
        """The integration as results tell it: a bad word that the tracker shows stands until a run has been there."""
        current = self.step.current
        if not self.is_predicted or current is None or not current.word:
            return self.held
        if worse(self.held.status, current.status) == self.held.status:
            return self.held
        return self.held.seen_as(Observation(current.status, current.word))

    @property
    def is_kept(self) -> bool:
        """Tell whether it is declared absent and still held."""
        return self.is_absent and self.told.status != "Absent"

    @property
    def finding(self) -> t.Literal["wrong_apple_id", "tracker_failed", "tracker_unknown", "still_held"] | None:
        """What an audit finds that neither the verdict nor the plan tells."""
        if self.is_wrong_apple_id:
            return "wrong_apple_id"
        if self.bad_status:
            return "tracker_failed" if self.bad_status == "Failed" else "tracker_unknown"
        return "still_held" if self.is_kept and not self.error else None

    @property
    def write(self) -> t.Literal["save", "note", "remove"] | None:
        """What the tracker is to do for it."""
        if self.error and not self.bad_status:
            # What a person did counts, whatever else is wrong with the app.
            return "note" if self.is_confirmation else None
        if self.step.action == "delete":
            return "remove"
        # A removal that a person was asked for is noted, too, and needs no key.
        if (self.credentials is None and not self.why_kept) or self.step.action == "unknown":
            return None
        if self.step.changed:
            return "save"
        return "note" if self._is_to_be_noted or self._is_news else None

    @property
    def is_only_news(self) -> bool:
        """Whether all there is to write is what any later run finds out as well."""
        return self.write == "note" and not self._is_to_be_noted

    @property
    def _is_to_be_noted(self) -> bool:
        return self.step.needs_saving or self.is_confirmation

    @property
    def _is_news(self) -> bool:
        # What Apple accepts by now, and nobody knew so far, is to be known when Apple can't be asked or refuses.
        shown = self.step.current
        is_only_of_page = shown is not None and shown.is_only_shown and shown.status == "Active"
        return shown is not None and self.verdict.accepted and (is_only_of_page or not shown.was_accepted)


def standing(current: Integration | None, identity: Identity, verdict: Verdict, error: str = "") -> Decision:
    """Return the decision to leave everything as it is held now."""
    return Decision(verdict, stand_still(current), current or absent(identity), error=error)


def unread(identity: Identity, verdict: Verdict, error: str) -> Decision:
    """Return the decision about an app of which nobody could tell what is held."""
    unknown = replace(absent(identity), status="Unknown")
    return Decision(verdict, stand_still(None), unknown, error=error)


def give_up(decision: Decision, error: str) -> None:
    """Turn a decision that could not be carried out into one that leaves everything as it was."""
    current = decision.step.current
    decision.step, decision.held = stand_still(current), current or absent(decision.held.identity)
    # What was wrong before, and kept nothing from being noted, is said as well.
    decision.error = " ".join(filter(None, (decision.error, error)))
    decision.brief, decision.next_step, decision.is_confirmation = "", "", False


def leave_open(decision: Decision, error: str) -> None:
    """Note that a decision failed after it was sent: what may have been done counts as done, and nobody knows more."""
    decision.held = replace(absent(decision.held.identity), status="Unknown")
    decision.error, decision.next_step = f"{error} The change may have been made; run again.", ""
    decision.is_confirmation = False


def doubt_absent(decisions: t.Iterable[Decision], lack: str) -> None:
    """Fail what is declared absent and of which only the ledger tells, which knows nothing. ``lack``: why it doesn't.

    For an audit, nobody was asked then.
    """
    for decision in decisions:
        identity = decision.held.identity
        is_told_by_ledger = decision.has_no_api or identity.tracker == "ledger"
        if is_told_by_ledger and decision.is_absent and not decision.is_kept and not decision.error:
            step = f"make sure at {identity.tracker} that it is gone, and delete" if decision.has_no_api else "delete"
            decision.error = (
                f"{identity.bundle_id}: {lack}, so nobody knows whether it is gone. If another ledger has it, correct "
                f"ledger.url. Else {step} the app's entry."
            )
