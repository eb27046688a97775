# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds on the page: by day, by app, apps without any, and how much is known at all."""

from __future__ import annotations

from datetime import date, timedelta

from .._model.text import few
from .model import Report
from .refunds import Coverage, NotificationUrl, Part, Refunds, Sum
from .refunds_told import NOT_COUNTED, count_covered, missing, too_large, unread_apps
from .texts import (
    UNREAD,
    amount,
    boxes,
    counted,
    esc,
    name,
    number,
    share_bar,
    sign_badge,
    soft,
    table,
    time,
)

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
_PENDING = ("pending", "\N{HORIZONTAL ELLIPSIS}")
_URLS = {
    "none": ("refused", "\N{MULTIPLICATION SIGN}", "none"),
    "version_1": ("refused", "\N{MULTIPLICATION SIGN}", "version 1"),
    "other_host": ("drift", "\N{NOT EQUAL TO}", "another service's host"),
    "as_declared": ("pending", "\N{HORIZONTAL ELLIPSIS}", "not proven"),
    "proven": ("ok", "\N{CHECK MARK}", "proven"),
}


def refunds_section(report: Report) -> str:
    refunds = report.refunds
    unread = "".join(f'<p class="note">{UNREAD} {soft(text)}</p>' for text in report.unread)
    never_read = unread_apps(report, lambda names: soft(few(names)))
    unread += f'<p class="note">{never_read}</p>' if never_read else ""
    if refunds is None:
        return unread and f'<section aria-labelledby="refunds"><h2 id="refunds">Refunds</h2>{unread}</section>'
    partly = missing(refunds, soft)
    note = f'<p class="note">{partly}</p>' if partly else ""
    today = report.generated_at[:10]
    parts = "".join(_part(part, today) for part in refunds.parts)
    return (
        f'<section aria-labelledby="refunds"><h2 id="refunds">Refunds</h2>{unread}{note}{parts}'
        f"{_silent(refunds)}{_coverage(refunds)}</section>"
    )


def _part(part: Part, today: str) -> str:
    first, last = _period(part, today)
    period = f"from {first} to {last}" if first else f"until {last}"
    note = f'<p class="note">{said}</p>' if (said := too_large(part)) else ""
    return (
        f"<h3>{_title(part.environment, part.source)}</h3>"
        f'<p class="figure"><strong>{number(part.total.count)}</strong> refunds known '
        f"{period} (UTC), {NOT_COUNTED}{_with_amounts(part.total)}</p>{note}{_by_day(part, first, last)}{_by_app(part)}"
    )


def _title(environment: str, source: str) -> str:
    name_ = environment.capitalize()
    return name_ if source == "apple" else f"{name_}, verified against another root ({name(source)})"


def _period(part: Part, today: str) -> tuple[date | None, date]:
    """Return the first and the last day that the refunds are of; a day that is to come has none."""
    end = _day(today) or date.max
    until = _day(part.until)
    if until is not None and part.until is not None:
        # The end itself is not in the period, so midnight means the day before.
        is_midnight = part.until[10:19] in ("", "T00:00:00")
        end = min(end, until - timedelta(days=1) if is_midnight else until)
    starts = [part.since] if part.since else [item.covered_from for item in part.coverage]
    starts += [day for day, _found in part.by_day[:1]]
    known = [found for start in starts if (found := _day(start)) is not None]
    return min(known, default=None), end


def _with_amounts(found: Sum) -> str:
    parts = [amount(value, currency) for currency, value in found.amounts.items()]
    if found.amount_unknown:
        parts.append(f"{number(found.amount_unknown)} without a known amount")
    return f' <span class="muted">{_BETWEEN.join(parts)}</span>' if parts else ""


def _by_day(part: Part, first: date | None, last: date) -> str:
    counts = {day: found.count for text, found in part.by_day if (day := _day(text)) is not None}
    if not counts or first is None:
        return ""
    # A clock that goes slow must not hide what is there.
    last = max(last, *counts)
    first = max(first, last - timedelta(days=_DAYS - 1))
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
        for day, found in part.by_day[-_DAYS:]
    )
    where = _title(part.environment, part.source)
    spoken = (
        f"{part.environment.capitalize()}: refunds by day from {first} to {last}, peak {number(counts[peak])} on {peak}"
    )
    return (
        f'<h4>By day</h4><figure><svg class="days" viewBox="0 0 {days * 10} {_HEIGHT}" preserveAspectRatio="none" '
        f'role="img" aria-label="{spoken}">{bars}</svg><figcaption><span>{first}</span>'
        f"<span>peak {number(counts[peak])} on {peak}</span><span>{last}</span></figcaption></figure>"
        "<details><summary>The numbers</summary>"
        f"<table><caption>{where}: refunds by day (UTC, day of the refund)</caption>"
        f'<thead><tr><th scope="col">Day</th><th scope="col">Refunds</th><th scope="col">Amounts</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></details>"
    )


def _day(text: str | None) -> date | None:
    """Return the day of a date or a time in ISO 8601."""
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def _by_app(part: Part) -> str:
    if not part.by_app:
        return ""
    most = part.by_app[0][1].count or 1
    items = "".join(
        f'<li><span class="what"><code>{name(bundle_id)}</code></span>{share_bar(found.count / most, "pending")}'
        f'<span class="value"><strong>{number(found.count)}</strong>{_with_amounts(found)}</span></li>'
        for bundle_id, found in part.by_app[:_APPS]
    )
    more = len(part.by_app) - _APPS
    rest = f'<p class="muted">and {counted(more, "more app")} in the JSON document.</p>' if more > 0 else ""
    return f'<h4>By app</h4><ol class="bars">{items}</ol>{rest}'


def _silent(refunds: Refunds) -> str:
    silent = [item for item in refunds.coverage if item.is_silent]
    if not silent:
        return ""
    listed = boxes([_app(item) for item in silent], _LISTED)
    what = f"{counted(count_covered(silent), 'app')} with complete coverage and no refund in the period, {NOT_COUNTED}"
    return f"<h3>No refunds</h3><details><summary>{what}</summary>{listed}</details>"


def _coverage(refunds: Refunds) -> str:
    if not refunds.coverage:
        return ""
    # What is not known comes first: it must not be taken for zero.
    ordered = sorted(refunds.coverage, key=lambda item: (item.state == "complete", item.bundle_id))
    more = len(ordered) - _LISTED
    rest = f'<p class="muted">and {counted(more, "more app")} in the JSON document.</p>' if more > 0 else ""
    caption = "How much of each app's refunds is known"
    heads = (
        "App",
        "Coverage",
        "Read from (UTC)",
        "Read until (UTC)",
        "Last refund",
        "Refunds",
        "Quarantined",
        "Reason",
        "Notification URL",
    )
    rows = map(_coverage_row, ordered[:_LISTED])
    return f"<h3>Coverage</h3>{table(caption, heads, rows)}{rest}"


def _coverage_row(item: Coverage) -> tuple[str, ...]:
    # Where there is nothing to read yet, that is no failure.
    kind = _STATES[item.state] if item.is_due else _PENDING
    return (
        _app(item),
        sign_badge(*kind, item.state),
        time(item.covered_from),
        time(item.covered_until),
        time(item.last_refund_at, "none known"),
        "unknown" if item.count is None else number(item.count),
        number(item.quarantined),
        soft(item.reason or ""),
        _url(item.url),
    )


def _url(url: NotificationUrl | None) -> str:
    """Say whether Apple's notifications reach the declared server. Without a URL of version 2, there is no history."""
    if url is None or url.state not in _URLS:
        return sign_badge("unknown", "?", "not checked")
    kind, sign, word = _URLS[url.state]
    beside = [url.host] if url.host and url.state != "none" else []
    if url.state == "proven":
        beside.append(f"on {(url.tested_at or '')[:10]}")
    elif url.state == "as_declared" and url.test_result:
        beside.append(f"Apple's test: {url.test_result}")
    return sign_badge(kind, sign, word) + (f' <span class="muted">{esc(", ".join(beside))}</span>' if beside else "")


def _app(item: Coverage) -> str:
    place = [] if item.environment == "production" else [item.environment]
    place += [] if item.source == "apple" else [item.source]
    beside = f' <span class="muted">{esc(", ".join(place))}</span>' if place else ""
    return f"<code>{name(item.bundle_id)}</code>{beside}"
