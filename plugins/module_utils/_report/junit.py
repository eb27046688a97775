# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as JUnit XML, as CI systems read it: one suite per tracker and environment, one test case per app.

No two test cases have one name: CI systems take them for one.
"""

from __future__ import annotations

import re
import typing as t
from xml.etree import ElementTree

from .._model.text import other_capitals
from .._model.undeclared import held_undeclared
from .model import FAILING, KINDS, App, BadKey, Report
from .texts import UNREAD

# What XML 1.0 does not allow, not even escaped (W3C, Extensible Markup Language 1.0, 2.2 Characters).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RESULT_OF = {"refused": "failure", "drift": "failure", "unknown": "error"}
_COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def render_junit(report: Report) -> str:
    """Return the XML, which fails where the task fails: by the problems that ``fail_on`` names.

    Refused and drifted apps are failures then, unknown ones errors. Waived and pending ones are skipped. What
    ``fail_on`` does not name stands in the output of a test that passed. What nobody declares is skipped, too.
    """
    suites: dict[tuple[str, str], list[App]] = {}
    for app in report.apps:
        suites.setdefault((app.tracker or "unknown tracker", app.environment), []).append(app)
    counts = _counts(report.apps, report)
    # Jenkins' schema (junit-10.xsd) knows this count for a suite alone, and refuses it here.
    del counts["skipped"]
    root = ElementTree.Element("testsuites", {"name": clean(report.title), **counts, "time": "0"})
    for (tracker, environment), apps in sorted(suites.items()):
        attributes = {"name": clean(f"{tracker} {environment}"), **_counts(apps, report), "time": "0"}
        suite = ElementTree.SubElement(root, "testsuite", {**attributes, "timestamp": report.generated_at.rstrip("Z")})
        for app in apps:
            _add_case(suite, app, f"{tracker}.{environment}", report)
    if report.bad_keys:
        _add_keys(root, report)
    if report.unread:
        _add_unread(root, report)
    if report.undeclared_shown:
        _add_undeclared(root, report)
    if report.is_idle:
        _add_idle(root, report)
    _tell_apart(root)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _tell_apart(root: ElementTree.Element) -> None:
    """Number test cases that have one name, such as an app in two projects of a tracker."""
    seen = set[tuple[str | None, str]]()
    for case in root.iter("testcase"):
        place, name = case.get("classname"), case.get("name", "")
        told, number = name, 1
        while (place, told) in seen:
            number += 1
            told = f"{name} ({number})"
        seen.add((place, told))
        case.set("name", told)


def _tag(app: App, report: Report) -> str | None:
    reason = report.reason(app)
    if reason:
        return _RESULT_OF[reason.kind]
    return "skipped" if app.kind in ("waived", "pending") else None


def _why_skipped(app: App, report: Report) -> str:
    number = next((found.waiver for found in app.problems if found.waiver is not None), None)
    if number is None:
        return next(f"pending: {found.cause}: {found.hint}" for found in app.problems if found.kind == "pending")
    waiver = report.waivers[number]
    return f"waived until {waiver.until.isoformat()}: {waiver.reason}"


def _counts(apps: t.Sequence[App], report: Report) -> dict[str, str]:
    tags = [_tag(app, report) for app in apps]
    return {"tests": str(len(apps)), **{name: str(tags.count(tag)) for name, tag in _COUNTS.items()}}


def _add_idle(root: ElementTree.Element, report: Report) -> None:
    """Add an error of its own: CI systems take a file without a test for a success."""
    suite = _suite(root, "audit", {"tests": 1, "failures": 0, "errors": 1}, report)
    case = ElementTree.SubElement(suite, "testcase", {"classname": "audit", "name": "apps", "time": "0"})
    ElementTree.SubElement(case, "error", {"type": "nothing_audited", "message": "Nothing was audited."})


def _suite(
    root: ElementTree.Element, name: str, counts: t.Mapping[str, int], report: Report, skipped: int = 0
) -> ElementTree.Element:
    """Add a suite beside those of the apps, and its counts to those of the whole."""
    for count_of, count in counts.items():
        root.set(count_of, str(int(root.get(count_of, "0")) + count))
    told = {count_of: str(count) for count_of, count in counts.items()}
    attributes = {"name": name, **told, "skipped": str(skipped), "time": "0"}
    return ElementTree.SubElement(root, "testsuite", {**attributes, "timestamp": report.generated_at.rstrip("Z")})


def _add_unread(root: ElementTree.Element, report: Report) -> None:
    """Add a test of its own for refunds that could not be read."""
    suite = _suite(root, "refunds", {"tests": 1, "failures": 0, "errors": int(report.fails_unread)}, report)
    case = ElementTree.SubElement(suite, "testcase", {"classname": "refunds", "name": "refunds", "time": "0"})
    text = clean(f"{UNREAD} {' '.join(report.unread)}")
    if report.fails_unread:
        ElementTree.SubElement(case, "error", {"type": "refunds_unread", "message": text})
    else:
        ElementTree.SubElement(case, "system-out").text = text


def _add_undeclared(root: ElementTree.Element, report: Report) -> None:
    """Add a suite of what the ledger holds and nobody declares: nothing that fails, and to be looked at."""
    entries = report.undeclared_shown
    twins = other_capitals([entry.bundle_id for entry in entries], [app.bundle_id for app in report.apps])
    suite = _suite(root, "undeclared", {"tests": len(entries), "failures": 0, "errors": 0}, report, len(entries))
    for entry in entries:
        name = clean(entry.label)
        case = ElementTree.SubElement(suite, "testcase", {"classname": "undeclared", "name": name, "time": "0"})
        told = held_undeclared([entry], filter(None, [twins.get(entry.bundle_id)]))
        ElementTree.SubElement(case, "skipped", {"message": clean(told)})


def _add_keys(root: ElementTree.Element, report: Report) -> None:
    """Add a suite of the keys with problems of which no app tells, a case for each key with all of its problems."""
    found: dict[str, list[BadKey]] = {}
    for one in report.bad_keys:
        found.setdefault(one.label, []).append(one)
    reasons = {label: _worst([one for one in keys if one in report.failing_keys]) for label, keys in found.items()}
    tags = [_RESULT_OF[reason.kind] for reason in reasons.values() if reason]
    counts = {"tests": len(found), "failures": tags.count("failure"), "errors": tags.count("error")}
    suite = _suite(root, "keys", counts, report)
    for label, keys in found.items():
        names = {"classname": "keys", "name": clean(label), "time": "0"}
        case, reason = ElementTree.SubElement(suite, "testcase", names), reasons[label]
        lines = clean("\n".join(f"{one.kind}: {one.cause}: {one.hint}" for one in keys))
        if reason:
            told = {"type": clean(reason.cause), "message": clean(reason.hint)}
            ElementTree.SubElement(case, _RESULT_OF[reason.kind], told).text = lines
        else:
            ElementTree.SubElement(case, "system-out").text = lines


def _worst(keys: t.Sequence[BadKey]) -> BadKey | None:
    return min(keys, key=lambda key: KINDS.index(key.kind), default=None)


def _add_case(suite: ElementTree.Element, app: App, place: str, report: Report) -> None:
    names = {"classname": clean(place), "name": clean(app.bundle_id), "time": "0"}
    case = ElementTree.SubElement(suite, "testcase", names)
    reason, tag = report.reason(app), _tag(app, report)
    if tag == "skipped":
        ElementTree.SubElement(case, tag, {"message": clean(_why_skipped(app, report))})
    elif tag and reason:
        result = ElementTree.SubElement(case, tag, {"type": clean(reason.cause), "message": clean(reason.hint)})
        result.text = clean("\n".join(_lines(app)))
    elif app.kind in FAILING:
        ElementTree.SubElement(case, "system-out").text = clean("\n".join(_lines(app)))


def _lines(app: App) -> t.Iterator[str]:
    for problem in app.problems:
        yield f"{problem.kind}: {problem.cause}{' (waived)' if problem.waiver is not None else ''}: {problem.hint}"
    for difference in app.differences:
        yield f"{difference.field}: {difference.before or 'none'} -> {difference.after or 'none'}"
    for contrast in app.contrasts:
        yield f"{contrast.field}: declared {contrast.after}, held {contrast.before}"


def clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
