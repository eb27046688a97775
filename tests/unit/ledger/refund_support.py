# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_ledger run against the real simulator, at any time of its clock."""

from __future__ import annotations

import contextlib
import os
import typing as t
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
import sqlalchemy
from ledger_support import ledger_at
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, Outcome, public_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils import _run
from ansible_collections.storeops.refunds.plugins.module_utils._apple import app_store_server
from ansible_collections.storeops.refunds.plugins.module_utils._apple.notification_history import (
    NotificationHistory,
    TooLong,
)
from ansible_collections.storeops.refunds.plugins.module_utils._http import Transport
from ansible_collections.storeops.refunds.plugins.module_utils._ledger import schema
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import Environment
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration, Status
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_ledger

APPLE_ID = 1
API_KEY_ID = "APIKEY0001"
# What a notification of the world has beside its transaction.
OUTER = ("uuid", "fault", "fault_in", "send_attempts", "environment")
DAY = 86_400_000
# A moment that is not now, so that nothing reads the machine's clock by the way.
TODAY = 1_760_000_000_000
PRICE = 9_990
URL_V2: t.Final = {"subscription_status_url": "https://example.com/n", "subscription_status_url_version": "V2"}
Sums = dict[str, tuple[int, int, int]]


@dataclass
class Desk:
    """One app, its key, a ledger, and the simulator."""

    sim: Simulator
    folder: Path
    url: str

    def prepare(self, status: Status = "Active", app_apple_id: int | None = APPLE_ID, **app: object) -> None:
        """Bring world, root certificate, key and integration in place; the clock stands at TODAY."""
        write_key(self.folder / "key.p8", self.sim.pem)
        found = self.sim.session.get(f"{self.sim.announced['control']}/root_certificate?format=pem", timeout=120)
        (self.folder / "root.pem").write_bytes(found.content)
        one = {"bundle_id": BUNDLE_ID, "apple_id": APPLE_ID, **URL_V2, **app}
        other = {"bundle_id": "com.example.two", "apple_id": 2, **URL_V2}
        self.world({}, [{name: value for name, value in one.items() if value is not None}, other])
        self.move_to(TODAY)
        self.put_integration(status, app_apple_id)

    def world(self, more: dict[str, object], apps: list[dict[str, object]]) -> None:
        """Set the world."""
        keys = [{"key_id": KEY_ID, "public_key": public_pem(self.sim.pem)}]
        api_keys = [{"key_id": API_KEY_ID, "public_key": public_pem(self.sim.pem)}]
        team = {"issuer_id": ISSUER, "iap_keys": keys, "app_store_connect_keys": api_keys, "apps": apps}
        limits = {"get_notification_history": 0}
        self.sim.control("PUT", "/world", {"teams": [team], "rate_limits": limits, **more})

    def generate(self, days: int, count: int, start: int) -> None:
        """Fill the world with refunds of the app."""
        wanted = {"issuer_id": ISSUER, "bundle_ids": [BUNDLE_ID], "days": days, "refunds_per_app": count}
        self.world(
            {"generated_refunds": {**wanted, "start": start, "sandbox_percent": 0}},
            [{"bundle_id": BUNDLE_ID, "apple_id": APPLE_ID, **URL_V2}],
        )

    def put_integration(
        self,
        status: Status = "Active",
        app_apple_id: int | None = APPLE_ID,
        environment: Environment = "production",
    ) -> None:
        """Put the app's integration into the ledger."""
        ledger = ledger_at(self.url)
        identity = Identity("ledger", "", environment, BUNDLE_ID)
        path = str(self.folder / "key.p8")
        put_integration(
            ledger, Integration(identity, ISSUER, KEY_ID, None, status, path, app_apple_id), "2026-01-01T00:00:00Z"
        )
        ledger.close()

    def move_to(self, milliseconds: int) -> None:
        """Set the simulator's clock."""
        self.sim.control("PUT", "/clock", {"frozen_at_ms": milliseconds})

    def tell(self, kind: str, signed: int, transaction_id: str = "2000000000000001", **fields: object) -> None:
        """Let Apple send a notification; dates are in days before TODAY, negative numbers."""
        transaction: dict[str, object] = {
            "transaction_id": transaction_id,
            "product_id": "coins",
            "price": PRICE,
            "currency": "EUR",
            "purchase_date": TODAY - 400 * DAY,
        }
        outer = {name: fields.pop(name) for name in OUTER if name in fields}
        transaction.update(fields)
        note = {"type": kind, "signed_date": TODAY + signed * DAY, "transaction": transaction, **outer}
        self.sim.control("POST", f"/apps/{BUNDLE_ID}/notifications", note)

    def refund(self, signed: int, transaction_id: str = "2000000000000001", **fields: object) -> None:
        """Let Apple tell of a refund that was made an hour before."""
        made = {"revocation_date": TODAY + signed * DAY - 3_600_000, "revocation_reason": 1}
        self.tell("REFUND", signed, transaction_id, **{**made, **fields})

    def run(self, check_mode: bool = False, now: int = TODAY, **options: t.Any) -> Outcome:
        """Run the task at a time of the store's clock; tokens keep the real one, as Apple does."""
        given = {
            "bundle_id": BUNDLE_ID,
            "app_store_server_url": self.sim.url,
            "root_certificate_path": str(self.folder / "root.pem"),
            "ledger": {"url": self.url},
            **options,
        }
        with _clock(now):
            return run_task(refund_ledger.TASK, {k: v for k, v in given.items() if v is not None}, check_mode)

    def rows(self, name: str = "refunds") -> list[dict[str, t.Any]]:
        """Read a table."""
        table = getattr(schema, name)()
        ledger: Ledger = ledger_at(self.url, read_only=True)
        with ledger.reading() as connection:
            found = connection.execute(sqlalchemy.select(table)).mappings().all()
        ledger.close()
        return sorted((dict(row) for row in found), key=str)

    def sums(self) -> Sums:
        """Sum the refunds in force by currency: count, amount, and how many have none."""
        totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for row in self.rows():
            if row["reversed_at"] is None and not row["is_family_shared"]:
                total = totals[row["currency"]]
                total[0] += 1
                total[1] += row["amount"] or 0
                total[2] += row["amount"] is None
        return {currency: (count, amount, unknown) for currency, (count, amount, unknown) in totals.items()}

    def truth(self, at: int) -> Sums:
        """Give the sums that the simulator planned."""
        totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for one in self.sim.control("GET", f"/truth/refunds?at={at}")["sums"]:
            found = (one["count"], one["amount"], one["amount_unknown_count"])
            totals[one["currency"]] = [sum(pair) for pair in zip(totals[one["currency"]], found, strict=True)]
        return {currency: (total[0], total[1], total[2]) for currency, total in totals.items() if total[0]}

    def histories(self) -> int:
        """Count the calls of Notification History."""
        return len(self.sim.calls("?endpoint=get_notification_history")["calls"])


def split_into_months(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every list count as long whose window is."""
    real = NotificationHistory.signed_payloads

    def signed_payloads(self: NotificationHistory, kind: t.Any, window: t.Any, parts: t.Any) -> list[t.Any]:
        if window.end - window.start > 60 * DAY:
            raise TooLong(6)
        return real(self, kind, window, parts)

    monkeypatch.setattr(NotificationHistory, "signed_payloads", signed_payloads)


@contextlib.contextmanager
def _clock(now: int) -> t.Iterator[None]:
    sign = app_store_server.sign
    real = _run.time.time

    def signed(credentials: t.Any, bundle_id: str, _now: float) -> t.Any:
        return sign(credentials, bundle_id, real())

    clock = SimpleNamespace(time=lambda: now / 1000)
    with mock.patch.object(_run, "time", clock), mock.patch.object(app_store_server, "sign", signed):
        yield


def run_and_kill(desk: Desk, at: int, now: int, **options: t.Any) -> bool:
    """Run in a child that kills itself before its ``at``-th request or commit; tell whether it lived to the end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _arm(at)
            code = 1 if desk.run(now=now, **options).results.get("failed") else 0
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert status in (0, 9), status
    return status == 0


def _arm(at: int) -> None:
    left = [at]
    once, commit = Transport.send, sqlalchemy.Connection.commit

    def count() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), 9)

    def send(self: t.Any, call: t.Any) -> t.Any:
        count()
        return once(self, call)

    def committed(self: t.Any) -> None:
        count()
        commit(self)

    mock.patch.object(Transport, "send", send).start()
    mock.patch.object(sqlalchemy.Connection, "commit", committed).start()
