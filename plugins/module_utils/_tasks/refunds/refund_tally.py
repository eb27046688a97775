# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of refund_ledger changed, added up over its windows: counts and a bounded diff."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..._ledger.refunds import Changes, Step
from ..._model.refund import Notification, Refund, Rejected, iso_time

# More than this many entries of a diff nobody reads; the counts tell the rest.
MOST_SHOWN = 100


@dataclass
class Tally:
    """Counts by name. ``steps`` are merged: from before the run to after it.

    ``removed``: old refunds; ``told`` and ``events``: notifications and events that are removed for their own age.
    """

    steps: dict[tuple[str, int], Step] = field(default_factory=dict)
    seen: set[tuple[str, int]] = field(default_factory=set)
    notifications: int = 0
    declined: int = 0
    failing: set[str] = field(default_factory=set)
    quarantined: dict[str, str] = field(default_factory=dict)
    released: dict[str, str] = field(default_factory=dict)
    removed: int = 0
    told: int = 0
    events: int = 0

    def copied(self) -> Tally:
        """Return a copy that stays as it is."""
        return replace(
            self,
            steps=dict(self.steps),
            seen=set(self.seen),
            failing=set(self.failing),
            quarantined=dict(self.quarantined),
            released=dict(self.released),
        )

    def add(self, changes: Changes, read: t.Iterable[Notification], rejected: t.Iterable[Rejected]) -> None:
        """Add what one window changed, and what was read in it."""
        self.seen |= {refund.key for one in read for refund in one.refunds}
        self.failing |= {one.payload_sha256 for one in rejected}
        self.notifications += len(changes.notifications)
        self.declined += sum(one.type == "REFUND_DECLINED" for one in changes.notifications)
        for step in changes.steps:
            known = self.steps.get(step.after.key)
            merged = Step(known.before if known else step.before, step.after)
            self.steps[step.after.key] = merged
            if merged.before == merged.after:
                del self.steps[step.after.key]

    def put_in_quarantine(self, entries: t.Mapping[str, str]) -> None:
        """Note payloads (SHA-256 to reason) that are new in quarantine."""
        self.quarantined |= entries

    def release(self, entries: t.Mapping[str, str]) -> None:
        """Note payloads that left quarantine; what was put there by this very run leaves no trace."""
        for payload, reason in entries.items():
            if self.quarantined.pop(payload, None) is None:
                self.released[payload] = reason

    @property
    def changes(self) -> tuple[t.Any, ...]:
        """What is other than before the run, whatever was read."""
        return self.steps, self.notifications, self.quarantined, self.released, *self.old

    @property
    def old(self) -> tuple[int, int, int]:
        """Count what is removed because of retention_days."""
        return self.removed, self.told, self.events

    @property
    def changed(self) -> bool:
        return any(self.changes)

    def counts(self) -> dict[str, int]:
        """Return the module result ``refunds``."""
        new = [step for step in self.steps.values() if step.before is None]
        cancelled = [step for step in self.steps.values() if _is_cancelled(step)]
        other = [step for step in self.steps.values() if step.before is not None and not _is_cancelled(step)]
        return {
            "new": len(new),
            "reversed": len(cancelled),
            "updated": len(other),
            "unchanged": len(self.seen - self.steps.keys()),
            "declined": self.declined,
            "notifications": self.notifications,
            "quarantined": len(self.failing),
            "released": len(self.released),
            "removed": self.removed,
        }

    def diff(self, header: str) -> dict[str, t.Any]:
        """Return Ansible's ``diff``: the refunds and payloads that changed, at most 100 of them."""
        before: dict[str, str] = {}
        after: dict[str, str] = {}
        for key in sorted(self.steps)[:MOST_SHOWN]:
            step = self.steps[key]
            name = f"refund {key[0]} {iso_time(key[1])}"
            after[name] = _described(step.after)
            if step.before is not None:
                before[name] = _described(step.before)
        before |= {f"quarantine {name[:16]}": reason for name, reason in sorted(self.released.items())[:MOST_SHOWN]}
        after |= {f"quarantine {name[:16]}": reason for name, reason in sorted(self.quarantined.items())[:MOST_SHOWN]}
        more = max(0, len(self.steps) - MOST_SHOWN)
        if more:
            after["more"] = f"{more} other refunds"
        if any(self.old):
            kinds = zip(self.old, ("refunds", "notifications", "events"), strict=True)
            before["older than retention_days"] = ", ".join(f"{count} {kind}" for count, kind in kinds if count)
        return {"before_header": header, "after_header": header, "before": before, "after": after}


def _is_cancelled(step: Step) -> bool:
    was_cancelled = step.before is not None and step.before.reversed_at is not None
    return step.after.reversed_at is not None and not was_cancelled


def _described(refund: Refund) -> str:
    if refund.is_family_shared:
        money = "family sharing, no money"
    elif refund.amount is None:
        money = "amount unknown"
    else:
        money = f"{refund.amount} milliunits {refund.currency or 'of an unknown currency'}"
    reversed_at = f", reversed {iso_time(refund.reversed_at)}" if refund.reversed_at is not None else ""
    return f"{refund.product_id or 'unknown product'}: {money}{reversed_at}"
