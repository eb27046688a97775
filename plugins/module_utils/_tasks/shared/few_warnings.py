# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warnings about many apps, of which nobody reads more than a few."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

MOST = 10


@dataclass
class FewWarnings:
    """Passes the first ones on to ``show`` and counts the rest."""

    show: t.Callable[[str], None]
    count: int = 0

    def warn(self, text: str) -> None:
        self.count += 1
        if self.count <= MOST:
            self.show(text)

    def end(self) -> None:
        """Say how many were not shown."""
        if self.count > MOST:
            self.show(f"And {self.count - MOST:,} more apps with a warning like these: see integrations.")
