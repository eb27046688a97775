# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When Apple first accepted an app: what production ever accepted was released, whatever key is asked about later."""

from __future__ import annotations

import contextlib
import typing as t

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0005"
down_revision: str | None = "0004"


def upgrade(operations: Operations) -> None:
    operations.add_column("refund_tracking_integrations", sa.Column("accepted_at", sa.Text))
    # Active is stored for nothing else than Apple's acceptance. The day of the last write is the latest that is known.
    operations.execute("UPDATE refund_tracking_integrations SET accepted_at = updated_at WHERE status = 'Active'")
