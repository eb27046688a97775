# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes what calls Apple for a task, and names the libraries that it needs."""

from __future__ import annotations

from ..._apple.app_store_server import AppStoreServer, Hosts
from ..._apple.credential_check import CredentialCheck
from ..._apple.token import JWT_ERROR
from ..._context import Context, Library
from ..._http import REQUESTS_ERROR, URLLIB3_ERROR
from ..._model.private_key import CRYPTOGRAPHY_ERROR
from ..._model.web_session import YAML_ERROR

KEY_LIBRARIES = (Library("cryptography", CRYPTOGRAPHY_ERROR),)
HTTP_LIBRARIES = (Library("requests", REQUESTS_ERROR), Library("urllib3 2.6 or newer", URLLIB3_ERROR))
CALL_LIBRARIES = (*KEY_LIBRARIES, *HTTP_LIBRARIES, Library("PyJWT", JWT_ERROR))
SESSION_LIBRARIES = (*HTTP_LIBRARIES, Library("PyYAML", YAML_ERROR))


def app_store_server(url: str | None, context: Context) -> AppStoreServer:
    """Return the App Store Server API at ``url``; None is Apple's."""
    return AppStoreServer(context.transport, Hosts(url), context.now)


def credential_check(url: str | None, context: Context) -> CredentialCheck:
    return CredentialCheck(app_store_server(url, context))
