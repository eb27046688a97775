# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases as people have them: what stands in the way, and what is written all the same."""

from __future__ import annotations

import socket
import threading
import time
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from ledger_support import NOW, entry, ledger_at
from test_ledger_postgresql import PASSWORD, Cluster, cluster, failed
from unit_support import ISSUER, KEY_ID, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.explained import Passing, RowsFailed
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    find_integration,
    list_integrations,
    put_integration,
    put_integrations,
    remove_integrations,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration

# A fixture, used by its name alone.
__all__ = ["cluster"]
APPS = ("com.d", "com.a", "com.c", "com.b")


@pytest.fixture
def server(cluster: Cluster, request: pytest.FixtureRequest) -> Cluster:
    """A cluster with an empty database named d."""
    cluster.run("DROP DATABASE IF EXISTS d WITH (FORCE)")
    cluster.run("CREATE DATABASE d")
    return cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> t.Iterator[Ledger]:
    """An empty ledger of each kind."""
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/ledger.db" if is_file else request.getfixturevalue("server").url("d")
    made = ledger_at(url)
    yield made
    made.close()


def held(ledger: Ledger) -> list[str]:
    return [one.identity.bundle_id for one in list_integrations(ledger, "ledger", "", "production")]


def test_one_row_that_can_not_be_held_stops_no_other(ledger: Ledger) -> None:
    entries = [replace(entry(name), app_apple_id=10**21 if name == "com.c" else 7) for name in APPS]
    with pytest.raises(RowsFailed, match=r"can't hold a value") as caught:
        put_integrations(ledger, entries, NOW)
    assert [identity.bundle_id for identity in caught.value.faults] == ["com.c"]
    assert held(ledger) == ["com.a", "com.b", "com.d"]


def test_rows_are_locked_in_one_order(ledger: Ledger) -> None:
    put_integration(ledger, entry(), NOW)
    said: list[t.Any] = []
    assert ledger._writer is not None
    sqlalchemy.event.listen(ledger._writer, "before_cursor_execute", lambda *event: said.append(event[3]))
    put_integrations(ledger, [entry(name) for name in APPS], NOW)
    remove_integrations(ledger, [entry(name).identity for name in APPS])
    text = str(said)
    places = [[text.find(name, text.find(name) + 1 if twice else 0) for name in sorted(APPS)] for twice in (0, 1)]
    assert places[0] == sorted(places[0]) and places[1] == sorted(places[1])


RAISE = "DO $$ BEGIN RAISE SQLSTATE '{}'; END $$"


@pytest.mark.parametrize("state", ["40P01", "40001", "57P01"])
def test_what_may_pass_is_tried_again(server: Cluster, state: str) -> None:
    waited: list[float] = []
    ledger = replace(ledger_at(server.url("d")), wait=waited.append)
    put_integration(ledger, entry(), NOW)
    seen: list[int] = []

    def work(connection: sqlalchemy.Connection) -> str:
        seen.append(1)
        if len(seen) < 3:
            connection.exec_driver_sql(RAISE.format(state))
        return "done"

    assert ledger.write(work) == "done" and len(seen) == 3 and len(waited) == 2
    with pytest.raises(Passing, match="again"):
        ledger.write(lambda connection: connection.exec_driver_sql(RAISE.format(state)))
    assert len(waited) == 7 and max(waited) < 1
    assert held(ledger) == ["com.example.one"]
    ledger.close()


def test_a_full_disk_is_said_once(server: Cluster) -> None:
    ledger = ledger_at(server.url("d"))
    put_integration(ledger, entry(), NOW)
    seen: list[int] = []

    def work(connection: sqlalchemy.Connection) -> None:
        seen.append(1)
        connection.exec_driver_sql("DELETE FROM refund_tracking_integrations")
        connection.exec_driver_sql(RAISE.format("53100"))

    with pytest.raises(LedgerError, match=r"disk is full .* make room, run again"):
        ledger.write(work)
    assert len(seen) == 1 and held(ledger) == ["com.example.one"]
    ledger.close()


def test_a_connection_that_is_lost_in_the_middle(server: Cluster) -> None:
    ledger = replace(ledger_at(server.url("d")), wait=lambda seconds: None)
    put_integration(ledger, entry(), NOW)
    seen: list[int] = []

    def work(connection: sqlalchemy.Connection) -> None:
        seen.append(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        if len(seen) == 1:
            server.run(f"SELECT pg_terminate_backend({seen[0]})")
        connection.exec_driver_sql("SELECT 1")

    ledger.write(work)
    assert len(set(seen)) == 2
    with pytest.raises(Passing, match="the connection broke"), ledger.reading() as connection:
        server.run(f"SELECT pg_terminate_backend({connection.exec_driver_sql('SELECT pg_backend_pid()').scalar_one()})")
        connection.exec_driver_sql("SELECT 1")
    assert held(ledger) == ["com.example.one"]


class Gag:
    """Passes a connection on until the client says a word; from then on the server is silent."""

    def __init__(self, port: int, word: bytes) -> None:
        self.word, self.port = word, port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.sockets: list[socket.socket] = [self.listener]
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self) -> str:
        return f"postgresql://owner:{PASSWORD}@127.0.0.1:{self.listener.getsockname()[1]}/d?sslmode=disable"

    def close(self) -> None:
        for one in self.sockets:
            one.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                return
            self.sockets += [client, server]
            for source, target, word in ((client, server, self.word), (server, client, None)):
                threading.Thread(target=self._pass, args=(source, target, word), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, word: bytes | None) -> None:
        try:
            while data := source.recv(65536):
                if word is not None and word in data:
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.mark.parametrize("word", [b"pg_catalog.version", b"set_config", b"has_table", b"INSERT", b"COMMIT"])
def test_a_server_that_goes_silent_is_waited_for_until_the_deadline(server: Cluster, word: bytes) -> None:
    put_integration(ledger_at(server.url("d")), entry(), NOW)
    gag = Gag(server.port, word)
    ends = time.monotonic() + 1.0
    ledger = replace(ledger_at(gag.url()), remaining=lambda: max(0.0, ends - time.monotonic()))
    try:
        message = failed(lambda: (ledger.check_place(), put_integration(ledger, entry("com.b"), NOW)))
    finally:
        gag.close()
    assert "did not answer in time" in message


def test_a_statement_that_takes_too_long(server: Cluster) -> None:
    put_integration(ledger_at(server.url("d")), entry(), NOW)
    ends = time.monotonic() + 1.0
    ledger = replace(ledger_at(server.url("d")), remaining=lambda: max(0.0, ends - time.monotonic()))
    assert "did not answer" in failed(lambda: ledger.write(lambda one: one.exec_driver_sql("SELECT pg_sleep(600)")))
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
    # The server was told, too: nothing goes on there.
    patience = time.monotonic() + 300
    while server.run(sleeping) != [(0,)]:
        assert time.monotonic() < patience


def test_nothing_of_ours_stays_with_the_connection(server: Cluster) -> None:
    ledger = replace(ledger_at(server.url("d"), lock_timeout=5.0), remaining=lambda: 60.0)
    put_integration(ledger, entry(), NOW)
    assert ledger._writer is not None
    with ledger._writer.connect() as connection:
        show = "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
        inside = connection.exec_driver_sql(show).one()
        connection.rollback()
        driver = t.cast(t.Any, connection.connection.driver_connection)
        assert tuple(inside) == ("5s", "0") and driver.execute(show).fetchone() == ("0", "0")
        for _number in range(7):
            driver.execute("SELECT 1")
        assert driver.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


def test_where_a_run_could_not_write_check_mode_fails(server: Cluster) -> None:
    put_integration(ledger_at(server.url("d")), entry(), NOW)
    server.run(f"DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN PASSWORD '{PASSWORD}'")
    server.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker", "d")
    url = server.url("d", "looker")
    try:
        assert "Grant SELECT, INSERT" in failed(lambda: ledger_at(url, read_only=True).check_place())
        # Who only reads needs no more.
        assert find_integration(ledger_at(url, read_only=True), entry().identity) == entry()
        assert run_task(refund_info.TASK, {"ledger": {"url": url}}).results["total"] == 0
        server.run("GRANT ALL ON ALL TABLES IN SCHEMA public TO looker", "d")
        ledger_at(url, read_only=True).check_place()
        server.run("ALTER ROLE looker SET default_transaction_read_only = on")
        assert "read-only for this role" in failed(lambda: ledger_at(url, read_only=True).check_place())
        server.run("UPDATE refund_tracking_schema SET version_num = '0001'", "d")
        server.run(
            "ALTER ROLE looker SET default_transaction_read_only = off; GRANT CREATE ON SCHEMA public TO looker", "d"
        )
        assert "another role owns the table" in failed(lambda: ledger_at(url, read_only=True).check_place())
    finally:
        server.run("DROP OWNED BY looker; DROP ROLE looker", "d")


def test_with_nothing_to_change_reading_is_enough(server: Cluster, pem: str, other_pem: str) -> None:
    key = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_content": pem, "credential_check": "skip"}
    given = {"bundle_id": "com.a", **key, "ledger": {"url": server.url("d")}}
    assert run_task(integration.TASK, given).results["changed"]
    server.run(f"DROP ROLE IF EXISTS auditor; CREATE ROLE auditor LOGIN PASSWORD '{PASSWORD}'")
    server.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor", "d")
    given["ledger"] = {"url": server.url("d", "auditor")}
    try:
        for check_mode in (True, False):
            same = run_task(integration.TASK, given, check_mode).results
            assert not same.get("failed") and same["changed"] is False and same["integration"]["status"] == "Pending"
            other = run_task(integration.TASK, {**given, "private_key_content": other_pem}, check_mode)
            assert other.results["failed"] and "Grant SELECT, INSERT" in other.message
            gone = run_task(integration.TASK, {**given, "state": "absent"}, check_mode)
            assert gone.results["failed"] and "Grant SELECT, INSERT" in gone.message
    finally:
        server.run("DROP OWNED BY auditor; DROP ROLE auditor", "d")


def test_a_database_without_an_encoding(server: Cluster) -> None:
    server.run("DROP DATABASE d WITH (FORCE)")
    server.run("CREATE DATABASE d ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    ledger = ledger_at(server.url("d"))
    given = replace(entry(), private_key_path="/keys/Schlüssel 🗝.p8")
    put_integration(ledger, given, NOW)
    assert find_integration(ledger, given.identity) == given
    ledger.close()
