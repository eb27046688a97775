# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to the App Store Server API: nothing is changed by any of them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._apple.app_store_server import MADE_UP_TRANSACTION_ID, Answer, AppCalls, answer, page_of
from ..._apple.notification_history import NO_URL, PAGE, REACH, START_TOO_FAR
from ..._apple.signed_data import claims
from ..._http import Reply
from ..._model.assumption import Finding, Outcome, judged_answer, shape
from ..._model.refund import DAY_MS
from ..._model.secret import Secret
from ..._model.text import printable

PART = "app_store_server"
_HISTORY = "/inApps/v1/notifications/history"


@dataclass(frozen=True)
class AppleQuestions(AppCalls):
    """One app in one environment."""

    def findings(self) -> t.Iterator[Finding]:
        """Yield what was found. Raises TransportError."""
        is_accepted = False
        for finding in (self._made_up(), self._refused_token()):
            is_accepted = is_accepted or (finding.name == "made_up_transaction" and finding.outcome == "holds")
            yield finding
        yield from self._history() if is_accepted else ()

    def _made_up(self) -> Finding:
        text = "For a made-up transaction an accepted token gets 404 with error code 4040010."
        found = self.server.get_transaction_info(self.credentials, self.bundle_id, self.environment)
        if found.status == 401:
            seen = f"{_told(found)}; the key isn't accepted for this app, so the question could not be asked"
            return Finding(PART, "made_up_transaction", text, seen, "not_seen")
        outcome = _judged(found, found.status == 404 and found.proves_acceptance)
        return Finding(PART, "made_up_transaction", text, _told(found), outcome)

    def _refused_token(self) -> Finding:
        text = "A token with a wrong signature gets 401 as plain text: Unauthenticated, and a request ID."
        url = f"{self.server.hosts.url(self.environment)}/inApps/v1/transactions/{MADE_UP_TRANSACTION_ID}"
        reply: Reply = self.server.transport.get(url, self._broken_token)
        found = answer(reply)
        begins = reply.body.startswith(b"Unauthenticated")
        seen = f"{_told(found)}, {'begins' if begins else 'does not begin'} with Unauthenticated, "
        seen += f"{'a' if found.request_id else 'no'} request ID"
        is_so = found.status == 401 and found.content_type == "text/plain" and begins and bool(found.request_id)
        return Finding(PART, "refused_token", text, seen, _judged(found, is_so))

    def _broken_token(self) -> Secret:
        head, payload, signature = self.token().reveal().split(".")
        return Secret(f"{head}.{payload}.{'A' * 40}{signature[40:]}")

    def _history(self) -> t.Iterator[Finding]:
        now = int(self.server.now() * 1000)
        recent = self._page(now - 29 * DAY_MS, now)
        document = page_of(recent, "notificationHistory")
        text = f"A page of Notification History has hasMore and at most {PAGE} entries, each with a signedPayload."
        if recent.error_code == NO_URL:
            text = "An app without a notification URL may get an error instead of an empty history."
            yield Finding(PART, "history_without_url", text, _told(recent), "noted")
            return
        items = document["notificationHistory"] if document else []
        payloads = [item.get("signedPayload") if isinstance(item, dict) else None for item in items]
        is_so = document is not None and len(items) <= PAGE and all(isinstance(one, str) for one in payloads)
        yield Finding(PART, "history_page", text, f"{_told(recent)}, {shape(recent.document)}", _judged(recent, is_so))
        text = "In which order the history is listed is not documented, and nothing depends on it."
        yield Finding(PART, "history_order", text, _order(payloads), "noted")
        days = REACH[self.environment] // DAY_MS
        text = f"The history can be asked for from {days} days back."
        far = self._page(now - REACH[self.environment], now)
        outcome: Outcome = _judged(far, far.status == 200) if far.status in (200, 400) else "not_seen"
        more = "; the start is refused" if far.error_code == START_TOO_FAR else ""
        yield Finding(PART, "history_reach", text, _told(far) + more, outcome)

    def _page(self, start: int, end: int) -> Answer:
        return self.ask("POST", _HISTORY, {"startDate": start, "endDate": end})


def _judged(found: Answer, holds: bool) -> Outcome:
    # Apple's own text under the type of a page is Apple's: it breaks what is assumed.
    return judged_answer(found.status, "" if found.has_request_text else found.content_type, holds)


def _told(found: Answer) -> str:
    code = f", error code {found.error_code}" if found.error_code is not None else ""
    kind = found.content_type or "no content type"
    return f"HTTP {found.status}, {printable(kind)[:60]}{code}"


def _order(payloads: t.Sequence[t.Any]) -> str:
    dates = [(claims(one) or {}).get("signedDate") for one in payloads if isinstance(one, str)]
    known = [date for date in dates if isinstance(date, int)]
    if len(set(known)) < 2:
        return "too few notifications to tell"
    rising = known == sorted(known)
    falling = known == sorted(known, reverse=True)
    return f"{len(known)} notifications, {'oldest first' if rising else 'newest first' if falling else 'in no order'}"
