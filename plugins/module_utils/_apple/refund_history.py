# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refund History of the App Store Server API: the approved refunds of one customer in one app.

Source: developer.apple.com/documentation/appstoreserverapi/get-refund-history
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from urllib.parse import urlencode

from .._model.errors import InputError, RefundsError
from .._model.identifiers import shown
from . import hints
from .app_store_server import TRANSACTION_ID_NOT_FOUND, Answer, AppCalls, is_page_token, page_of

_PATH = "/inApps/v2/refund/lookup"
_INVALID_TRANSACTION_ID = 4000006
# 2,000 refunds, in memory at once.
_MOST_PAGES = 100
# All that were seen are digits; Apple does not say so. Nothing else than these could change the URL.
_TRANSACTION_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def parse_transaction_id(text: str) -> str:
    """Return a transaction ID as it can stand in a URL. Raises InputError."""
    clean = "".join(text.split())
    if not _TRANSACTION_ID.fullmatch(clean):
        next_step = "Give any transactionId, originalTransactionId or appTransactionId of the customer, in quotes."
        raise InputError("transaction_id", f"{shown(text)} isn't a transaction ID.", next_step)
    return clean


@dataclass(frozen=True)
class RefundHistory(AppCalls):
    """The refunds of an app's customers."""

    def signed_transactions(self, transaction_id: str) -> list[t.Any]:
        """Return the refunds of the customer who made a transaction, as Apple signed them: all pages, 20 each.

        An empty list: Apple has approved no refund for this customer. Raises InputError, TransportError, RefundsError.
        """
        found: list[t.Any] = []
        revision: str | None = None
        asked: set[str | None] = set()
        while True:
            if len(asked) >= _MOST_PAGES:
                raise self._unexpected("has more pages than one customer can fill")
            asked.add(revision)
            document = self._page(transaction_id, revision)
            found += document["signedTransactions"]
            if not document["hasMore"]:
                return found
            revision = document.get("revision")
            if not is_page_token(revision) or revision in asked:
                raise self._unexpected("says that there is more, but not where")

    def _page(self, transaction_id: str, revision: str | None) -> dict[str, t.Any]:
        query = "" if revision is None else "?" + urlencode({"revision": revision})
        reply = self.ask("GET", f"{_PATH}/{transaction_id}{query}")
        if reply.status != 200:
            raise self._refused(reply, transaction_id)
        document = page_of(reply, "signedTransactions")
        if document is None:
            raise self._unexpected("isn't a page of transactions")
        return document

    def _refused(self, reply: Answer, transaction_id: str) -> RefundsError:
        if reply.error_code == TRANSACTION_ID_NOT_FOUND:
            return InputError(
                "transaction_id",
                f"Apple knows no customer of {self.bundle_id} ({self.environment}) with transaction {transaction_id}.",
                "Compare the ID, the app and the environment; a purchase of the last two days may not be there yet.",
            )
        if reply.error_code == _INVALID_TRANSACTION_ID:
            next_step = "Give any transactionId, originalTransactionId or appTransactionId of the customer."
            return InputError("transaction_id", f"Apple says that {transaction_id} isn't a transaction ID.", next_step)
        named = f"{self.bundle_id}: Apple refused Refund History ({self.environment}): HTTP {reply.status}"
        details = f", error {reply.error_code}" if reply.error_code else ""
        details += f", request ID {reply.request_id}" if reply.request_id else ""
        if reply.status == 401:
            step = hints.ASK_AUDIT
        elif reply.status == 429:
            step = "Apple's limit for this call and app is used up; run again later, or raise deadline."
        else:
            step = "Run again later; if it stays so, look at app_store_server_url and at proxies in between."
        return RefundsError(f"{named}{details}.", step)

    def _unexpected(self, what: str) -> RefundsError:
        return RefundsError(
            f"{self.bundle_id}: the answer of Refund History {what}.",
            "Look at app_store_server_url and at proxies in between.",
        )
