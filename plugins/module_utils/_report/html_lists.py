# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of the page: which apps share which key, what is waived, and what nobody has verified."""

from __future__ import annotations

from .groups import KeyGroup, by_key
from .model import KINDS, Report, Waiver, noun_of
from .texts import badge, boxes, counted, esc, name, number, share_bar, short_fingerprint, sign_badge, soft, table

_LISTED_KEYS = 500
_LISTED_APPS = 200
_STATES = {
    "expired": ("refused", "\N{MULTIPLICATION SIGN}"),
    "active": ("waived", "\N{EN DASH}"),
    "unused": ("pending", "\N{WHITE CIRCLE}"),
}
UNVERIFIED = (
    "Nothing of storeops.refunds was run against the live services; it was built on Apple's and the trackers' "
    "documentation and proven against a simulator.",
    "Two things were observed and aren't documented: 404 with error code 4040010 for a made-up transaction means that "
    "Apple accepted the key, and Apple's 401 never says why.",
    "An Apple engineer said that production refuses an app before its first release. If the sandbox accepts the key "
    "then, app_not_released is most likely, not certain.",
    "What a tracker holds is what it shows. Where it can't show a key, the ledger's record of what was last applied is "
    "compared instead.",
)


def keys_section(report: Report) -> str:
    groups = by_key(report.apps)
    unknown = sum(not app.tried.is_known for app in report.apps)
    if not groups:
        return ""
    notes = []
    if len(groups) > _LISTED_KEYS:
        notes.append(f"{counted(len(groups) - _LISTED_KEYS, 'more key')} in the JSON document.")
    if unknown:
        notes.append(f"For {counted(unknown, report.noun)} it is not known which key is applied, or there is none.")
    caption = (
        "Apps per key, and how many of them Apple accepts: in production, or in the sandbox before the first release"
    )
    heads = ("Key ID", "Key", "Issuer ID", "Fingerprint", "Accepted", "Apps")
    return (
        '<section aria-labelledby="keys"><h2 id="keys">Keys</h2>'
        + table(caption, heads, map(_key_row, groups[:_LISTED_KEYS]))
        + "".join(f'<p class="muted">{note}</p>' for note in notes)
        + "</section>"
    )


def _key_row(group: KeyGroup) -> tuple[str, ...]:
    total, noun = len(group.apps), noun_of(group.apps)
    apps = boxes([f"{_sign(app.kind)}<code>{name(app.bundle_id)}</code>" for app in group.apps], _LISTED_APPS)
    return (
        f"<code>{soft(group.key.key_id or 'unknown')}</code>",
        ", ".join(name(short) for short in dict.fromkeys(app.key_name for app in group.apps) if short),
        *(
            f"<code>{soft(text or 'unknown')}</code>"
            for text in (group.key.issuer_id, short_fingerprint(group.key.key_fingerprint))
        ),
        _accepted(group),
        f"<details><summary>{counted(total, noun)}</summary>{apps}</details>",
    )


def _accepted(group: KeyGroup) -> str:
    """Say for how many Apple accepts the key. Where Apple didn't answer, that is unknown, and not none."""
    accepted, answered, unknown = group.accepted, group.answered, len(group.apps) - group.answered
    if not answered:
        return "unknown"
    css_class = "ok" if accepted == answered else "drift" if accepted else "refused"
    told = f"{number(accepted)} of {number(answered)}" + (f", {number(unknown)} unknown" if unknown else "")
    return f'<span class="meter">{share_bar(accepted / len(group.apps), css_class)}<span>{told}</span></span>'


def _sign(kind: str) -> str:
    found = next(known for known in KINDS if known == kind)
    return "" if found == "ok" else f"{badge(found)} "


def waivers_section(report: Report) -> str:
    if not report.waivers:
        return ""
    states = list(_STATES)
    ordered = sorted(report.waivers, key=lambda waiver: (states.index(waiver.state), waiver.until, waiver.bundle_id))
    caption = "Accepted problems. An expired waiver counts no more; an unused one can be removed."
    heads = ("State", "App", "Cause", "Reason", "Until", "Used for")
    return (
        '<section aria-labelledby="waivers"><h2 id="waivers">Waivers</h2>'
        + table(caption, heads, map(_waiver_row, ordered))
        + "</section>"
    )


def _waiver_row(waiver: Waiver) -> tuple[str, ...]:
    day = waiver.until.isoformat()
    return (
        sign_badge(*_STATES[waiver.state], waiver.state),
        f"<code>{name(waiver.bundle_id)}</code>",
        f"<code>{soft('any' if waiver.cause == '*' else waiver.cause)}</code>",
        name(waiver.reason),
        f'<time datetime="{day}">{day}</time>',
        counted(waiver.used, "app"),
    )


def unverified_section() -> str:
    items = "".join(f"<li>{esc(text)}</li>" for text in UNVERIFIED)
    return (
        '<section aria-labelledby="unverified"><h2 id="unverified">What is unverified</h2>'
        f'<ul class="prose">{items}</ul></section>'
    )
