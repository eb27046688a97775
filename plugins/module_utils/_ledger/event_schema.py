# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of events, of their consumers, and of notification URLs, as the newest migration leaves them."""

from __future__ import annotations

import contextlib
import functools

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy


@functools.cache
def events() -> sqlalchemy.Table:
    """What happened, once each: ``sequence`` is the order of recording, ``event_key`` names what happened.

    ``signed_date`` is UNIX milliseconds, ``body`` the event as JSON, ``recorded_at`` UTC in ISO 8601.
    """
    text, integer = sqlalchemy.Text, sqlalchemy.BigInteger
    return sqlalchemy.Table(
        "refund_tracking_events",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("sequence", integer, primary_key=True, autoincrement=False),
        *(sqlalchemy.Column(name, text, nullable=False) for name in ("source", "environment", "bundle_id")),
        sqlalchemy.Column("event_key", text, nullable=False),
        sqlalchemy.Column("signed_date", integer, nullable=False),
        sqlalchemy.Column("body", text, nullable=False),
        sqlalchemy.Column("recorded_at", text, nullable=False),
    )


@functools.cache
def consumers() -> sqlalchemy.Table:
    """How far each consumer of events is: all up to ``position`` (a sequence) is done.

    What was signed before ``begins_at`` is no news to it. ``holder`` reads for it until ``held_until``. Times are UNIX
    milliseconds.
    """
    text, integer = sqlalchemy.Text, sqlalchemy.BigInteger
    return sqlalchemy.Table(
        "refund_tracking_consumers",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("name", text, primary_key=True),
        sqlalchemy.Column("position", integer, nullable=False),
        sqlalchemy.Column("begins_at", integer, nullable=False),
        sqlalchemy.Column("holder", text),
        sqlalchemy.Column("held_until", integer),
    )


@functools.cache
def notification_urls() -> sqlalchemy.Table:
    """What App Store Connect said of an app's notification URL; never the URL itself, which may hold a secret.

    ``state`` is one of ``_model.notification_url.State`` but ``proven``: a URL is proven when ``test_result`` says so.
    """
    text = sqlalchemy.Text
    return sqlalchemy.Table(
        "refund_tracking_notification_urls",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("environment", text, primary_key=True),
        sqlalchemy.Column("bundle_id", text, primary_key=True),
        sqlalchemy.Column("state", text, nullable=False),
        sqlalchemy.Column("host", text),
        sqlalchemy.Column("url_sha256", text),
        sqlalchemy.Column("checked_at", text, nullable=False),
        sqlalchemy.Column("test_result", text),
        sqlalchemy.Column("tested_at", text),
    )
