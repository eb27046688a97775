# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apple's verdict about every target: one call for each app and key, and what all of them together tell."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..._apple.credential_check import CredentialCheck
from ..._context import Context
from ..._decisions.integration import NO_KEY_NEEDED
from ..._decisions.refusal import Facts, KeyId, Others, facts, is_unasked, known_released, settled_kind
from ..._decisions.status import best_status
from ..._model.errors import RefundsError, unforeseen
from ..._model.identifiers import Environment
from ..._model.integration import Integration
from ..._model.verdict import Verdict
from ..shared.concurrent import each
from ..shared.progress import Progress
from .loaded_keys import LoadedKey
from .targets import Place, Target
from .writing import ONE_APP, naming, not_tried

# What is asked about one app; targets with the same question share the answer.
Question = tuple[LoadedKey, str, Environment, bool]
# Bundle ID and environment.
AppId = tuple[str, str]
# Calls that only make a refusal's hint better: so many apps, with so many other keys each.
_MOST_APPS, _MOST_KEYS = 10, 5
# What a fault of ours spoils when it meets the comparison with what is held.
_HINT_LESS = "the hint says less than it could, the verdict is sound"


@dataclass
class Checks:
    """``keys``: all that are declared. ``name``: of the module, for its progress."""

    check: CredentialCheck
    context: Context
    keys: t.Sequence[LoadedKey]
    warn: t.Callable[[str], None]
    name: str

    def verdicts(
        self, targets: t.Sequence[Target], places: t.Mapping[t.Any, Place], shows_progress: bool
    ) -> list[Verdict]:
        """Return the verdicts in the order of the targets. What spoils one is its target's error.

        A target whose key Apple refuses for every app is marked as one with trouble of its key.
        """
        asked = [target for target in targets if target.key and not target.error]
        questions = list(dict.fromkeys(_question(target) for target in asked))
        progress = Progress(self.context.progress, self.context.now, self.name, len(questions), "key checks")
        answers = dict(zip(questions, self._asked(questions, progress if shows_progress else None), strict=True))
        released, proven = _released(targets), _proven(targets)
        found = [self._of_target(target, answers, released, proven) for target in targets]
        others = Others.of(_told(targets, answers))
        elsewhere = self._elsewhere(answers, others)
        pairs = list(zip(targets, found, strict=True))
        known = [
            self._known(target, elsewhere, places, released) if _is_refused(target, one) else None
            for target, one in pairs
        ]
        # What one app tells of its key explains the refusal of its neighbours, too.
        told = zip(targets, known, strict=True)
        accepted = frozenset(_key_id(target) for target, facts in told if facts and facts.was_sound)
        others = replace(others, accepted=accepted)
        return [
            verdict if facts is None else self._explained(target, verdict, others, facts)
            for (target, verdict), facts in zip(pairs, known, strict=True)
        ]

    def _asked(self, questions: t.Sequence[Question], progress: Progress | None) -> list[Verdict | str]:
        """Return the answers; a text where a fault of ours spoiled one, empty where there was no time."""

        def answer(question: Question) -> Verdict | str:
            key, bundle_id, place, is_skipped = question
            if key.credentials and not is_skipped and self.context.transport.remaining() <= 0:
                return ""
            try:
                return key.ask(self.check, bundle_id, place, is_skipped)
            except RefundsError:
                raise
            except Exception as error:
                return naming(bundle_id, unforeseen(error, ONE_APP))

        def ended(found: Verdict | str) -> None:
            if progress:
                progress.ended(isinstance(found, str) or best_status(found, "required") is None)

        return each(questions, answer, self.context.transport.flow, ended)

    def _of_target(
        self,
        target: Target,
        answers: t.Mapping[Question, Verdict | str],
        released: t.Mapping[AppId, Integration],
        proven: t.Container[str],
    ) -> Verdict:
        place, bundle_id = target.app.environment, target.app.bundle_id
        if target.key is None or target.error:
            return Verdict("not_checked", target.error or NO_KEY_NEEDED, place)
        answer = answers[_question(target)]
        if isinstance(answer, str):
            target.error, target.is_untried = answer or not_tried(bundle_id, self.context), not answer
            return Verdict("not_checked", target.error, place)
        if is_unasked(answer):
            # No policy decides about what nobody looked at.
            target.error, target.is_untried = naming(bundle_id, answer.hint), True
        credentials = target.key.credentials
        if credentials is None or credentials.private_key.fingerprint not in proven:
            answer = settled_kind(target.key.source, answer)
        held = (target.current, released.get(_app_id(target)))
        return known_released(answer, [one for one in held if one], credentials)

    def _elsewhere(self, answers: t.Mapping[Question, Verdict | str], others: Others) -> dict[AppId, LoadedKey]:
        """Return another declared key that Apple accepts, by bundle ID and environment."""
        refused = [
            (key, name, place)
            for (key, name, place, _skip), answer in answers.items()
            if isinstance(answer, Verdict)
            and answer.cause == "unauthenticated"
            and not answer.sandbox_accepts
            and not others.is_refused_everywhere(key.id(name))
        ]

        def accepted(asked: tuple[LoadedKey, str, Environment]) -> LoadedKey | None:
            key, name, place = asked
            # One that is to be absent is no key to declare an app with.
            others = (one for one in self.keys if one.credentials and not one.source.is_absent)
            rest = [one for one in others if one.id("") != key.id("")]
            try:
                for one in rest[:_MOST_KEYS]:
                    if self.context.transport.remaining() > 0 and one.check(self.check, name, place).accepted:
                        return one
            except Exception as error:
                self.warn(naming(name, unforeseen(error, _HINT_LESS)))
            return None

        tried = refused[:_MOST_APPS]
        found = each(tried, accepted, self.context.transport.flow)
        return {(name, place): other for (_key, name, place), other in zip(tried, found, strict=True) if other}

    def _known(
        self,
        target: Target,
        elsewhere: t.Mapping[AppId, LoadedKey],
        places: t.Mapping[t.Any, Place],
        released: t.Mapping[AppId, Integration],
    ) -> Facts:
        """Return what is known of an app that Apple refuses with its key."""
        identity, place = target.identity, places[target.settings]
        key = t.cast(LoadedKey, target.key)
        known = Facts()
        try:
            is_new = target.current is None
            names = place.holdings.names(identity.environment) if is_new else {}
            twin = names.get(identity.bundle_id.casefold())
            known = facts(target.current, key.credentials, twin, released.get(_app_id(target)))
        except RefundsError:
            # A hint less is no reason to hide the refusal.
            pass
        except Exception as error:
            self.warn(naming(identity.bundle_id, unforeseen(error, _HINT_LESS)))
        known = replace(known, held_at=identity.tracker)
        other = elsewhere.get(_app_id(target))
        if other is None:
            return known
        is_same_team = other.id("")[0] == _key_id(target)[0]
        return replace(known, other_key=other.source.name, is_same_team=is_same_team)

    def _explained(self, target: Target, verdict: Verdict, others: Others, known: Facts) -> Verdict:
        target.is_of_key = others.is_refused_everywhere(_key_id(target))
        return others.explain(_key_id(target), verdict, known)


def _told(
    targets: t.Iterable[Target], answers: t.Mapping[Question, Verdict | str]
) -> t.Iterator[tuple[KeyId, Verdict]]:
    """Yield what is known of each app and key; of an app without an answer, that there is none."""
    for question in dict.fromkeys(_question(target) for target in targets if target.key):
        key, bundle_id, place, _is_skipped = question
        answer = answers.get(question)
        yield key.id(bundle_id), answer if isinstance(answer, Verdict) else Verdict("not_checked", "", place)


def _is_refused(target: Target, verdict: Verdict) -> bool:
    return bool(target.key) and not target.error and verdict.cause == "unauthenticated"


def _key_id(target: Target) -> KeyId:
    return t.cast(LoadedKey, target.key).id(target.app.bundle_id)


def _app_id(target: Target) -> AppId:
    return (target.app.bundle_id, target.app.environment)


def _released(targets: t.Iterable[Target]) -> dict[AppId, Integration]:
    """Return what is held of every app that Apple accepted, at whichever tracker: if it can, with the accepted key."""
    held = [(_app_id(target), target.current) for target in targets if target.current and target.current.was_accepted]
    return dict(sorted(held, key=lambda one: one[1].is_accepted))


def _proven(targets: t.Iterable[Target]) -> frozenset[str]:
    """Return the fingerprints of keys that Apple accepted: they are of this kind, whatever their files are named."""
    active = (target.current for target in targets if target.current and target.current.status == "Active")
    return frozenset(current.key_fingerprint for current in active if current.key_fingerprint)


def _question(target: Target) -> Question:
    return (t.cast(LoadedKey, target.key), target.app.bundle_id, target.app.environment, target.app.policy == "skip")
