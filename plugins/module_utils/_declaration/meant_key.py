# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which key of App Store Connect an entry of ``keys`` means: by its Key ID, or by its name in its team."""

from __future__ import annotations

import typing as t

from .._model.key_name import is_same_name
from .keys import KeySource, ids_of

# About two entries that are found by one name.
TWIN_STEP = (
    "Both mean one key: give each key a name of its own, or remove one of the two entries. If they belong to two "
    "teams, give each its issuer_id."
)


class MeantKey(t.NamedTuple):
    """``place``: of the entry. Of the rest, None is not known.

    ``issuer_id`` and ``team_id`` are two numbers of the team, of which an entry may have either.
    """

    place: str
    key_id: str | None
    name: str | None
    issuer_id: str | None = None
    team_id: str | None = None

    @classmethod
    def of(cls, place: str, source: KeySource | None, name: object, team_id: object) -> MeantKey:
        issuer_id, key_id = ids_of(source)
        text = str(name or "").strip() or None
        return cls(place, key_id, text, issuer_id, None if team_id is None else str(team_id))

    def is_twin(self, other: MeantKey) -> bool:
        """Tell whether both are found by one name, in one team as far as is known."""
        by_name = not self.key_id and not other.key_id and is_same_name(self.name, other.name)
        return by_name and self.may_share_team(other)

    def may_share_team(self, other: MeantKey) -> bool:
        pairs = ((self.issuer_id, other.issuer_id), (self.team_id, other.team_id))
        return all(None in pair or pair[0] == pair[1] for pair in pairs)

    def means(self, listed: MeantKey) -> t.Literal["is", "may be", ""]:
        """Tell whether a ``listed`` key, of which all is known but perhaps its name, is this one; empty for no."""
        if self.key_id:
            return "is" if self.key_id == listed.key_id else ""
        if not self.may_share_team(listed):
            return ""
        if None in (self.name, listed.name):
            return "may be"
        if not is_same_name(self.name, listed.name):
            return ""
        return "is" if self.issuer_id or self.team_id else "may be"
