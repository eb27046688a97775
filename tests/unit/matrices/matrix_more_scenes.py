# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""More rows: other ways of the same modules, the event source, the inventory, and the questions of the field check."""

from __future__ import annotations

import asyncio
import sys
import time
import typing as t
from dataclasses import replace
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "events"))

from events_support import Apple, ledger_at
from matrix_scenes import FIRST, PROJECT, Json, Place, Scene, calls, made_key, make_ledger, qonversion
from matrix_sink import FURTHER
from unit_support import BUNDLE_ID, OTHER_ISSUER, Outcome, Patience

from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import Consumer
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.apps import connect_apps
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit import audit_report
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events import polling
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.settings import parse_settings
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.source import Parts, World, receiver_of
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.field import field_check
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import (
    refund_export,
    refund_ledger,
    refund_ledger_copy,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration_info

STORE_SETTINGS = "/v4/project-settings"


def _two_teams(place: Place) -> None:
    world = place.sim.control("GET", "/world")
    world["teams"].append({"issuer_id": OTHER_ISSUER, "name": "Other", "provider_id": 2, "apps": [], "iap_keys": []})
    world["app_store_connect_sessions"][0]["teams"].append(OTHER_ISSUER)
    place.sim.control("PUT", "/world", world)


def _other_team(place: Place, more: Json) -> Outcome:
    return made_key(place, {"team_id": 2, **more})


def _nothing_configured(place: Place, more: Json) -> Outcome:
    """A 404 makes the tracker ask whether this is Qonversion at all; the simulator has a configuration always."""
    stores = {"vendor": "qonversion", "endpoint": "get_store_config"}
    place.sim.fault(kind="status", status=404, body={}, times=1, match=stores)
    answer = {"vendor": "qonversion", "path": f"*{STORE_SETTINGS}"}
    place.sim.fault(kind="status", status=200, body={}, match=answer)
    return qonversion(place, more)


def _consumer(place: Place) -> None:
    make_ledger(place, {})
    ledger = ledger_at(f"sqlite:///{place.folder}/ledger.db")
    consumer = Consumer(ledger, "rulebook", "nobody")
    assert consumer.claim(int(time.time() * 1000) - 7_200_000)
    consumer.release()
    ledger.close()
    bought = {"transaction_id": "7", "product_id": "coins", "price": 9990, "currency": "EUR"}
    note = {"type": "CONSUMPTION_REQUEST", "transaction": {"purchase_date": int(time.time() * 1000) - 60_000, **bought}}
    place.sim.control("POST", f"/apps/{BUNDLE_ID}/notifications", {"signed_date": int(time.time() * 1000), **note})


def _parts(place: Place, warnings: list[str], **args: t.Any) -> Parts:
    given = {"ledger": {"url": f"sqlite:///{place.folder}/ledger.db"}, "app_store_server_url": place.sim.url, **args}
    world = World({}, time.time, time.monotonic, warnings.append, warnings.append, "me")
    return Parts(parse_settings(given), world)


def _said(warnings: list[str]) -> Outcome:
    """An event source doesn't fail: it says what is wrong, and goes on. That coverage isn't whole is no failure."""
    trouble = [text for text in warnings if "coverage" not in text]
    return Outcome({"failed": bool(trouble), "changed": True, "msg": " ".join(trouble)}, warnings)


def _poll(place: Place, more: Json) -> Outcome:
    warnings: list[str] = []
    given = {name: value for name, value in more.items() if name == "app_store_server_url"}
    parts = _parts(place, warnings, root_certificate_path=str(place.folder / "root.pem"), **given)
    patience = Patience()
    http = HttpSettings(request_timeout=more.get("request_timeout", 15.0))
    context = replace(parts.context(warnings.append), transport=patience.transport(http))
    with mock.patch.object(polling, "Transport", patience.transport):
        try:
            polling.Poller(parts.settings, parts.declared(), context).poll()
        except RefundsError as error:
            warnings.append(str(error))
    return _said(warnings)


_APPLE = Apple()
_NOTIFICATION = _APPLE.body()


def _forward(place: Place, more: Json) -> Outcome:
    warnings: list[str] = []
    root = place.folder / "apple.der"
    root.write_bytes(_APPLE.root.der)
    url = place.sink.url.replace("http://", "https://") if more.get("over_tls") else place.sink.url
    urls = [f"{url}/further", f"{place.sink.url}/other"]
    seconds = more.get("request_timeout", 60.0)
    given = {"mode": "listen", "forward_to": urls, "send_timeout": seconds, "root_certificate_path": str(root)}
    parts = _parts(place, warnings, **given)

    async def received() -> int:
        receiver = receiver_of(parts, lambda: None)
        status = await receiver.receive(_NOTIFICATION)
        await receiver.close()
        return status

    status = asyncio.run(received())
    assert status == (503 if warnings else 200), (status, warnings)
    assert {body for _path, body in place.sink.bodies} <= {_NOTIFICATION, b""}, "the body is untouched"
    return _said(warnings)


def _inventory(place: Place, more: Json) -> Outcome:
    options = {"bundle_ids": None, "query_released": True, "issuer_id": None, "key_id": None, **more}
    return place.run(connect_apps.TASK, **options)


def _asked(part: str, options: t.Callable[[Place, Json], Json]) -> t.Callable[[Place, Json], Outcome]:
    """Ask one part of the field check; what doesn't hold, or isn't seen, counts as failed."""
    ids = ("issuer_id", "key_id", "api_issuer_id", "api_key_id")
    none = dict.fromkeys(("private_key_path", "api_private_key_path", "session", *ids))

    def run(place: Place, more: Json) -> Outcome:
        more = dict(more)
        over_tls = more.pop("over_tls", False)
        outcome = place.run(field_check.TASK, **{**none, **options(place, {"over_tls": over_tls}), **more})
        assumptions = outcome.results.get("assumptions", [])
        bad = [one for one in assumptions if one["outcome"] in ("broken", "not_seen")]
        message = f"{bad[0]['name']}: {bad[0]['seen']}." if bad else outcome.message
        assert {one["part"] for one in assumptions} == {part}
        return Outcome({**outcome.results, "failed": bool(bad), "msg": message}, outcome.warnings)

    return run


def _account(place: Place, tracker: str, more: Json, **options: t.Any) -> Json:
    url = place.sim.announced[tracker]
    url = url.replace("http://", "https://") if more["over_tls"] else url
    return {tracker: {"api_key": place.api_key, "url": url, **options}}


def _usual(*names: str) -> t.Callable[[Place, Json], Json]:
    return lambda place, _more: {name: value for name, value in place.usual().items() if name in names}


_ASKED: dict[str, tuple[tuple[str, ...], t.Callable[[Place, Json], Json]]] = {
    "app_store_server": (
        ("get_transaction_info", "get_notification_history"),
        _usual("private_key_path", "issuer_id", "key_id"),
    ),
    "app_store_connect_api": (("list_apps",), _usual("api_private_key_path", "api_issuer_id", "api_key_id")),
    "app_store_connect": (("get_session", "list_subscription_keys"), _usual("session")),
    "revenuecat": (("list_apps",), lambda place, more: _account(place, "revenuecat", more, project_id=PROJECT)),
    "qonversion": (("get_store_config",), lambda place, more: _account(place, "qonversion", more)),
}


def _read(place: Place) -> None:
    make_ledger(place, {})
    place.run(refund_ledger.TASK, key_id=None, issuer_id=None, private_key_path=None)


def _export(place: Place, more: Json) -> Outcome:
    return place.run(refund_export.TASK, path=str(place.folder / "reports"), bundle_id=None, **more)


def _report(place: Place, more: Json) -> Outcome:
    found = place.run(integration_info.TASK, bundle_id=None, environment="production").results
    return place.run(audit_report.TASK, results=[found], path=str(place.folder / "reports"), fail_on=[], **more)


def _copy(place: Place, more: Json) -> Outcome:
    """Into an empty ledger, which is then the one that counts."""
    old, new = (f"sqlite:///{place.folder}/{name}.db" for name in ("old", "ledger"))
    return place.run(refund_ledger_copy.TASK, from_ledger={"url": old}, to_ledger={"url": new}, **more)


def _moved(place: Place) -> None:
    _read(place)
    (place.folder / "ledger.db").rename(place.folder / "old.db")


SCENES = (
    *FIRST,
    Scene("appstore_iap_key, another team", calls("app_store_connect", "switch_team"), _other_team, _two_teams),
    Scene("Qonversion, nothing configured", calls("qonversion", STORE_SETTINGS), _nothing_configured),
    Scene("refund_events, poll", calls("app_store_server", "get_notification_history"), _poll, _consumer),
    Scene("refund_events, forward_to", calls(FURTHER, "/further"), _forward, _consumer),
    Scene("refund_export", (), _export, _read),
    Scene("refund_audit_report", (), _report, _read),
    Scene("refund_ledger_copy", (), _copy, _moved),
    Scene("the inventory", calls("app_store_connect_api", "list_apps"), _inventory, changes=False),
    *(
        Scene(f"field_check_info, {part}", calls(part, *endpoints), _asked(part, options), changes=False)
        for part, (endpoints, options) in _ASKED.items()
    ),
)
