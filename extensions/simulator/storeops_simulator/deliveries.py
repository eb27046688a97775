# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When Apple tries to deliver a notification, and what counts as delivered.

developer.apple.com/documentation/appstoreservernotifications/responding-to-app-store-server-notifications
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_HOUR_MS: Final = 3_600_000
RETRY_HOURS: Final = (1, 12, 24, 48, 72)
"""After the attempt before; in production only: the sandbox sends once."""
_DELIVERED: Final = range(200, 207)
_TRIED_AGAIN: Final = range(400, 600)
SUCCESS: Final = "SUCCESS"


@dataclass(frozen=True)
class Outcome:
    """What an attempt came to: Apple's name for it, and the HTTP status where there was one."""

    result: str
    status: int | None = None

    @classmethod
    def of_status(cls, status: int) -> Outcome:
        """Give what an answer counts as."""
        return cls(SUCCESS if status in _DELIVERED else "UNSUCCESSFUL_HTTP_RESPONSE_CODE", status)

    def is_tried_again(self, after_400: bool) -> bool:
        """Tell whether Apple tries again. Without any answer it does; that is assumed."""
        if self.result == SUCCESS or (self.status == 400 and not after_400):
            return False
        return self.status is None or self.status in _TRIED_AGAIN


@dataclass
class Delivery:
    """One notification on its way. Dates are UNIX ms of the world's clock."""

    bundle_id: str
    uuid: str
    environment: str
    url: str
    next_at: int | None
    """When it is tried (again); None when it was delivered or given up."""
    attempts: list[tuple[int, Outcome]] = field(default_factory=list)

    def note(self, outcome: Outcome, after_400: bool) -> None:
        """Note what the attempt at `next_at` came to."""
        assert self.next_at is not None
        self.attempts.append((self.next_at, outcome))
        made = len(self.attempts)
        is_last = self.environment != "production" or made > len(RETRY_HOURS)
        again = not is_last and outcome.is_tried_again(after_400)
        self.next_at = self.next_at + RETRY_HOURS[made - 1] * _HOUR_MS if again else None

    def to_json(self) -> dict[str, object]:
        """Give everything, as `GET /_sim/deliveries` shows it."""
        return {
            "bundle_id": self.bundle_id,
            "uuid": self.uuid,
            "environment": self.environment,
            "url": self.url,
            "next_at": self.next_at,
            "attempts": [
                {"date": date, "result": outcome.result, "status": outcome.status} for date, outcome in self.attempts
            ],
        }


@dataclass
class Deliveries:
    """All notifications that were sent to a URL since the world was put."""

    all: list[Delivery] = field(default_factory=list)

    def reset(self) -> None:
        """Forget them: nothing is tried again."""
        self.all.clear()

    def due(self, now_ms: int) -> list[Delivery]:
        """Give those that are to be tried by now, the earliest first."""
        waiting = [each for each in self.all if each.next_at is not None and each.next_at <= now_ms]
        return sorted(waiting, key=lambda each: each.next_at or 0)
