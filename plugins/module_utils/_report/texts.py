# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small pieces of HTML: every text that comes from outside passes ``esc`` on its way into the page."""

from __future__ import annotations

import re
import typing as t
from html import escape

from .._model.money import units
from .._model.text import few
from .compared import Why
from .model import Kind

LABELS: t.Mapping[Kind, str] = {
    "refused": "Refused",
    "unknown": "Unknown",
    "drift": "Drift",
    "pending": "Pending",
    "ok": "OK",
    "waived": "Waived",
}
# A sign beside the colour, for readers who can't tell colours apart.
SIGNS: t.Mapping[Kind, str] = {
    "refused": "\N{MULTIPLICATION SIGN}",
    "unknown": "?",
    "drift": "\N{NOT EQUAL TO}",
    "pending": "\N{HORIZONTAL ELLIPSIS}",
    "ok": "\N{CHECK MARK}",
    "waived": "\N{EN DASH}",
}
MEANINGS: t.Mapping[Kind, str] = {
    "refused": "Apple or the tracker refuses the key, or the key can't be used.",
    "unknown": "It couldn't be checked.",
    "drift": "What is there isn't what is declared.",
    "pending": "Not released or not Active yet. That doesn't fail the audit.",
    "ok": "As declared: accepted by Apple, or absent.",
    "waived": "A problem that is accepted for now.",
}
# How a finding went.
WHY: t.Mapping[Why, str] = {"solved": "solved", "waived": "waived", "not audited": "not in this audit"}
# Of what changed since the last report: the findings about keys alone are told apart.
ONLY_APPS = "Only findings of apps that fail an audit are compared, not pending ones."
ATTENTION = ("needs attention", "need attention")
UNREAD = "Refunds could not be read:"
UNREAD_TOO = "Refunds could not be read for the same reason."
SHOWN_FINGERPRINT = 12
# Where a long word may be broken: after punctuation, else every 14 characters. page_script.py has the same.
_LONG_WORD = re.compile(r"\S{21,}")
_PIECE = re.compile(r"[^._/@:-]{0,14}[._/@:-]{1,14}|[^._/@:-]{1,14}")


def esc(value: object) -> str:
    """Return a text that is safe in HTML, between tags and in quoted attributes."""
    return escape(str(value), quote=True)


def name(text: object) -> str:
    """Return a name from outside, kept apart from the text around it: it may run from right to left."""
    return f"<bdi>{soft(text)}</bdi>"


def soft(text: object) -> str:
    """Return a text that is safe in HTML and fits into a narrow column: a browser may break its long words."""
    found, parts, at = str(text), [], 0
    for word in _LONG_WORD.finditer(found):
        parts += [esc(found[at : word.start()]), "<wbr>".join(map(esc, _PIECE.findall(word[0])))]
        at = word.end()
    return "".join((*parts, esc(found[at:])))


def badge(kind: Kind) -> str:
    return sign_badge(kind, SIGNS[kind], LABELS[kind])


def number(value: int) -> str:
    return f"{value:,}"


def counted(value: int, noun: str) -> str:
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"


def keys_told(keys: t.Sequence[str], shown: t.Callable[[str], str] = str, fates: tuple[str, str] = ATTENTION) -> str:
    """Return how many keys need attention, and which, as a sentence; empty for none. ``shown``: for the format.

    ``fates``: what is said of one and of several.
    """
    return f"{counted(len(keys), 'key')} {fates[len(keys) != 1]}: {shown(few(keys))}." if keys else ""


def named_often_told(count: int) -> str:
    """Return why the apps of all causes together are more than there are, as a sentence; empty where they aren't."""
    verbs = ("has", "stands") if count == 1 else ("have", "stand")
    return f"{counted(count, 'app')} {verbs[0]} several problems and {verbs[1]} below each of them." if count else ""


def short_fingerprint(fingerprint: str | None) -> str:
    return f"{fingerprint[:SHOWN_FINGERPRINT]}\N{HORIZONTAL ELLIPSIS}" if fingerprint else ""


def time(value: str | None, none: str = "unknown") -> str:
    """Return the HTML of a time of ISO 8601 in UTC as a person reads it, to the minute."""
    return f'<time datetime="{esc(value)}">{esc(minute(value))}</time>' if value else esc(none)


def minute(value: str) -> str:
    """Return a time of ISO 8601 to the minute, as plain text."""
    day, _t, clock = value.partition("T")
    return f"{day} {clock[:5]}".strip()


def amount(milliunits: int, currency: str) -> str:
    """Return an amount of milliunits as a person reads it, with the decimals of its currency."""
    whole, point, digits = units(abs(milliunits), currency).partition(".")
    sign = "\N{MINUS SIGN}" if milliunits < 0 else ""
    return f"{sign}{int(whole):,}{point}{digits}\N{NO-BREAK SPACE}{esc(currency)}"


def share_bar(share: float, css_class: str) -> str:
    """Return a horizontal bar; the number stands beside it as text."""
    width = max(round(share * 100, 2), 0.6) if share else 0
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" width="100" height="10"/><rect class="{css_class}" width="{width}" height="10"/></svg>'
    )


def table(caption: str, heads: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> str:
    """Return a table that turns into a list of cards on a narrow screen, without losing what it is for screen readers.

    ``rows`` hold HTML; the first cell of each is its heading. ``caption`` is plain text that is safe in HTML.
    """
    columns = "".join(f'<th role="columnheader" scope="col">{head}</th>' for head in heads)
    lines = []
    for first, *others in rows:
        cells = zip(heads[1:], others, strict=True)
        lines.append(
            f'<tr role="row"><th role="rowheader" scope="row" data-label="{heads[0]}"><div>{first}</div></th>'
            + "".join(_cell(head, cell) for head, cell in cells)
            + "</tr>"
        )
    return (
        f'{scroll_box(caption)}<table class="list" role="table"><caption>{caption}</caption><thead role="rowgroup">'
        f'<tr role="row">{columns}</tr>'
        f'</thead><tbody role="rowgroup">{"".join(lines)}</tbody></table></div>'
    )


def scroll_box(label: str) -> str:
    """Return the start of a box that scrolls sideways: it can be reached and scrolled with the keyboard."""
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{label.split(". ")[0].rstrip(".")}, table">'


def _cell(head: str, cell: str) -> str:
    empty = "" if cell else ' class="empty"'
    return f'<td role="cell" data-label="{head}"{empty}><div>{cell}</div></td>'


def sign_badge(css_class: str, sign: str, label: str) -> str:
    return f'<span class="badge {css_class}"><span aria-hidden="true">{sign}</span> {label}</span>'


def boxes(pieces: t.Sequence[str], limit: int) -> str:
    """Return a list of HTML pieces as small boxes, cut at ``limit``."""
    items = "".join(f"<li>{piece}</li>" for piece in pieces[:limit])
    more = len(pieces) - limit
    if more > 0:
        items += f'<li class="muted">and {number(more)} more</li>'
    return f'<ul class="apps">{items}</ul>'
