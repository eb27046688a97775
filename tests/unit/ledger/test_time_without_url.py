# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A time at which a run saw no notification URL of version 2 is never told as complete, whatever happens later."""

from __future__ import annotations

import itertools
import typing as t
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_support import ledger_at

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_record import AppRecord
from ansible_collections.storeops.refunds.plugins.module_utils._apple.notification_history import REACH
from ansible_collections.storeops.refunds.plugins.module_utils._context import Context
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.coverage import find_coverage
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import NotificationUrl, Window
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import ENVIRONMENTS, Environment
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._model.notification_url import Url, choose
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_period import Period, covering
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.apps.url_item import Item
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.apps.url_knowledge import Knowledge
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.storing import store
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_reading import Batch, Piece
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_recording import Recorder

DAY = 86_400_000
START = 1_700_000_000_000
OURS = Url("https://refunds.example.com/apple", "V2")
_numbers = itertools.count(1)

Step = t.Literal["signed", "received", "removed", "V1", "by_hand", "read", "read_with_key", "set", "pause", "set_lost"]


class World:
    """An app of Apple's, and a ledger that is told of it; ``seen``: when a run saw no URL of version 2."""

    def __init__(self, ledger: Ledger, environment: Environment = "production") -> None:
        self.ledger, self.at, self.url = ledger, START, t.cast("NotificationUrl", "V2")
        # A sandbox has no URL of its own here: Apple sends to that of production, which alone is declared and set.
        self.app = App("apple", environment, f"com.example.n{next(_numbers)}")
        self.history: list[Notification] = []
        self.seen: list[int] = []
        identity = Identity("ledger", "", environment, self.app.bundle_id)
        put_integration(ledger, Integration(identity, "issuer", "KEY", None, "Active", "/k.p8", 7), self.now)

    @property
    def now(self) -> str:
        return datetime.fromtimestamp(self.at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def do(self, step: Step) -> None:
        """Take a step; an hour later the next may come."""
        changes: dict[str, NotificationUrl] = {"removed": "none", "V1": "V1", "by_hand": "V2"}
        if step in changes:
            self.url = changes[step]
        elif step in ("signed", "received") and self.url == "V2":
            number = f"{next(_numbers)}"
            self.history.append(Notification(number, "REFUND_DECLINED", self.at, number, None))
            if step == "received":
                store(self.ledger, {self.app: self.history[-1:]}, self.now)
        elif step in ("read", "read_with_key"):
            self._read(self.url if step == "read_with_key" else "unasked")
        elif step in ("set", "set_lost"):
            self._set(step == "set_lost")
        self.at += DAY * 12 if step == "pause" else DAY // 24

    def told(self, period: Period) -> str:
        """Give the state of a period."""
        with self.ledger.reading() as connection:
            return covering(find_coverage(connection, self.app), {}, period, self.at)[0]

    def _look(self) -> None:
        if self.url != "V2":
            self.seen.append(self.at)

    def _read(self, url: NotificationUrl) -> None:
        """As refund_ledger does."""
        if url != "unasked":
            self._look()
        recorder = Recorder(self.ledger, self.app, url, None, self.now, self.at)
        with self.ledger.writing() as connection:
            start = max(recorder.resume(connection) or 0, self.at - REACH[self.app.environment])
            window = Window(start, self.at)
            found = tuple(one for one in self.history if start <= one.signed_date < self.at)
            recorder.take(connection, Batch(window, (Piece(window, found, (), frozenset(), True),)), window)

    def _set(self, is_lost: bool) -> None:
        """As app_store_notification_url does; ``is_lost``: it can't tell whether Apple made the change."""
        self._look()
        version = self.url if self.url in ("V1", "V2") else None
        record = AppRecord(1, self.app.bundle_id, None, None, OURS.text if version else None, version)
        item = Item(self.app.bundle_id, "production", OURS, record, record.url("production"))
        item.choice = choose(item.held, OURS, "replace", "replace")
        if item.changed and is_lost:
            item.settle(RefundsError("It can't be read."), RefundsError("The answer was lost."))
        elif item.changed:
            item.settle(AppRecord(1, self.app.bundle_id, None, None, OURS.text, "V2"), None)
        if item.changed:
            self.url = "V2"
        clock = t.cast("t.Any", lambda: self.at / 1000)
        Knowledge("apple", Context(False, {}, clock, print, t.cast("t.Any", None)), self.ledger, {}).update([item])


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Ledger]:
    """One for all worlds: each has an app of its own."""
    made = ledger_at(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    yield made
    made.close()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("gone", ["removed", "V1"])
@pytest.mark.parametrize("is_set", ["set", "set_lost"])
@pytest.mark.parametrize("between", [(), ("read",), ("read_with_key",)])
def test_a_url_that_is_set_again_leaves_a_gap_behind(
    ledger: Ledger, environment: Environment, gone: Step, is_set: Step, between: tuple[Step, ...]
) -> None:
    world = World(ledger, environment)
    for step in ("signed", "read"):
        world.do(t.cast("Step", step))
    proof = world.history[0].signed_date
    for step in (gone, "pause", *between, "pause", is_set, "pause", "signed", "received", "read_with_key"):
        world.do(t.cast("Step", step))
    assert world.told(Period(proof + 9 * DAY, proof + 20 * DAY)) != "complete"
    last, hour = world.history[-1].signed_date, DAY // 24
    assert world.told(Period(last, last + hour)) == "complete"


@pytest.mark.sweep
@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(st.sampled_from(t.get_args(Step)[:-1]), min_size=4, max_size=14),
    environment=st.sampled_from(ENVIRONMENTS),
)
def test_no_time_that_was_seen_without_a_url_is_complete(
    ledger: Ledger, steps: list[Step], environment: Environment
) -> None:
    world = World(ledger, environment)
    for step in steps:
        world.do(step)
    world.do("read")
    for at in world.seen:
        # At the very moment it may have been set.
        assert world.told(Period(at - 1, at)) != "complete"
