# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refusals of the App Store Connect API mean, and how much of its hourly quota is left.

Sources: developer.apple.com/documentation/appstoreconnectapi/about-the-http-status-code,
developer.apple.com/documentation/appstoreconnectapi/identifying-rate-limits
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from .._http import Reply
from .._model.errors import RefundsError
from .._model.identifiers import shown
from .token import BACKDATED_S

_LOW_SHARE = 0.05
_NUMBER = re.compile(r"user-hour-(lim|rem):(\d{1,9})")
_LONGEST_WORDS = 300


class ConnectApiRefused(RefundsError):
    """The App Store Connect API answered and did not do it. ``code`` is the first error's, such as NOT_AUTHORIZED."""

    def __init__(self, status: int, code: str, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.status = status
        self.code = code

    @property
    def is_final(self) -> bool:
        """Tell whether the answer itself says that nothing was done."""
        return 400 <= self.status < 500 and self.status not in (408, 429)


@dataclass(frozen=True)
class Quota:
    """Requests of a rolling hour, per API key: allowed and left."""

    limit: int
    remaining: int

    @property
    def is_low(self) -> bool:
        return self.remaining < self.limit * _LOW_SHARE


def quota(reply: Reply) -> Quota | None:
    """Return what ``X-Rate-Limit: user-hour-lim:3500;user-hour-rem:500;`` says, None when it says nothing usable."""
    numbers = {name: int(number) for name, number in _NUMBER.findall(reply.headers.get("x-rate-limit", ""))}
    return Quota(numbers["lim"], numbers["rem"]) if {"lim", "rem"} <= numbers.keys() else None


def unexpected(what: str) -> RefundsError:
    return RefundsError(
        f"The App Store Connect API answered with {what}.",
        "Look at app_store_connect_api_url and at proxies in between; if both are right, report this.",
    )


def refused(reply: Reply, document: t.Mapping[str, t.Any] | None, is_individual: bool, now: float) -> RefundsError:
    """Return the error for an answer that is no success. ``document`` is its JSON without the token."""
    if 300 <= reply.status < 400:
        return ConnectApiRefused(
            reply.status,
            "",
            f"The App Store Connect API's address answers with a redirect (HTTP {reply.status}), which is never "
            "followed with a token.",
            "Correct app_store_connect_api_url.",
        )
    errors = _errors(document)
    code = errors[0][0] if errors else ""
    words = ": ".join(text for texts in errors for text in texts if text)[:_LONGEST_WORDS]
    said = f" Apple says: {shown(words)}." if words else ""
    problem, next_step = _explained(reply, code, is_individual, now)
    return ConnectApiRefused(reply.status, code, f"{problem} (HTTP {reply.status}).{said}", next_step)


def _explained(reply: Reply, code: str, is_individual: bool, now: float) -> tuple[str, str]:
    if reply.status == 401:
        return "The App Store Connect API does not accept the token", _unauthorized(reply, is_individual, now)
    if reply.status == 403 and "AGREEMENT" in code.upper():
        # The code is general knowledge, not found in Apple's documentation.
        return (
            "The App Store Connect API refuses because an agreement is missing or has expired",
            "The Account Holder accepts it in App Store Connect, Business.",
        )
    if reply.status == 403:
        return (
            "The App Store Connect API does not allow this to the key",
            "The key was revoked, its role does not allow it, or an agreement awaits the Account Holder.",
        )
    if reply.status == 429:
        return "The App Store Connect API allows no more requests now", _too_many(quota(reply))
    if reply.status >= 500:
        return "The App Store Connect API can't answer now", "Look at Apple's system status and run again later."
    if reply.status == 404:
        return "The App Store Connect API knows nothing at this address", "Correct app_store_connect_api_url."
    return "The App Store Connect API refused the request", "Report this."


def _unauthorized(reply: Reply, is_individual: bool, now: float) -> str:
    issuer = (
        "no api_issuer_id was given, so the key was used as an individual one: is it a team's?"
        if is_individual
        else "is api_issuer_id this team's?"
    )
    hint = (
        "Compare in App Store Connect, Users and Access, Integrations, App Store Connect API: is the key active and of "
        f"this kind (AuthKey_…, no In-App Purchase key), is api_key_id its Key ID, {issuer}"
    )
    ahead = _clock_ahead(reply, now)
    if abs(ahead) >= BACKDATED_S:
        hint += f" Also, this machine's clock is off by {abs(ahead):.0f} s: synchronise it (NTP)."
    return hint


def _too_many(left: Quota | None) -> str:
    if left and left.remaining == 0:
        return f"The key's {left.limit} requests of a rolling hour are used up: wait, or use another key."
    if left:
        return (
            f"{left.remaining} of {left.limit} requests of this hour are left, so it is the limit of requests in a "
            "short time: run again in a minute, or raise deadline."
        )
    return "Either the key's hourly quota or the limit of requests in a short time: run again later."


def _clock_ahead(reply: Reply, now: float) -> float:
    try:
        return now - parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _errors(document: t.Mapping[str, t.Any] | None) -> list[tuple[str, str, str]]:
    """Return (code, title, detail) of every error that the answer names, as far as they are texts."""
    entries = (document or {}).get("errors")
    found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []

    def text(entry: dict[str, t.Any], name: str) -> str:
        value = entry.get(name)
        return value if isinstance(value, str) else ""

    return [(text(entry, "code"), text(entry, "title"), text(entry, "detail")) for entry in found]
