# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_info for one transaction: its customer's refunds, straight from Apple, verified."""

from __future__ import annotations

import contextlib
import typing as t

from ..._apple.refund_history import RefundHistory
from ..._apple.signed_data import SignedData
from ..._context import Context, Results, TaskFailed
from ..._ledger.integrations import find_integration
from ..._model.errors import InputError
from ..._model.integration import Credentials, Identity
from ..._model.refund import Refund, Rejected
from ..._model.refund_period import Period
from ..._model.refund_rows import count_exceeding, not_in_sums, row_from_apple, sums_of, tallies_of
from ..shared.options import load_credentials
from ..shared.services import app_store_server
from ..shared.stored_key import stored_credentials
from ..shared.trackers import open_ledger
from .question_request import AppleQuestion


def from_apple(asked: AppleQuestion, context: Context) -> Results:
    """Return the refunds of the customer who made the transaction. Raises RefundsError."""
    wanted, root = asked.wanted, asked.root
    credentials = _credentials(asked, context)
    server = app_store_server(asked.app_store_server_url, context)
    history = RefundHistory(server, credentials, wanted.bundle_id, wanted.environment)
    # A transaction carries no Apple ID that could be compared; Apple's library only insists on some number.
    signed = SignedData(root, wanted.environment, wanted.bundle_id, asked.app_apple_id)
    refunds, rejected = _verified(signed, history.signed_transactions(asked.transaction_id))
    rows = [row_from_apple(one, root.source, wanted.environment, wanted.bundle_id) for one in refunds]
    tallies = tallies_of(rows, asked.group_by)
    results: Results = {
        "changed": False,
        "refunds": rows,
        "sums": sums_of(tallies, asked.group_by),
        "not_in_sums": not_in_sums(tallies),
        "exceeding_price": count_exceeding(refunds),
        "total": len(rows),
        "next_after": None,
        "source": root.source,
        "environment": wanted.environment,
        "period": Period().as_result(),
        "complete": not rejected,
        "coverage": [],
        "quarantined": [{"payload_sha256": one.payload_sha256, "reason": one.reason} for one in rejected.values()],
        "declaration_faults": [],
        "http": context.transport.counters.as_result(),
    }
    warn_exceeding(results["exceeding_price"], context)
    if rejected:
        raise TaskFailed(_unverified(wanted, rejected, len(rows)), results)
    return results


def _verified(signed: SignedData, payloads: t.Iterable[t.Any]) -> tuple[list[Refund], dict[str, Rejected]]:
    """Return the refunds by date, each once, and what could not be verified by SHA-256."""
    found: dict[tuple[str, int], Refund] = {}
    rejected: dict[str, Rejected] = {}
    for payload in payloads:
        said = signed.refunds(payload)
        if isinstance(said, Rejected):
            rejected[said.payload_sha256] = said
        else:
            for one in said:
                found.setdefault(one.key, one)
    return sorted(found.values(), key=lambda one: (one.revocation_date, one.transaction_id)), rejected


def warn_exceeding(count: int, context: Context) -> None:
    """Tell of transactions (``count``) whose refunds add up to more than was paid."""
    if count:
        context.warn(
            f"exceeding_price: the refunds of {count} transactions add up to more than their price, so the sums are "
            "too large. Apple may mean its percentages to hold the refunds before them; compare its financial reports."
        )


def _credentials(asked: AppleQuestion, context: Context) -> Credentials:
    """Return the task's key, else the one of the app's integration in the ledger. Raises RefundsError."""
    source, wanted = asked.source, asked.wanted
    if source.is_given and source.issuer_id:
        return load_credentials(source, check_mode=False)
    with contextlib.closing(open_ledger(asked.ledger_url, context, for_writing=False)) as ledger:
        held = find_integration(ledger, wanted)
    credentials = stored_credentials(held, source) if held is not None else None
    if credentials is None:
        raise InputError(
            "private_key_path",
            f"no key is at hand for {wanted.bundle_id} ({wanted.environment}): none was given with its Issuer ID, and "
            "none is stored with its integration.",
            "Give issuer_id, and private_key_path or private_key_content.",
        )
    return credentials


def _unverified(wanted: Identity, rejected: dict[str, Rejected], sound: int) -> str:
    reasons = ", ".join(sorted({one.reason for one in rejected.values()}))
    return (
        f"{wanted.bundle_id}: {len(rejected)} of {len(rejected) + sound} refunds in Apple's answer could not be "
        f"verified ({reasons}); the others are in refunds. Look at app_store_server_url and root_certificate_path."
    )
