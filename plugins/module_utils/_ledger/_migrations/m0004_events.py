# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events in the order of their recording, how far each consumer is, and what is known of notification URLs."""

from __future__ import annotations

import contextlib
import typing as t

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0004"
down_revision: str | None = "0003"


def upgrade(operations: Operations) -> None:
    operations.create_table(
        "refund_tracking_events",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("source", "environment", "bundle_id", "event_key")),
        sa.Column("signed_date", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.Text, nullable=False),
        sa.UniqueConstraint("source", "environment", "bundle_id", "event_key", name="refund_tracking_events_once"),
    )
    operations.create_table(
        "refund_tracking_consumers",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("begins_at", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.Text),
        sa.Column("held_until", sa.BigInteger),
    )
    operations.create_table(
        "refund_tracking_notification_urls",
        sa.Column("environment", sa.Text, primary_key=True),
        sa.Column("bundle_id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("host", sa.Text),
        sa.Column("url_sha256", sa.Text),
        sa.Column("checked_at", sa.Text, nullable=False),
        sa.Column("test_result", sa.Text),
        sa.Column("tested_at", sa.Text),
    )
