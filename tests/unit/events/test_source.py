# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the source begins and ends."""

from __future__ import annotations

import asyncio
import http.client
import threading
import time
import typing as t
from pathlib import Path

import pytest
from events_support import ledger_at

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import Consumer
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events import source
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.polling import Poller
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.settings import parse_settings
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.source import World, run

PATIENCE_S = 300.0


async def ran(
    url: str, said: list[str], until: t.Callable[[], bool], environ: t.Mapping[str, str] | None = None, **args: t.Any
) -> None:
    """Run the source until something holds, and cancel it."""
    world = World(environ or {}, time.time, time.monotonic, said.append, said.append, "me")
    task = asyncio.create_task(run(asyncio.Queue(), {"ledger": {"url": url}, **args}, world))
    async with asyncio.timeout(PATIENCE_S):
        while not until() and not task.done():
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_an_end_waits_for_no_poll_and_lets_go_of_the_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C and SIGTERM end a process within its stop time, however long Apple lets a poll wait."""
    stands, may_end = threading.Event(), threading.Event()

    def poll(_self: Poller) -> None:
        stands.set()
        may_end.wait()

    monkeypatch.setattr(Poller, "poll", poll)
    url, ended = f"sqlite:///{tmp_path}/ledger.db", threading.Event()

    def process() -> None:
        asyncio.run(ran(url, [], stands.is_set))
        ended.set()

    threading.Thread(target=process, daemon=True).start()
    try:
        assert ended.wait(PATIENCE_S) and stands.is_set()
    finally:
        may_end.set()
    ledger = ledger_at(url)
    assert Consumer(ledger, "rulebook", "other").claim(1)
    ledger.close()


def test_the_fault_of_a_poll_is_that_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Poller, "poll", lambda self: 1 // 0)
    world = World({}, time.time, time.monotonic, str, str, "me")
    args = {"ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"}}
    with pytest.raises(ZeroDivisionError):
        asyncio.run(asyncio.wait_for(run(asyncio.Queue(), args, world), PATIENCE_S))


def test_a_notification_that_comes_to_another_path_is_in_the_log(tmp_path: Path) -> None:
    said: list[str] = []

    def is_told() -> bool:
        """Post once it listens; tell whether that is in the log."""
        if said and said[-1].startswith("refund_events listens on"):
            place = said[-1].partition("://")[2].partition("/")[0]
            connection = http.client.HTTPConnection(place, timeout=PATIENCE_S)
            threading.Thread(target=connection.request, args=("POST", "/apple"), daemon=True).start()
            said.append("posted")
        return "posted" in said[:-1]

    asyncio.run(ran(f"sqlite:///{tmp_path}/ledger.db", said, is_told, mode="listen", port=0))
    assert said[-1].startswith("A POST to '/apple' got 404: only '/' is served.")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize("given", [False, True])
def test_certificates_are_found_as_by_the_modules(
    tmp_path: Path, variable: str, given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, parts = tmp_path / "own.pem", list[source.Parts]()
    own.touch()

    async def listen(made: source.Parts, _dispatcher: object) -> None:
        parts.append(made)

    monkeypatch.setattr(source, "_listen", listen)
    environ = {variable: "/ca.pem"}
    args = {"ca_path": str(own) if given else None, "mode": "listen", "ledger": {"url": f"sqlite:///{tmp_path}/a.db"}}
    asyncio.run(ran("", [], lambda: bool(parts), environ, **args))
    used = {parts[0].http().ca_path, parts[0].context(print).transport.settings.ca_path}
    assert used == {str(own) if given else "/ca.pem"}


@pytest.mark.parametrize("name", ["ca_path", "root_certificate_path"])
def test_a_path_is_expanded_as_by_the_modules(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.pem").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    for text in ("~/one.pem", "$HOME/one.pem", str(tmp_path / "one.pem")):
        assert getattr(parse_settings({name: text}), name) == str(tmp_path / "one.pem")


@pytest.mark.parametrize(("begins_at", "is_told"), [(0, False), (4_102_444_800_000, True)])
def test_a_first_start_under_a_fast_clock_is_told_at_every_later_one(
    tmp_path: Path, begins_at: int, is_told: bool
) -> None:
    url, said = f"sqlite:///{tmp_path}/ledger.db", list[str]()
    ledger = ledger_at(url)
    first = Consumer(ledger, "rules", "first")
    assert first.claim(begins_at)
    first.release()
    ledger.close()
    listens = "refund_events listens on"
    asyncio.run(ran(url, said, lambda: listens in "".join(said), mode="listen", port=0, consumer="rules"))
    assert listens in said[-1] and len(said) == 1 + is_told
    assert not is_told or ("Consumer rules" in said[0] and "before 2100-01-01T00:00:00Z (UTC)" in said[0])
