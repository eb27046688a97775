# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The top of the page: what was audited, how it stands, and what to do about it."""

from __future__ import annotations

from .._model.undeclared import Group, groups
from .counts import named_often, troubled_keys
from .groups import CauseGroup, by_cause
from .model import KINDS, App, BadKey, Kind, Report, count_apps
from .texts import LABELS, MEANINGS, SIGNS, badge, boxes, counted, esc, keys_told, name, named_often_told, number, time

# More names than this help nobody on a page; the table below and the JSON have them all.
_LISTED_APPS = 200
_LISTED_HINTS = 5
_OPEN_UP_TO = 12
_NAMED_APPS = 5


def header(report: Report) -> str:
    facts = (
        ("Generated", f"{time(report.generated_at)} UTC"),
        ("Environment" if len(report.environments) == 1 else "Environments", _names(report.environments)),
        ("Tracker" if len(report.trackers) == 1 else "Trackers", _names(report.trackers)),
        ("Fails on", _names([LABELS[kind].lower() for kind in report.fail_on]) if report.fail_on else "nothing"),
    )
    cells = "".join(f"<div><dt>{label}</dt><dd>{value}</dd></div>" for label, value in facts)
    return (
        f'<header><p class="eyebrow">App Store refund tracking</p><h1>{name(report.title)}</h1>'
        f'{_verdict(report)}{_undeclared(report)}<dl class="facts">{cells}</dl></header>'
    )


def _names(names: list[str]) -> str:
    return ", ".join(map(name, names)) or "none"


def _verdict(report: Report) -> str:
    total, failing = count_apps(report.apps), len(report.failing)
    bad = report.bad_keys
    if not total and not bad:
        return '<p class="verdict unknown">Nothing was audited.</p>'
    attention = report.needing_attention
    kind: Kind = "ok"
    text = f"{counted(total, 'app')} audited, none needs attention." if total else ""
    if attention:
        note = "" if failing else " This audit does not fail because of them."
        verb = "needs" if attention == 1 else "need"
        text = f"{number(attention)} of {counted(total, 'app')} {verb} attention.{note}"
    if attention or bad or report.unread:
        found = {key.kind for key in bad} | ({"unknown"} if report.unread else set())
        kind = next(kind for kind in KINDS if report.counts[kind] or kind in found)
        unread = "Refunds could not be read." if report.unread else ""
        text = " ".join(filter(None, (text, keys_told(troubled_keys(report), name), unread)))
    return (
        f'<p class="verdict {kind}"><span class="sign" aria-hidden="true">{SIGNS[kind]}</span><span>{text}</span></p>'
    )


def _undeclared(report: Report) -> str:
    return "".join(map(_group, groups(report.undeclared_shown, [app.bundle_id for app in report.apps])))


def _group(group: Group) -> str:
    found = boxes([f"<code>{name(label)}</code>" for label in group.names], _LISTED_APPS)
    return f'<div class="undeclared"><p>{esc(group.title)}:</p>{found}<p>{esc(group.step)}</p></div>'


def status_section(report: Report) -> str:
    total = len(report.apps) or 1
    bars, cards, left = [], [], 0.0
    for kind, count in report.counts.items():
        width = 100 * count / total
        if count:
            bars.append(f'<rect class="{kind}" x="{left:.3f}" width="{width:.3f}" height="10"/>')
        left += width
        cards.append(_card(kind, count, width))
    spoken = ", ".join(f"{LABELS[kind]} {count}" for kind, count in report.counts.items() if count) or "no apps"
    return (
        '<section aria-labelledby="status"><h2 id="status">Status</h2>'
        f'<svg class="stack" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{spoken}">'
        f'<rect class="track" width="100" height="10"/>{"".join(bars)}</svg>'
        f'<ul class="cards">{"".join(cards)}</ul>{_counted_what(report)}</section>'
    )


def _counted_what(report: Report) -> str:
    apps, integrations = counted(count_apps(report.apps), "app"), counted(len(report.apps), "integration")
    return "" if report.noun == "app" else f'<p class="muted">Counted here: {integrations} of {apps}.</p>'


def _card(kind: Kind, count: int, share: float) -> str:
    # What rounds to 0 or to 100 would tell some as none, and most as all.
    rounded = "<1" if 0 < share < 1 else ">99" if 99 < share < 100 else f"{share:.0f}"
    percent = f"{rounded}\N{NARROW NO-BREAK SPACE}%"
    inner = (
        f'<span class="sign {kind}" aria-hidden="true">{SIGNS[kind]}</span><strong>{number(count)}</strong>'
        f'<span class="label">{LABELS[kind]}</span><span class="share">{esc(percent)}</span>'
        f'<span class="meaning">{MEANINGS[kind]}</span>'
    )
    return f'<li><a class="card" href="#apps" data-kind="{kind}">{inner}</a></li>' if count else _empty_card(inner)


def _empty_card(inner: str) -> str:
    return f'<li><span class="card none">{inner}</span></li>'


def causes_section(report: Report) -> str:
    groups = by_cause(report.apps)
    if not groups and not report.bad_keys:
        return ""
    often = named_often_told(named_often(report))
    return (
        '<section aria-labelledby="causes"><h2 id="causes">What to do</h2>'
        + (f'<p class="muted">{often}</p>' if often else "")
        + "".join(_bad_key(key) for key in report.bad_keys[:_LISTED_APPS])
        + "".join(_cause(group) for group in groups)
        + "</section>"
    )


def _bad_key(key: BadKey) -> str:
    return (
        f'<article class="cause {key.kind}"><h3>{badge(key.kind)} <code>{esc(key.cause)}</code> '
        f'<span class="muted">key {name(key.label)}</span></h3>'
        f'<ul class="hints"><li>{esc(key.hint)}</li></ul></article>'
    )


def _cause(group: CauseGroup) -> str:
    hints = "".join(f"<li>{esc(hint)}{_whose(apps, group)}</li>" for hint, apps in group.hints[:_LISTED_HINTS] if hint)
    more = len(group.hints) - _LISTED_HINTS
    if more > 0:
        hints += f'<li class="muted">and {counted(more, "other hint")}; see the apps below.</li>'
    return (
        f'<article class="cause {group.kind}"><h3>{badge(group.kind)} <code>{esc(group.cause)}</code> '
        f'<span class="muted">{counted(count_apps(group.apps), "app")}</span></h3><ul class="hints">{hints}</ul>'
        f"{_app_list(group.apps)}</article>"
    )


def _whose(apps: tuple[App, ...], group: CauseGroup) -> str:
    """Return which apps a hint is about, where the cause has several hints."""
    if len(group.hints) < 2:
        return ""
    told = list(dict.fromkeys(map(_app, apps)))
    more = len(told) - _NAMED_APPS
    names = ", ".join(told[:_NAMED_APPS]) + (f" and {number(more)} more" if more > 0 else "")
    return f' <span class="muted">({counted(len(told), "app")}: {names})</span>'


def _app_list(apps: tuple[App, ...]) -> str:
    is_open = " open" if len(apps) <= _OPEN_UP_TO else ""
    listed = boxes(list(dict.fromkeys(map(_app, apps))), _LISTED_APPS)
    return f"<details{is_open}><summary>Which apps</summary>{listed}</details>"


def _app(app: App) -> str:
    beside = [app.name, "" if app.environment == "production" else app.environment]
    place = "".join(f' <span class="muted">{name(text)}</span>' for text in beside if text)
    changes = ", ".join(difference.field for difference in app.differences) if app.action == "update" else ""
    return f"<code>{name(app.bundle_id)}</code>{place}" + (
        f' <span class="muted">{esc(changes)}</span>' if changes else ""
    )
