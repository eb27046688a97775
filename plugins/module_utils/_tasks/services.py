# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the services that a task works with from its parameters."""

from __future__ import annotations

from .._apple.app_store_server import AppStoreServer, Hosts
from .._apple.credential_check import CredentialCheck
from .._apple.token import JWT_ERROR
from .._context import Context, Library, Params
from .._http import REQUESTS_ERROR
from .._ledger.ledger import Ledger
from .._ledger.migrate import ALEMBIC_ERROR
from .._ledger.place import SQLALCHEMY_ERROR, find_place
from .._model.private_key import CRYPTOGRAPHY_ERROR
from .._trackers.ledger import LedgerTracker
from .._trackers.protocol import Tracker
from .options import service_url

KEY_LIBRARIES = (Library("cryptography", CRYPTOGRAPHY_ERROR),)
CALL_LIBRARIES = (*KEY_LIBRARIES, Library("requests", REQUESTS_ERROR), Library("PyJWT", JWT_ERROR))
LEDGER_LIBRARIES = (
    Library("SQLAlchemy and psycopg", SQLALCHEMY_ERROR),
    Library("alembic", ALEMBIC_ERROR),
)


def credential_check(params: Params, context: Context) -> CredentialCheck:
    hosts = Hosts(service_url(params, "app_store_server_url"))
    return CredentialCheck(AppStoreServer(context.transport, hosts, context.now))


def open_tracker(params: Params, context: Context, for_writing: bool) -> Tracker:
    """Return the tracker that a task names. ``for_writing`` is false for tasks that never write (info)."""
    place = find_place((params.get("ledger") or {}).get("url"), context.environ)
    read_only = context.check_mode or not for_writing
    ledger = Ledger(place, read_only, context.warn, min(30.0, context.transport.remaining()))
    if for_writing:
        ledger.check_place()
    return LedgerTracker(ledger, context.timestamp)
