# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_audit_report: the results of an audit as files, and the decision whether the audit fails."""

from __future__ import annotations

import hashlib
import re
import typing as t
from dataclasses import asdict
from datetime import UTC, datetime

from ... import _argument_spec
from ..._context import Context, Params, Results, Task, TaskFailed
from ..._files.text import refuse_unwritable_text
from ..._report.changes import changes_since
from ..._report.compared import Changes
from ..._report.console import bad_news, good_news, unread
from ..._report.entries import absent_keys_of, apps_of, bad_keys_of, undeclared_of, with_faults
from ..._report.html import render_html
from ..._report.json_document import bad_key_fields, render_json, waiver_fields
from ..._report.junit import render_junit
from ..._report.markdown import BEGIN, END, render_markdown
from ..._report.model import App, Problem, Report, Waiver, count_apps
from ..._report.refunds import never_read_of, read_in, refunds_of, unread_of
from ..._report.refunds_told import explained
from ..._report.table_csv import render_csv
from ..._report.waivers import parse_waivers, stale, waive
from .request import AuditRequest, request_of
from .unfinished import begin, finish, last_report, stop

# What `path` is filled with: the option of each file alone, its name, and what renders it.
FILES: t.Mapping[str, tuple[str, t.Callable[[Report], str]]] = {
    "html": ("refund-audit.html", render_html),
    "json": ("refund-audit.json", render_json),
    "junit": ("refund-audit.junit.xml", render_junit),
    "markdown": ("refund-audit.md", render_markdown),
    "csv": ("refund-audit.csv", render_csv),
}
_LISTED = 100
# Times differ in every run, and so do Apple's names of requests: in the JSON, and beside a time in the page's data.
_PASSING = re.compile(r'"request_id": "[^"]*"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z","[^"]*"|Z?)')


# What a report says about the one before it, which is new every time. No text from outside can begin or end it.
_HISTORY = re.compile(
    rf'<section aria-labelledby="changes">.*?</section>\n|,\n "changes": .*\Z|\n\n{BEGIN}.*?{END}', re.DOTALL
)


def run(params: Params, context: Context) -> Results:
    request = request_of(params, {kind: name for kind, (name, _render) in FILES.items()})
    if request.stage == "begun":
        begun = begin(request, context)
        # What is wrong with a waiver is told before anybody is asked.
        _waivers(request, context)
        return begun
    return stop(request, context) if request.stage == "stopped" else _finish(request, context)


def _finish(request: AuditRequest, context: Context) -> Results:
    paths = request.paths
    last = {path: last_report(kind, path) for kind, path in paths.items()}
    report = _report(request, context, last.get(paths.get("json", "")))
    # Without an app nothing can be matched; waivers alone are looked at before an audit begins.
    for text in stale(report.waivers) if report.apps else ():
        context.warn(text)
    if report.unread and not report.fails_unread:
        context.warn(unread(report))
    texts = {path: FILES[kind][1](report) for kind, path in paths.items()}
    before = {path: _digest(text) for path, text in last.items()}
    after = {path: _digest(text) for path, text in texts.items()}
    for kind, path in paths.items():
        option = request.option_of(kind)
        if context.check_mode:
            refuse_unwritable_text(path, option)
        else:
            finish(kind, path, texts[path], option)
    results = {
        "changed": before != after,
        "diff": {"before": {"files": before}, "after": {"files": after}},
        "report": _summary(report, paths),
    }
    if report.has_failed:
        raise TaskFailed(bad_news(report, _place(paths)), results)
    return results


def _report(request: AuditRequest, context: Context, previous: str | None) -> Report:
    # What refunds tell of the declaration, and that they can't be read, is told of those that aren't shown, too.
    asked = [*request.refunds, *request.declaration_faults]
    found = with_faults(apps_of(request.results), asked)
    bad_keys = bad_keys_of(request.results)
    apps, waivers = waive(found, _waivers(request, context))
    return Report(
        title=request.title,
        generated_at=context.timestamp(),
        apps=apps,
        waivers=waivers,
        refunds=explained(refunds_of(request.refunds), apps),
        fail_on=request.fail_on,
        changes=changes_since(previous, apps, read_in(asked)),
        undeclared=undeclared_of(request.results, found),
        bad_keys=bad_keys + absent_keys_of(request.absent_keys, bad_keys),
        unread=unread_of(asked),
        never_read=never_read_of(request.refunds),
    )


def _waivers(request: AuditRequest, context: Context) -> tuple[Waiver, ...]:
    return parse_waivers(request.waivers, datetime.fromtimestamp(context.now(), UTC).date())


def _digest(text: str | None) -> str | None:
    """Return the SHA-256 of a report's text without what passes and what it says about the report before it."""
    if text is None:
        return None
    kept = _PASSING.sub("", _HISTORY.sub("", text).encode("utf-8", "replace").decode())
    return hashlib.sha256(kept.encode()).hexdigest()


def _summary(report: Report, paths: t.Mapping[str, str]) -> Results:
    return {
        "summary": good_news(report, _place(paths)),
        "total": count_apps(report.apps),
        "integrations": len(report.apps),
        "counts": dict(report.counts),
        "would_change": sum(app.would_change for app in report.apps),
        "failing": len(report.failing),
        "apps": [_bad(*pair) for pair in report.failing[:_LISTED]],
        "keys_with_problems": [bad_key_fields(key) for key in report.bad_keys[:_LISTED]],
        "undeclared": [asdict(entry) for entry in report.undeclared[:_LISTED]],
        "refunds_unread": list(report.unread),
        "expired_waivers": [waiver_fields(waiver) for waiver in report.waivers if waiver.state == "expired"],
        "unused_waivers": [waiver_fields(waiver) for waiver in report.waivers if waiver.state == "unused"],
        "changes": None if report.changes is None else _counted(report.changes),
        "paths": {kind: paths.get(kind) for kind in FILES},
    }


def _counted(changes: Changes) -> Results:
    return {"since": changes.since, **{name: len(getattr(changes, name)) for name in ("new", "gone", "still", "open")}}


def _bad(app: App, reason: Problem) -> Results:
    return {
        "bundle_id": app.bundle_id,
        "environment": app.environment,
        "tracker": app.tracker,
        "result": reason.kind,
        "cause": reason.cause,
    }


def _place(paths: t.Mapping[str, str]) -> str:
    """Return the page, or the first file where there is none: all of them are in the result."""
    return paths.get("html") or next(iter(paths.values()))


TASK = Task(_argument_spec.audit_report(), run)
