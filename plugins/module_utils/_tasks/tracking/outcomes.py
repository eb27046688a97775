# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a list of apps came to: one item for each, a diff of those that differ, and one short message."""

from __future__ import annotations

import typing as t
from collections import Counter

from ..._context import Results
from ..._decisions.integration import Decision
from ..._declaration.declaration import Declaration
from ..._model.errors import first_sentence
from ..._model.integration import Identity, Integration
from ..._plan import compared

_MOST_NAMED = 5
_MOST_REASONS = 20


def items(decisions: t.Sequence[Decision]) -> list[Results]:
    """Return the module result ``integrations``."""
    labels = _labels(decisions)
    return [{"label": labels(decision.held.identity), **_item(decision)} for decision in decisions]


def _item(decision: Decision) -> Results:
    """Return what came of one app at one tracker, a long hint once."""
    return {
        **decision.held.as_result(),
        "app_name": decision.app_name,
        "key": decision.key_name or None,
        "declared": decision.declared,
        "action": decision.step.action,
        "outcome": _outcome(decision),
        "msg": decision.brief or decision.error,
        "credential_check": decision.verdict.as_result(),
    }


def _outcome(decision: Decision) -> str:
    if decision.error:
        return "not_tried" if decision.is_untried else "failed"
    return "changed" if decision.step.changed else "unchanged"


def diff(decisions: t.Sequence[Decision]) -> Results:
    """Return ``before`` and ``after``, each by bundle ID, of the apps that differ.

    Ansible's ``--diff`` shows nothing of a mapping whose outer names are others than these two.
    """
    labels = _labels(decisions)
    differing = [decision for decision in decisions if decision.step.changed]
    return {
        "before": {labels(decision.held.identity): compared(decision.step.current) for decision in differing},
        "after": {labels(decision.held.identity): compared(decision.step.desired) for decision in differing},
    }


def summary(decisions: t.Sequence[Decision], check_mode: bool) -> str:
    """Return in one line how many apps were (or would be) changed, are waiting, or need attention."""
    apps: dict[tuple[str, str], list[Decision]] = {}
    for decision in decisions:
        identity = decision.held.identity
        apps.setdefault((identity.bundle_id, identity.environment), []).append(decision)
    counted = Counter(_state(group) for group in apps.values())
    words = {**_STATES, "changed": "would change"} if check_mode else _STATES
    told = [f"{counted[state]:,} {said}" for state, said in words.items() if counted[state]]
    return f"{_number(len(apps), 'app')}: {', '.join(told)}." if apps else "No apps are declared."


def not_declared(undeclared: t.Sequence[Integration]) -> list[str]:
    """Return a sentence about what the ledger holds and nobody declares, if there is anything."""
    if not undeclared:
        return []
    names = _some(list(dict.fromkeys(entry.identity.bundle_id for entry in undeclared)))
    return [f"Held in the ledger and not declared: {names}."]


_STATES = {
    "attention": "need attention",
    "untried": "weren't tried",
    "changed": "changed",
    "waiting": "not Active yet",
    "unchanged": "unchanged",
}


def _state(decisions: t.Sequence[Decision]) -> str:
    """Return the state of one app at all its trackers."""
    if any(decision.error and not decision.is_untried for decision in decisions):
        return "attention"
    if any(decision.error for decision in decisions):
        return "untried"
    if any(decision.step.changed for decision in decisions):
        return "changed"
    return "waiting" if any(decision.held.status not in ("Active", "Absent") for decision in decisions) else "unchanged"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def troubles(decisions: t.Sequence[Decision], declaration: Declaration) -> str:
    """Return what needs attention, a line for each cause; empty when nothing does. ``integrations`` has the rest."""
    bad = [decision for decision in decisions if decision.error]
    used = {decision.key_name for decision in bad if decision.is_of_key}
    faults: dict[str, list[str]] = {
        f"key {name}: {source.fault}": []
        for name, source in declaration.keys.items()
        if source.fault and name not in used
    }
    if not bad and not faults:
        return ""
    labels = _labels(decisions)
    reasons: dict[str, list[str]] = dict(faults)
    for decision in bad:
        whose = f"key {decision.key_name}: " if decision.is_of_key and decision.key_name else ""
        reasons.setdefault(f"{whose}{_reason(decision)}", []).append(labels(decision.held.identity))
    # The rare cause must not hide behind the common one.
    shown = sorted(reasons.items(), key=lambda item: -len(item[1]))[:_MOST_REASONS]
    more = len(reasons) - len(shown)
    lines = [_line(reason, list(dict.fromkeys(names))) for reason, names in shown]
    lines += [f"And {_number(more, 'more cause')}: see integrations."] if more > 0 else []
    return "\n".join([_headline(decisions, bad, declaration), *lines])


def _line(reason: str, names: t.Sequence[str]) -> str:
    if not names:
        return reason
    return f"{reason} Apps: {_some(names)}." if reason.startswith("key ") else f"{_some(names)}: {reason}"


def _headline(decisions: t.Sequence[Decision], bad: t.Sequence[Decision], declaration: Declaration) -> str:
    def apps(some: t.Iterable[Decision]) -> int:
        return len({(one.held.identity.bundle_id, one.held.identity.environment) for one in some})

    tried = apps(decision for decision in bad if not decision.is_untried)
    untried = apps(bad) - tried
    keys = len(
        {name for name, source in declaration.keys.items() if source.fault}
        | {decision.key_name for decision in bad if decision.is_of_key and decision.key_name}
    )
    told = [f"{tried:,} of {_number(apps(decisions), 'app')} need attention"] * bool(tried)
    told += [f"{untried:,} of {_number(apps(decisions), 'app')} weren't tried"] * bool(untried)
    told += [f"{keys:,} of {_number(len(declaration.keys), 'key')} need attention"] * bool(keys)
    return f"{', '.join(told)}."


def _some(names: t.Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _reason(decision: Decision) -> str:
    if decision.is_refusal:
        return f"{decision.verdict.cause}: {decision.verdict.lead or first_sentence(decision.verdict.hint)}"
    return first_sentence(decision.error.removeprefix(f"{decision.held.identity.bundle_id}: "))


def _labels(decisions: t.Sequence[Decision]) -> t.Callable[[Identity], str]:
    """Return what gives a target's name: its bundle ID, the sandbox and the tracker where another one has the same."""
    places: dict[str, set[str]] = {}
    trackers: dict[str, set[str]] = {}
    for decision in decisions:
        identity = decision.held.identity
        places.setdefault(identity.bundle_id, set()).add(identity.environment)
        trackers.setdefault(identity.bundle_id, set()).add(identity.tracker)

    def label(identity: Identity) -> str:
        is_twin = len(places[identity.bundle_id]) > 1 and identity.environment == "sandbox"
        name = f"{identity.bundle_id} (sandbox)" if is_twin else identity.bundle_id
        return f"{name} at {identity.tracker}" if len(trackers[identity.bundle_id]) > 1 else name

    return label
