# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the world says about server notifications as a whole, and the clock that their history follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from .fields import URL, Fields, InputError
from .notifications import SEND_RESULTS

_DAY_MS: Final = 86_400_000
_LONGEST_REACH_DAYS: Final = 10_000
_LONGEST_SECONDS: Final = 1e9
_WITHOUT_URL: Final = ("empty", "error")
_ORDERS: Final = ("oldest_first", "newest_first")
_ENDS: Final = ("inclusive", "exclusive")
_FARTHEST_MS: Final = 5 * 365 * _DAY_MS


@dataclass(frozen=True)
class Route:
    """Where notifications really go whose URL begins with `url`: what a TLS proxy is outside."""

    url: str
    to: str


@dataclass(frozen=True)
class NotificationSettings:
    """Where Apple says nothing, the world chooses."""

    without_url: str = "empty"
    """What the history of an app without a V2 URL is: `empty`, or `error` (404, 4040007)."""
    order: str = "oldest_first"
    end_date: str = "inclusive"
    reach_days: int = 180
    reach_days_sandbox: int = 30
    pagination_token_life_s: float = 3600.0
    sandbox_app_apple_id: bool = True
    """Whether payloads of the sandbox carry appAppleId."""
    test_result: str = "SUCCESS"
    test_delay_s: float = 0.0
    """How long after the request the status of a test notification is available."""
    retry_after_400: bool = True
    """Whether an attempt that got 400 is repeated, like those that got another 4xx or 5xx."""
    send_timeout_s: float = 5.0
    routes: tuple[Route, ...] = ()
    """Notifications to any other URL are not sent: the world says what became of them."""

    def routed(self, url: str | None) -> str | None:
        """Give where a notification to `url` is really sent; None when it is not."""
        found = (each for each in self.routes if url is not None and url.startswith(each.url))
        return next((each.to + str(url)[len(each.url) :] for each in found), None)

    def reach_ms(self, environment: str) -> int:
        """Give how far back the history reaches; `environment` as the URL has it."""
        return (self.reach_days_sandbox if environment == "sandbox" else self.reach_days) * _DAY_MS


@dataclass(frozen=True)
class Clock:
    """The time that transactions and notifications live in; tokens and rate limits keep the real one."""

    offset_ms: int = 0
    frozen_at_ms: int | None = None

    def at(self, real_ms: int) -> int:
        """Give the time in UNIX ms."""
        return real_ms + self.offset_ms if self.frozen_at_ms is None else self.frozen_at_ms


def read_notification_settings(world: Fields) -> NotificationSettings:
    """Read ``server_notifications`` of the world."""
    default = NotificationSettings()
    name = "server_notifications"
    if not world.has(name):
        return default
    fields = Fields(world.raw(name), world.at(name), tuple(asdict(default)))

    def days(member: str, otherwise: int) -> int:
        return fields.integer(member, 1, _LONGEST_REACH_DAYS) if fields.has(member) else otherwise

    def seconds(member: str, otherwise: float) -> float:
        return fields.number(member, 0, _LONGEST_SECONDS) if fields.has(member) else otherwise

    return NotificationSettings(
        without_url=fields.choice("without_url", _WITHOUT_URL, default.without_url),
        order=fields.choice("order", _ORDERS, default.order),
        end_date=fields.choice("end_date", _ENDS, default.end_date),
        reach_days=days("reach_days", default.reach_days),
        reach_days_sandbox=days("reach_days_sandbox", default.reach_days_sandbox),
        pagination_token_life_s=seconds("pagination_token_life_s", default.pagination_token_life_s),
        sandbox_app_apple_id=fields.boolean("sandbox_app_apple_id", default.sandbox_app_apple_id),
        test_result=fields.choice("test_result", SEND_RESULTS, default.test_result),
        test_delay_s=seconds("test_delay_s", default.test_delay_s),
        retry_after_400=fields.boolean("retry_after_400", default.retry_after_400),
        send_timeout_s=seconds("send_timeout_s", default.send_timeout_s),
        routes=read_routes(fields.entries("routes")),
    )


def read_routes(entries: Iterable[tuple[str, object]]) -> tuple[Route, ...]:
    """Read ``[{url, to}]``."""
    read = (Fields(value, path, ("url", "to")) for path, value in entries)
    return tuple(Route(fields.text("url", *URL), fields.text("to", *URL)) for fields in read)


def write_notification_settings(settings: NotificationSettings) -> dict[str, object]:
    """Write the settings with all their defaults."""
    return {**asdict(settings), "routes": [asdict(route) for route in settings.routes]}


def read_clock(value: object, path: str, real_ms: int | None = None) -> Clock:
    """Read ``{offset_ms}`` or ``{frozen_at_ms}``; with `real_ms` also ``{now_ms}``, which runs on from there."""
    known = ("offset_ms", "frozen_at_ms", *(() if real_ms is None else ("now_ms",)))
    fields = Fields(value, path, known)
    given = [name for name in known if fields.has(name)]
    if len(given) > 1:
        raise InputError(fields.at(given[1]), f"stands beside {given[0]}; give one")
    if fields.has("offset_ms"):
        return Clock(offset_ms=fields.integer("offset_ms", -_FARTHEST_MS, _FARTHEST_MS))
    if fields.has("frozen_at_ms"):
        return Clock(frozen_at_ms=fields.integer("frozen_at_ms"))
    if real_ms is not None and fields.has("now_ms"):
        return Clock(offset_ms=fields.integer("now_ms") - real_ms)
    return Clock()


def write_clock(clock: Clock) -> dict[str, object]:
    """Write the clock so that it can be read again."""
    if clock.frozen_at_ms is not None:
        return {"frozen_at_ms": clock.frozen_at_ms}
    return {"offset_ms": clock.offset_ms}
