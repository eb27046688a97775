# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would change. Check mode, diff and apply all follow this one Plan; nothing here reads or writes anything."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ._model.integration import Integration

Action = t.Literal["create", "update", "delete", "unchanged", "unknown"]
COMPARED = ("bundle_id", "issuer_id", "key_id", "key_fingerprint", "environment")
# The ledger compares what payloads are verified against, and where its readers find the key; no other tracker holds it.
_LEDGER_ONLY = ("app_apple_id", "private_key_path")
COMPARED_IN_LEDGER = (*COMPARED, *_LEDGER_ONLY)


@dataclass(frozen=True)
class Plan:
    """The step from ``current`` to ``desired`` (None: not there, not wanted). ``differing`` names the fields."""

    action: Action
    current: Integration | None
    desired: Integration | None
    differing: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return self.action in ("create", "update", "delete")

    @property
    def needs_saving(self) -> bool:
        """True when the tracker's entry has to be written: for a change, or for a new observation (its status)."""
        return self.desired is not None and self.desired != self.current

    def diff(self) -> dict[str, t.Any]:
        """Return Ansible's ``diff``: before and after with the compared fields, both alike when nothing changes."""
        after = self.desired if self.changed else self.current
        known = self.current or self.desired
        header = describe(known) if known else ""
        return {
            "before_header": header,
            "after_header": header,
            "before": compared(self.current),
            "after": compared(after),
        }


def compared(integration: Integration | None) -> dict[str, t.Any]:
    """Return the fields that decide about ``changed``; an empty mapping for no integration.

    What the ledger alone holds is among them where it knows it.
    """
    if integration is None:
        return {}
    result = integration.as_result()
    found = {name: result[name] for name in COMPARED}
    if integration.identity.tracker == "ledger":
        held = ((name, getattr(integration, name)) for name in _LEDGER_ONLY)
        found |= {name: value for name, value in held if value is not None}
    return found


def describe(integration: Integration) -> str:
    identity = integration.identity
    place = f"{identity.tracker} {identity.project}".strip()
    return f"{identity.bundle_id} ({place}, {identity.environment})"


def plan(current: Integration | None, desired: Integration | None) -> Plan:
    """Compare what a tracker holds with what is wanted.

    A compared field that the tracker can't show (None) makes the plan ``unknown``, unless another field differs or
    what is held is known to be outdated. What the tracker rejects while Apple accepts the wanted key is written again:
    whatever key it holds, it isn't a sound copy of this one.
    """
    if desired is None:
        return Plan("delete" if current else "unchanged", current, None)
    if current is None:
        return Plan("create", None, desired, tuple(compared(desired)))
    if current.is_rejected and desired.status == "Active":
        current = replace(current, key_fingerprint=None, is_outdated=True)
    before, after = compared(current), compared(desired)
    # A field that is there and None can't be shown; an Apple ID or a path that isn't there was never given.
    comparable = [name for name in after if before.get(name, "") is not None or current.is_outdated]
    differing = tuple(name for name in comparable if before.get(name) != after[name])
    if differing:
        return Plan("update", current, desired, differing)
    unknown = tuple(name for name in COMPARED if before[name] is None and after[name] is not None)
    return Plan("unknown" if unknown else "unchanged", current, desired, unknown)


def settle_unknown(step: Plan, on_unknown: str) -> Plan:
    """Turn a plan that can't tell into one that can: ``replace`` writes it anew, anything else leaves it."""
    if step.action != "unknown" or on_unknown != "replace":
        return step
    return Plan("update", step.current, step.desired, step.differing)


def stand_still(current: Integration | None) -> Plan:
    """Return the plan of an item that failed: everything stays as it is held now."""
    return Plan("unchanged", current, current)
