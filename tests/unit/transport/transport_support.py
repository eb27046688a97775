# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clock that only moves when somebody sleeps, and calls whose failures are looked at."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Reply, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import TransportError
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret

TOKEN = "eyJhbGciOiJFUzI1NiJ9.hunter2"
START = 1_790_000_000.0


@dataclass
class Clock:
    """Stands still but for sleeping."""

    time: float = START
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        """Give UNIX seconds."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.time += seconds

    def transport(self, **settings: t.Any) -> Transport:
        """Make a transport that lives by this clock; jitter is always one half."""
        return Transport(HttpSettings(**settings), self.now, self.now, self.sleep, lambda: 0.5)


def bearer() -> Secret:
    """Give a token."""
    return Secret(TOKEN)


def get(transport: Transport, url: str) -> Reply:
    """Make one call."""
    return transport.get(url, bearer)


def failed(transport: Transport, url: str, kind: str, place: str | None = None) -> TransportError:
    """Make one call that gets no answer; the message names place and next step, and shows no token."""
    with pytest.raises(TransportError) as caught:
        get(transport, url)
    error = caught.value
    assert error.kind == kind, str(error)
    assert (place or url.split("/")[2]) in str(error)
    assert error.next_step, f"no next step: {error}"
    assert "hunter2" not in str(error) and "\n" not in str(error)
    assert error.__cause__ is None
    return error
