# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apps put together by what they have in common: the cause of their problems, and their key."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass

from .model import KINDS, App, Key, Kind


@dataclass(frozen=True)
class CauseGroup:
    """All apps with an open problem of one cause. ``hints``: each with the number of apps, the most frequent first."""

    kind: Kind
    cause: str
    hints: tuple[tuple[str, int], ...]
    apps: tuple[App, ...]


@dataclass(frozen=True)
class KeyGroup:
    """All apps with which a key was tried. ``accepted`` counts those for which Apple accepted it."""

    key: Key
    accepted: int
    apps: tuple[App, ...]


def by_cause(apps: t.Sequence[App]) -> list[CauseGroup]:
    """Return the groups of open problems, the worst kind first, then the largest. An app can be in several."""
    found: dict[tuple[Kind, str], list[tuple[App, str]]] = {}
    for app in apps:
        for problem in app.problems:
            if problem.waiver is None:
                found.setdefault((problem.kind, problem.cause), []).append((app, problem.hint))
    groups = [
        CauseGroup(kind, cause, _ranked(hint for _app, hint in members), tuple(app for app, _hint in members))
        for (kind, cause), members in found.items()
    ]
    return sorted(groups, key=lambda group: (KINDS.index(group.kind), -len(group.apps), group.cause))


def _ranked(hints: t.Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(hints).items(), key=lambda item: (-item[1], item[0])))


def by_key(apps: t.Sequence[App]) -> list[KeyGroup]:
    """Return the groups of apps whose key is known, those with trouble first, then the largest."""
    found: dict[Key, list[App]] = {}
    for app in apps:
        if app.tried.is_known:
            found.setdefault(app.tried, []).append(app)
    groups = [
        KeyGroup(key, sum(member.cause == "accepted" for member in members), tuple(members))
        for key, members in found.items()
    ]
    return sorted(groups, key=lambda group: (group.accepted - len(group.apps), -len(group.apps), str(group.key.key_id)))
