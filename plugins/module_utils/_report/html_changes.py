# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page's part about what changed since the last report."""

from __future__ import annotations

import typing as t

from .compared import Change, Changes
from .model import Report
from .texts import ONLY_APPS, WHY, boxes, counted, esc, name, time

_LISTED = 200


def changes_section(report: Report) -> str:
    """Return the section, empty where there is no earlier report. Nothing else on the page is in such a section."""
    changes = report.changes
    if changes is None:
        return ""
    parts = [("New", changes.new, True), ("Gone", changes.gone, True), ("Still there", changes.still, False)]
    parts += [("Couldn't be checked this time", changes.open, True)] if changes.open else []
    return (
        '<section aria-labelledby="changes"><h2 id="changes">Since the last report</h2>'
        f"<p>Compared with the report of {time(changes.since)} UTC. {ONLY_APPS}</p>"
        + "".join(_part(title, changes, found, is_open) for title, found, is_open in parts)
        + "</section>"
    )


def _part(title: str, changes: Changes, found: t.Sequence[Change], is_open: bool) -> str:
    if not found:
        return f'<p class="muted">{title}: none.</p>'
    opened = " open" if is_open and len(found) <= 12 else ""
    listed = boxes([_entry(change, changes.about(change)) for change in found], _LISTED)
    return f"<details{opened}><summary>{title}: {counted(len(found), 'finding')}</summary>{listed}</details>"


def _entry(change: Change, about: str) -> str:
    why = f" ({WHY[change.why]})" if change.why else ""
    return f'<code>{name(change.bundle_id)}</code> <span class="muted">{esc(about + why)}</span>'
