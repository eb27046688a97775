# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ledgers for the tests of notification URLs and events."""

from __future__ import annotations

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place

NOW = "2026-01-01T00:00:00Z"


def ledger_at(url: str, read_only: bool = False) -> Ledger:
    """Make a ledger whose warnings nobody sees."""
    return Ledger(find_place(url, {}), read_only, lambda text: None, 5.0)
