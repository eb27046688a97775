# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why Apple refuses an app, as far as what is held, other apps and other keys tell; Apple itself never says."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._apple import hints
from .._declaration.keys import KeySource
from .._model.integration import Credentials, Integration
from .._model.verdict import UNDECIDED_CAUSES, Verdict

# (issuer ID, Key ID, fingerprint); more for a key that could not be read.
KeyId = tuple[str, ...]
# One credential check: its key, and what Apple answered.
Check = tuple[KeyId, Verdict]


def is_unasked(verdict: Verdict) -> bool:
    """Tell whether Apple was not asked for want of time or because its service had been silent for long."""
    return verdict.cause == "unreachable" and verdict.checked_at is None


def settled_kind(source: KeySource, verdict: Verdict) -> Verdict:
    """Take a file named AuthKey_… for what its name says, unless Apple's answer settled the question.

    What Apple wasn't asked for want of time stays open.
    """
    if verdict.cause not in UNDECIDED_CAUSES or is_unasked(verdict) or not source.has_api_key_name:
        return verdict
    hint = (
        f"{source.path} is by its name an App Store Connect API key, and the check could not settle it "
        f"({verdict.cause}). Give the SubscriptionKey_….p8 of an In-App Purchase key."
    )
    return replace(verdict, cause="key_wrong_kind", hint=hint)


def known_released(verdict: Verdict, held: t.Sequence[Integration], credentials: Credentials | None) -> Verdict:
    """Return the verdict about an app that is ``held``, at one tracker or several."""
    if not any(one.was_accepted for one in held):
        return verdict
    return of_released(verdict, any(_is_proven(one, credentials) for one in held))


def _is_proven(held: Integration, credentials: Credentials | None) -> bool:
    """Tell whether Apple accepted just this key for the app. When it accepted the app, it may have been another one."""
    return credentials is not None and held.is_accepted and held.has_key(credentials)


def of_released(verdict: Verdict, is_same_key: bool) -> Verdict:
    """Take back "never released" for an app that production accepted before. ``is_same_key``: with this key."""
    if verdict.cause != "app_not_released":
        return verdict
    return replace(verdict, cause="unauthenticated", hint=hints.known_released(is_same_key))


@dataclass(frozen=True)
class Facts:
    """What is known of a refused app beside Apple's answer.

    ``differing``: (option, held, given) of the key. ``is_unchanged``: nothing differs, and all of it is known.
    ``was_accepted``: Apple accepted what is held. ``was_released``: it accepted the app, perhaps with another key.
    ``held_name``: a bundle ID that the tracker ``held_at`` has in other capitals; nothing else of the app is held then.
    ``other_key``: the short name of another declared key that Apple accepts for the app, ``is_same_team``: of the same
    Issuer ID.
    """

    differing: tuple[tuple[str, str, str], ...] = ()
    is_unchanged: bool = False
    was_accepted: bool = False
    was_released: bool = False
    held_name: str = ""
    held_at: str = ""
    other_key: str = ""
    is_same_team: bool = False

    @property
    def was_sound(self) -> bool:
        """Apple accepted exactly these settings before."""
        return self.is_unchanged and self.was_accepted


def facts(
    current: Integration | None,
    credentials: Credentials | None,
    twin: Integration | None,
    elsewhere: Integration | None = None,
) -> Facts:
    """Compare what is given with what the tracker holds: what differs from it is the likely cause.

    ``twin``: what it holds with the bundle ID in other capitals. ``elsewhere``: what any tracker holds of an app that
    Apple accepted.
    """
    known = [one for one in (current, elsewhere, twin if current is None else None) if one]
    was_released = any(one.was_accepted for one in known)
    if credentials is None:
        return Facts(was_released=was_released)
    if current is None:
        return Facts(was_released=was_released, held_name=twin.identity.bundle_id if twin else "")
    held = (current.issuer_id, current.key_id, current.key_fingerprint)
    given = (credentials.issuer_id, credentials.key_id, credentials.private_key.fingerprint)
    names = ("issuer_id", "key_id", "the private key's fingerprint")
    pairs = [(name, old, new) for name, old, new in zip(names, held, given, strict=True) if old not in (None, new)]
    differing = tuple((name, str(old), new) for name, old, new in pairs)
    is_unchanged = not differing and None not in held
    was_accepted = current.is_accepted or (is_unchanged and any(_is_proven(one, credentials) for one in known))
    return Facts(differing, is_unchanged, was_accepted, was_released)


@dataclass(frozen=True)
class Counts:
    """The apps of one key: all, those with which it works, and those with which it was certainly refused."""

    total: int = 0
    works: int = 0
    refused: int = 0

    @property
    def is_refused_everywhere(self) -> bool:
        return 1 < self.total == self.refused

    @classmethod
    def of(cls, group: t.Sequence[Verdict]) -> Counts:
        # A key that the sandbox accepts is active, whatever production says of an app.
        works = sum(verdict.accepted or verdict.sandbox_accepts for verdict in group)
        # What only production refused may be an app that was never released.
        refused = sum(verdict.cause == "unauthenticated" and not verdict.is_half for verdict in group)
        return cls(len(group), works, refused)


@dataclass(frozen=True)
class Others:
    """What the other apps of a task tell. ``sound``: under which IDs each private key works, by its fingerprint.

    ``accepted``: the keys that Apple accepted before for an app, with the same settings.
    """

    counts: t.Mapping[KeyId, Counts]
    sound: t.Mapping[str, KeyId]
    accepted: frozenset[KeyId] = frozenset()

    @classmethod
    def of(cls, checks: t.Iterable[Check]) -> Others:
        groups: dict[KeyId, list[Verdict]] = {}
        for key, verdict in checks:
            groups.setdefault(key, []).append(verdict)
        # Counted once for each key: an app at a time would be the square of a large list.
        counts = {key: Counts.of(group) for key, group in groups.items()}
        return cls(counts, {key[2]: key for key, found in counts.items() if key[2] and found.works})

    def is_refused_everywhere(self, key: KeyId) -> bool:
        return key in self.counts and self.counts[key].is_refused_everywhere and not self._sound_ids(key)

    def _sound_ids(self, key: KeyId) -> KeyId | None:
        found = self.sound.get(key[2])
        return found if found != key and not self.counts[key].works else None

    def explain(self, key: KeyId, verdict: Verdict, known: Facts = Facts()) -> Verdict:
        """Return the verdict with the likeliest cause first in its hint; its cause stays."""
        if verdict.cause != "unauthenticated" or verdict.sandbox_accepts:
            return verdict
        said = self._said(key, known, verdict.other_host)
        if not said:
            return replace(verdict, hint=hints.without_unreleased(verdict.hint)) if known.was_released else verdict
        if verdict.hint.startswith(hints.API_KEY_NAME):
            # Told first, whatever else is known.
            said = f"{hints.API_KEY_NAME} {said}"
        rest = hints.without_general(verdict.hint, known.was_released)
        return replace(verdict, hint=f"{said} {rest}".rstrip(), lead=said)

    def _said(self, key: KeyId, known: Facts, other_host: str) -> str:
        counts = self.counts.get(key, Counts())
        changed = hints.changed(known.differing, known.was_accepted) if known.differing else ""
        if known.other_key:
            other = hints.other_key(known.other_key, key[1], counts.works, known.is_same_team)
            if not known.was_accepted:
                return other
            # Of one team, a key serves every app: what was accepted before it changed is likelier to be wrong.
            return " ".join(filter(None, (changed, other) if known.is_same_team else (other, changed)))
        if changed:
            return changed
        sound = self._sound_ids(key) if key in self.counts else None
        if sound:
            return hints.other_ids(sound, key)
        if known.held_name:
            return hints.other_capitals(known.held_name, known.held_at)
        was_sound = known.was_sound
        worked = was_sound or (known.is_unchanged and known.was_released)
        if counts.total > 1 and counts.works:
            if worked:
                return hints.moved(key[1], counts.works, counts.total, was_sound)
            return hints.the_app(key[1], counts.works, counts.total, known.was_released)
        aside = f" {hints.not_apple(other_host)}" if worked and other_host else ""
        if counts.is_refused_everywhere:
            others = hints.revoked_for_others if key in self.accepted else hints.the_key
            return (hints.revoked if was_sound else others)(key[1], key[0], counts.total) + aside
        if worked:
            return hints.unchanged(was_sound) + aside
        return hints.NEVER_ACCEPTED if known.is_unchanged else ""


def infer_across_apps(checks: t.Sequence[Check]) -> list[Verdict]:
    """Return the verdicts in their order, hints sharpened by what the other apps of the same key tell."""
    others = Others.of(checks)
    return [others.explain(key, verdict) for key, verdict in checks]


def of_new_key(verdict: Verdict) -> Verdict:
    """Say first of a key that was most likely made for this very run that Apple may not know it yet."""
    if hints.NEW_KEY not in verdict.hint:
        return verdict
    rest, lead = (" ".join(text.replace(hints.NEW_KEY, "").split()) for text in (verdict.hint, verdict.brief))
    return replace(verdict, hint=f"{hints.NEW_KEY} {rest}", lead=f"{hints.NEW_KEY} {lead}")
