# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one tracker costs in an outage is bounded: the apps of the others have their turn, and so has Apple."""

from __future__ import annotations

import json
import socket
import threading
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from bulk_support import Bulk, apps
from unit_servers import Simulator, raw_server
from unit_support import Outcome

from ansible_collections.storeops.refunds.plugins.module_utils import _run
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.explained import Passing
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared import devtodev
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.last_applied import LastApplied
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.ledger import LedgerTracker

OWN = [f"com.example.own{number:02}" for number in range(40)]
THERE = [f"com.example.there{number:02}" for number in range(60)]
DEADLINE, AFTER, TRIES = 120, 5, 4
# Seconds that pass whenever somebody looks at the clock.
TICK = 0.02
Json = dict[str, t.Any]
KINDS: dict[str, bytes] = {
    "503": b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "503, wait": b"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "429, wait": b"HTTP/1.1 429 Busy\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "401": b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "silence": b"",
}
# What shows an app without a key, at either service.
SOUND = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"items":[]}'


class Clock:
    """Goes on by being looked at and by sleeping, of which nobody really does any."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def look(self) -> float:
        """Give the time."""
        self.sleep(TICK)
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    """The time of a test."""
    return Clock()


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Bulk:
    """A list of apps, one after the other; time passes by being looked at."""

    def transport(settings: HttpSettings) -> Transport:
        # A real answer is waited for as long as this machine may need.
        own = replace(settings, concurrency=1, request_timeout=300.0)
        return Transport(own, clock.look, lambda: 1e9 + clock.seconds, clock.sleep, lambda: 0.5)

    monkeypatch.setattr(_run, "Transport", transport)
    made = Bulk(sim, tmp_path)
    made.world([*OWN, *THERE])
    return made


def says(answer: bytes) -> t.Callable[[socket.socket, int], None]:
    """Give what a server does that answers so; nothing is a server that hangs up."""
    return lambda connection, _number: connection.sendall(answer)


def at(tracker: str, url: str, names: t.Sequence[str] = THERE) -> list[Json]:
    """Declare apps at a tracker: all in one project of RevenueCat, some with a name; each in its own of Qonversion."""
    found = []
    for number, name in enumerate(names):
        own: Json = {"api_key": "sk_one", "project_id": "proj1", "url": url}
        if tracker == "revenuecat" and number % 2:
            own["app_name"] = name
        if tracker == "qonversion":
            own = {"api_key": f"sk_{number}", "project": f"p{number}", "url": url}
        found += apps(name, trackers=[tracker], **{tracker: own})
    return found


def items(done: Outcome, names: t.Collection[str]) -> list[Json]:
    """Give what came of some apps."""
    return [item for item in done.results["integrations"] if item["bundle_id"] in names]


def assert_done(done: Outcome, names: t.Sequence[str]) -> None:
    """Apple gave its verdict about each."""
    told = [(item["bundle_id"], item["outcome"], item["credential_check"]["cause"]) for item in items(done, names)]
    assert told == [(name, "changed", "accepted") for name in names]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tracker", ["revenuecat", "qonversion"])
def test_an_outage_costs_the_others_nothing(bulk: Bulk, tracker: str, kind: str) -> None:
    with raw_server(says(KINDS[kind])) as server:
        done = bulk.run([*at(tracker, server.url), *apps(*OWN)], on_faulty_app="report")
        asked = server.accepted
    assert_done(done, OWN)
    assert {item["outcome"] for item in items(done, THERE)} <= {"failed", "not_tried"}
    share = f"{tracker}'s share of the deadline of 120 s was over"
    assert done.message.count("deadline of") == done.message.count(share)
    # Each project is asked once: RevenueCat's is one.
    projects = 1 if tracker == "revenuecat" else len(THERE)
    waits = DEADLINE / 2 / AFTER if "wait" in kind else 0
    assert asked <= (waits + projects if kind == "401" or waits else projects * TRIES)


@pytest.mark.parametrize("tracker", ["revenuecat", "qonversion"])
def test_it_costs_no_other_tracker_its_turn(bulk: Bulk, tracker: str) -> None:
    other = {"revenuecat": "qonversion", "qonversion": "revenuecat"}[tracker]
    with raw_server(says(KINDS["429, wait"])) as busy, raw_server(says(SOUND)) as sound:
        listed = [*at(tracker, busy.url, THERE[:30]), *apps(*OWN), *at(other, sound.url, THERE[30:40])]
        done = bulk.run(listed, check_mode=True, revenuecat={"create_app": True})
        assert sound.accepted == (1 if other == "revenuecat" else 10)
    assert_done(done, OWN)
    assert {item["credential_check"]["cause"] for item in items(done, THERE[30:])} == {"accepted"}


def test_what_has_the_task_for_itself_has_all_the_time(bulk: Bulk, clock: Clock) -> None:
    with raw_server(says(KINDS["503, wait"])) as server:
        done = bulk.run(at("revenuecat", server.url, THERE[:1]))
    assert "HTTP 503" in done.message and clock.seconds > DEADLINE - 2 * AFTER
    transport = Transport(HttpSettings(deadline=DEADLINE))
    with transport.sharing(1, "revenuecat's"):
        assert "share" not in transport.limit


def by_page(monkeypatch: pytest.MonkeyPatch, load: t.Callable[[], None]) -> None:
    """Have devtodev by browser, with a page for each app that shows nothing."""

    class Pages(LedgerTracker):
        def find(self, _identity: Identity) -> None:
            load()

    def opened(_given: object, last_applied: LastApplied, _browsers: object) -> Pages:
        return Pages(last_applied.ledger, last_applied.timestamp, "devtodev", is_listable=False)

    monkeypatch.setattr(devtodev, "open_devtodev", opened)


def at_a_page(entry: Json) -> Json:
    """Declare an app at devtodev by browser."""
    own = {"url": "https://app.devtodev.com/{project}", "session_path": "/none", "mode": "browser", "project": "p"}
    return {**entry, "trackers": ["devtodev"], "devtodev": own}


@pytest.mark.parametrize("others", [OWN, []], ids=len)
def test_pages_leave_time_for_all_else(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch, clock: Clock, others: list[str]
) -> None:
    by_page(monkeypatch, lambda: clock.sleep(5))
    done = bulk.run([*map(at_a_page, apps(*THERE)), *apps(*others)])
    assert_done(done, others)
    found = items(done, THERE)
    looked = [item for item in found if item["outcome"] == "changed"]
    untried = [item for item in found if item["outcome"] == "not_tried"]
    assert len(looked) + len(untried) == len(THERE) and found[: len(looked)] == looked
    assert DEADLINE / 2 / 5 - 3 <= len(looked) <= DEADLINE / 2 / 5 + 1
    for item in untried:
        told = "not tried, devtodev's share of the deadline of 120 s was over before. Raise deadline."
        assert item["msg"] == f"{item['bundle_id']}: {told}"


@pytest.mark.parametrize(("error", "all_at_once"), [(LedgerError("x can't be used."), True), (Passing("x"), False)])
def test_a_ledger_that_fails_is_tried_once_for_all(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch, error: LedgerError, all_at_once: bool
) -> None:
    """However many trackers and projects need it; what may pass by itself is tried again by each."""
    tries: list[str] = []

    def fails(*given: t.Any) -> t.NoReturn:
        tries.append(str(given))
        raise error

    for name in ("list", "find"):
        monkeypatch.setattr(LastApplied, name, fails)
        monkeypatch.setattr(LedgerTracker, name, fails)
    with raw_server(lambda connection, number: connection.sendall(_configured(number))) as server:
        listed = [*at("qonversion", server.url), *apps(*OWN)]
        done = bulk.run(listed, on_faulty_app="report", check_mode=True)
    assert {(item["outcome"], str(error) in item["msg"]) for item in done.results["integrations"]} == {("failed", True)}
    # Undeclared apps are looked for beside: nothing of that is for each app.
    assert (len(tries) <= 3) is all_at_once and len(tries) <= len(THERE) + 3


def test_a_reading_that_broke_off_costs_one_app(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    really, tries = LedgerTracker.list, list[int]()

    def breaks_once(self: LedgerTracker, *given: t.Any) -> t.Any:
        tries.append(1)
        if len(tries) == 1:
            raise Passing("The connection broke.")
        return really(self, *given)

    monkeypatch.setattr(LedgerTracker, "list", breaks_once)
    done = bulk.run(apps(*OWN), on_faulty_app="report", check_mode=True)
    assert [item["bundle_id"] for item in done.results["integrations"] if "broke" in item["msg"]] == OWN[:1]


def _configured(number: int) -> bytes:
    body = f'{{"bundle_id": "{THERE[number]}", "iap_key_identifier": "K", "has_iap_private_key": true}}'.encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize("pages", [None, *range(1, 7)])
def test_no_key_is_refused_for_all_while_an_app_has_no_answer(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch, clock: Clock, pages: int | None
) -> None:
    """Wherever the deadline cuts the list: between two calls, or while the pages are loaded."""
    names, most = OWN[:6], 0

    class Cut(Transport):
        def remaining(self) -> float:
            return 0.0 if self.counters.calls >= most else DEADLINE

    listed = apps(*names, key="b")
    if pages is None:
        monkeypatch.setattr(_run, "Transport", lambda given: Cut(replace(given, concurrency=1)))
    else:
        by_page(monkeypatch, lambda: clock.sleep(DEADLINE / 2 / max(pages - 0.5, 0.9)))
        listed = [at_a_page(entry) for entry in listed]
    seen = set()
    while True:
        done = bulk.run(listed, check_mode=True)
        lacking = [one for one in done.results["integrations"] if one["credential_check"]["cause"] != "unauthenticated"]
        is_said = "refused for all 6 apps" in json.dumps(done.results, default=str)
        # An app of which only some calls were made has no whole answer either.
        assert not (is_said and lacking), (most, done.message)
        assert is_said or "refused for" not in json.dumps(done.results, default=str)
        seen.add(len(lacking))
        most += 1
        if pages is not None or is_said:
            break
    assert is_said == (pages in (None, 6))
    assert seen == (set(range(7)) if pages is None else {6 - pages})


def test_only_where_the_next_run_comes_further_it_is_advised(bulk: Bulk, clock: Clock) -> None:
    """What was sent before the deadline is done, and is the next run's no more."""

    def slow(connection: socket.socket, number: int) -> None:
        clock.sleep(30 if number else 0)
        connection.sendall(SOUND)

    with raw_server(slow) as server:
        done = bulk.run([*at("revenuecat", server.url), *apps(*OWN)], revenuecat={"create_app": True})
        assert 1 < server.accepted <= 1 + DEADLINE / 30
    untried = [item for item in items(done, THERE) if item["outcome"] == "not_tried"]
    assert len(untried) == len(THERE) - server.accepted + 1
    for item in untried:
        told = "not tried, the deadline of 120 s was over before. Raise deadline, or run again."
        assert item["msg"] == f"{item['bundle_id']}: {told}"
