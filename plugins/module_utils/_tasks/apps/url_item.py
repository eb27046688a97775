# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One notification URL of one app on its way through the task, and how all of them are told."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._apple.app_record import AppRecord
from ..._apple.connect_api_errors import ConnectApiRefused
from ..._apple.test_notification import Delivery
from ..._context import Context, Results
from ..._model.errors import RefundsError
from ..._model.identifiers import Environment
from ..._model.notification_url import Choice, State, Url
from ..._model.refund import iso_time
from ..._model.text import few, told_once

WAY_BACK = "Apple's way back is PATCH /v1/apps/{id} with version V1 (TN3180); this collection doesn't do it."


@dataclass(frozen=True)
class WantedApp:
    """A declared app with its URLs."""

    bundle_id: str
    urls: t.Mapping[Environment, Url]


@dataclass
class Item:
    """``held``: the URL before, ``record``: the app as it was read last. ``delivery``: of a test notification.

    ``inherited``: production's URL, where Apple called that for the sandbox before.
    ``is_unknown``: whether the URL was set is not known; ``shown`` is then the one that was read afterwards, if any.
    """

    bundle_id: str
    environment: Environment
    wanted: Url
    record: AppRecord | None
    held: Url | None = None
    inherited: Url | None = None
    choice: Choice = field(default_factory=lambda: Choice("none", "none"))
    delivery: Delivery | None = None
    proven_at: str | None = None
    is_unknown: bool = False
    shown: Url | None = None
    error: str = ""
    next_step: str = ""

    @property
    def before(self) -> Url | None:
        """Return the URL that Apple called before the task."""
        return self.held or self.inherited

    def fail(self, message: str, next_step: str) -> None:
        self.error, self.next_step = message, next_step

    def settle(self, after: AppRecord | RefundsError | None, lost: RefundsError | None) -> None:
        """Note what came of setting the URL.

        ``lost``: why there was no good answer. ``after``: the app as it was read afterwards, or why that failed; None
        where nothing was sent.
        """
        if isinstance(after, AppRecord):
            self.record, self.shown = after, after.url(self.environment)
            if self.shown == self.wanted:
                return
        is_as_before = isinstance(after, AppRecord) and self.shown == self.held
        is_refusal = isinstance(lost, ConnectApiRefused) and lost.is_final
        if lost and (after is None or is_as_before or (is_refusal and not isinstance(after, AppRecord))):
            self.choice = Choice("none", self.choice.state)
            self.fail(lost.message, lost.next_step)
            return
        self.is_unknown = True
        told = [lost.message if lost else "App Store Connect accepted the URL."]
        if isinstance(after, AppRecord):
            told.append(f"It shows another one afterwards ({self.shown.host if self.shown else 'none'}).")
        elif after is not None and str(after) != str(lost):
            told.append(f"What it holds now can't be read: {after.message}")
        self.fail(f"{' '.join(told)} Whether the URL was set is unknown.", "Run again: the URL is read first.")

    @property
    def changed(self) -> bool:
        return self.choice.step == "set"

    @property
    def may_be_late(self) -> bool:
        """True where Apple may still call the URL of before: what App Store Connect holds takes its time to arrive."""
        return self.changed and not self.error and self.before not in (None, self.wanted)

    @property
    def may_be_tested(self) -> bool:
        """True for a URL of version 2 that is as declared: a test at another's server would prove nothing."""
        is_sure = not self.error and not self.may_be_late
        return is_sure and (self.changed or self.choice == Choice("none", "as_declared"))

    @property
    def current(self) -> Url | None:
        """Return the URL after the task as far as it is known; in check mode, after the run."""
        if self.is_unknown:
            return self.shown
        return self.wanted if self.changed else self.before

    @property
    def in_effect(self) -> Url | None:
        """Return the URL that Apple calls: without one of its own, the sandbox has production's."""
        if self.current is not None or self.record is None:
            return self.current
        return self.record.in_effect(self.environment)

    @property
    def state(self) -> State:
        if self.is_unknown:
            return "unknown"
        if not self.changed and self.choice.state != "as_declared":
            return self.choice.state
        return "proven" if self.proven_at else "as_declared"

    @property
    def named(self) -> str:
        return f"{self.bundle_id} ({self.environment})"

    def as_result(self) -> Results:
        attempted = self.delivery.attempted_at if self.delivery else None
        return {
            "bundle_id": self.bundle_id,
            "apple_id": self.record.apple_id if self.record else None,
            "environment": self.environment,
            "state": None if self.record is None else self.state,
            "host": self.current.host if self.current else None,
            "version": self.current.version if self.current else None,
            "other_host": self.before.host if self.before and self.before.host != self.wanted.host else None,
            "changed": self.changed,
            "test": None
            if self.delivery is None
            else {
                "result": self.delivery.result,
                "attempted_at": None if attempted is None else iso_time(attempted),
            },
            "proven_at": self.proven_at,
            "error": self.error or None,
        }


def diff_of(items: t.Sequence[Item]) -> Results:
    """Return before and after of what is set: hosts, versions, and what tells two URLs of a host apart."""
    before: Results = {}
    after: Results = {}
    for item in (item for item in items if item.changed):
        before.setdefault(item.bundle_id, {})[item.environment] = item.held.as_result() if item.held else None
        after.setdefault(item.bundle_id, {})[item.environment] = (item.current or item.wanted).as_result()
    return {"before": before, "after": after}


def warn_of_kept(items: t.Sequence[Item], context: Context) -> None:
    """Warn once for each other host, and once for version 1."""
    by_host: dict[str, list[str]] = {}
    for item in items:
        if item.choice.step == "keep" and item.before is not None:
            reason = item.before.host if item.choice.state == "other_host" else ""
            by_host.setdefault(reason, []).append(item.named)
    for host, names in by_host.items():
        if host:
            said = f"to {host}, which isn't the declared host. It was left alone."
            step = "Set on_other_url: replace to take the URL; that service then gets nothing more."
        else:
            said = "in version 1, for which Apple keeps no history. The URL was left alone."
            step = f"Set on_version_1: replace once the server understands version 2. {WAY_BACK}"
        context.warn(f"Apple sends the notifications of {few(names)} {said} {step}")


def warn_of_late(items: t.Sequence[Item], context: Context) -> None:
    """Say of which URLs a test would prove nothing yet: the server of before may answer it."""
    names = [item.named for item in items if item.may_be_late]
    if names:
        context.warn(
            f"No test notification was asked for: {few(names)}. The URL was changed in this run, and Apple may call "
            "the one of before for up to an hour, so its server might answer. Run again after an hour."
        )


def failure(items: t.Sequence[Item]) -> str:
    """Return the message of a failed task: one sentence for each cause; empty when nothing failed."""
    causes: dict[tuple[str, str], list[str]] = {}
    for item in items:
        cause = _cause(item)
        if cause:
            causes.setdefault(cause, []).append(item.named)
    return " ".join(told_once(f"{few(names)}: {message} {step}".strip() for (message, step), names in causes.items()))


def _cause(item: Item) -> tuple[str, str] | None:
    if item.error:
        return item.error, item.next_step
    if item.choice.step == "fail" and item.before is not None:
        return _not_taken(item, item.before)
    if item.delivery is not None and not item.delivery.is_proof:
        reason = f"Apple couldn't deliver a test notification: {item.delivery.meaning}."
        return reason, f"Check the server behind {item.wanted.host}."
    return None


def _not_taken(item: Item, held: Url) -> tuple[str, str]:
    if item.choice.state == "other_host":
        return (
            f"Apple sends the notifications to {held.host}, declared is {item.wanted.host}.",
            "Set on_other_url: replace to take the URL from that service, or keep to leave it.",
        )
    return (
        "The notification URL is of version 1, declared is version 2.",
        "Set on_version_1: replace when the server understands version 2.",
    )
