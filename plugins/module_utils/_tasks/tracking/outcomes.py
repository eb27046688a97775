# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a list of apps came to: one item for each, a diff of those that differ, and one short message."""

from __future__ import annotations

import typing as t
from collections import Counter

from ..._context import Results
from ..._model.errors import first_sentence
from ..._model.integration import Identity
from ..._plan import compared
from .decision import Decision

_MOST_NAMED = 5
_MOST_REASONS = 10


def item(decision: Decision) -> Results:
    """Return the entry of the module result ``integrations``, which says a long hint once."""
    return {
        **decision.held.as_result(),
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


def summary(decisions: t.Sequence[Decision]) -> str:
    """Return which apps failed and why, in few words; empty when none did. ``integrations`` has the rest."""
    failed = [decision for decision in decisions if decision.error and not decision.is_untried]
    untried = [decision for decision in decisions if decision.error and decision.is_untried]
    if not failed and not untried:
        return ""
    labels = _labels(decisions)
    reasons: dict[str, list[str]] = {}
    for decision in failed + untried:
        reasons.setdefault(_short(decision), []).append(labels(decision.held.identity))
    counts = [f"{len(failed):,} failed"] * bool(failed) + [f"{len(untried):,} were not tried"] * bool(untried)
    # The rare cause must not hide behind the common one.
    shown = sorted(reasons.items(), key=lambda item: -len(item[1]))[:_MOST_REASONS]
    named = " ".join(f"{_some(names)}: {reason}" for reason, names in shown)
    more = len(reasons) - len(shown)
    rest = f" And {more:,} more causes: see integrations." if more > 0 else ""
    return f"Of {len(decisions):,} apps, {' and '.join(counts)}. {named}{rest}"


def _some(names: t.Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _short(decision: Decision) -> str:
    if decision.is_refusal:
        return f"{decision.verdict.cause}: {first_sentence(decision.verdict.hint)}"
    return first_sentence(decision.error.removeprefix(f"{decision.held.identity.bundle_id}: "))


def _labels(decisions: t.Sequence[Decision]) -> t.Callable[[Identity], str]:
    """Return what gives an app's name: its bundle ID, and the sandbox where it is there for both environments."""
    count = Counter(decision.held.identity.bundle_id for decision in decisions)

    def label(identity: Identity) -> str:
        is_twin = count[identity.bundle_id] > 1 and identity.environment == "sandbox"
        return f"{identity.bundle_id} (sandbox)" if is_twin else identity.bundle_id

    return label
