# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get Transaction Info.

developer.apple.com/documentation/appstoreserverapi/get-transaction-info
"""

from __future__ import annotations

import re
from typing import Final

from starlette.responses import Response

from ...simulator import Simulator
from ...world import HeldTransaction
from . import answers
from .endpoints import WIRE_ENVIRONMENTS, Accepted, Endpoint

# Apple does not say which IDs are malformed. All that were seen are digits, and a made-up "1" was
# answered with 4040010 (developer.apple.com/forums/thread/844896), so length is not looked at.
_WELL_FORMED: Final = re.compile(r"[0-9]+")


async def get_transaction_info(accepted: Accepted) -> Response:
    """Answer 200 ``{signedTransactionInfo}``, 400 4000006 or 404 4040010.

    A transaction exists for the app of the token and in its own environment only.
    """
    transaction_id = accepted.path_values["transaction_id"]
    if _WELL_FORMED.fullmatch(transaction_id) is None:
        return answers.error(answers.INVALID_TRANSACTION_ID)
    environment = WIRE_ENVIRONMENTS[accepted.environment]
    held = accepted.simulator.world.transactions.get((environment, transaction_id))
    if held is None or held.app.bundle_id != accepted.caller.app.bundle_id:
        return answers.error(answers.TRANSACTION_ID_NOT_FOUND)
    return answers.success({"signedTransactionInfo": signed(held, accepted.simulator)})


def signed(held: HeldTransaction, simulator: Simulator) -> str:
    """Sign a transaction now, as a JWSTransaction of the App Store Server API."""
    payload = {
        **held.transaction.fields,
        "bundleId": held.app.bundle_id,
        "signedDate": simulator.now_ms(),
    }
    return simulator.chain.sign(payload)


ENDPOINTS: Final = (
    Endpoint(
        "get_transaction_info",
        "GET",
        "/inApps/v1/transactions/{transaction_id}",
        get_transaction_info,
    ),
)
