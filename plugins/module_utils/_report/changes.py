# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed since the last report: which findings are new, which are gone, and which are still there."""

from __future__ import annotations

import json
import typing as t

from .._model.verdict import ANSWERS, UNDECIDED_CAUSES
from .compared import Change, Changes, Why
from .model import FAILING, App

FORMAT = "storeops.refunds.audit_report"
_Place = tuple[str, str, str]
_Found = tuple[str, str, str, str]
Fields = t.Mapping[str, t.Any]


def changes_since(
    text: str | None, apps: t.Sequence[App], read: t.Collection[tuple[str, str]] = frozenset()
) -> Changes | None:
    """Compare with the JSON document of an earlier report; None where ``text`` isn't one.

    ``read``: bundle ID and environment of the apps whose refunds in the ledger were looked at.
    """
    previous = _document(text)
    if previous is None:
        return None
    before = _found_by(previous)
    now, waived = _findings(apps)
    # Several apps may be at one place, as in two projects of a tracker: nothing is known of it but what is of all.
    audited = {_place_of(app) for app in apps}
    unseen = {_place_of(app) for app in apps if not _was_looked_at(app)}
    answered = audited - {_place_of(app) for app in apps if app.cause not in ANSWERS}
    settled = {found for found in before if found[3] in UNDECIDED_CAUSES and found[:3] in answered}
    # An app that nobody gets to has no tracker.
    is_open = {found for found in before - now - waived - settled if unseen & {found[:3], (*found[:2], "")}}
    # Once the wrong number is stored, an app's refunds alone tell of it.
    unread = {found for found in before - now - waived if found[3] == "wrong_apple_id" and found[:2] not in read}
    is_open |= {found for found in unread if found[:3] in audited}

    reached = audited | {(*place[:2], "") for place in audited}

    def why(found: _Found) -> Why:
        return "waived" if found in waived else "solved" if found[:3] in reached else "not audited"

    return Changes(
        since=previous["generated_at"],
        new=tuple(Change(*found) for found in sorted(now - before)),
        gone=tuple(Change(*found, why(found)) for found in sorted(before - now - is_open)),
        still=tuple(Change(*found) for found in sorted(now & before)),
        open=tuple(Change(*found) for found in sorted(is_open)),
    )


def _found_by(previous: Fields) -> set[_Found]:
    """Return the failures that were open after an earlier audit."""
    earlier = previous.get("changes")
    # What it could not look at again is in none of its apps.
    unsettled = _mappings(earlier.get("open") if isinstance(earlier, dict) else None)
    return {(*_place(found), str(found.get("cause"))) for found in unsettled} | {
        (*_place(app), str(problem.get("cause")))
        for app in _mappings(previous.get("apps"))
        for problem in _mappings(app.get("problems"))
        if problem.get("result") in FAILING and problem.get("waiver") is None
    }


def _findings(apps: t.Sequence[App]) -> tuple[set[_Found], set[_Found]]:
    """Return the failures that are open, and those that are waived."""
    found: tuple[set[_Found], set[_Found]] = set(), set()
    for app in apps:
        for problem in app.problems:
            if problem.kind in FAILING:
                found[problem.waiver is not None].add((*_place_of(app), problem.cause))
    return found


def _place_of(app: App) -> _Place:
    return app.bundle_id, app.environment, app.tracker


def _was_looked_at(app: App) -> bool:
    """Tell whether what isn't found now isn't there: Apple accepts the key, and the tracker was compared.

    What Apple refuses isn't compared any further, and a key that can't be used is shown to nobody.
    """
    return not any(
        problem.kind == "unknown"
        or (problem.kind == "refused" and problem.cause != "tracker_failed")
        or problem.cause == "key_not_yet_created"
        for problem in app.problems
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
