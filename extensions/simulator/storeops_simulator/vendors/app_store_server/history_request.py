# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the body of Get Notification History.

developer.apple.com/documentation/appstoreserverapi/notificationhistoryrequest
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from ...notifications import SUBTYPES, TYPES, WITHOUT_SUBTYPE
from . import answers
from .endpoints import TRANSACTION_ID


class Problem(Exception):
    """The request is refused with `response`."""

    def __init__(self, code_and_message: tuple[int, str]) -> None:
        super().__init__(code_and_message[1])
        self.response: Response = answers.error(code_and_message)


@dataclass(frozen=True)
class HistoryRequest:
    """A request that is sound; dates in UNIX ms, `end` not after now."""

    start: int
    end: int
    notification_type: str | None
    subtype: str | None
    transaction_id: str | None
    only_failures: bool
    digest: bytes
    """Of the body, without its null members."""


def read_history_request(content: bytes, now_ms: int, reach_ms: int) -> HistoryRequest:
    """Read the body; `Problem` has the documented error of the first member that is wrong."""
    body = _parse(content)
    start = _date(body, "startDate", answers.INVALID_START_DATE)
    end = min(_date(body, "endDate", answers.INVALID_END_DATE), now_ms)
    if start >= end:
        raise Problem(answers.START_DATE_AFTER_END_DATE)
    if start < now_ms - reach_ms:
        raise Problem(answers.START_DATE_TOO_FAR_IN_PAST)
    kind, subtype, transaction_id = _filters(body)
    only_failures = body.get("onlyFailures", False)
    if not isinstance(only_failures, bool):
        raise Problem(answers.GENERAL_BAD_REQUEST)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()
    return HistoryRequest(start, end, kind, subtype, transaction_id, only_failures, digest)


def _parse(content: bytes) -> Mapping[str, object]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise Problem(answers.GENERAL_BAD_REQUEST) from None
    if not isinstance(body, dict):
        raise Problem(answers.GENERAL_BAD_REQUEST)
    return {name: value for name, value in body.items() if value is not None}


def _date(body: Mapping[str, object], name: str, error: tuple[int, str]) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Problem(error)
    return value


def _filters(body: Mapping[str, object]) -> tuple[str | None, str | None, str | None]:
    kind, subtype = body.get("notificationType"), body.get("notificationSubtype")
    transaction_id = body.get("transactionId")
    if transaction_id is not None and kind is not None:
        raise Problem(answers.MULTIPLE_FILTERS_SUPPLIED)
    sound = kind is None or kind in TYPES
    if subtype is not None:
        sound = sound and kind is not None and subtype in SUBTYPES and kind not in WITHOUT_SUBTYPE
    if not sound:
        raise Problem(answers.INVALID_NOTIFICATION_TYPE)
    is_id = isinstance(transaction_id, str) and TRANSACTION_ID.fullmatch(transaction_id)
    if transaction_id is not None and not is_id:
        raise Problem(answers.INVALID_TRANSACTION_ID)
    return _text(kind), _text(subtype), _text(transaction_id)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
