# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apps that are declared with another key than the one of the ledger, which reads their refunds."""

from __future__ import annotations

import contextlib
import typing as t

from ..._declaration.keys import KeySource, identifiers
from ..._model.errors import RefundsError
from ..._model.integration import Integration
from ..._model.text import MOST_NAMED, few


def told_of_other_keys(apps: t.Iterable[tuple[KeySource, Integration]]) -> str:
    """Return what to warn of: the IDs of both keys, once for all apps that have the same; empty for nothing."""
    groups: dict[str, list[str]] = {}
    for declared, held in apps:
        told = _told(declared, held)
        if told:
            groups.setdefault(told, []).append(held.identity.bundle_id)
    ranked = sorted(groups.items(), key=lambda item: -len(item[1]))
    lines = [f"{few(names)} {'is' if len(names) == 1 else 'are'} {told}." for told, names in ranked[:MOST_NAMED]]
    more = sum(len(names) for _told, names in ranked[MOST_NAMED:])
    if more:
        lines.append(f"The ledger also has another key than the declared one for {more:,} more.")
    step = "Run storeops.refunds.site, which says whether Apple accepts what is declared."
    return " ".join([*lines, step]) if lines else ""


def _told(declared: KeySource, held: Integration) -> str:
    """Return which IDs are declared and which the ledger has, where they aren't the same."""
    with contextlib.suppress(RefundsError):
        issuer_id, key_id = identifiers(declared)
        ids = (("Issuer ID", issuer_id, held.issuer_id), ("Key ID", key_id, held.key_id))
        other = [(name, given, known) for name, given, known in ids if given not in (None, known)]
        if other:
            wanted = " and ".join(f"{name} {given}" for name, given, _known in other)
            there = " and ".join(f"{known}" for _name, _given, known in other)
            return f"declared with {wanted}, and the ledger has {there}, which read the refunds"
    return ""
