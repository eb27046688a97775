# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the console says at an audit's end: one line when all is well, else a line for each cause."""

from __future__ import annotations

from collections import Counter

from .._model.errors import first_sentence
from .._model.text import few, told_once
from .._model.undeclared import held_undeclared
from .counts import troubled_keys
from .model import FAILING, KINDS, App, Kind, Report, count_apps
from .refunds_told import unread_apps
from .texts import ATTENTION, UNREAD, UNREAD_TOO, counted, keys_told, number

_EXPLAINED = 5
# Of one, and of several.
_FAILURE = ("fails the audit", "fail the audit")
_COUNTED: dict[Kind, str] = {"ok": "OK", "pending": "pending", "waived": "waived"}


def good_news(report: Report, place: str) -> str:
    """Return how many apps need attention and what stands behind the others, in a line. ``place``: of the report."""
    total, attention = counted(count_apps(report.apps), "app"), report.needing_attention
    found = [(count, _COUNTED[kind]) for kind, count in report.counts.items() if count and kind in _COUNTED]
    kinds = [f"{number(count)} {word}" for count, word in found]
    # One app at several trackers is one app, and several integrations.
    if report.noun != "app":
        kinds[:1] = [f"{counted(count, report.noun)} {word}" for count, word in found[:1]]
    need = f"{number(attention)} {'needs' if attention == 1 else 'need'} attention"
    told = ": ".join((f"{total} audited", ", ".join((need, *kinds))))
    if not attention:
        told = f"{total} audited, none needs attention: {', '.join(kinds)}"
    keys = keys_told(troubled_keys(report))
    refunds = unread(report) if report.unread else ""
    said = [f"{told}." if report.apps else "", keys, refunds]
    said += [unread_apps(report, few), *waived(report), _undeclared(report)]
    return " ".join([*filter(None, said), f"The report: {place}"])


def waived(report: Report) -> list[str]:
    """Return a sentence for each waiver that was used: which apps it lets pass, why, and until when; few of them."""
    told = []
    for index, waiver in enumerate(report.waivers):
        names = [app.bundle_id for app in report.apps if any(found.waiver == index for found in app.problems)]
        causes = sorted({found.cause for app in report.apps for found in app.problems if found.waiver == index})
        if names:
            reason = waiver.reason.rstrip(".")
            told.append(f"Waived until {waiver.until}: {few(names)} ({', '.join(causes)}; {reason}).")
    more = len(told) - _EXPLAINED
    return told[:_EXPLAINED] + [f"And {counted(more, 'more waiver')}: see the report."] * (more > 0)


def bad_news(report: Report, place: str) -> str:
    """Return why the audit fails: how much needs attention, then each cause once with its apps."""
    if report.is_idle:
        return (
            "Nothing was audited: no app is declared. Declare at least one, or give the registered result of a task "
            f"that audited one. The report: {place}"
        )
    # The report counts all that needs attention.
    fates = ATTENTION if set(FAILING) <= set(report.fail_on) else _FAILURE
    keys = keys_told(troubled_keys(report, report.fail_on), fates=fates)
    headline = " ".join(filter(None, [_headline(report, fates), keys]))
    lines = [*filter(None, [headline]), *_causes(report), *_keys(report)]
    said = [*lines, _unread_beside(report)] if report.fails_unread else lines
    lines = told_once(said)
    lines += [_undeclared(report)] if report.undeclared_shown else []
    lines += [unread_apps(report, few)] if report.refundless else []
    return "\n".join([*lines, f"The report: {place}"])


def _undeclared(report: Report) -> str:
    return held_undeclared(report.undeclared_shown, [app.bundle_id for app in report.apps])


def _unread_beside(report: Report) -> str:
    """Return why refunds could not be read, shorter where an app failed for the same reason."""
    reasons = {reason.hint for _app, reason in report.failing}
    return UNREAD_TOO if reasons.issuperset(report.unread) else unread(report)


def unread(report: Report) -> str:
    return f"{UNREAD} {' '.join(report.unread)}"


def _headline(report: Report, fates: tuple[str, str]) -> str:
    failing = report.failing
    if not failing:
        return ""
    counts = Counter(reason.kind for _app, reason in failing)
    kinds = ", ".join(f"{number(counts[kind])} {kind}" for kind in KINDS if counts[kind])
    bad = count_apps([app for app, _reason in failing])
    of = "" if report.noun == "app" else "integrations: "
    return f"{number(bad)} of {counted(count_apps(report.apps), 'app')} {fates[bad != 1]} ({of}{kinds})."


def _causes(report: Report) -> list[str]:
    """Return the causes, the commonest first, each with its hint in short: in CI there is often but the console."""
    found: dict[str, list[App]] = {}
    for app, _worst in report.failing:
        for reason in report.reasons(app):
            told = first_sentence(reason.hint.removeprefix(f"{app.bundle_id}: "), 3)
            found.setdefault(f"{reason.cause}: {told}" if told else f"{reason.cause}.", []).append(app)
    ranked = sorted(found.items(), key=lambda item: -len(item[1]))
    more = len(ranked) - _EXPLAINED
    lines = [f"{few(_names(apps))}: {text}" for text, apps in ranked[:_EXPLAINED]]
    return lines + [f"And {counted(more, 'more cause')}: see the report."] * (more > 0)


def _names(apps: list[App]) -> list[str]:
    return list(dict.fromkeys(app.bundle_id for app in apps))


def _keys(report: Report) -> list[str]:
    """Return what is wrong with keys beside the apps, few of them by name."""
    keys = report.failing_keys
    lines = [f"{key.label}: {key.cause}: {first_sentence(key.hint, 3)}" for key in keys[:_EXPLAINED]]
    # A key can have several problems.
    more = len(keys) - _EXPLAINED
    return lines + [f"And {counted(more, 'more problem')} of keys: see the report."] * (more > 0)
