# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waivers: problems that someone accepted, with a reason and an end."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace
from datetime import date

from .._fields import refuse_empty
from .._model.errors import InputError
from .._model.identifiers import shown
from .classify import WAIVABLE_CAUSES
from .model import FAILING, App, Problem, Waiver, count_apps, worst

ANY = "*"
# Nobody reads more warnings than that.
MOST_NAMED = 10
_PATTERN = re.compile(r"[A-Za-z0-9.*-]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def parse_waivers(given: t.Sequence[t.Mapping[str, t.Any]], today: date) -> tuple[Waiver, ...]:
    """Return the waivers as of ``today`` (UTC). Raises InputError naming the position."""
    return tuple(_parse(fields, f"waivers[{number}]", today) for number, fields in enumerate(given))


def _parse(fields: t.Mapping[str, t.Any], where: str, today: date) -> Waiver:
    bundle_id, reason = (str(fields.get(name) or "").strip() for name in ("bundle_id", "reason"))
    # Left out, it means any.
    refuse_empty(fields, ("cause",), f"{where}.")
    cause = str(fields.get("cause") or ANY).strip()
    if not _PATTERN.fullmatch(bundle_id):
        problem = f"{shown(bundle_id)} isn't a bundle ID." if bundle_id else "is required."
        raise InputError(f"{where}.bundle_id", problem, "Give one such as com.example.game; * stands for any text.")
    if cause != ANY and cause not in WAIVABLE_CAUSES:
        known = ", ".join(WAIVABLE_CAUSES)
        raise InputError(f"{where}.cause", f"{shown(cause)} can't be waived.", f"Give * or one of {known}.")
    if not reason:
        raise InputError(f"{where}.reason", "is required.", "Say why this is accepted; the report shows it.")
    until = _date(str(fields.get("until") or "").strip(), f"{where}.until")
    return Waiver(bundle_id, cause, reason, until, until < today)


def _date(text: str, option: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    problem = f"{shown(text)} isn't a date." if text else "is required."
    raise InputError(option, problem, "Give the last day on which the waiver holds, as YYYY-MM-DD.")


def waive(apps: t.Iterable[App], waivers: t.Sequence[Waiver]) -> tuple[tuple[App, ...], tuple[Waiver, ...]]:
    """Return the apps with their problems waived, and the waivers with the number of apps each was used for.

    The first waiver that holds and fits is the one that counts. An expired one waives nothing.
    """
    rules = [(number, _glob(waiver.bundle_id), waiver) for number, waiver in enumerate(waivers)]
    live = [rule for rule in rules if not rule[2].is_expired]
    done = tuple(_waived(app, live) if live else app for app in apps)
    used: list[list[App]] = [[] for _waiver in waivers]
    for app in done:
        for number in {problem.waiver for problem in app.problems if problem.waiver is not None}:
            used[number].append(app)
    return done, tuple(replace(waiver, used=count_apps(found)) for waiver, found in zip(waivers, used, strict=True))


def stale(waivers: t.Sequence[Waiver]) -> list[str]:
    """Return what to warn of: waivers that expired, then those that nothing was waived by; few of them by name."""
    numbered = list(enumerate(waivers))
    expired = [
        f"{_named(number, waiver)} expired with {waiver.until} and waives nothing any more. Renew or remove it."
        for number, waiver in numbered
        if waiver.state == "expired"
    ]
    unused = [
        f"{_named(number, waiver)} was not needed: no failure of an app matches it. Correct or remove it."
        for number, waiver in numbered
        if waiver.state == "unused"
    ]
    found = expired + unused
    left = len(found) - MOST_NAMED
    more = [f"And {left} more waivers that expired or were not needed: see expired_waivers and unused_waivers."]
    return found[:MOST_NAMED] + (more if left > 0 else [])


def _named(number: int, waiver: Waiver) -> str:
    return f"waivers[{number}] (bundle_id {waiver.bundle_id}, cause {waiver.cause})"


def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split(ANY))), re.DOTALL)


def _waived(app: App, rules: t.Sequence[tuple[int, re.Pattern[str], Waiver]]) -> App:
    if not any(problem.kind in FAILING for problem in app.problems):
        return app
    fitting = [(number, waiver.cause) for number, pattern, waiver in rules if pattern.fullmatch(app.bundle_id)]
    problems = tuple(replace(problem, waiver=_number(problem, fitting)) for problem in app.problems)
    left = worst([problem for problem in problems if problem.waiver is None])
    # What is left may be no failure (pending); the waived problem is what a reader has to know then.
    is_waived = problems != app.problems and (left is None or left.kind not in FAILING)
    return replace(app, problems=problems, kind="waived" if is_waived else left.kind if left else app.kind)


def _number(problem: Problem, fitting: t.Sequence[tuple[int, str]]) -> int | None:
    if problem.kind not in FAILING:
        return None
    return next((number for number, cause in fitting if cause in (ANY, problem.cause)), None)
