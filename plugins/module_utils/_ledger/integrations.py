# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Integrations in the ledger: read, put, removed, each in one short transaction."""

from __future__ import annotations

import contextlib
import functools
import typing as t

from .._model.integration import Identity, Integration
from .engines import insert
from .explained import RowFault, RowsFailed
from .ledger import Ledger
from .schema import integrations

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy

_KEY = ("tracker", "project", "environment", "bundle_id")
# Between the status and the tracker's own word for it.
_WORD = ": "


def find_integration(ledger: Ledger, identity: Identity) -> Integration | None:
    """Return the integration of that identity, or None."""
    with ledger.reading() as connection:
        row = connection.execute(_one(), _key(identity)).mappings().first()
    return _integration(row) if row else None


def list_integrations(ledger: Ledger, tracker: str, project: str, environment: str) -> list[Integration]:
    """Return all integrations of a tracker's project in one environment, by bundle ID."""
    wanted = {"tracker": tracker, "project": project, "environment": environment}
    found = _selected(ledger, sqlalchemy.select(integrations()).filter_by(**wanted))
    return sorted(found, key=lambda one: one.identity.bundle_id)


def list_elsewhere(ledger: Ledger, environment: str) -> list[Integration]:
    """Return what was last applied at trackers other than the ledger itself, by tracker, project and bundle ID."""
    table = integrations()
    query = sqlalchemy.select(table).where(table.c.tracker != "ledger", table.c.environment == environment)
    return sorted(_selected(ledger, query), key=lambda one: one.identity)


def list_all(ledger: Ledger) -> list[Integration]:
    """Return all that the ledger holds and knows of other trackers: by environment, and what it holds itself first."""
    found = _selected(ledger, sqlalchemy.select(integrations()))
    return sorted(found, key=lambda one: (one.identity.environment, one.identity.tracker != "ledger", one.identity))


def _selected(ledger: Ledger, query: sqlalchemy.Select[tuple[t.Any, ...]]) -> list[Integration]:
    with ledger.reading() as connection:
        return [_integration(row) for row in connection.execute(query).mappings()]


def put_integration(ledger: Ledger, integration: Integration, now: str) -> None:
    """Insert or replace one integration. ``now`` is UTC in ISO 8601."""
    put_integrations(ledger, [integration], now)


def put_integrations(ledger: Ledger, entries: t.Sequence[Integration], now: str) -> None:
    """Insert or replace integrations in one transaction. ``now`` is UTC in ISO 8601.

    Raises RowsFailed when the ledger can't hold some of them, after it has written all others.
    """
    # In one order, or two controllers would wait for each other's rows.
    ordered = sorted(entries, key=lambda entry: entry.identity)
    if not ordered:
        return
    try:
        _put(ledger, ordered, now)
    except RowFault:
        faults: dict[Identity, str] = {}
        for entry in ordered:
            try:
                _put(ledger, [entry], now)
            except RowFault as error:
                faults[entry.identity] = str(error)
        if faults:
            raise RowsFailed(faults) from None


def _put(ledger: Ledger, entries: t.Sequence[Integration], now: str) -> None:
    rows = [{**_values(entry, now), "created_at": now, "updated_at": now} for entry in entries]

    def put(connection: sqlalchemy.Connection) -> None:
        table = integrations()
        statement = insert(connection, table)
        replaced: dict[str, t.Any] = {
            name: statement.excluded[name] for name in rows[0] if name not in (*_KEY, "created_at")
        }
        replaced["accepted_at"] = sqlalchemy.func.coalesce(table.c.accepted_at, statement.excluded.accepted_at)
        connection.execute(statement.on_conflict_do_update(index_elements=list(_KEY), set_=replaced), rows)

    ledger.write(put)


def remove_integration(ledger: Ledger, identity: Identity) -> None:
    """Delete one integration; none there is no error."""
    remove_integrations(ledger, [identity])


def remove_integrations(ledger: Ledger, identities: t.Sequence[Identity]) -> None:
    """Delete integrations in one transaction; one that is not there is no error."""
    if not identities:
        return

    def remove(connection: sqlalchemy.Connection) -> None:
        for identity in sorted(identities):
            connection.execute(sqlalchemy.delete(integrations()).where(_is_asked_for()), _key(identity))

    ledger.write(remove)


@functools.cache
def _one() -> sqlalchemy.Select[tuple[t.Any, ...]]:
    # Made once: SQLAlchemy then knows it again without a look at its parts.
    return sqlalchemy.select(integrations()).where(_is_asked_for())


def _is_asked_for() -> sqlalchemy.ColumnElement[bool]:
    table = integrations()
    return sqlalchemy.and_(*(table.c[name] == sqlalchemy.bindparam(name) for name in _KEY))


def _key(identity: Identity) -> dict[str, str]:
    return {name: getattr(identity, name) for name in _KEY}


def _values(integration: Integration, now: str) -> dict[str, t.Any]:
    return {
        **_key(integration.identity),
        "issuer_id": integration.issuer_id,
        "key_id": integration.key_id,
        "key_fingerprint": integration.key_fingerprint,
        "private_key_path": integration.private_key_path,
        "app_apple_id": integration.app_apple_id,
        "status": _WORD.join(filter(None, (integration.status, integration.word))),
        "accepted_at": integration.accepted_at or (now if integration.status == "Active" else None),
    }


def _integration(row: sqlalchemy.RowMapping) -> Integration:
    status, _separator, word = row["status"].partition(_WORD)
    return Integration(
        identity=Identity(*(row[name] for name in _KEY)),
        issuer_id=row["issuer_id"],
        key_id=row["key_id"],
        key_fingerprint=row["key_fingerprint"],
        status=status,
        private_key_path=row["private_key_path"],
        app_apple_id=row["app_apple_id"],
        word=word,
        accepted_at=row["accepted_at"],
    )
