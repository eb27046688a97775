# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get Refund History: the approved refunds of one customer.

developer.apple.com/documentation/appstoreserverapi/get-refund-history
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from starlette.responses import Response

from ...purchases import Transaction
from ..api import Endpoint
from . import answers
from .endpoints import TRANSACTION_ID, WIRE_ENVIRONMENTS, Accepted, Handler
from .transactions import signed

PAGE: Final = 20
_REVISION: Final = re.compile(r"([0-9]+)_([0-9]+)")
_LONGEST_REVISION: Final = 200
_Place = tuple[int, int]
"""Revocation date and transaction ID, by which refunds are ordered."""


async def get_refund_history(accepted: Accepted) -> Response:
    """Answer 200 ``{signedTransactions, revision, hasMore}``, 400 4000006 or 4000005, or 404 4040010."""
    transaction_id = accepted.path_values["transaction_id"]
    if TRANSACTION_ID.fullmatch(transaction_id) is None:
        return answers.error(answers.INVALID_TRANSACTION_ID)
    after = _read_revision(accepted.request.query_params.get("revision"))
    if after is None:
        return answers.error(answers.INVALID_REQUEST_REVISION)
    simulator, bundle_id = accepted.simulator, accepted.caller.app.bundle_id
    environment = WIRE_ENVIRONMENTS[accepted.environment]
    owned = simulator.world.purchases_with(bundle_id, environment, transaction_id)
    if not owned:
        return answers.error(answers.TRANSACTION_ID_NOT_FOUND)
    now = simulator.store_ms()
    placed = [(place, each) for each in owned if (place := _place(each, now)) is not None and place > after]
    refunds = sorted(placed, key=lambda refund: refund[0])
    page = refunds[:PAGE]
    return answers.success(
        {
            "signedTransactions": [signed(bundle_id, each, simulator) for _at, each in page],
            "revision": _write_revision(page[-1][0] if page else after),
            "hasMore": len(refunds) > PAGE,
        }
    )


def _place(transaction: Transaction, now: int) -> _Place | None:
    """Give the place of a refund that is in force; losing a family share is none."""
    fields = transaction.fields_at(now)
    if "revocationDate" not in fields or fields.get("revocationType") == "FAMILY_REVOKE":
        return None
    return int(fields["revocationDate"]), int(transaction.transaction_id)


def _write_revision(place: _Place) -> str:
    return base64.urlsafe_b64encode(f"{place[0]}_{place[1]}".encode()).rstrip(b"=").decode("ascii")


def _read_revision(revision: str | None) -> _Place | None:
    if revision is None:
        return (0, 0)
    try:
        if len(revision) > _LONGEST_REVISION:
            return None
        text = base64.urlsafe_b64decode(revision + "=" * (-len(revision) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    match = _REVISION.fullmatch(text)
    return None if match is None else (int(match[1]), int(match[2]))


ENDPOINTS: Final[tuple[Endpoint[Handler], ...]] = (
    Endpoint("get_refund_history", "GET", "/inApps/v2/refund/lookup/{transaction_id}", get_refund_history),
)
