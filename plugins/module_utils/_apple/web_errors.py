# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What App Store Connect's refusals mean and what to do about them. Nothing of a session is ever repeated here."""

from __future__ import annotations

import typing as t

from .._http import Reply
from .._model.errors import RefundsError
from .._model.identifiers import shown

# An older fastlane asks first for what Apple took away in that month.
_SIGN_IN = (
    "Sign in again on this machine and give the new session: of fastlane spaceauth (with a fastlane that has pull "
    "request 30206, September 2026), or a browser's export of the cookies."
)


class SessionRefused(RefundsError):
    """App Store Connect takes the session for expired, foreign or not entitled."""


class OtherTeam(RefundsError):
    """The session acts for another team by now: it has one at a time, whoever uses it."""

    def __init__(self, meant: str, current: str) -> None:
        super().__init__(
            f"session: it acted for the team {meant}, and now acts for {current}: another run with this session, or "
            "its browser, changed that meanwhile.",
            "Run again when nothing else uses this session; give each run that is to go on at the same time its own.",
        )


class NoAnswer(RefundsError):
    """App Store Connect failed at a request (HTTP 5xx): whether it was carried out is not known."""


def unexpected(what: str) -> RefundsError:
    return RefundsError(
        f"App Store Connect answered with {what}.",
        "Its web endpoints are not documented and may have changed; make the key in a browser and report this.",
    )


def refused(reply: Reply, document: t.Mapping[str, t.Any] | None, is_session: bool = False) -> RefundsError:
    """Return the error for an answer that is no success: its status, Apple's words as far as they are JSON.

    ``is_session``: the session itself was asked about, which needs no role: a 403 means that it has expired (observed).
    """
    text = _apple_says(document)
    said = f" Apple says: {shown(text)}." if text else ""
    # Observed with a 403 as well.
    if "maximum number of active keys" in text.lower():
        return RefundsError(f"Apple's limit of active In-App Purchase keys is reached.{said}", "Revoke one first.")
    is_end = reply.status == 403 and (document is None or (is_session and "agreement" not in text.lower()))
    if is_end or reply.status == 401 or 300 <= reply.status < 400 or (document is None and reply.status == 200):
        return SessionRefused(
            "session: App Store Connect does not accept this session: it has expired (they last hours), was made on "
            f"another machine or in another place, or was ended (HTTP {reply.status}).{said}",
            _SIGN_IN,
        )
    if reply.status == 403:
        return _forbidden(text, said)
    if reply.status == 404:
        return RefundsError(f"App Store Connect knows no such key (HTTP 404).{said}", "Look at the list of keys.")
    if reply.status == 429 or reply.status >= 500:
        kind = NoAnswer if reply.status >= 500 else RefundsError
        return kind(f"App Store Connect can't answer now (HTTP {reply.status}).{said}", "Run again later.")
    return RefundsError(f"App Store Connect refused the request (HTTP {reply.status}).{said}")


def _forbidden(text: str, said: str) -> RefundsError:
    lowered = text.lower()
    if "agreement" in lowered:
        return SessionRefused(
            f"App Store Connect refuses because an agreement is missing or has expired (HTTP 403).{said}",
            "The Account Holder accepts it in App Store Connect, Business.",
        )
    return SessionRefused(
        f"App Store Connect does not allow this to the signed-in person (HTTP 403).{said}",
        "In-App Purchase keys need the role Account Holder or Admin in this team.",
    )


def _apple_says(document: t.Mapping[str, t.Any] | None) -> str:
    """Return the texts of ``errors`` or ``serviceErrors`` (both observed), joined."""
    texts: list[str] = []
    for name in ("errors", "serviceErrors"):
        entries = (document or {}).get(name)
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict):
                parts = (entry.get(field) for field in ("code", "title", "detail", "message"))
                texts += [part for part in parts if isinstance(part, str)]
    return ": ".join(texts)[:300]
