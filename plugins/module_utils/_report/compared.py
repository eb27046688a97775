# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came of comparing a report with the one before it, as frozen values."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import cached_property

Why = t.Literal["solved", "waived", "not audited"]


@dataclass(frozen=True)
class Change:
    """An app's finding that came or went. ``why`` says for one that is gone how it went."""

    bundle_id: str
    environment: str
    tracker: str
    cause: str
    why: Why | None = None


@dataclass(frozen=True)
class Changes:
    """The findings compared with those of the report of the time ``since`` (UTC, ISO 8601), each in order of app.

    ``open``: findings of earlier reports that this audit could not look at again.
    """

    since: str
    new: tuple[Change, ...]
    gone: tuple[Change, ...]
    still: tuple[Change, ...]
    open: tuple[Change, ...] = ()

    @cached_property
    def _has_several_trackers(self) -> bool:
        found = (*self.new, *self.gone, *self.still, *self.open)
        return len({one.tracker for one in found if one.tracker}) > 1

    def about(self, change: Change) -> str:
        """Return what was found where: its cause, its tracker where the findings are of several, and the sandbox."""
        tracker = f" at {change.tracker}" if change.tracker and self._has_several_trackers else ""
        return f"{change.cause}{tracker}{'' if change.environment == 'production' else f' {change.environment}'}"
