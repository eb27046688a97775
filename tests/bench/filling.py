# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds put straight into a ledger's tables: as many as are asked for, over two years and 100 apps.

python filling.py COUNT SOURCE < LEDGER_URL
"""

from __future__ import annotations

import datetime
import sqlite3
import sys
import time
import typing as t

import psycopg

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.schema import refund_coverage, refunds

APPS = 100
DAYS = 730
_DAY_MS = 86_400_000
_CURRENCIES = ("USD", "EUR", "JPY", "GBP")
Row = tuple[t.Any, ...]


def main() -> int:
    count, source, url = int(sys.argv[1]), sys.argv[2], sys.stdin.read().strip()
    now = int(time.time() * 1000)
    tables = (
        ("refund_tracking_refunds", refunds(), _refunds(count, source, now)),
        ("refund_tracking_coverage", refund_coverage(), _coverage(source, now)),
    )
    for name, table, values in tables:
        columns = [column.name for column in table.columns]
        rows = (tuple(value.get(column) for column in columns) for value in values)
        (_into_sqlite if url.startswith("sqlite") else _into_postgresql)(url, name, columns, rows)
    return 0


def _into_sqlite(url: str, table: str, columns: list[str], rows: t.Iterator[Row]) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)


def _into_postgresql(url: str, table: str, columns: list[str], rows: t.Iterator[Row]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        statement = t.cast("t.Any", f"COPY {table} ({', '.join(columns)}) FROM STDIN")
        with connection.cursor().copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
        connection.execute(t.cast("t.Any", f"ANALYZE {table}"))


def _app(number: int) -> dict[str, str]:
    return {"environment": "production", "bundle_id": f"com.example.app{number % APPS:05d}"}


def _refunds(count: int, source: str, now: int) -> t.Iterator[dict[str, t.Any]]:
    step = DAYS * _DAY_MS // count
    for n in range(count):
        date = now - DAYS * _DAY_MS + n * step
        price = 990_000 * (1 + n % 7)
        yield {
            "source": source,
            **_app(n),
            "transaction_id": f"3{n:015d}",
            "revocation_date": date,
            "refund_day": datetime.datetime.fromtimestamp(date / 1000, datetime.UTC).strftime("%Y-%m-%d"),
            "original_transaction_id": f"3{n:015d}",
            "product_id": f"product{n // APPS % 20:02d}",
            "product_type": "Consumable",
            "quantity": 1,
            "purchase_date": date - 5 * _DAY_MS,
            "price": price,
            "currency": _CURRENCIES[n // APPS % len(_CURRENCIES)],
            "percentage": 100_000,
            "assumed_full": 0,
            "amount": -price,
            "revocation_reason": n % 5 // 4,
            "revocation_type": "REFUND_FULL",
            "ownership": "PURCHASED",
            "storefront": "USA",
            "is_family_shared": 0,
            "reversed_at": date + _DAY_MS if n % 100 == 99 else None,
            "first_notification_uuid": f"00000000-0000-4000-8000-{n:012d}",
            "first_signed_date": date + 1000,
            "recorded_at": "2026-01-01T00:00:00Z",
        }


def _coverage(source: str, now: int) -> t.Iterator[dict[str, t.Any]]:
    for n in range(APPS):
        yield {
            "source": source,
            **_app(n),
            "covered_from": now - DAYS * _DAY_MS,
            "covered_until": now - 3_600_000,
            "read_until": now - 3_600_000,
            "settled_until": now - 7 * _DAY_MS,
            "known_from": now - DAYS * _DAY_MS,
            "proven_at": now - 3_600_000,
            "url": "unasked",
            "url_at": None,
            "window_size": None,
            "state": "complete",
            "reason": "",
            "last_run_at": "2026-01-01T00:00:00Z",
            "last_notification_at": now - 3_600_000,
            "gaps": "[]",
        }


if __name__ == "__main__":
    sys.exit(main())
