# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds on the page: by day, by app, apps without any, and how much is known at all."""

from __future__ import annotations

from datetime import date, timedelta

from .model import Report
from .refunds import Coverage, Refunds, Sum
from .texts import amount, boxes, counted, esc, name, number, share_bar, sign_badge, soft, table, time

_DAYS = 366
_APPS = 25
_LISTED = 500
_HEIGHT = 100
_BETWEEN = " \N{MIDDLE DOT} "
_STATES = {
    "complete": ("ok", "\N{CHECK MARK}"),
    "incomplete": ("drift", "\N{NOT EQUAL TO}"),
    "unknown": ("unknown", "?"),
    "never": ("refused", "\N{MULTIPLICATION SIGN}"),
}


def refunds_section(report: Report) -> str:
    refunds = report.refunds
    if refunds is None:
        return ""
    partly = sum(item.state != "complete" for item in refunds.coverage)
    note = (
        f'<p class="note">Coverage is not complete for {number(partly)} of {counted(len(refunds.coverage), "app")}: '
        "refunds of these may be missing here.</p>"
        if partly
        else ""
    )
    return (
        '<section aria-labelledby="refunds"><h2 id="refunds">Refunds</h2>'
        f'<p class="figure"><strong>{number(refunds.total.count)}</strong> refunds known'
        f"{_with_amounts(refunds.total)}</p>{note}{_by_day(refunds)}{_by_app(refunds)}{_silent(refunds)}{_coverage(refunds)}</section>"
    )


def _with_amounts(found: Sum) -> str:
    parts = [amount(value, currency) for currency, value in found.amounts.items()]
    if found.amount_unknown:
        parts.append(f"{number(found.amount_unknown)} without a known amount")
    return f' <span class="muted">{_BETWEEN.join(parts)}</span>' if parts else ""


def _by_day(refunds: Refunds) -> str:
    counts = {day: found.count for text, found in refunds.by_day if (day := _day(text)) is not None}
    if not counts:
        return ""
    last = max(counts)
    first = max(min(counts), last - timedelta(days=_DAYS - 1))
    days = (last - first).days + 1
    peak = max(counts, key=lambda day: (counts[day], day))
    bars = "".join(
        f'<rect class="pending" x="{(day - first).days * 10 + 1}" y="{_HEIGHT - height:.1f}" width="8" '
        f'height="{height:.1f}"><title>{day}: {number(count)}</title></rect>'
        for day, count in sorted(counts.items())
        if day >= first and (height := _HEIGHT * count / (counts[peak] or 1)) > 0
    )
    rows = "".join(
        f'<tr><th scope="row">{esc(day)}</th><td>{number(found.count)}</td><td>{_with_amounts(found)}</td></tr>'
        for day, found in refunds.by_day[-_DAYS:]
    )
    spoken = f"Refunds by day from {first} to {last}, at most {counted(counts[peak], 'refund')} on {peak}"
    return (
        f'<h3>By day</h3><figure><svg class="days" viewBox="0 0 {days * 10} {_HEIGHT}" preserveAspectRatio="none" '
        f'role="img" aria-label="{spoken}">{bars}</svg><figcaption><span>{first}</span>'
        f"<span>at most {number(counts[peak])} on {peak}</span><span>{last}</span></figcaption></figure>"
        f"<details><summary>The numbers</summary><table><caption>Refunds by day (UTC, day of the refund)</caption>"
        f'<thead><tr><th scope="col">Day</th><th scope="col">Refunds</th><th scope="col">Amounts</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></details>"
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _by_app(refunds: Refunds) -> str:
    if not refunds.by_app:
        return ""
    most = refunds.by_app[0][1].count or 1
    items = "".join(
        f'<li><span class="what"><code>{name(bundle_id)}</code></span>{share_bar(found.count / most, "pending")}'
        f'<span class="value"><strong>{number(found.count)}</strong>{_with_amounts(found)}</span></li>'
        for bundle_id, found in refunds.by_app[:_APPS]
    )
    more = len(refunds.by_app) - _APPS
    rest = f'<p class="muted">and {counted(more, "more app")} in the JSON document.</p>' if more > 0 else ""
    return f'<h3>By app</h3><ol class="bars">{items}</ol>{rest}'


def _silent(refunds: Refunds) -> str:
    silent = [item for item in refunds.coverage if item.is_silent]
    if not silent:
        return ""
    listed = boxes([f"<code>{name(item.bundle_id)}</code>" for item in silent], _LISTED)
    what = f"{counted(len(silent), 'app')} with complete coverage and no refund in the period"
    return f"<h3>No refunds</h3><details><summary>{what}</summary>{listed}</details>"


def _coverage(refunds: Refunds) -> str:
    if not refunds.coverage:
        return ""
    # What is not known comes first: it must not be taken for zero.
    ordered = sorted(refunds.coverage, key=lambda item: (item.state == "complete", item.bundle_id, item.environment))
    more = len(ordered) - _LISTED
    rest = f'<p class="muted">and {counted(more, "more app")} in the JSON document.</p>' if more > 0 else ""
    caption = "How much of each app's refunds is known"
    heads = ("App", "Coverage", "From (UTC)", "Until (UTC)", "Last refund", "Refunds", "Quarantined", "Reason")
    return f"<h3>Coverage</h3>{table(caption, heads, map(_coverage_row, ordered[:_LISTED]))}{rest}"


def _coverage_row(item: Coverage) -> tuple[str, ...]:
    place = "" if item.environment == "production" else f' <span class="muted">{esc(item.environment)}</span>'
    return (
        f"<code>{name(item.bundle_id)}</code>{place}",
        sign_badge(*_STATES[item.state], item.state),
        time(item.covered_from),
        time(item.covered_until),
        time(item.last_refund_at, "none known"),
        "unknown" if item.count is None else number(item.count),
        number(item.quarantined),
        soft(item.reason or ""),
    )
