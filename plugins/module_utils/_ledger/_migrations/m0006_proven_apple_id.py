# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Apple ID an app's verified notifications name."""

from __future__ import annotations

import contextlib
import typing as t

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0006"
down_revision: str | None = "0005"


def upgrade(operations: Operations) -> None:
    operations.add_column("refund_tracking_coverage", sa.Column("app_apple_id", sa.BigInteger))
