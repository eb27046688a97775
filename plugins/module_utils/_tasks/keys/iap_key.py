# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""appstore_iap_key: keys exist at App Store Connect and as sound .p8 files, or are revoked and gone."""

from __future__ import annotations

from ... import _argument_spec
from ..._context import Context, Params, Results, Task, TaskFailed
from ..._model.private_key import KeyProblem
from ..shared.services import KEY_LIBRARIES, SESSION_LIBRARIES
from ..shared.session import Connection
from .key_list import settle_all
from .one_key import settle
from .request import keys_request


def run(params: Params, context: Context) -> Results:
    asked = keys_request(params)
    connection = Connection(asked.session, context)
    if asked.one is None:
        return settle_all(asked, context, connection)
    try:
        return settle(asked.one, context, connection)
    except KeyProblem as problem:
        raise TaskFailed(f"{problem}", {"changed": False, "cause": problem.cause}) from None


TASK = Task(_argument_spec.iap_key(), run, KEY_LIBRARIES + SESSION_LIBRARIES, has_file_attributes=True)
