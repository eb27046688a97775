# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps one ledger from being the copy of another: which row, in which words, and in which order they are read."""

from __future__ import annotations

import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy
from ledger_support import NOW, entry, ledger_at
from sqlalchemy.dialects import postgresql

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import copying
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.event_schema import events
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.schema import integrations
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError

KEYS = ("tracker", "project", "environment", "bundle_id")
NAMES = ("com.a", "com.b", "com.c")
TABLE = "refund_tracking_integrations"
NEXT = (
    "It was in use before, or it is the copy of another time. Compare both URLs, and copy to an empty database or a "
    "new file."
)
LESS = f"UPDATE {TABLE} SET key_id = 'A', key_fingerprint = 'a' WHERE bundle_id = 'com.b'"
MORE = f"UPDATE {TABLE} SET key_id = 'Z', key_fingerprint = 'z' WHERE bundle_id = 'com.b'"
OTHER = f"{TABLE} has other values in key_id, key_fingerprint (ledger, , production, com.b)."


def without(name: str) -> str:
    """Make a statement."""
    return f"DELETE FROM {TABLE} WHERE bundle_id = '{name}'"


def foreign(name: str) -> str:
    """Say it."""
    return f"{TABLE} has a row that from_ledger lacks (ledger, , production, {name})."


def lacking(name: str) -> str:
    """Say it."""
    return f"{TABLE} lacks a row (ledger, , production, {name})."


def compared(tmp_path: Path, at_source: str, at_target: str, function: t.Callable[..., None], *names: t.Any) -> str:
    """Compare two ledgers that were alike before the statements; give what is said, empty for nothing."""
    ledgers = [ledger_at(f"sqlite:///{tmp_path}/{name}.db") for name in ("source", "target")]
    for ledger, statement in zip(ledgers, (at_source, at_target), strict=True):
        put_integrations(ledger, [entry(name) for name in NAMES], NOW)
        with ledger.writing() as connection:
            connection.exec_driver_sql(statement or "SELECT 1")
    try:
        with ledgers[0].reading() as source, ledgers[1].reading() as target:
            function(source, target, *names)
    except LedgerError as error:
        return str(error)
    finally:
        for ledger in ledgers:
            ledger.close()
    return ""


@pytest.mark.parametrize(
    ("at_source", "at_target", "said"),
    [
        ("", "", ""),
        # A part of a copy that was broken off.
        *(("", without(name), "") for name in NAMES),
        *((without(name), "", foreign(name)) for name in NAMES),
        *((change, "", OTHER) for change in (LESS, MORE)),
        (without("com.a"), without("com.b"), foreign("com.a")),
        (LESS, without("com.a"), OTHER),
    ],
)
def test_what_is_another_ledger(tmp_path: Path, at_source: str, at_target: str, said: str) -> None:
    found = compared(tmp_path, at_source, at_target, copying.refuse_another, ("S", "T"))
    beginning = "to_ledger.url: T is not a copy of S (from_ledger.url): "
    assert found == (f"{beginning}{said} Nothing was written to it. {NEXT}" if said else "")


@pytest.mark.parametrize(
    ("at_source", "at_target", "said"),
    [
        ("", "", ""),
        *(("", without(name), lacking(name)) for name in NAMES),
        *((without(name), "", foreign(name)) for name in NAMES),
        *((change, "", OTHER) for change in (LESS, MORE)),
    ],
)
def test_what_is_no_whole_copy(tmp_path: Path, at_source: str, at_target: str, said: str) -> None:
    found = compared(tmp_path, at_source, at_target, copying.verify, "T")
    meanwhile = f"A run wrote to one of the ledgers meanwhile, or: {NEXT}"
    assert found == (f"to_ledger.url: T isn't a copy: {said} Nothing in it was replaced. {meanwhile}" if said else "")


@pytest.mark.parametrize(
    ("table", "order"),
    [
        (
            integrations(),
            ", ".join(f'{TABLE}.{name} COLLATE "C"' for name in KEYS),
        ),
        # Numbers have no language.
        (events(), "refund_tracking_events.sequence"),
    ],
)
def test_a_server_s_language_decides_nothing_about_the_order(table: sqlalchemy.Table, order: str) -> None:
    server = t.cast(t.Any, SimpleNamespace(dialect=postgresql.dialect()))
    assert str(copying._in_order(server, table).compile(dialect=server.dialect)).endswith(f"ORDER BY {order}")
    file = t.cast(t.Any, SimpleNamespace(dialect=sqlalchemy.create_engine("sqlite://").dialect))
    assert "COLLATE" not in str(copying._in_order(file, table))
