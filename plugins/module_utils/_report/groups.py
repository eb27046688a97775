# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apps put together by what they have in common: the cause of their problems, and their key."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._model.verdict import ANSWERS
from .model import KINDS, App, Key, Kind

# Before an app's first release the sandbox alone can accept its key.
_ACCEPTED = ("accepted", "app_not_released")


@dataclass(frozen=True)
class CauseGroup:
    """All apps with an open problem of one cause. ``hints``: each with its apps, the most frequent first."""

    kind: Kind
    cause: str
    hints: tuple[tuple[str, tuple[App, ...]], ...]
    apps: tuple[App, ...]


@dataclass(frozen=True)
class KeyGroup:
    """All apps with which a key was tried. ``accepted`` counts those for which Apple accepted it, be it the sandbox.

    ``answered`` counts those for which Apple said anything: of the others, nobody knows.
    """

    key: Key
    accepted: int
    answered: int
    apps: tuple[App, ...]


def by_cause(apps: t.Sequence[App]) -> list[CauseGroup]:
    """Return the groups of open problems, the worst kind first, then the largest. An app can be in several."""
    found: dict[tuple[Kind, str], list[tuple[App, str]]] = {}
    for app in apps:
        for problem in app.problems:
            if problem.waiver is None:
                found.setdefault((problem.kind, problem.cause), []).append((app, problem.hint))
    groups = [
        CauseGroup(kind, cause, _ranked(members), tuple(app for app, _hint in members))
        for (kind, cause), members in found.items()
    ]
    return sorted(groups, key=lambda group: (KINDS.index(group.kind), -len(group.apps), group.cause))


def _ranked(members: t.Sequence[tuple[App, str]]) -> tuple[tuple[str, tuple[App, ...]], ...]:
    found: dict[str, list[App]] = {}
    for app, hint in members:
        found.setdefault(hint, []).append(app)
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple((hint, tuple(apps)) for hint, apps in ranked)


def by_key(apps: t.Sequence[App]) -> list[KeyGroup]:
    """Return the groups of apps whose key is known, those with trouble first, then the largest."""
    found: dict[Key, list[App]] = {}
    for app in apps:
        if app.tried.is_known:
            found.setdefault(app.tried, []).append(app)
    groups = [
        KeyGroup(key, _count(members, _ACCEPTED), _count(members, ANSWERS), tuple(members))
        for key, members in found.items()
    ]
    return sorted(groups, key=lambda group: (group.accepted - len(group.apps), -len(group.apps), str(group.key.key_id)))


def _count(apps: t.Sequence[App], causes: t.Container[str]) -> int:
    return sum(app.cause in causes for app in apps)
