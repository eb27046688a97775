# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger's tables as the newest migration leaves them."""

from __future__ import annotations

import contextlib
import functools

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy

# All of them, but the one that names the schema.
TABLES = (
    "refund_tracking_integrations",
    "refund_tracking_refunds",
    "refund_tracking_notifications",
    "refund_tracking_coverage",
    "refund_tracking_quarantine",
    "refund_tracking_events",
    "refund_tracking_consumers",
    "refund_tracking_notification_urls",
)


@functools.cache
def integrations() -> sqlalchemy.Table:
    """What is declared for the built-in tracker, and what was last applied for others: one row each.

    Times are UTC in ISO 8601. ``key_fingerprint`` is SHA-256 of the public part; the private key is never stored.
    ``accepted_at`` is when Apple first accepted the app here, with whichever key; NULL when it never did.
    """
    text = sqlalchemy.Text
    return sqlalchemy.Table(
        "refund_tracking_integrations",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("tracker", text, primary_key=True),
        sqlalchemy.Column("project", text, primary_key=True),
        sqlalchemy.Column("environment", text, primary_key=True),
        sqlalchemy.Column("bundle_id", text, primary_key=True),
        sqlalchemy.Column("issuer_id", text),
        sqlalchemy.Column("key_id", text),
        sqlalchemy.Column("key_fingerprint", text),
        sqlalchemy.Column("private_key_path", text),
        sqlalchemy.Column("app_apple_id", sqlalchemy.BigInteger),
        sqlalchemy.Column("status", text, nullable=False),
        sqlalchemy.Column("created_at", text, nullable=False),
        sqlalchemy.Column("updated_at", text, nullable=False),
        sqlalchemy.Column("accepted_at", text),
    )


@functools.cache
def refunds() -> sqlalchemy.Table:
    """Refunds of transactions: one row for each transaction and refund date.

    ``source`` names the root that Apple's payloads were verified against: ``apple`` or ``other:<sha256 prefix>``.
    ``revocation_date``, ``purchase_date``, ``reversed_at`` and ``first_signed_date`` are UNIX milliseconds,
    ``refund_day`` is YYYY-MM-DD (UTC), ``recorded_at`` is UTC in ISO 8601. ``price`` and ``amount`` are milliunits of
    ``currency``, ``amount`` is 0 or less, NULL where it isn't known. ``percentage`` is in milliunits of a percent.
    ``refunded`` is the sum that Apple names for Advanced Commerce, 0 or more.
    """
    text, integer = sqlalchemy.Text, sqlalchemy.BigInteger
    return sqlalchemy.Table(
        "refund_tracking_refunds",
        sqlalchemy.MetaData(),
        *_app_key(),
        sqlalchemy.Column("transaction_id", text, primary_key=True),
        sqlalchemy.Column("revocation_date", integer, primary_key=True, autoincrement=False),
        sqlalchemy.Column("refund_day", text, nullable=False),
        sqlalchemy.Column("original_transaction_id", text),
        sqlalchemy.Column("product_id", text),
        sqlalchemy.Column("product_type", text),
        sqlalchemy.Column("quantity", integer),
        sqlalchemy.Column("purchase_date", integer),
        sqlalchemy.Column("price", integer),
        sqlalchemy.Column("currency", text),
        sqlalchemy.Column("percentage", integer),
        sqlalchemy.Column("assumed_full", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("amount", integer),
        sqlalchemy.Column("revocation_reason", integer),
        sqlalchemy.Column("revocation_type", text),
        sqlalchemy.Column("ownership", text),
        sqlalchemy.Column("storefront", text),
        sqlalchemy.Column("is_family_shared", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("reversed_at", integer),
        sqlalchemy.Column("first_notification_uuid", text, nullable=False),
        sqlalchemy.Column("first_signed_date", integer, nullable=False),
        sqlalchemy.Column("recorded_at", text, nullable=False),
        sqlalchemy.Column("refunded", integer),
    )


@functools.cache
def refund_notifications() -> sqlalchemy.Table:
    """Verified notifications (REFUND, REFUND_REVERSED, REFUND_DECLINED), one row for each ``notification_uuid``."""
    text, integer = sqlalchemy.Text, sqlalchemy.BigInteger
    return sqlalchemy.Table(
        "refund_tracking_notifications",
        sqlalchemy.MetaData(),
        *_app_key(),
        sqlalchemy.Column("notification_uuid", text, primary_key=True),
        sqlalchemy.Column("notification_type", text, nullable=False),
        sqlalchemy.Column("signed_date", integer, nullable=False),
        sqlalchemy.Column("transaction_id", text, nullable=False),
        sqlalchemy.Column("revocation_date", integer),
        sqlalchemy.Column("recorded_at", text, nullable=False),
    )


@functools.cache
def refund_coverage() -> sqlalchemy.Table:
    """From when until when (UNIX milliseconds) an app's notifications were read; ``gaps``: JSON [[from, until], …].

    The other columns are those of ``_model.coverage.Coverage``.
    """
    text, integer = sqlalchemy.Text, sqlalchemy.BigInteger
    return sqlalchemy.Table(
        "refund_tracking_coverage",
        sqlalchemy.MetaData(),
        *_app_key(),
        sqlalchemy.Column("covered_from", integer, nullable=False),
        sqlalchemy.Column("covered_until", integer, nullable=False),
        sqlalchemy.Column("read_until", integer, nullable=False),
        sqlalchemy.Column("settled_until", integer, nullable=False),
        sqlalchemy.Column("known_from", integer),
        sqlalchemy.Column("proven_at", integer),
        sqlalchemy.Column("url", text, nullable=False),
        sqlalchemy.Column("url_at", integer),
        sqlalchemy.Column("window_size", integer),
        sqlalchemy.Column("state", text, nullable=False),
        sqlalchemy.Column("reason", text, nullable=False),
        sqlalchemy.Column("last_run_at", text, nullable=False),
        sqlalchemy.Column("last_notification_at", integer),
        sqlalchemy.Column("gaps", text, nullable=False),
        sqlalchemy.Column("app_apple_id", integer),
    )


@functools.cache
def refund_quarantine() -> sqlalchemy.Table:
    """Payloads that failed verification, by SHA-256: nothing of what they say is kept but the notification's UUID."""
    text, integer = sqlalchemy.Text, sqlalchemy.BigInteger
    return sqlalchemy.Table(
        "refund_tracking_quarantine",
        sqlalchemy.MetaData(),
        *_app_key(),
        sqlalchemy.Column("payload_sha256", text, primary_key=True),
        sqlalchemy.Column("notification_uuid", text),
        sqlalchemy.Column("reason", text, nullable=False),
        sqlalchemy.Column("window_from", integer, nullable=False),
        sqlalchemy.Column("window_until", integer, nullable=False),
        sqlalchemy.Column("first_seen_at", text, nullable=False),
        sqlalchemy.Column("last_seen_at", text, nullable=False),
    )


def _app_key() -> list[sqlalchemy.Column[str]]:
    return [
        sqlalchemy.Column(name, sqlalchemy.Text, primary_key=True) for name in ("source", "environment", "bundle_id")
    ]
