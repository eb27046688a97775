# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a purge removes: found out before anything is written, removed at the end with a permit."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._decisions.decision import Decision
from ..._decisions.irreversible import Gate
from ..._model.integration import Identity, Integration, absent
from ..._model.verdict import Verdict
from ..._plan import plan
from .holdings import Holdings
from .purge import Purge
from .writing import Writer

_NOT_LISTED = "purge: the app is not listed."


@dataclass(frozen=True)
class Surplus:
    """``decisions``: to remove what nobody lists. ``target``: its names. ``proof``: what says that nobody lists it."""

    decisions: list[Decision] = field(default_factory=list)
    target: str = ""
    proof: str = ""

    def remove(self, writer: Writer, gate: Gate) -> None:
        """Ask the gate and remove, nothing in check mode. What fails is said in the decisions."""
        if not self.decisions:
            return
        permit = gate.ask("purge", self.target, "purge: true", self.proof, "the ledger's list")
        if permit is None:
            return
        writer.purge(self.decisions, self.target, permit)
        total, failed = len(self.decisions), sum(bool(decision.error) for decision in self.decisions)
        part = "not done" if failed == total else f"done for {total - failed} of {total} integrations"
        gate.done(permit, part if failed else "done")


def surplus_of(purge: Purge | None, listed: t.Container[Identity], holdings: t.Iterable[Holdings]) -> Surplus:
    """Return what is held in the only place and not listed.

    Raises InputError when that is too much, and LedgerError when it could not be removed.
    """
    if purge is None:
        return Surplus()
    (only,) = holdings
    held = only.listed(purge.environment)
    doomed = purge.doomed(held.values(), listed)
    if doomed:
        only.tracker.check_place()
    decisions = [
        Decision(
            Verdict("not_checked", _NOT_LISTED, found.identity.environment),
            plan(found, None),
            absent(found.identity),
            is_surplus=True,
        )
        for found in doomed
    ]
    return Surplus(decisions, ", ".join(found.identity.bundle_id for found in doomed), _proof(purge, held, doomed))


def _proof(purge: Purge, held: t.Mapping[Identity, Integration], doomed: t.Sequence[Integration]) -> str:
    """Return how many are not listed of each team: of other teams nothing is removed."""
    told = []
    for issuer in sorted(purge.issuers):
        ours, lost = (sum(one.issuer_id == issuer for one in some) for some in (held.values(), doomed))
        if lost:
            are = "isn't" if lost == 1 else "aren't"
            noun = "integration" if ours == 1 else "integrations"
            told.append(f"of the {ours} {purge.environment} {noun} of team {issuer}, {lost} {are} listed")
    return " and ".join(told)
