# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of integrations."""

from __future__ import annotations

import contextlib
import typing as t

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0001"
down_revision: str | None = None


def upgrade(operations: Operations) -> None:
    operations.create_table(
        "refund_tracking_integrations",
        sa.Column("tracker", sa.Text, primary_key=True),
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("environment", sa.Text, primary_key=True),
        sa.Column("bundle_id", sa.Text, primary_key=True),
        sa.Column("issuer_id", sa.Text),
        sa.Column("key_id", sa.Text),
        sa.Column("key_fingerprint", sa.Text),
        sa.Column("private_key_path", sa.Text),
        sa.Column("app_apple_id", sa.BigInteger),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
    )
