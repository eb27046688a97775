# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which rights at a server a run needs. SQLite answers the questions here, with PostgreSQL's functions put into it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import pytest
import sqlalchemy

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.revision import VERSION_TABLE, State
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.schema import TABLES
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.writable import refuse_unwritable_server
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError

PLACE = find_place("postgresql://a:b@h/d", {})
RIGHTS = frozenset({"INSERT", "UPDATE", "DELETE"})
REFUNDS = "refund_tracking_refunds"
READ_ONLY = (
    "is read-only for this role (default_transaction_read_only is on). Use another role, or turn that setting off for "
    "this one."
)
LACKS = (
    "lacks tables, and permission denied for this role to create them. Let the owner of the schema run once, or grant "
    "CREATE on it to this role."
)
DENIED = (
    ": permission denied for this role to write to the table {}. Grant SELECT, INSERT, UPDATE and DELETE on the "
    "ledger's tables to this role, or use another one."
)
OWNED = (
    "has an older schema, and permission denied for this role to change it: another role owns the table {}. Let the "
    "owner of the tables run once."
)


@dataclass(frozen=True)
class Server:
    """What a role may do. ``lacks``: a right at a table; ``foreign``: tables of other owners."""

    is_replica: bool = False
    is_read_only: bool = False
    may_create: bool | None = True
    lacks: tuple[str, str] = ("", "")
    foreign: tuple[str, ...] = ()
    tables: tuple[str, ...] = (VERSION_TABLE, *TABLES)

    def refuse(self, found: State) -> str:
        """Give what is said against writing; empty for nothing."""
        functions: dict[str, tuple[int, t.Callable[..., object]]] = {
            "pg_is_in_recovery": (0, lambda: self.is_replica),
            "current_setting": (1, lambda name: "on" if self.is_read_only else "off"),
            "current_schema": (0, lambda: "public"),
            "has_schema_privilege": (2, lambda schema, right: self.may_create),
            "has_table_privilege": (2, lambda table, right: right in RIGHTS and (table, right) != self.lacks),
            "pg_has_role": (2, lambda owner, right: owner == "me"),
            "to_regclass": (1, lambda name: name),
        }
        with sqlalchemy.create_engine("sqlite://").connect() as connection:
            raw: t.Any = connection.connection.dbapi_connection
            for name, (count, function) in functions.items():
                raw.create_function(name, count, function)
            raw.execute("CREATE TABLE pg_class (oid, relowner)")
            owned = [(table, "they" if table in self.foreign else "me") for table in self.tables]
            raw.executemany("INSERT INTO pg_class VALUES (?, ?)", owned)
            try:
                refuse_unwritable_server(connection, PLACE, found)
            except LedgerError as error:
                return str(error)
        return ""


@pytest.mark.parametrize(
    ("server", "found", "said"),
    [
        (Server(), "current", ""),
        (Server(), "behind", ""),
        (Server(tables=()), "empty", ""),
        (Server(is_replica=True), "current", "is a replica, which is read-only. Give the primary server's URL."),
        (Server(is_read_only=True), "current", READ_ONLY),
        (Server(may_create=False, tables=()), "empty", LACKS),
        (Server(may_create=None), "behind", LACKS),
        # With all tables there, nothing has to be made.
        (Server(may_create=False), "current", ""),
        *(
            (Server(lacks=(table, right)), "current", DENIED.format(table))
            for table in (TABLES[0], REFUNDS, TABLES[-1])
            for right in sorted(RIGHTS)
        ),
        # Nobody but a migration writes the table that names the schema.
        (Server(lacks=(VERSION_TABLE, "INSERT")), "current", ""),
        (Server(foreign=(REFUNDS,)), "current", ""),
        (Server(foreign=(REFUNDS,)), "behind", OWNED.format(REFUNDS)),
        (Server(foreign=(VERSION_TABLE,)), "behind", OWNED.format(VERSION_TABLE)),
        # Of an older schema some tables aren't there yet.
        (Server(tables=(VERSION_TABLE, REFUNDS)), "behind", ""),
        (Server(tables=(REFUNDS,), foreign=(REFUNDS,)), "behind", OWNED.format(REFUNDS)),
    ],
)
def test_what_keeps_a_role_from_writing(server: Server, found: State, said: str) -> None:
    refused = server.refuse(found)
    assert refused == (f"ledger.url: PostgreSQL h/d{'' if said[:1] == ':' else ' '}{said}" if said else "")
