# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's apps as CSV, one line for each app at each tracker."""

from __future__ import annotations

from .csv_lines import header, line
from .model import Report

COLUMNS = (
    "bundle_id",
    "name",
    "environment",
    "tracker",
    "tracker_status",
    "confirmed_by_hand",
    "result",
    "cause",
    "hint",
    "other_causes",
    "key",
    "key_id",
    "issuer_id",
    "checked_at",
)


def render_csv(report: Report) -> str:
    """Return the table. ``result`` is what an app counts as; cause and hint are those of the problem that decides.

    ``other_causes``: of its further open problems, with spaces between them. ``tracker_status`` is the tracker's own
    word, which may be from before Apple refused; with ``confirmed_by_hand``, it is a person's.
    """
    lines = [header(COLUMNS)]
    for app in report.apps:
        key = app.tried
        row = {
            "bundle_id": app.bundle_id,
            "name": app.name or None,
            "environment": app.environment,
            "tracker": app.tracker or None,
            "tracker_status": app.status,
            "confirmed_by_hand": "yes" if app.is_confirmed_by_hand else None,
            "result": app.kind,
            "cause": app.told_cause or None,
            "hint": app.told_hint or None,
            "other_causes": " ".join(app.other_causes) or None,
            "key": app.key_name or None,
            "key_id": key.key_id,
            "issuer_id": key.issuer_id,
            "checked_at": app.checked_at,
        }
        lines.append(line(row, COLUMNS))
    return "".join(lines)
