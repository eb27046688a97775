# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report in short, as Markdown for the summary page of a CI job (GitHub, GitLab) or for a ticket."""

from __future__ import annotations

import re
import typing as t

from .._model.undeclared import held_undeclared
from .compared import Change, Changes
from .console import waived
from .counts import named_often, troubled_keys
from .groups import CauseGroup, by_cause
from .model import App, Report, count_apps
from .refunds_told import missing, unread_apps
from .texts import (
    LABELS,
    ONLY_APPS,
    UNREAD,
    WHY,
    counted,
    keys_told,
    minute,
    named_often_told,
    number,
)

# GitHub takes 1 MiB for a job's summary, and nobody reads more.
_LISTED_APPS = 20
_LISTED_CAUSES = 30
_LISTED_HINTS = 5
BEGIN, END = "<!-- since the last report -->", "<!-- end -->"
# What has a meaning in Markdown or HTML, or would mention somebody.
_SPECIAL = re.compile(r"[\\`*_{}\[\]()#+!|<>~&@$]")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


def render_markdown(report: Report) -> str:
    """Return the summary: how many apps need attention, why, what to do, and what changed."""
    parts = [
        f"## {md(report.title)}",
        f"**{headline(report)}** Written {minute(report.generated_at)} UTC.",
        _counts(report),
        *map(md, waived(report)),
        md(held_undeclared(report.undeclared_shown, [app.bundle_id for app in report.apps])),
        _changes(report),
        _bad_keys(report),
        unread_apps(report, lambda names: _names(list(map(md, names))).removeprefix(": ")),
        "" if not report.unread else f"**{UNREAD}** {md(' '.join(report.unread))}",
        missing(report.refunds, md),
        named_often_told(named_often(report)),
        *(_cause(group) for group in by_cause(report.apps)[:_LISTED_CAUSES]),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def md(text: object) -> str:
    """Return a text from outside so that it is shown as it is."""
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", _UNSEEN.sub(" ", str(text)))


def headline(report: Report) -> str:
    """Return how many apps need attention, keys beside them and unread refunds; waived and pending apps don't."""
    unread = "Refunds could not be read." if report.unread else ""
    return " ".join(filter(None, (_apps(report), keys_told(troubled_keys(report), md), unread)))


def _apps(report: Report) -> str:
    total = count_apps(report.apps)
    if not total:
        return "" if report.bad_keys else "Nothing was audited."
    attention = report.needing_attention
    if not attention:
        return f"{counted(total, 'app')} audited, none needs attention."
    return f"{number(attention)} of {counted(total, 'app')} {'needs' if attention == 1 else 'need'} attention."


def _counts(report: Report) -> str:
    found = [(kind, count) for kind, count in report.counts.items() if count]
    if not found:
        return ""
    heads, values = (" | ".join(cells) for cells in zip(*((LABELS[k], number(n)) for k, n in found), strict=True))
    of = "" if report.noun == "app" else f"{counted(len(report.apps), 'integration')}:\n\n"
    return f"{of}| {heads} |\n|{' --: |' * len(found)}\n| {values} |"


def _bad_keys(report: Report) -> str:
    """Return the keys with problems of which no app tells."""
    keys = report.bad_keys
    if not keys:
        return ""
    lines = [f"- {md(key.label)} ({md(key.cause)}): {md(key.hint)}" for key in keys[:_LISTED_APPS]]
    more = len(keys) - _LISTED_APPS
    return "\n".join(("### Keys that need attention", "", *lines, *[f"- and {number(more)} more"] * (more > 0)))


def _changes(report: Report) -> str:
    changes = report.changes
    if changes is None:
        return ""
    lines = [
        _found("new", changes, changes.new),
        _found("gone", changes, changes.gone),
        f"- {len(changes.still)} still there",
        *([_found("couldn't be checked this time", changes, changes.open)] if changes.open else ()),
    ]
    since = md(minute(changes.since))
    return "\n".join((BEGIN, f"### Since the report of {since} UTC", "", ONLY_APPS, "", *lines, END))


def _found(title: str, changes: Changes, found: t.Sequence[Change]) -> str:
    return f"- {len(found)} {title}{_names([_change(change, changes.about(change)) for change in found])}"


def _change(change: Change, about: str) -> str:
    why = f", {WHY[change.why]}" if change.why else ""
    return f"{md(change.bundle_id)} ({md(about)}{why})"


def _cause(group: CauseGroup) -> str:
    cause = "" if group.cause == group.kind else f": {md(group.cause)}"
    title = f"### {LABELS[group.kind]}{cause}, {counted(count_apps(group.apps), 'app')}"
    hints = [
        f"- {md(hint)}{f' ({_listed(apps)})' if len(group.hints) > 1 else ''}"
        for hint, apps in group.hints[:_LISTED_HINTS]
        if hint
    ]
    more = len(group.hints) - _LISTED_HINTS
    hints += [f"- and {counted(more, 'other hint')}"] if more > 0 else []
    apps = [] if len(group.hints) > 1 else [f"Apps: {_listed(group.apps)}"]
    return "\n\n".join(filter(None, (title, "\n".join(hints), *apps)))


def _listed(apps: t.Sequence[App]) -> str:
    return _names(list(dict.fromkeys(map(_app, apps)))).removeprefix(": ")


def _app(app: App) -> str:
    beside = [app.name, "" if app.environment == "production" else app.environment]
    known = ", ".join(md(text) for text in beside if text)
    return md(app.bundle_id) + (f" ({known})" if known else "")


def _names(texts: t.Sequence[str]) -> str:
    more = len(texts) - _LISTED_APPS
    return (": " + ", ".join(texts[:_LISTED_APPS]) + (f" and {number(more)} more" if more > 0 else "")) if texts else ""
