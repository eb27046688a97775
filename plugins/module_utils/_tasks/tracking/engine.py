# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one engine: what is declared, at all its trackers, from what is held and Apple's verdict to what is written."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._apple.credential_check import CredentialCheck
from ..._context import Context
from ..._decisions.integration import Decision, Rules, Wanted, decide_absent, decide_present, standing, unread
from ..._declaration.declaration import Declaration
from ..._model.errors import RefundsError, unforeseen
from ..._model.integration import Integration
from ..._model.verdict import Verdict
from ..._trackers.ledger import LedgerTracker
from ..._trackers.settings import Settings
from ..shared.progress import Progress
from ..shared.trackers import Trackers
from .checks import Checks
from .loaded_keys import KeyReader
from .targets import Place, Target, look_up, open_places, targets_of
from .writing import ONE_APP, naming


@dataclass
class Engine:
    """``warn``: shows a warning, however many apps have the same. ``name``: of the module, for its progress.

    ``undeclared``: after a run, what the ledger holds and nobody declares.

    ``is_strict``: what is wrong with an entry, or with the only tracker, stops the task before anything is done.
    """

    context: Context
    trackers: Trackers
    check: CredentialCheck
    warn: t.Callable[[str], None]
    name: str
    is_strict: bool = True
    undeclared: list[Integration] = field(default_factory=list, init=False)

    def run(
        self,
        declaration: Declaration,
        surplus: t.Callable[[t.Sequence[Target], t.Mapping[Settings, Place]], list[Decision]] = lambda *_given: [],
    ) -> list[Decision]:
        """Return the decisions in the order of the declaration, carried out except in check mode; then the surplus.

        ``surplus``: decides what else is to go, before anything is written. Raises RefundsError for entries with a
        fault, and where the only tracker can't be asked.
        """
        reader = KeyReader(self.context)
        targets = targets_of(declaration, reader)
        if self.is_strict:
            Declaration(declaration.keys, (), _faults(declaration, targets)).require()
        places = open_places(targets, self.trackers, self.context, self.is_strict)
        for target in targets:
            if target.settings in places:
                look_up(target, places[target.settings], self.context, self.is_strict and len(places) == 1)
        more = surplus(targets, places)
        self.undeclared = _undeclared(targets, places)
        loaded = [reader.load(source) for source in declaration.keys.values()]
        checks = Checks(self.check, self.context, loaded, self.warn)
        is_quick = self.context.check_mode or all(isinstance(place.tracker, LedgerTracker) for place in places.values())
        progress = Progress(self.context.progress, self.context.now, self.name, len(targets))
        verdicts = checks.verdicts(targets, places, progress if is_quick else None)
        decisions = []
        for target, verdict in zip(targets, verdicts, strict=True):
            decision = self._decided(target, verdict, places)
            if target.settings in places:
                places[target.settings].writer.add(decision)
            decisions.append(decision)
            if not is_quick:
                progress.ended(bool(decision.error))
        _flush(places)
        for decision in more:
            places[next(iter(places))].writer.add(decision)
        _flush(places)
        return decisions + more

    def _decided(self, target: Target, verdict: Verdict, places: t.Mapping[Settings, Place]) -> Decision:
        decision = self._decision(target, verdict, places)
        decision.is_untried = decision.is_untried or target.is_untried
        decision.app_name = target.app.name
        decision.key_name = target.app.key.name if target.app.key else ""
        decision.is_of_key = target.is_of_key or bool(target.key and target.key.problem)
        decision.declared = target.key.declared() if target.key and not target.app.fault else None
        return decision

    def _decision(self, target: Target, verdict: Verdict, places: t.Mapping[Settings, Place]) -> Decision:
        identity, current = target.identity, target.current
        if target.error:
            how = standing(current, identity, verdict, target.error)
            return how if target.is_read else unread(identity, verdict, target.error)
        rules = Rules(places[target.settings].tracker, target.app.policy, self.context.check_mode, self.warn)
        try:
            if target.key is None:
                return decide_absent(identity, current, rules)
            wanted = Wanted(identity, target.key.source, target.key.credentials, target.app.app_apple_id)
            return decide_present(wanted, current, verdict, rules)
        except RefundsError as error:
            return standing(current, identity, verdict, naming(identity.bundle_id, f"{error}"))
        except Exception as error:
            return standing(current, identity, verdict, naming(identity.bundle_id, unforeseen(error, ONE_APP)))


def _faults(declaration: Declaration, targets: t.Iterable[Target]) -> tuple[str, ...]:
    """Return every fault once: a key's, however many apps it has."""
    return tuple(dict.fromkeys((*declaration.faults, *(target.error for target in targets if target.error))))


def _undeclared(targets: t.Sequence[Target], places: t.Mapping[Settings, Place]) -> list[Integration]:
    """Return what the ledger holds of the declared teams and nobody declares."""
    declared = {target.identity for target in targets}
    teams = {target.key.credentials.issuer_id for target in targets if target.key and target.key.credentials}
    environments = {target.app.environment for target in targets}
    return [
        entry
        for place in places.values()
        if isinstance(place.tracker, LedgerTracker)
        for environment in sorted(environments)
        for entry in place.holdings.listed(environment).values()
        if entry.identity not in declared and entry.issuer_id in teams
    ]


def _flush(places: t.Mapping[Settings, Place]) -> None:
    for place in places.values():
        place.writer.flush()
