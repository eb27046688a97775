# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a long task is, at most one line every ten seconds, and one at its end where there were others."""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass, field

EVERY_S = 10.0


@dataclass
class Progress:
    """``say`` shows a line. ``now`` gives seconds. ``name``: the module's; ``total``: how many ``nouns`` there are."""

    say: t.Callable[[str], None]
    now: t.Callable[[], float]
    name: str
    total: int
    nouns: str = "apps"
    done: int = field(default=0, init=False)
    failed: int = field(default=0, init=False)
    _said_at: float = field(default=0.0, init=False)
    _has_said: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._said_at = self.now()

    def ended(self, has_failed: bool) -> None:
        """Count one, and say so when the last line is long enough ago, or at the end of a count. For any thread."""
        with self._lock:
            self.done += 1
            self.failed += has_failed
            now = self.now()
            is_end = self._has_said and self.done == self.total
            # A clock that was set back must not silence it for ever.
            if is_end or not 0 <= now - self._said_at < EVERY_S:
                self._said_at, self._has_said = now, True
                self.say(f"{self.name}: {self.done:,} of {self.total:,} {self.nouns}, {self.failed:,} failed")
