# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every file of the report says of refunds that weren't read, and the step for it, which is each app's own."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._model.refund_period import RUN_REFUNDS
from .._model.text import few
from .model import App, Report
from .refunds import Coverage, Part, Refunds
from .texts import counted, number

_Place = tuple[str, str]
# What refund_info has in no sum: nobody was paid back.
NOT_COUNTED = "but for reversed ones and access within families"
_EVERY_DAY = "storeops.refunds.refunds every day: Apple keeps them for 180 days only."
_REFUSED = "The app is refused. Correct that first, then run storeops.refunds.refunds."
# What else keeps a key from being used today.
_WAITING = {
    "app_not_released": "The app isn't released yet, so there is nothing to read.",
    "key_not_yet_created": "The app's key isn't made yet. Run storeops.refunds.site first.",
}


def explained(refunds: Refunds | None, apps: t.Sequence[App]) -> Refunds | None:
    """Return the refunds, with a reason for what is missing that fits how Apple answers for the app."""
    if refunds is None:
        return None
    waiting = {(app.bundle_id, app.environment): app.cause for app in _of_ledger(apps) if app.cause in _WAITING}
    refused = _refused(apps)

    def told(item: Coverage) -> Coverage:
        place = (item.bundle_id, item.environment)
        if item.state == "never" and place in waiting:
            # Of an app that waits for a new key, refunds may be read with the one of before.
            cause = waiting[place]
            return replace(item, reason=_WAITING[cause], is_due=cause != "app_not_released")
        if item.reason and place in refused:
            return replace(item, reason=item.reason.replace(RUN_REFUNDS, _REFUSED))
        return item

    return Refunds(tuple(replace(part, coverage=tuple(map(told, part.coverage))) for part in refunds.parts))


def unread_apps(report: Report, named: t.Callable[[t.Sequence[str]], str]) -> str:
    """Return for which apps no refunds were ever read, and what to do; empty for none. ``named`` lists bundle IDs."""
    refused = _refused(report.apps)
    bad = [name for name in report.refundless if (name, "production") in refused]
    good = [name for name in report.refundless if name not in bad]
    which = "which is" if len(bad) == 1 else "which are"
    said = "No refunds were ever read for"
    told = [f"{said} {named(good)}. Run {_EVERY_DAY}"] * bool(good)
    told += [f"{said} {named(bad)}, {which} refused. Correct that first, then run {_EVERY_DAY}"] * bool(bad)
    return " ".join(told)


def missing(refunds: Refunds | None, shown: t.Callable[[str], str]) -> str:
    """Return of which apps refunds may be missing, as a sentence; empty for none. ``shown``: for the format."""
    found = refunds.coverage if refunds else ()
    names = sorted({item.bundle_id for item in found if item.state != "complete" and item.is_due})
    apps = counted(count_covered(found), "app")
    return f"Refunds may be missing for {number(len(names))} of {apps}: {shown(few(names))}." if names else ""


def too_large(part: Part) -> str:
    """Return that the sums of a part are too large, as a sentence; empty if they aren't known to be."""
    if not part.exceeding:
        return ""
    return (
        f"These sums are too large: the refunds of {counted(part.exceeding, 'transaction')} add up to more than the "
        "price. Apple may mean its percentages to hold the refunds before them. Compare its financial reports."
    )


def count_covered(coverage: t.Iterable[Coverage]) -> int:
    """Return how many apps these are: one that is in production and the sandbox is one."""
    return len({item.bundle_id for item in coverage})


def _refused(apps: t.Iterable[App]) -> set[_Place]:
    """Return the apps whose refunds Apple won't give: with a tracker's own trouble, they can be read all the same."""
    return {
        (app.bundle_id, app.environment)
        for app in _of_ledger(apps)
        if any(one.kind == "refused" and one.cause != "tracker_failed" for one in app.problems)
    }


def _of_ledger(apps: t.Iterable[App]) -> list[App]:
    """Return what the ledger says of the apps that it tracks: refunds are read with the key that is held there."""
    found = list(apps)
    there = {(app.bundle_id, app.environment) for app in found if app.tracker == "ledger"}
    return [app for app in found if app.tracker == "ledger" or (app.bundle_id, app.environment) not in there]
