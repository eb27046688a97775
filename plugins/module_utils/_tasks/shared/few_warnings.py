# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warnings about many apps, of which nobody reads more than a few."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

MOST = 10


@dataclass
class FewWarnings:
    """Passes the first ones on to ``show`` and counts the rest. What is said twice, as of two trackers, counts once."""

    show: t.Callable[[str], None]
    _said: set[str] = field(default_factory=set, init=False)

    def warn(self, text: str) -> None:
        if text not in self._said and len(self._said) < MOST:
            self.show(text)
        self._said.add(text)

    def end(self) -> None:
        """Say how many were not shown."""
        if len(self._said) > MOST:
            self.show(f"And {len(self._said) - MOST:,} more apps with a warning like these: see integrations.")
