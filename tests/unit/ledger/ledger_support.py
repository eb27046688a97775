# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ledgers, entries, and processes that write at the same time."""

from __future__ import annotations

import os
import typing as t

import sqlalchemy

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration

NOW = "2026-01-01T00:00:00Z"


def entry(bundle_id: str = "com.example.one", key_id: str = "KEY", status: str = "Active") -> Integration:
    """Make an integration."""
    identity = Identity("ledger", "", "production", bundle_id)
    return Integration(identity, "issuer", key_id, "f" * 64, status, "/keys/a.p8", 7)  # type: ignore[arg-type]


def ledger_at(url: str, read_only: bool = False, lock_timeout: float = 300.0) -> Ledger:
    """Make a ledger whose warnings nobody sees. It waits for locks as long as this machine may need."""
    return Ledger(find_place(url, {}), read_only, lambda text: None, lock_timeout)


def write_at_the_same_time(url: str, count: int = 50) -> list[str]:
    """Let two processes write different apps as fast as they can; give their warnings and errors."""
    start, go = os.pipe()
    children = [_writer(url, name, count, start, go) for name in ("a", "b")]
    os.close(start)
    os.close(go)
    told = []
    for child, reader in children:
        with os.fdopen(reader) as pipe:
            told.append(pipe.read())
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, told
    return told


def _writer(url: str, name: str, count: int, start: int, go: int) -> tuple[int, int]:
    """Fork a writer that waits until ``go`` is closed everywhere; give its PID and what it tells."""
    reader, teller = os.pipe()
    child = os.fork()
    if child:
        os.close(teller)
        return child, reader
    code = 1
    try:
        os.close(go)
        os.read(start, 1)
        ledger = Ledger(find_place(url, {}), False, lambda text: t.cast(None, os.write(teller, text.encode())))
        for number in range(count):
            put_integration(ledger, entry(f"com.example.{name}{number}"), NOW)
        ledger.close()
        code = 0
    except Exception as error:
        os.write(teller, repr(error).encode())
    finally:
        os._exit(code)


def insert_integration(connection: sqlalchemy.Connection, one: Integration) -> None:
    """Write an integration as a collection of an older schema did."""
    key = {name: getattr(one.identity, name) for name in ("tracker", "project", "environment", "bundle_id")}
    values = {**vars(one), **key, "created_at": NOW, "updated_at": NOW}
    insert_values(connection, "refund_tracking_integrations", values)


def insert_values(connection: sqlalchemy.Connection, name: str, values: dict[str, t.Any]) -> None:
    """Write a row into a table as it is in the database, whatever today's collection knows of it."""
    table = sqlalchemy.Table(name, sqlalchemy.MetaData(), autoload_with=connection)
    connection.execute(
        table.insert().values({one.name: values[one.name] for one in table.columns if one.name in values})
    )
