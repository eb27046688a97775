# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get Transaction Info.

developer.apple.com/documentation/appstoreserverapi/get-transaction-info
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from ...purchases import Transaction
from ...simulator import Simulator
from ..api import Endpoint
from . import answers
from .endpoints import TRANSACTION_ID, WIRE_ENVIRONMENTS, Accepted, Handler


async def get_transaction_info(accepted: Accepted) -> Response:
    """Answer 200 ``{signedTransactionInfo}``, 400 4000006 or 404 4040010.

    A transaction exists for the app of the token and in its own environment only.
    """
    transaction_id = accepted.path_values["transaction_id"]
    if TRANSACTION_ID.fullmatch(transaction_id) is None:
        return answers.error(answers.INVALID_TRANSACTION_ID)
    environment = WIRE_ENVIRONMENTS[accepted.environment]
    bundle_id = accepted.caller.app.bundle_id
    transaction = accepted.simulator.world.find_transaction(bundle_id, environment, transaction_id)
    if transaction is None:
        return answers.error(answers.TRANSACTION_ID_NOT_FOUND)
    return answers.success({"signedTransactionInfo": signed(bundle_id, transaction, accepted.simulator)})


def signed(bundle_id: str, transaction: Transaction, simulator: Simulator) -> str:
    """Sign a transaction as it is now, as a JWSTransaction of the App Store Server API."""
    now = simulator.store_ms()
    payload = {**transaction.fields_at(now), "bundleId": bundle_id, "signedDate": now}
    return simulator.chain.sign(payload)


ENDPOINTS: Final[tuple[Endpoint[Handler], ...]] = (
    Endpoint(
        "get_transaction_info",
        "GET",
        "/inApps/v1/transactions/{transaction_id}",
        get_transaction_info,
    ),
)
