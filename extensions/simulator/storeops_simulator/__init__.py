# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A local stand-in for the vendors' services that storeops.refunds talks to."""

from __future__ import annotations

ANNOUNCEMENT_VERSION = 1
"""Version of the JSON line that is printed at start; raised when a field changes its meaning."""
