# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The call log: what the simulator saw. It never holds a token or a key."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

KEPT: Final = 100_000
FILTERS: Final = (
    "vendor",
    "environment",
    "endpoint",
    "bundle_id",
    "key_id",
    "issuer_id",
    "status",
    "refusal",
    "fault",
    "connection",
)


@dataclass(slots=True)
class Call:
    """One request to a vendor; the names of the apps and keys are what the caller claimed."""

    at: int
    vendor: str
    method: str
    path: str
    connection: int
    user_agent: str | None
    environment: str | None = None
    endpoint: str | None = None
    bundle_id: str | None = None
    key_id: str | None = None
    issuer_id: str | None = None
    status: int | None = None
    refusal: str | None = None
    fault: str | None = None

    def to_json(self) -> dict[str, object]:
        """Give all fields; `at` in UNIX ms, `status` None when no status line was sent."""
        return {name: getattr(self, name) for name in _FIELDS}

    def matches(self, wanted: Mapping[str, str]) -> bool:
        """Tell whether every wanted field has that value (as text)."""
        return all(str(getattr(self, name)) == value for name, value in wanted.items())


_FIELDS: Final = tuple(item.name for item in fields(Call))


class CallLog:
    """The newest `KEPT` calls, and true counts of all."""

    def __init__(self, kept: int = KEPT) -> None:
        self._calls: deque[Call] = deque(maxlen=kept)
        self._total = 0
        self._connections: set[int] = set()

    def add(self, call: Call) -> None:
        """Note one call."""
        self._calls.append(call)
        self._total += 1
        self._connections.add(call.connection)

    def reset(self) -> None:
        """Forget everything."""
        self._calls.clear()
        self._total = 0
        self._connections.clear()

    def report(self, wanted: Mapping[str, str], limit: int | None = None) -> dict[str, object]:
        """Give `{total, count, connections, calls}`, oldest call first.

        Without filters the counts are of all calls since the reset, even of those that the log
        no longer keeps; with filters they are of the kept calls that match.

        :param limit: give at most that many calls, the newest ones.
        """
        matching = [call for call in self._calls if call.matches(wanted)]
        shown = matching if limit is None else matching[len(matching) - min(limit, len(matching)) :]
        numbers = {call.connection for call in matching} if wanted else self._connections
        return {
            "total": self._total,
            "count": len(matching) if wanted else self._total,
            "connections": len(numbers),
            "calls": [call.to_json() for call in shown],
        }
