# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which integrations a list of apps leaves out, and how many of them may go at once."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..._declaration.apps import App
from ..._declaration.declaration import Declaration
from ..._declaration.keys import identifiers
from ..._model.errors import InputError
from ..._model.identifiers import Environment, parse_issuer_id, shown
from ..._model.integration import Identity, Integration

_LIMIT = re.compile(r"([0-9]{1,9})\s*(%?)")
_MOST_NAMED = 10


@dataclass(frozen=True)
class Purge:
    """``issuers``: the teams that the task is about. ``limit``: a number, or a share when ``is_share`` (percent)."""

    environment: Environment
    issuers: frozenset[str]
    limit: int
    is_share: bool

    def doomed(self, held: t.Iterable[Integration], listed: t.Container[Identity]) -> list[Integration]:
        """Return what is held for these teams and not listed. Raises InputError when that is too much of any team."""
        ours = [entry for entry in held if entry.issuer_id in self.issuers]
        found = [entry for entry in ours if entry.identity not in listed]
        for issuer in sorted(self.issuers):
            self._check(issuer, ours, found)
        return found

    def _check(self, issuer: str, ours: t.Sequence[Integration], found: t.Sequence[Integration]) -> None:
        names = [entry.identity.bundle_id for entry in found if entry.issuer_id == issuer]
        count = sum(entry.issuer_id == issuer for entry in ours)
        # A share of few integrations would be none at all.
        most = max(1, count * self.limit // 100) if self.is_share else self.limit
        if len(names) > most:
            raise InputError("purge_limit", *_too_many(issuer, names, most, count))


class Wishes(t.NamedTuple):
    """What a task says of purging, as it was typed."""

    is_wanted: bool
    tracker: str
    environment: Environment
    issuer_id: str | None
    limit: str


def parse_purge(wishes: Wishes, declaration: Declaration) -> Purge | None:
    """Return what a task with these apps purges, None when it doesn't. Raises InputError where it must not."""
    if not wishes.is_wanted:
        return None
    elsewhere = {one.tracker for app in declaration.apps for one in app.settings} - {"ledger"}
    if wishes.tracker != "ledger" or elsewhere:
        raise InputError(
            "purge",
            f"works with tracker: ledger only, not with {', '.join(sorted(elsewhere)) or wishes.tracker}.",
            "List the apps that are to go with state: absent.",
        )
    limit = _LIMIT.fullmatch(wishes.limit.strip())
    if limit is None or (limit.group(2) and int(limit.group(1)) > 100):
        problem = f"{shown(wishes.limit)} is neither a number of integrations nor a share such as 10%."
        raise InputError("purge_limit", problem)
    issuers = _issuers(wishes, declaration.apps)
    return Purge(wishes.environment, issuers, int(limit.group(1)), bool(limit.group(2)))


def _issuers(wishes: Wishes, apps: t.Sequence[App]) -> frozenset[str]:
    """Return the Issuer ID of the task and of every app. Raises InputError for one of which no app is listed.

    A list without an app of a team and environment says nothing about them: it is filtered, or came back empty.
    """
    place = wishes.environment
    own = [(app.environment, identifiers(app.key)[0] if app.key else None) for app in apps]
    task = parse_issuer_id(wishes.issuer_id, "issuer_id") if wishes.issuer_id else None
    issuers = {issuer for _environment, issuer in own if issuer} | ({task} if task else set())
    if apps and not issuers:
        raise InputError(
            "purge",
            "removes integrations of the Issuer IDs that the task names, and it names none.",
            "Give issuer_id, or keys with one.",
        )
    bare = sorted(issuers - {issuer for environment, issuer in own if environment == place})
    if bare or not apps:
        whose = f" of Issuer ID {', '.join(bare)}" if bare else ""
        raise InputError(
            "purge",
            f"apps lists no {place} app{whose}, so purge would remove every one that is held. Nothing was done.",
            "Complete apps, purge each environment and team from a list of its own, or use state: absent.",
        )
    return frozenset(issuers)


def _too_many(issuer: str, names: t.Sequence[str], most: int, held: int) -> tuple[str, str]:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (
        f"{len(names)} of the {held} integrations held of Issuer ID {issuer} are not listed, and at most {most} may be "
        f"removed at once: {', '.join(names[:_MOST_NAMED])}{more}. Nothing was done.",
        "Complete apps, or raise purge_limit if these are to go.",
    )
