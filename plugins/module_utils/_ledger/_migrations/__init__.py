# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger's migrations, in order. Each names its predecessor in ``down_revision``."""

from __future__ import annotations

from types import ModuleType

from . import m0001_integrations, m0002_refunds, m0003_amounts, m0004_events, m0005_accepted, m0006_proven_apple_id

MIGRATIONS: tuple[ModuleType, ...] = (
    m0001_integrations,
    m0002_refunds,
    m0003_amounts,
    m0004_events,
    m0005_accepted,
    m0006_proven_apple_id,
)
HEAD: str = MIGRATIONS[-1].revision
