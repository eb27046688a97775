# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of refund_info that would count the same refunds twice in one sum, or leave some out of it."""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass, field

from .._model.errors import InputError
from .._model.text import few

Fields = t.Mapping[str, t.Any]
# What the report adds up by. The total is that of one of them.
_GROUPINGS = ("bundle_id", "day")
# What tells the rows of a result apart: see refund_info.
_KEYS = ("bundle_id", "environment", "product_id", "day", "month", "reason", "currency")
_ALIKE = "Ask for all of them with the same group_by."


@dataclass(frozen=True)
class _Summed:
    """What a result has sums of. ``since`` and ``until``: UTC in ISO 8601, without the end; None is open.

    ``groupings``: into which sums of the report it is added; what has no grouping is added up as a whole.
    """

    name: str
    apps: frozenset[str]
    groupings: frozenset[str]
    since: str | None
    until: str | None
    rows: t.Sequence[Fields] = field(default=(), compare=False)

    @classmethod
    def of(cls, name: str, result: Fields) -> _Summed:
        rows, coverage = result["sums"], result["coverage"]
        period = result["period"] if isinstance(result.get("period"), t.Mapping) else {}
        since, until = (None if period.get(end) is None else str(period[end]) for end in ("since", "until"))
        apps = frozenset(str(row["bundle_id"]) for row in (*coverage, *rows) if row.get("bundle_id"))
        groupings = frozenset(one for one in _GROUPINGS if any(row.get(one) for row in rows))
        return cls(name, apps, groupings or frozenset({"total"} if rows else ()), since, until, rows)

    @property
    def spans(self) -> set[tuple[str, str | None, str | None]]:
        """Return which times of which apps it tells of."""
        return {(app, self.since, self.until) for app in self.apps}

    @property
    def period(self) -> str:
        return f"{self.since or 'the beginning'} to {self.until or 'now'}"

    def meets(self, other: _Summed) -> bool:
        """Tell whether some refund may be in both: of one time, and of rows that nothing tells apart."""
        both = _begins_before(self.since, other.until) and _begins_before(other.since, self.until)
        keys = [key for key in _KEYS if self.has(key) and other.has(key)]
        return both and not self.marks(keys).isdisjoint(other.marks(keys))

    def has(self, key: str) -> bool:
        return any(key in row for row in self.rows)

    def marks(self, keys: t.Sequence[str]) -> set[tuple[str, ...]]:
        return {tuple(str(row.get(key)) for key in keys) for row in self.rows}


def refuse_uneven(results: t.Mapping[str, Fields]) -> None:
    """Raise InputError that names two results which the report's sums would count twice, or only one of.

    ``results``: by name, all of one environment and source.
    """
    found = [_Summed.of(*item) for item in results.items()]
    _refuse_doubled(found)
    # Without rows there is nothing to leave out.
    _refuse_left_out([one for one in found if one.rows])


def _refuse_doubled(found: t.Sequence[_Summed]) -> None:
    for one, other in itertools.combinations(found, 2):
        apps = one.apps & other.apps
        if apps and one.groupings & other.groupings and one.meets(other):
            raise InputError(
                other.name,
                f"has sums of {few(sorted(apps))} ({other.period}), and so has {one.name} ({one.period}). The same "
                "refunds would count twice.",
                "Leave out one of the two, or ask for periods that don't overlap.",
            )


def _refuse_left_out(found: t.Sequence[_Summed]) -> None:
    for grouping in _GROUPINGS:
        grouped = [one for one in found if grouping in one.groupings]
        counted = {span for one in grouped for span in one.spans}
        for one in found if grouped else ():
            apps = sorted({app for app, *_ends in one.spans - counted})
            if apps:
                raise InputError(
                    one.name,
                    f"has sums of {few(apps)} ({one.period}) that aren't grouped by {grouping}, and those of "
                    f"{grouped[0].name} are. Sums by {grouping} would leave them out.",
                    _ALIKE,
                )
        _refuse_unequal(grouping, grouped, [one for one in found if grouping not in one.groupings])


def _refuse_unequal(grouping: str, grouped: t.Sequence[_Summed], others: t.Sequence[_Summed]) -> None:
    """Refuse results of the same apps and period of which the grouped ones count other refunds, as of a currency."""
    alike: dict[tuple[str | None, str | None, frozenset[str]], list[_Summed]] = {}
    for one in others if grouped else ():
        alike.setdefault((one.since, one.until, one.groupings), []).append(one)
    for members in alike.values():
        apps = frozenset().union(*(one.apps for one in members))
        beside = [one for one in grouped if one.period == members[0].period and one.apps & apps]
        if _counted(beside, apps) != _counted(members, apps):
            whose = f" of {few(sorted(apps))}" if apps else ""
            raise InputError(
                members[0].name,
                f"has other refunds{whose} ({members[0].period}) than {(beside or grouped)[0].name}, and is grouped "
                f"otherwise. Sums by {grouping} would leave some out.",
                f"{_ALIKE} If refunds were recorded in between, ask again.",
            )


def _counted(results: t.Sequence[_Summed], apps: frozenset[str]) -> dict[tuple[str, str], int]:
    """Return what the results' rows come to by currency, as far as they may be about these apps."""
    found: dict[tuple[str, str], int] = {}
    for row in (row for one in results for row in one.rows if row.get("bundle_id") in (None, *apps)):
        for name in ("count", "amount", "amount_unknown_count"):
            place = (str(row.get("currency")), name)
            value = row.get(name)
            found[place] = found.get(place, 0) + (int(value) if isinstance(value, int | float) else 0)
    return {place: value for place, value in found.items() if value}


def _begins_before(since: str | None, until: str | None) -> bool:
    return since is None or until is None or since < until
