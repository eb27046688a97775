# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed since the last report: which findings are new, which are gone, and which are still there."""

from __future__ import annotations

import json
import typing as t

from .model import FAILING, App, Change, Changes, Why

FORMAT = "storeops.refunds.audit_report"
_Place = tuple[str, str, str]
Fields = t.Mapping[str, t.Any]


def changes_since(text: str | None, apps: t.Sequence[App]) -> Changes | None:
    """Compare with the JSON document of an earlier report; None where ``text`` isn't one."""
    previous = _document(text)
    if previous is None:
        return None
    before = {
        (*_place(app), str(problem.get("cause")))
        for app in _mappings(previous.get("apps"))
        for problem in _mappings(app.get("problems"))
        if problem.get("result") in FAILING and problem.get("waiver") is None
    }
    every = [(app, problem) for app in apps for problem in app.problems if problem.kind in FAILING]
    now, waived = (
        {
            (app.bundle_id, app.environment, app.tracker, found.cause)
            for app, found in every
            if (found.waiver is None) == is_open
        }
        for is_open in (True, False)
    )
    audited = {(app.bundle_id, app.environment, app.tracker) for app in apps}

    def why(found: tuple[str, str, str, str]) -> Why:
        return "waived" if found in waived else "solved" if found[:3] in audited else "not audited"

    return Changes(
        since=previous["generated_at"],
        new=tuple(Change(*found) for found in sorted(now - before)),
        gone=tuple(Change(*found, why(found)) for found in sorted(before - now)),
        still=tuple(Change(*found) for found in sorted(now & before)),
    )


def _document(text: str | None) -> t.Any:
    """Return a report of ours; whatever else lies there is no report to compare with."""
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    is_ours = isinstance(found, dict) and found.get("format") == FORMAT and isinstance(found.get("generated_at"), str)
    return found if is_ours else None


def _mappings(value: t.Any) -> list[Fields]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _place(app: Fields) -> _Place:
    return str(app.get("bundle_id")), str(app.get("environment")), str(app.get("tracker"))
