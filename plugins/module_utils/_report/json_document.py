# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a JSON document; its schema is docs/audit-report.schema.json."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict

from .._model.money import units
from .changes import FORMAT
from .compared import Change, Changes
from .counts import troubled_keys
from .groups import by_cause, by_key
from .model import KEY_FIELDS, SCHEMA_VERSION, App, BadKey, Key, Report, Waiver, count_apps
from .refunds import Refunds, Sum

Json = dict[str, t.Any]


def render_json(report: Report) -> str:
    """Return the document as text; the same report always gives the same text."""
    return json.dumps(document(report), indent=1, ensure_ascii=False) + "\n"


def document(report: Report) -> Json:
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "title": report.title,
        "generated_at": report.generated_at,
        "environments": report.environments,
        "trackers": report.trackers,
        "totals": _totals(report),
        "fail_on": list(report.fail_on),
        "failed": report.has_failed,
        "causes": [
            {
                "result": group.kind,
                "cause": group.cause,
                "count": len(group.apps),
                "hints": [{"hint": hint, "count": len(apps)} for hint, apps in group.hints],
            }
            for group in by_cause(report.apps)
        ],
        "keys": [
            {
                **_key(group.key),
                "integrations": len(group.apps),
                "accepted": group.accepted,
                "unknown": len(group.apps) - group.answered,
                "bundle_ids": sorted({app.bundle_id for app in group.apps}),
            }
            for group in by_key(report.apps)
        ],
        "keys_with_problems": [bad_key_fields(key) for key in report.bad_keys],
        "undeclared": [asdict(entry) for entry in report.undeclared],
        "waivers": [waiver_fields(waiver) for waiver in report.waivers],
        "apps": [_app(app) for app in report.apps],
        "refunds": None if report.refunds is None else _refunds(report.refunds),
        "refunds_unread": list(report.unread),
        "refunds_never_read": list(report.refundless),
        # The last one: see _HISTORY of the task.
        "changes": None if report.changes is None else _changes(report.changes),
    }


def _totals(report: Report) -> Json:
    integrations = report.apps
    return {
        "apps": count_apps(integrations),
        "integrations": len(integrations),
        "keys_needing_attention": len(troubled_keys(report)),
        **{f"{kind}": count for kind, count in report.counts.items()},
        "would_change": sum(one.would_change for one in integrations),
    }


def bad_key_fields(key: BadKey) -> Json:
    return {"key": key.name or None, "result": key.kind, "cause": key.cause, "hint": key.hint}


def waiver_fields(waiver: Waiver) -> Json:
    return {
        "bundle_id": waiver.bundle_id,
        "cause": waiver.cause,
        "reason": waiver.reason,
        "until": waiver.until.isoformat(),
        "state": waiver.state,
        "apps": waiver.used,
    }


def _app(app: App) -> Json:
    return {
        "bundle_id": app.bundle_id,
        "label": app.label or None,
        "name": app.name,
        "environment": app.environment,
        "tracker": app.tracker,
        "key": app.key_name or None,
        "result": app.kind,
        "tracker_status": app.status,
        "confirmed_by_hand": app.is_confirmed_by_hand,
        "action": app.action or None,
        **_key(app.held),
        "declared": None if app.declared is None else _key(app.declared),
        "credential_check": {
            "cause": app.cause or None,
            "hint": app.hint or None,
            "http_status": app.http_status,
            "error_code": app.error_code,
            "checked_at": app.checked_at,
            "request_id": app.request_id,
        },
        "problems": [
            {"result": found.kind, "cause": found.cause, "hint": found.hint, "waiver": found.waiver}
            for found in app.problems
        ],
        "differences": [
            {"field": found.field, "before": found.before, "after": found.after} for found in app.differences
        ],
    }


def _changes(changes: Changes) -> Json:
    return {
        "since": changes.since,
        "new": [_change(found) for found in changes.new],
        "gone": [{**_change(found), "why": found.why} for found in changes.gone],
        "still": [_change(found) for found in changes.still],
        "open": [_change(found) for found in changes.open],
    }


def _change(found: Change) -> Json:
    return {name: getattr(found, name) for name in ("bundle_id", "environment", "tracker", "cause")}


def _key(key: Key) -> Json:
    return {name: getattr(key, name) for name in KEY_FIELDS}


def _refunds(refunds: Refunds) -> Json:
    return {
        "parts": [
            {
                "environment": part.environment,
                "source": part.source,
                "since": part.since,
                "until": part.until,
                "total": _sum(part.total),
                "exceeding_price": part.exceeding,
                "by_day": [{"day": day, **_sum(found)} for day, found in part.by_day],
                "by_app": [{"bundle_id": bundle_id, **_sum(found)} for bundle_id, found in part.by_app],
            }
            for part in refunds.parts
        ],
        "coverage": [
            {
                "bundle_id": item.bundle_id,
                "environment": item.environment,
                "source": item.source,
                "state": item.state,
                "covered_from": item.covered_from,
                "covered_until": item.covered_until,
                "last_refund_at": item.last_refund_at,
                "quarantined": item.quarantined,
                "reason": item.reason,
                "count": item.count,
                "silent": item.is_silent,
                "notification_url": None if item.url is None else asdict(item.url),
            }
            for item in refunds.coverage
        ],
    }


def _sum(found: Sum) -> Json:
    """Amounts are integer milliunits of the currency, as Apple gives them, and as decimal numbers of whole units."""
    return {
        "count": found.count,
        "amounts": dict(found.amounts),
        "amounts_units": {currency: units(amount, currency) for currency, amount in found.amounts.items()},
        "amount_unknown_count": found.amount_unknown,
    }
