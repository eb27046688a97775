# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sum that Apple names for a refund; and no amount any more where its type or reason may pay nothing."""

from __future__ import annotations

import contextlib
import typing as t

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0003"
down_revision: str | None = "0002"


def upgrade(operations: Operations) -> None:
    operations.add_column("refund_tracking_refunds", sa.Column("refunded", sa.BigInteger))
    operations.execute(
        "UPDATE refund_tracking_refunds SET amount = NULL WHERE percentage IS NULL AND (revocation_reason NOT IN (0, 1)"
        " OR revocation_type <> 'REFUND_FULL')"
    )
    operations.execute("UPDATE refund_tracking_refunds SET assumed_full = 0 WHERE amount IS NULL")
