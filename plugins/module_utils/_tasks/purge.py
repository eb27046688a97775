# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which integrations a list of apps leaves out, and how many of them may go at once."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._context import Params
from .._model.errors import InputError
from .._model.identifiers import Environment, parse_issuer_id, shown
from .._model.integration import Identity, Integration

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
        """Return what is held for these teams and not listed. Raises InputError when that is more than may go."""
        ours = [entry for entry in held if entry.issuer_id in self.issuers]
        found = [entry for entry in ours if entry.identity not in listed]
        # A share of few integrations would be none at all.
        most = max(1, len(ours) * self.limit // 100) if self.is_share else self.limit
        if len(found) > most:
            raise InputError("purge_limit", *_too_many([entry.identity.bundle_id for entry in found], most, len(ours)))
        return found


def parse_purge(params: Params) -> Purge | None:
    """Return what a task purges, None when it doesn't. Raises InputError where it must not."""
    if not params["purge"]:
        return None
    if params["tracker"] != "ledger":
        raise InputError(
            "purge",
            f"works with tracker: ledger only, not with {params['tracker']}.",
            "List the apps that are to go with state: absent.",
        )
    limit = _LIMIT.fullmatch(params["purge_limit"].strip())
    if limit is None or (limit.group(2) and int(limit.group(1)) > 100):
        problem = f"{shown(params['purge_limit'])} is neither a number of integrations nor a share such as 10%."
        raise InputError("purge_limit", problem)
    issuers = frozenset(_issuers(params))
    if not issuers:
        raise InputError(
            "purge",
            "removes integrations of the Issuer IDs that the task names, and it names none.",
            "Give issuer_id, or keys or apps with one.",
        )
    return Purge(params["environment"], issuers, int(limit.group(1)), bool(limit.group(2)))


def _issuers(params: Params) -> t.Iterator[str]:
    named = [("issuer_id", params.get("issuer_id"))]
    named += [(f"keys.{name}.issuer_id", key.get("issuer_id")) for name, key in (params.get("keys") or {}).items()]
    named += [(f"apps[{number}].issuer_id", app.get("issuer_id")) for number, app in enumerate(params["apps"])]
    yield from (parse_issuer_id(text, option) for option, text in named if text)


def _too_many(names: t.Sequence[str], most: int, held: int) -> tuple[str, str]:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (
        f"{len(names)} of the {held} integrations held are not listed, and at most {most} may be removed at once: "
        f"{', '.join(names[:_MOST_NAMED])}{more}. Nothing was done.",
        "Complete apps, or raise purge_limit if these are to go.",
    )
