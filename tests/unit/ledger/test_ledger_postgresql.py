# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PostgreSQL ledger, on an own cluster that this file starts and stops."""

from __future__ import annotations

import glob
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

import psycopg
import pytest
from ledger_support import NOW, entry, ledger_at, write_at_the_same_time
from unit_ports import free_port
from unit_support import ISSUER, KEY_ID, ROOT, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._ledger._migrations import HEAD
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    find_integration,
    list_integrations,
    put_integration,
    remove_integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration, integration_info

PASSWORD = "hunter2"  # of a database that lives for a second


def _program(name: str) -> str | None:
    return shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)


def _as_owner(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    # It lies where not every PATH leads.
    runuser = shutil.which("runuser", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin") or "runuser"
    return [runuser, "-u", _owner(), "--", *command] if os.geteuid() == 0 else command


def _owner() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class Cluster(t.NamedTuple):
    """A running PostgreSQL."""

    port: int

    def url(self, database: str, user: str = "owner", password: str = PASSWORD) -> str:
        """Give the URL of a database."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple[t.Any, ...]]:
        """Run one statement as the superuser."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(t.cast(t.Any, statement))
            return list(cursor.fetchall()) if cursor.description else []

    def tables(self, database: str) -> list[str]:
        """Give the names of all tables of users."""
        found = self.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1", database)
        return [row[0] for row in found]


@pytest.fixture(scope="module")
def cluster() -> t.Iterator[Cluster]:
    """Start a cluster in a folder of its own."""
    initdb, server = _program("initdb"), _program("postgres")
    if not initdb or not server:
        message = "NO POSTGRESQL HERE: install it (Debian: postgresql), else half of the ledger is not tested"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    folder = Path(tempfile.mkdtemp(prefix="storeops-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, _owner())
    data, port = str(folder / "data"), free_port()
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    options = ["-U", "owner", "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(_as_owner([initdb, "-D", data, *options]), check=True, capture_output=True, cwd=folder)
    settings = ["-h", "127.0.0.1", "-p", str(port), "-c", "fsync=off", "-c", f"unix_socket_directories={folder}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_as_owner([server, "-D", data, *settings]), stdout=log, stderr=log, cwd=folder)
    try:
        made = Cluster(port)
        _wait_until_it_answers(made, process, folder / "log")
        yield made
    finally:
        pid = int(Path(data, "postmaster.pid").read_text().split()[0])
        os.kill(pid, 2)
        process.wait(timeout=120)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_answers(cluster: Cluster, process: subprocess.Popen[bytes], log: Path) -> None:
    for _attempt in range(1200):
        assert process.poll() is None, log.read_text()
        try:
            cluster.run("SELECT 1")
        except psycopg.OperationalError:
            process_wait(process, 0.05)
        else:
            return
    raise AssertionError(log.read_text())


def process_wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait a little, or until the server is gone."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return


@pytest.fixture
def database(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """An empty database."""
    name = f"d{abs(hash(request.node.name))}"
    cluster.run(f"CREATE DATABASE {name}")
    return name


def failed(function: t.Callable[[], object]) -> str:
    """Call what fails; give the message."""
    with pytest.raises(LedgerError) as caught:
        function()
    message = str(caught.value)
    assert message.startswith("ledger.url: PostgreSQL 127.0.0.1/") and caught.value.next_step
    assert PASSWORD not in message and "\n" not in message
    return message


def test_what_is_put_is_found_again(cluster: Cluster, database: str) -> None:
    ledger = ledger_at(cluster.url(database))
    ledger.check_place()
    assert find_integration(ledger, entry().identity) is None
    for given in (entry(), entry(key_id="B", status="Failed"), entry("com.B"), entry("com.a")):
        put_integration(ledger, given, NOW)
    assert find_integration(ledger, entry().identity) == entry(key_id="B", status="Failed")
    listed = [held.identity.bundle_id for held in list_integrations(ledger, "ledger", "", "production")]
    assert listed == ["com.B", "com.a", "com.example.one"]
    remove_integration(ledger, entry().identity)
    assert find_integration(ledger, entry().identity) is None
    ledger.close()
    assert all(name.startswith("refund_tracking_") for name in cluster.tables(database))
    assert {"refund_tracking_integrations", "refund_tracking_schema"} < set(cluster.tables(database))


def test_the_dump_of_the_guide_has_our_tables_alone_and_can_be_restored(cluster: Cluster, database: str) -> None:
    guide = (ROOT / "docs/guides/ledger.md").read_text()
    (line,) = [line for line in guide.splitlines() if line.startswith("pg_dump ")]
    cluster.run("CREATE TABLE of_somebody_else (n int)", database)
    ledger = ledger_at(cluster.url(database))
    put_integration(ledger, entry(), NOW)
    ledger.close()
    command = shlex.split(line.replace("postgresql://refunds@db.example.com/refunds", cluster.url(database)))
    command = command[: command.index("--file")]
    dump = subprocess.run([_program("pg_dump") or "pg_dump", *command[1:]], capture_output=True, text=True, check=True)
    cluster.run(f"CREATE DATABASE {database}_restored")
    restore = [_program("psql") or "psql", "--quiet", "-v", "ON_ERROR_STOP=1", cluster.url(f"{database}_restored")]
    subprocess.run(restore, input=dump.stdout, capture_output=True, text=True, check=True)
    kept = [name for name in cluster.tables(database) if name != "of_somebody_else"]
    assert cluster.tables(f"{database}_restored") == kept
    again = ledger_at(cluster.url(f"{database}_restored"), read_only=True)
    assert find_integration(again, entry().identity) == entry()
    again.close()


def test_reading_an_empty_database_leaves_no_table(cluster: Cluster, database: str) -> None:
    for read_only in (True, False):
        ledger = ledger_at(cluster.url(database), read_only)
        assert find_integration(ledger, entry().identity) is None
        assert list_integrations(ledger, "ledger", "", "production") == []
        ledger.close()
    assert cluster.tables(database) == []


def test_two_processes_at_once_lose_nothing_and_migrate_once(cluster: Cluster, database: str) -> None:
    write_at_the_same_time(cluster.url(database))
    assert cluster.run("SELECT count(*) FROM refund_tracking_integrations", database) == [(100,)]
    assert cluster.run("SELECT version_num FROM refund_tracking_schema", database) == [(HEAD,)]


def test_tables_of_other_programs_stay(cluster: Cluster, database: str) -> None:
    cluster.run("CREATE TABLE alembic_version AS SELECT 'theirs' AS version_num", database)
    ledger = ledger_at(cluster.url(database))
    put_integration(ledger, entry(), NOW)
    ledger.close()
    assert cluster.run("SELECT version_num FROM alembic_version", database) == [("theirs",)]


def test_a_role_without_the_right_to_create(cluster: Cluster, database: str) -> None:
    cluster.run(f"DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    url = cluster.url(database, "guest")
    for function in (
        lambda: put_integration(ledger_at(url), entry(), NOW),
        lambda: ledger_at(url, read_only=True).check_place(),
    ):
        message = failed(function)
        assert "permission denied" in message and "role" in message
    # Who only looks needs no right: nothing is held yet.
    assert find_integration(ledger_at(url, read_only=True), entry().identity) is None
    assert cluster.tables(database) == []


FORBID = """
CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no DDL here'; END$$;
CREATE EVENT TRIGGER forbid ON ddl_command_start EXECUTE FUNCTION forbid()
"""


def test_looking_at_an_empty_database_runs_no_ddl(cluster: Cluster, database: str) -> None:
    cluster.run(FORBID, database)
    url = cluster.url(database)
    for read_only in (True, False):
        ledger = ledger_at(url, read_only)
        assert find_integration(ledger, entry().identity) is None
        assert list_integrations(ledger, "ledger", "", "production") == []
        ledger.close()
    ledger_at(url, read_only=True).check_place()
    assert "no DDL here" in failed(lambda: put_integration(ledger_at(url), entry(), NOW)), "the trigger works"


def test_tasks_of_a_role_without_the_right_to_create(cluster: Cluster, database: str, pem: str) -> None:
    cluster.run(f"DROP ROLE IF EXISTS visitor; CREATE ROLE visitor LOGIN PASSWORD '{PASSWORD}'")
    options = {"ledger": {"url": cluster.url(database, "visitor")}, "bundle_id": "com.example.one"}
    looked = run_task(integration_info.TASK, options).results
    assert not looked.get("failed") and [held["status"] for held in looked["integrations"]] == ["Absent"]
    key = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_content": pem, "credential_check": "skip"}
    for more in (key, {"state": "absent"}):
        for check_mode in (True, False):
            outcome = run_task(integration.TASK, {**options, **more}, check_mode)
            assert outcome.results["failed"] and "permission denied" in outcome.message, (more, check_mode, outcome)
            assert not outcome.results.get("changed") and "CREATE" in outcome.message
    assert cluster.tables(database) == []
    mine = {**options, "ledger": {"url": cluster.url(database)}, **key}
    assert run_task(integration.TASK, mine, check_mode=True).results["changed"] and cluster.tables(database) == []


def test_a_role_that_may_only_read(cluster: Cluster, database: str) -> None:
    ledger = ledger_at(cluster.url(database))
    put_integration(ledger, entry(), NOW)
    ledger.close()
    cluster.run(f"DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
    cluster.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", database)
    url = cluster.url(database, "reader")
    assert find_integration(ledger_at(url, read_only=True), entry().identity) == entry()
    assert "permission denied" in failed(lambda: put_integration(ledger_at(url), entry("com.b"), NOW))
    cluster.run("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM reader", database)


def test_a_ledger_of_a_newer_version(cluster: Cluster, database: str) -> None:
    put_integration(ledger_at(cluster.url(database)), entry(), NOW)
    cluster.run("UPDATE refund_tracking_schema SET version_num = '9999'", database)
    assert "newer version" in failed(lambda: put_integration(ledger_at(cluster.url(database)), entry(), NOW))


def test_a_locked_table(cluster: Cluster, database: str) -> None:
    put_integration(ledger_at(cluster.url(database)), entry(), NOW)
    with psycopg.connect(cluster.url(database)) as holder:
        holder.execute("LOCK TABLE refund_tracking_integrations")
        ledger = ledger_at(cluster.url(database), lock_timeout=0.2)
        assert "locked by another program for 0.2 s" in failed(lambda: put_integration(ledger, entry(), NOW))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("127.0.0.1:{port}/d", "127.0.0.1:{dead}/d"), "can't be used"),
        (("owner:hunter2", "owner:hunter2-wrong"), "password authentication failed"),
        (("owner:hunter2", "stranger:hunter2"), "password authentication failed"),
        (("/d", "/nosuch"), "does not exist"),
        (("/d", "/d?sslmode=require"), "SSL"),
        (("/d", "/d?sslmode=hunter2x"), "can't be used"),
    ],
)
def test_servers_that_let_nobody_in(cluster: Cluster, change: tuple[str, str], expected: str) -> None:
    old, new = (text.format(port=cluster.port, dead=free_port()) for text in change)
    url = f"postgresql://owner:hunter2@127.0.0.1:{cluster.port}/d"
    assert old in url
    changed = new.join(url.rsplit(old, 1))
    with pytest.raises(LedgerError) as caught:
        put_integration(ledger_at(changed, lock_timeout=2), entry(), NOW)
    assert expected in str(caught.value) and "owner:" not in str(caught.value)
    assert "hunter2-wrong" not in str(caught.value)
