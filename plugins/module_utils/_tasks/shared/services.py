# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes what calls Apple from a task's parameters, and names the libraries that it needs."""

from __future__ import annotations

from ..._apple.app_store_server import AppStoreServer, Hosts
from ..._apple.credential_check import CredentialCheck
from ..._apple.token import JWT_ERROR
from ..._context import Context, Library, Params
from ..._http import REQUESTS_ERROR, URLLIB3_ERROR
from ..._model.private_key import CRYPTOGRAPHY_ERROR
from ..._model.web_session import YAML_ERROR
from .options import service_url

KEY_LIBRARIES = (Library("cryptography", CRYPTOGRAPHY_ERROR),)
HTTP_LIBRARIES = (Library("requests", REQUESTS_ERROR), Library("urllib3 2.6 or newer", URLLIB3_ERROR))
CALL_LIBRARIES = (*KEY_LIBRARIES, *HTTP_LIBRARIES, Library("PyJWT", JWT_ERROR))
SESSION_LIBRARIES = (*HTTP_LIBRARIES, Library("PyYAML", YAML_ERROR))


def credential_check(params: Params, context: Context) -> CredentialCheck:
    hosts = Hosts(service_url(params, "app_store_server_url"))
    return CredentialCheck(AppStoreServer(context.transport, hosts, context.now))
