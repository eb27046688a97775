# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger's tables as the newest migration leaves them."""

from __future__ import annotations

import contextlib
import functools

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy


@functools.cache
def integrations() -> sqlalchemy.Table:
    """What is declared for the built-in tracker, and what was last applied for others: one row each.

    Times are UTC in ISO 8601. ``key_fingerprint`` is SHA-256 of the public part; the private key is never stored.
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
    )
