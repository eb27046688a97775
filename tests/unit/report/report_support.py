# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of audit tasks as they are registered, and the report made of them."""

from __future__ import annotations

import hashlib
import json
import typing as t
from datetime import UTC, datetime
from pathlib import Path

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from unit_support import ISSUER, KEY_ID, OTHER_ISSUER, Outcome

from ansible_collections.storeops.refunds.plugins.module_utils._context import Context, TaskFailed
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._run import plain
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit.audit_report import TASK

Json = dict[str, t.Any]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
REFUSAL = "Apple refused the token twice and does not say why."
OTHER_KEY = "9ABCDEF123"
DRIFTS = ("create", "update", "delete")


def key_of(key_id: str) -> Json:
    """The three fields of a key, each of its own."""
    return {
        "issuer_id": ISSUER if key_id == KEY_ID else OTHER_ISSUER,
        "key_id": key_id,
        "key_fingerprint": hashlib.sha256(key_id.encode("utf-8", "replace")).hexdigest(),
    }


def item(bundle_id: str, cause: str = "accepted", action: str = "unchanged", **fields: t.Any) -> Json:
    """One entry of a bulk result, as it was before there was ``declared`` unless that is given."""
    hint = fields.pop("hint", f"Hint of {cause}.")
    own_key = fields.pop("key", KEY_ID)
    check = {
        "accepted": cause == "accepted",
        "cause": cause,
        "hint": hint,
        "http_status": 404,
        "error_code": 4040010,
        "environment": fields.get("environment", "production"),
        "checked_at": "2026-11-23T11:05:09Z",
        "request_id": "3edf8508-ac4a-4f95-b551-c7c033ba3fd8",
    }
    return {
        "bundle_id": bundle_id,
        **key_of(own_key),
        "environment": "production",
        "tracker": "ledger",
        "status": "Active",
        "action": action,
        "outcome": "changed" if action in DRIFTS else "unchanged",
        "msg": "",
        "credential_check": check,
        **fields,
    }


def bulk(*items: Json, **fields: t.Any) -> Json:
    """A registered result of refund_tracking_integrations."""
    diff: Json = {"before": {}, "after": {}}
    for entry in items:
        after = {name: entry[name] for name in ("bundle_id", "issuer_id", "key_id", "key_fingerprint", "environment")}
        before = {**after, "key_id": "OLDKEY0001"}
        if entry["action"] in DRIFTS:
            diff["before"][entry["bundle_id"]] = {} if entry["action"] == "create" else before
            diff["after"][entry["bundle_id"]] = {} if entry["action"] == "delete" else after
    return {"changed": bool(diff["after"]), "diff": diff, "integrations": list(items), **fields}


def single(bundle_id: str, cause: str = "accepted", action: str = "unchanged", **fields: t.Any) -> Json:
    """A registered result of refund_tracking_integration."""
    whole = bulk(item(bundle_id, cause, action))
    (entry,) = whole["integrations"]
    check = entry.pop("credential_check")
    said = {name: entry.pop(name) for name in ("action", "outcome", "msg")}
    same = {"before": entry, "after": entry}
    return {
        "changed": whole["changed"],
        "diff": {side: whole["diff"][side].get(bundle_id, same[side]) for side in same},
        "integration": entry,
        "credential_check": check,
        **{name: said[name] for name in ("action", "outcome")},
        **fields,
    }


def a_bit_of_all() -> Json:
    """One app of each class and more: a result to render."""
    return bulk(
        item("com.example.fine"),
        item("com.example.sandboxed", environment="sandbox", key=OTHER_KEY),
        item(
            "com.example.refused",
            "unauthenticated",
            hint=REFUSAL,
            outcome="failed",
            msg="failed",
            declared=key_of(OTHER_KEY),
        ),
        item("com.example.both", "unauthenticated", "update", hint=REFUSAL),
        item("com.example.drifted", action="update", key=OTHER_KEY),
        item("com.example.new", action="create"),
        item("com.example.limited", "rate_limited", outcome="failed", msg="failed"),
        item("com.example.unreleased", "app_not_released", status="Pending"),
    )


def refunds() -> Json:
    """A registered result of refund_info, grouped by app, environment and day."""

    def row(bundle_id: str, day: str, currency: str, count: int, amount: int, unknown: int = 0) -> Json:
        keys = {"bundle_id": bundle_id, "environment": "production", "day": day}
        return {**keys, "currency": currency, "count": count, "amount": amount, "amount_unknown_count": unknown}

    def covered(bundle_id: str, state: str) -> Json:
        whole = state == "complete"
        return {
            "bundle_id": bundle_id,
            "environment": "production",
            "state": state,
            "covered_from": "2026-01-01T00:00:00Z" if whole else None,
            "covered_until": "2026-11-23T00:00:00Z" if whole else None,
            "last_refund_at": None,
            "quarantined": 0,
            "reason": None if whole else "The history was not read to its end.",
        }

    return {
        "environment": "production",
        "source": "apple",
        "period": {"since": "2026-10-24T00:00:00Z", "until": None},
        "refunds": [],
        "sums": [
            row("com.example.fine", "2026-11-01", "USD", 2, -9980),
            row("com.example.fine", "2026-11-03", "EUR", 1, -4995, 1),
            row("com.example.new", "2026-11-03", "USD", 4, -3960),
        ],
        "coverage": [
            covered("com.example.fine", "complete"),
            covered("com.example.new", "incomplete"),
            covered("com.example.quiet", "complete"),
            covered("com.example.dark", "unknown"),
        ],
    }


def sandbox_refunds() -> Json:
    """The same of the sandbox, with sums that nobody was paid."""
    made = refunds()
    sums = [{**made["sums"][0], "environment": "sandbox", "amount": -99_990_000, "count": 1000}]
    coverage = [{**made["coverage"][0], "environment": "sandbox"}, {**made["coverage"][2], "environment": "sandbox"}]
    return {**made, "environment": "sandbox", "sums": sums, "coverage": coverage}


def audit(folder: Path, *results: Json, now: datetime = NOW, check_mode: bool = False, **options: t.Any) -> Outcome:
    """Run the task at a time of our choice; a failure is a result, bad input raises."""
    given = {"results": list(results), "path": str(folder), **options}
    validated = ArgumentSpecValidator(dict(TASK.argument_spec)).validate(given)
    assert not validated.error_messages, validated.error_messages
    transport = Transport(HttpSettings(None, {}, 1.0, 1.0))
    warnings: list[str] = []
    context = Context(check_mode, {}, now.timestamp, warnings.append, transport)
    try:
        return Outcome(TASK.function(plain(validated.validated_parameters), context), warnings)
    except TaskFailed as failure:
        return Outcome({**failure.results, "failed": True, "msg": str(failure)}, warnings)


def document(folder: Path) -> Json:
    found: Json = json.loads((folder / "refund-audit.json").read_text())
    return found
