# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one engine: what is declared, at all its trackers, from what is held and Apple's verdict to what is written."""

from __future__ import annotations

import contextlib
import functools
import typing as t
from dataclasses import dataclass, field
from itertools import groupby

from ..._apple.credential_check import CredentialCheck
from ..._context import Context
from ..._decisions.apple_id import Contradiction, WrongAppleId, contradictions_told, is_contradicted
from ..._decisions.decision import Decision, standing, unread
from ..._decisions.integration import Rules, Wanted, decide_absent, decide_present
from ..._declaration.declaration import Declaration, refuse
from ..._ledger.coverage import proven_apple_ids
from ..._ledger.integrations import list_all, list_elsewhere, remove_integrations
from ..._model.apple_id import ProvenAppleIds
from ..._model.errors import RefundsError, unforeseen
from ..._model.identifiers import ENVIRONMENTS
from ..._model.integration import Integration
from ..._model.verdict import Verdict
from ..._trackers.ledger import LedgerTracker
from ..._trackers.settings import Settings
from ..shared.progress import Progress
from ..shared.trackers import Trackers
from .checks import Checks
from .holdings import Holdings
from .loaded_keys import KeyReader, LoadedKey
from .purge import Purge
from .surplus import surplus_of
from .targets import Place, Target, open_places, settle_keys, targets_of
from .writing import ONE_APP, naming


@dataclass
class Engine:
    """``warn``: shows a warning, however many apps have the same. ``name``: of the module, for its progress.

    ``loaded``: all declared keys, read by `run`.
    ``is_strict``: what is wrong with an entry, or with the only tracker, stops the task before anything is done.
    ``lack``: why the ledger knows nothing of what is declared absent, with its place; empty where it may know.
    """

    context: Context
    trackers: Trackers
    check: CredentialCheck
    warn: t.Callable[[str], None]
    name: str
    is_strict: bool = True
    lack: str = ""
    loaded: list[LoadedKey] = field(default_factory=list, init=False)
    _contradictions: list[Contradiction] = field(default_factory=list, init=False)
    _looked_up: tuple[t.Sequence[Target], t.Mapping[Settings, Place]] = field(default=((), {}), init=False)

    @property
    def irreversible(self) -> list[dict[str, str]]:
        """The steps that can't be undone and were taken, or in check mode would be."""
        return self.trackers.gate.records

    def run(self, declaration: Declaration, purge: Purge | None = None) -> list[Decision]:
        """Return the decisions in the order of the declaration, carried out except in check mode; then the surplus.

        ``purge``: what else is to go, which is decided before anything is written. Raises RefundsError for entries with
        a fault, for a purge of too much, and where the only tracker can't be asked.
        """
        reader = KeyReader(self.context)
        targets = targets_of(declaration, reader)
        if self.is_strict:
            # What the task of a key could not look up stops the apps of that key alone.
            bad = (one.key.fault for one in targets if one.key and one.key.fault and not one.key.source.trouble)
            refuse((*declaration.faults, *bad))
        places = open_places(targets, self.trackers, self.context, self.is_strict)
        settle_keys(targets, declaration, reader, lambda: self._held(targets))
        more = surplus_of(purge, {target.identity for target in targets}, (one.holdings for one in places.values()))
        self._looked_up = targets, places
        self.loaded = [reader.load(source) for source in declaration.keys.values()]
        checks = Checks(self.check, self.context, self.loaded, self.warn, self.name)
        is_quick = self.context.check_mode or all(isinstance(place.tracker, LedgerTracker) for place in places.values())
        verdicts = checks.verdicts(targets, places, is_quick)
        progress = Progress(self.context.progress, self.context.now, self.name, len(declaration.apps))
        decisions: list[Decision] = []
        # The targets of an app follow one another.
        for _app, group in groupby(zip(targets, verdicts, strict=True), lambda pair: id(pair[0].app)):
            done = [self._done(target, verdict, places) for target, verdict in group]
            if not is_quick:
                progress.ended(any(decision.error for decision in done))
            decisions += done
        _flush(places)
        if more.decisions:
            more.remove(next(iter(places.values())).writer, self.trackers.gate)
        self._forget(decisions)
        if self._contradictions:
            self.context.warn(contradictions_told(self._contradictions))
        return decisions + more.decisions

    def _forget(self, decisions: t.Iterable[Decision]) -> None:
        """Forget what was last applied where an app is declared absent, and was seen to be absent.

        An app of which the ledger can't forget it fails, in check mode too.
        """
        seen = (one for one in decisions if one.held.identity.tracker != "ledger" and not one.error)
        gone = {one.held.identity: one for one in seen if one.held.status == "Absent"}
        ledger, noted = self.trackers.ledger, list(gone)
        if not gone:
            return
        try:
            held = {one.identity for one in list_all(ledger)}
            noted = [identity for identity in gone if identity in held]
            if noted:
                ledger.check_place()
            if noted and not self.context.check_mode:
                remove_integrations(ledger, noted)
        except RefundsError as error:
            for identity in noted:
                told = f"{identity.bundle_id}: is gone at {identity.tracker}, and the ledger may still name it: {error}"
                gone[identity].error = told

    @functools.cached_property
    def _proven(self) -> ProvenAppleIds:
        return proven_apple_ids(self.trackers.ledger)

    def _held(self, targets: t.Iterable[Target]) -> t.Iterator[Integration]:
        """Yield what is held of these targets, then what the ledger knows of any app at any tracker."""
        yield from (target.current for target in targets if target.current)
        with contextlib.suppress(RefundsError):
            yield from list_all(self.trackers.ledger)

    def listed(self) -> list[Integration]:
        """Return what other trackers listed in this run, whether it is declared or not."""
        _targets, places = self._looked_up
        others = (place.holdings for place in places.values() if not isinstance(place.tracker, LedgerTracker))
        return [entry for holdings in others for entry in holdings.known()]

    def undeclared(self, declaration: Declaration) -> list[Integration]:
        """Return what the ledger knows of the declared teams, in both environments, and nobody declares.

        That is also what was last applied at other trackers, where it may still be.
        A team is declared by a key, also by one without an app and by one that can't be read.
        """
        targets, places = self._looked_up
        declared = {target.identity for target in targets}
        teams = _teams(declaration, (*self.loaded, *(target.key for target in targets if target.key)))
        unread = {app.bundle_id: app.place for app in declaration.apps if app.fault}
        # Without its bundle ID, an entry may declare any of them.
        if not teams or any(bundle_id == place for bundle_id, place in unread.items()):
            return []
        own = (place.holdings for place in places.values() if isinstance(place.tracker, LedgerTracker))
        ledger = next(own, None) or Holdings(LedgerTracker(self.trackers.ledger, self.context.timestamp))
        found: list[Integration] = []
        try:
            for environment in ENVIRONMENTS:
                found += ledger.listed(environment).values()
                found += list_elsewhere(self.trackers.ledger, environment)
        except RefundsError as error:
            # Else each of its apps tells.
            if not any(target.error for target in targets if target.settings.tracker == ledger.tracker.name):
                self.context.warn(f"Whether the ledger holds apps that aren't declared is unknown: {error}")
        # A save that broke off left no Issuer ID: it may be of these teams.
        left = [entry for entry in found if entry.identity not in declared and entry.issuer_id in (*teams, None)]
        # Of an entry that can't be read nobody knows which trackers it names.
        return [entry for entry in left if entry.identity.bundle_id not in unread]

    def _done(self, target: Target, verdict: Verdict, places: t.Mapping[Settings, Place]) -> Decision:
        decision = self._decided(target, verdict, places)
        if target.settings in places:
            places[target.settings].writer.add(decision)
        return decision

    def _decided(self, target: Target, verdict: Verdict, places: t.Mapping[Settings, Place]) -> Decision:
        decision = self._decision(target, verdict, places)
        decision.is_untried = decision.is_untried or target.is_untried
        decision.app_name = target.app.name
        decision.is_absent = target.app.is_absent
        decision.key_name = target.app.key.name if target.app.key else ""
        problem = target.key.problem if target.key else None
        # A key that a run would make first is no fault of it.
        decision.is_of_key = target.is_of_key or (problem is not None and problem.cause != "key_not_yet_created")
        decision.has_no_api = target.settings in places and places[target.settings].tracker.has_no_api
        decision.declared = target.key.declared if target.key and not target.app.fault else None
        return decision

    def _decision(self, target: Target, verdict: Verdict, places: t.Mapping[Settings, Place]) -> Decision:
        identity, current = target.identity, target.current
        if target.error:
            how = standing(current, identity, verdict, target.error)
            return how if target.is_read else unread(identity, verdict, target.error)
        rules = Rules(places[target.settings].tracker, target.app.policy, self.context.check_mode, self.warn)
        try:
            if target.app.is_absent or target.key is None:
                return decide_absent(identity, current, rules)
            number = target.app.app_apple_id
            is_wrong = is_contradicted(number, identity, current, lambda: self._proven, self._contradictions.append)
            wanted = Wanted(identity, target.key.source, target.key.credentials, number)
            decided = decide_present(wanted, current, verdict, rules)
            decided.is_wrong_apple_id = is_wrong
            return decided
        except RefundsError as error:
            refused = standing(current, identity, verdict, naming(identity.bundle_id, f"{error}"))
            refused.is_wrong_apple_id = isinstance(error, WrongAppleId)
            return refused
        except Exception as error:
            return standing(current, identity, verdict, naming(identity.bundle_id, unforeseen(error, ONE_APP)))


def _teams(declaration: Declaration, loaded: t.Iterable[LoadedKey]) -> set[str]:
    sources = [*declaration.keys.values(), *(app.key for app in declaration.apps if app.key)]
    found = {LoadedKey(source).declared["issuer_id"] for source in dict.fromkeys(sources)}
    # Some keys have their IDs from what is held.
    found |= {one.credentials.issuer_id for one in loaded if one.credentials}
    return found - {None}


def _flush(places: t.Mapping[Settings, Place]) -> None:
    for place in places.values():
        place.writer.flush()
