# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A ledger copied to another database, row by row; nothing that is there is ever replaced."""

from __future__ import annotations

import contextlib
import itertools
import typing as t
from dataclasses import dataclass

from .._model.errors import LedgerError
from .engines import insert
from .ledger import Ledger
from .schema import TABLES

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy

_AT_ONCE = 1_000
_NEXT_STEP = (
    "It was in use before, or it is the copy of another time. Compare both URLs, and copy to an empty database or a "
    "new file."
)
Row = tuple[t.Any, ...]


@dataclass(frozen=True)
class Held:
    """How many rows of a table are at the source, and at the target."""

    source: int
    target: int


def count(source: sqlalchemy.Connection, target: sqlalchemy.Connection) -> dict[str, Held]:
    """Return how many rows there are, by table. Both are connections that read ledgers."""
    return {name: Held(_count(source, name), _count(target, name)) for name in TABLES}


def refuse_another(source: sqlalchemy.Connection, target: sqlalchemy.Connection, names: tuple[str, str]) -> None:
    """Raise LedgerError when the target holds a row that the source lacks or has otherwise: it is another ledger.

    A part of a copy that was broken off passes. ``names``: of the source and of the target.
    """
    for table_name in TABLES:
        table = _table(source, table_name)
        width = len(table.primary_key)
        mine, rows = None, _rows(source, table)
        for theirs in _rows(target, table):
            while mine is None or mine[:width] < theirs[:width]:
                mine = next(rows, None)
                if mine is None:
                    break
            if mine != theirs:
                raise LedgerError(
                    f"to_ledger.url: {names[1]} is not a copy of {names[0]} (from_ledger.url): "
                    f"{_difference(table, mine, theirs)} Nothing was written to it.",
                    _NEXT_STEP,
                )


def copy(source: sqlalchemy.Connection, target: Ledger) -> None:
    """Copy what the target lacks. Each batch is a transaction, so a copy that was broken off goes on where it was."""
    for name in TABLES:
        table = _table(source, name)
        rows = source.execution_options(yield_per=_AT_ONCE).execute(_in_order(source, table)).mappings()
        for batch in rows.partitions(_AT_ONCE):
            target.write(_putting(table, [dict(row) for row in batch]))


def verify(source: sqlalchemy.Connection, target: sqlalchemy.Connection, name: str) -> None:
    """Compare every row. ``name``: of the target. Raises LedgerError naming the first row that differs."""
    for table_name in TABLES:
        table = _table(source, table_name)
        pairs = itertools.zip_longest(_rows(source, table), _rows(target, table))
        different = next((pair for pair in pairs if pair[0] != pair[1]), None)
        if different is not None:
            raise LedgerError(
                f"to_ledger.url: {name} isn't a copy: {_difference(table, *different)} Nothing in it was replaced.",
                f"A run wrote to one of the ledgers meanwhile, or: {_NEXT_STEP}",
            )


def _difference(table: sqlalchemy.Table, mine: Row | None, theirs: Row | None) -> str:
    width = len(table.primary_key)
    if mine is None or (theirs is not None and theirs[:width] < mine[:width]):
        return f"{table.name} has a row that from_ledger lacks ({_key(theirs, width)})."
    if theirs is None or mine[:width] < theirs[:width]:
        return f"{table.name} lacks a row ({_key(mine, width)})."
    columns = [column.name for column in _columns(table)]
    fields = [name for name, one, other in zip(columns, mine, theirs, strict=True) if one != other]
    return f"{table.name} has other values in {', '.join(fields)} ({_key(mine, width)})."


def _key(row: Row | None, width: int) -> str:
    return ", ".join(str(value) for value in (row or ())[:width])


def _putting(table: sqlalchemy.Table, rows: t.Sequence[dict[str, t.Any]]) -> t.Callable[[sqlalchemy.Connection], None]:
    def put(connection: sqlalchemy.Connection) -> None:
        connection.execute(insert(connection, table).on_conflict_do_nothing(), rows)

    return put


def _rows(connection: sqlalchemy.Connection, table: sqlalchemy.Table) -> t.Iterator[Row]:
    found = connection.execution_options(yield_per=_AT_ONCE).execute(_in_order(connection, table))
    return (tuple(row) for row in found)


def _in_order(connection: sqlalchemy.Connection, table: sqlalchemy.Table) -> sqlalchemy.Select[t.Any]:
    """Return a query for all rows, the columns of the key first, in an order that is the same in every database."""
    is_server = connection.dialect.name == "postgresql"
    keys = [
        column.collate("C") if is_server and isinstance(column.type, sqlalchemy.Text) else column
        for column in table.primary_key
    ]
    return sqlalchemy.select(*_columns(table)).order_by(*keys)


def _columns(table: sqlalchemy.Table) -> list[sqlalchemy.Column[t.Any]]:
    keys = list(table.primary_key)
    return [*keys, *(column for column in table.columns if column not in keys)]


def _table(connection: sqlalchemy.Connection, name: str) -> sqlalchemy.Table:
    return sqlalchemy.Table(name, sqlalchemy.MetaData(), autoload_with=connection)


def _count(connection: sqlalchemy.Connection, name: str) -> int:
    table = sqlalchemy.table(name)
    return int(connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(table)).scalar_one())
