# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict of a credential check: a cause from a closed list, and a hint that says what to do about it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .errors import first_sentence
from .identifiers import Environment

Cause = t.Literal[
    "accepted",
    "key_unreadable",
    "key_wrong_kind",
    "key_id_mismatch",
    "clock_skew",
    "app_not_released",
    "unauthenticated",
    "rate_limited",
    "service_unavailable",
    "unreachable",
    "unexpected_response",
    "not_checked",
    "key_not_yet_created",
]
CAUSES: tuple[Cause, ...] = t.get_args(Cause)

# The key itself can't be used: there is nothing to declare, whatever `credential_check` says.
LOCAL_CAUSES: frozenset[Cause] = frozenset({"key_unreadable", "key_wrong_kind", "key_id_mismatch"})
# Apple was asked and gave no answer that settles the question.
UNDECIDED_CAUSES: frozenset[Cause] = frozenset(
    {"rate_limited", "service_unavailable", "unreachable", "unexpected_response", "not_checked"}
)
# Apple's own word about a key and an app.
ANSWERS: frozenset[Cause] = frozenset(CAUSES) - LOCAL_CAUSES - UNDECIDED_CAUSES - {"key_not_yet_created"}


@dataclass(frozen=True)
class Verdict:
    """One credential check.

    ``http_status`` and ``error_code`` are those of the answer that decided, ``request_id`` is Apple's name for it,
    ``checked_at`` is UTC in ISO 8601, None when no call was made. The other three are None without an answer.
    ``is_half``: production refused, and the sandbox, which could have told why, gave no answer; in no result.
    ``sandbox_accepts``: production refused what the sandbox accepts, so the key itself is active; in no result.
    ``lead``: the likeliest cause, where more than Apple's answer is known; the hint begins with it.
    ``other_host``: who answered, where that wasn't Apple; in no result.
    """

    cause: Cause
    hint: str
    environment: Environment
    http_status: int | None = None
    error_code: int | None = None
    checked_at: str | None = None
    request_id: str | None = None
    is_half: bool = False
    sandbox_accepts: bool = False
    lead: str = ""
    other_host: str = ""

    @property
    def accepted(self) -> bool:
        return self.cause == "accepted"

    @property
    def refused(self) -> bool:
        """True when it is known that the credentials don't work as they are."""
        return not self.accepted and self.cause not in UNDECIDED_CAUSES and self.cause != "key_not_yet_created"

    @property
    def brief(self) -> str:
        """Return the likeliest cause with its step, in about two sentences."""
        return self.lead or first_sentence(self.hint, 2)

    def as_result(self) -> dict[str, t.Any]:
        """Return the module result ``credential_check``."""
        return {
            "accepted": self.accepted,
            "cause": self.cause,
            "hint": self.hint,
            "environment": self.environment,
            "http_status": self.http_status,
            "error_code": self.error_code,
            "checked_at": self.checked_at,
            "request_id": self.request_id,
        }
