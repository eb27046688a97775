# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PostgreSQL server that can't be reached: how long it is tried, and how often. No server and no waiting here."""

from __future__ import annotations

import secrets
import typing as t

import pytest
import sqlalchemy

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import engines
from ansible_collections.storeops.refunds.plugins.module_utils._ledger import ledger as module
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import list_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError

NOT_ASKED = "not asked, the deadline was over. Raise deadline."
TOO_LATE = "did not answer in time. Check the server and the network, or raise deadline."


class Silent:
    """A server that says nothing: each connection takes as long as it is given."""

    def __init__(self, left: float, lock_timeout: float = 30.0) -> None:
        self.left, self.given = left, list[int]()
        self.is_silent = True
        place = find_place(f"postgresql://u@nowhere.invalid/{secrets.token_hex(4)}", {})
        self.ledger = Ledger(place, False, lambda text: None, lock_timeout, lambda: max(0.0, self.left))
        sqlalchemy.event.listen(engines.postgresql_engine(place, lock_timeout), "do_connect", self._connect)

    def _connect(self, _dialect: object, _record: object, _positional: object, options: dict[str, t.Any]) -> t.NoReturn:
        self.given.append(options["connect_timeout"])
        self.left -= self.given[-1]
        raise sqlalchemy.exc.OperationalError("", {}, Exception("connection timeout expired"))

    def told(self) -> str:
        """Give why it can't be read."""
        with pytest.raises(LedgerError) as caught:
            list_integrations(self.ledger, "ledger", "", "production")
        return str(caught.value)


@pytest.mark.parametrize(
    ("left", "lock_timeout", "given"),
    [(120, 30, [30, 30, 30, 30]), (70, 30, [30, 30, 10]), (31, 30, [30, 2]), (25, 10, [10, 10, 5]), (0.4, 30, [2])],
)
def test_no_connection_is_tried_for_longer_than_is_left(left: float, lock_timeout: float, given: list[int]) -> None:
    server = Silent(left, lock_timeout)
    told = [server.told() for _number in range(20)]
    assert server.given == given
    # libpq takes no less than two seconds.
    assert server.left >= -2
    assert all("can't be used: connection timeout expired" in text for text in told[: len(given) - 1])
    assert all(text.endswith((TOO_LATE, NOT_ASKED)) for text in told[len(given) - 1 :])


def test_without_a_deadline_it_is_tried_for_the_usual_time() -> None:
    server = Silent(float("inf"))
    assert [server.told() and server.given[-1] for _number in range(3)] == [30, 30, 30]


def test_after_the_deadline_it_is_not_even_tried() -> None:
    server = Silent(0)
    with pytest.raises(LedgerError, match="not asked, the deadline was over"):
        server.ledger.check_place()
    assert server.told().endswith(NOT_ASKED) and server.given == []


def test_what_a_task_came_to_is_written_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server answered before; and if it doesn't any more, that is found out once."""
    server = Silent(1)
    answers = [True, True, False]
    connected: list[bool] = []

    class Engine:
        def connect(self) -> t.Any:
            connected.append(answers[len(connected)])
            if not connected[-1]:
                raise sqlalchemy.exc.OperationalError("", {}, Exception("x"))
            return sqlalchemy.create_engine("sqlite://").connect()

    monkeypatch.setattr(module, "postgresql_engine", lambda *_given: Engine())
    ledger = server.ledger
    ledger._writer = t.cast(sqlalchemy.Engine, Engine())
    ledger.write(lambda one: one.exec_driver_sql("SELECT 1"))
    server.left = 0
    ledger.write(lambda one: one.exec_driver_sql("SELECT 1"))
    for _number in range(3):
        with pytest.raises(LedgerError, match=r"did not answer in time|not asked, the deadline was over\."):
            ledger.write(lambda one: one.exec_driver_sql("SELECT 1"))
    assert connected == answers
