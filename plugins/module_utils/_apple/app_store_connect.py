# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""App Store Connect's own web endpoints for In-App Purchase keys.

There is no official API for these keys. What is used here was observed in public code (RevenueCat/cli and
rorkai/App-Store-Connect-CLI, 2026-11-23), is not documented by Apple and may change. Revoking follows the analogy of
App Store Connect API keys and was seen nowhere for In-App Purchase keys.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from .._http import Call, Reply, Transport
from .._model.errors import InputError, RefundsError
from .._model.identifiers import is_loopback, parse_issuer_id, shown
from .._model.key_name import is_same_name
from .._model.permit import Permit
from .._model.secret import Secret
from .._model.web_session import WebSession
from . import web_errors
from .web_answers import json_of, private_key_in

HOST = "https://appstoreconnect.apple.com"
_KEYS = "/iris/v1/subscriptionKeys"
_SESSION = "/olympus/v1/session"
# As other tools do (observed: 1 s), so that Apple sees no burst from one person's session.
_COURTESY_S = 1.0
# A private key that Apple is about to give once is waited for, whatever time-outs suit other calls.
ONE_TIME_S = 60.0
_PAGE = 200
_MOST_PAGES = 50
_KEY_ID = re.compile(r"[A-Za-z0-9]{1,32}")


@dataclass(frozen=True)
class Team:
    """A team that the session can act for. ``issuer_id`` is its public provider ID (observed)."""

    provider_id: int
    issuer_id: str
    name: str


@dataclass(frozen=True)
class RemoteKey:
    """An In-App Purchase key at App Store Connect. What its answer doesn't tell is None."""

    key_id: str
    name: str | None
    is_active: bool | None
    can_download: bool | None
    last_used: str | None = None
    revoked_at: str | None = None

    def has_name(self, name: str | None) -> bool:
        return is_same_name(self.name, name)


def is_active(key: RemoteKey) -> bool:
    """An attribute that Apple leaves out says nothing; only a clear no makes a key inactive."""
    return key.is_active is not False and not key.revoked_at


@dataclass
class AppStoreConnect:
    """One signed-in session. Every method raises a RefundsError that says what to do."""

    transport: Transport
    session: WebSession = field(repr=False)
    url: str = HOST
    _has_called: bool = field(default=False, init=False, repr=False)
    _seen: tuple[Team | None, list[Team]] | None = field(default=None, init=False, repr=False)
    _foreseen: dict[int | None, dict[str, RemoteKey]] = field(default_factory=dict, init=False, repr=False)

    def team(self, team_id: int | None, issuer_id: str | None) -> Team:
        """Return the team to act for, switching the session to it where needed. The teams are read once."""
        current, teams = self._seen = self._seen or self._teams()
        wanted = [
            team
            for team in teams
            if (team_id is None or team.provider_id == team_id) and (issuer_id is None or team.issuer_id == issuer_id)
        ]
        if not wanted:
            raise RefundsError(
                f"team_id, issuer_id: this session belongs to no such team (it has: {_listed(teams)}).",
                "Correct team_id or issuer_id, or sign in with another Apple Account.",
            )
        if team_id is None and issuer_id is None and len(teams) > 1:
            raise RefundsError(
                f"team_id: this session has several teams ({_listed(teams)}).", "Set team_id or issuer_id."
            )
        if current is None or wanted[0].provider_id != current.provider_id:
            body = {"provider": {"providerId": wanted[0].provider_id}}
            self._document(self._send("POST", _SESSION, body), is_session=True)
            self._seen = None
            confirmed, teams = self._teams()
            if confirmed is None or confirmed.provider_id != wanted[0].provider_id:
                raise RefundsError("team_id: App Store Connect did not switch to this team.", "Choose it in a browser.")
            self._seen = (confirmed, teams)
        return wanted[0]

    def list_keys(self) -> list[RemoteKey]:
        """Return the team's In-App Purchase keys, revoked ones too as far as Apple still lists them.

        No request says which team is meant, so afterwards it is asked for again. Raises OtherTeam.
        """
        found: list[RemoteKey] = []
        path: str | None = f"{_KEYS}?limit={_PAGE}"
        for _page in range(_MOST_PAGES):
            document = self._ask(str(path))
            entries = document.get("data")
            if not isinstance(entries, list):
                raise web_errors.unexpected("the list of keys")
            found += [_key(entry) for entry in entries]
            path = self._next(document)
            if path is None:
                self._prove_team()
                return list(({key.key_id: key for key in found} | self._foreseen.get(self._team_number, {})).values())
        raise web_errors.unexpected("the list of keys, which has no end")

    def foresee(self, *keys: RemoteKey) -> None:
        """Count keys of the current team as check mode says they would be: the next list shows them so."""
        self._foreseen.setdefault(self._team_number, {}).update({key.key_id: key for key in keys})

    @property
    def _team_number(self) -> int | None:
        return self._seen[0].provider_id if self._seen and self._seen[0] else None

    def session_document(self) -> dict[str, t.Any]:
        """Return what the session says of itself, as it came."""
        return self._ask(_SESSION)

    def keys_document(self) -> dict[str, t.Any]:
        """Return the first page of keys as it came."""
        return self._ask(f"{_KEYS}?limit={_PAGE}")

    def create(self, name: str) -> RemoteKey:
        """Create a key in the team that the list of keys was proven for right before.

        Sent once and never again: a second one would count against Apple's limit of ten.
        """
        body = {"data": {"type": "subscriptionKeys", "attributes": {"nickname": name}}}
        reply = self._send("POST", _KEYS, body, is_one_time=True)
        try:
            return _key(self._document(reply).get("data"))
        except RefundsError as error:
            error.may_have_changed = _may_be_done(reply)
            raise

    def download(self, key_id: str) -> Secret:
        """Return what Apple gives as the private key, once: in whatever form it comes, as it can't be had again.

        Sent once: the key may be gone with the first answer.
        """
        path = f"{_KEYS}/{quote(key_id, safe='')}?fields[subscriptionKeys]=privateKey"
        reply = self._send("GET", path, is_one_time=True)
        content = private_key_in(reply)
        if content is None:
            try:
                self._document(reply)
                raise RefundsError(f"App Store Connect gave no private key for {key_id}.")
            except RefundsError as error:
                # The one download may have been counted all the same.
                error.may_have_changed = _may_be_done(reply)
                raise
        return content

    def revoke(self, key_id: str, permit: Permit) -> None:
        """Revoke a key, for good, by its ID, which no other team has. Repeating it does nothing more."""
        permit.require("revoke_key", key_id)
        body = {"data": {"type": "subscriptionKeys", "id": key_id, "attributes": {"isActive": False}}}
        self._document(self._send("PATCH", f"{_KEYS}/{quote(key_id, safe='')}", body))

    def _prove_team(self) -> None:
        """Ask again for which team the session acts: whoever else uses it can change that. Raises OtherTeam."""
        meant, teams = self._seen or (None, [])
        if meant is None or len(teams) < 2:
            return
        current, _teams = self._teams()
        if current is None or current.provider_id != meant.provider_id:
            raise web_errors.OtherTeam(_listed([meant]), _listed([current]) if current else "none")
        # What rests on it follows at once.
        self._has_called = False

    def _teams(self) -> tuple[Team | None, list[Team]]:
        document = self._ask(_SESSION)
        current = _team(document.get("provider"))
        listed = document.get("availableProviders")
        teams = [team for entry in listed if (team := _team(entry))] if isinstance(listed, list) else []
        if current and current.provider_id not in {team.provider_id for team in teams}:
            teams.append(current)
        return current, teams

    def _next(self, document: t.Mapping[str, t.Any]) -> str | None:
        links = document.get("links")
        url = links.get("next") if isinstance(links, dict) else None
        if not isinstance(url, str) or not url:
            return None
        if url.startswith("/iris/"):
            return url
        if not url.startswith(f"{self.url}/"):
            raise web_errors.unexpected("a next page on another host")
        return url.removeprefix(self.url)

    def _ask(self, path: str) -> dict[str, t.Any]:
        return self._document(self._send("GET", path), path == _SESSION)

    def _document(self, reply: Reply, is_session: bool = False) -> dict[str, t.Any]:
        document = json_of(reply)
        if document is None or reply.status >= 300:
            # A service or a proxy that repeats what it was sent must not show the session.
            raise web_errors.refused(reply, self.session.mask(document), is_session)
        return document

    def _send(self, method: str, path: str, body: t.Any = None, is_one_time: bool = False) -> Reply:
        host = str(urlsplit(self.url).hostname)
        if not self.session.fits(host) and not is_loopback(host):
            raise InputError("session", f"has no cookie myacinfo for {host}.", "Correct it or app_store_connect_url.")
        if self._has_called and not is_loopback(host):
            self.transport.pause(_COURTESY_S)
        self._has_called = True
        call = Call(
            method,
            f"{self.url}{path}",
            lambda: self._headers(path, host, body is not None),
            json.dumps(body).encode() if body is not None else None,
            is_repeatable=not is_one_time,
            least_seconds=ONE_TIME_S if is_one_time else 0.0,
        )
        reply = self.transport.send(call)
        self.session.refresh(reply.set_cookies, host)
        return reply

    def _headers(self, path: str, host: str, has_body: bool) -> dict[str, str]:
        headers = {
            "Accept": "application/vnd.api+json, application/json",
            "Cookie": self.session.header(host, sends_all=is_loopback(host)),
        }
        if path.startswith("/iris/"):
            headers |= {
                "X-CSRF-ITC": "[asc-ui]",
                "Origin": HOST,
                "Referer": f"{HOST}/access/integrations/api",
            }
        else:
            headers["X-Requested-With"] = "olympus-ui"
        return headers | ({"Content-Type": "application/json"} if has_body else {})


def _may_be_done(reply: Reply) -> bool:
    """Tell whether an answer without what it should hold may follow a step that was done."""
    # A page instead of JSON is a sign-in page, or a proxy's.
    is_page = reply.status == 200 and json_of(reply) is None
    return reply.status >= 500 or (reply.status < 300 and not is_page)


def _team(entry: t.Any) -> Team | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("providerId"), int):
        return None
    try:
        issuer_id = parse_issuer_id(str(entry.get("publicProviderId")))
    except RefundsError:
        return None
    return Team(entry["providerId"], issuer_id, str(entry.get("name", "")))


def _listed(teams: t.Sequence[Team]) -> str:
    return "; ".join(f"{shown(team.name)} team_id {team.provider_id} issuer_id {team.issuer_id}" for team in teams)


def _key(entry: t.Any) -> RemoteKey:
    key_id = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise web_errors.unexpected("a key without an ID")
    given = entry.get("attributes")
    attributes: dict[str, t.Any] = given if isinstance(given, dict) else {}

    def read(name: str, kind: type) -> t.Any:
        value = attributes.get(name)
        return value if isinstance(value, kind) else None

    return RemoteKey(
        key_id=key_id,
        name=read("nickname", str),
        is_active=read("isActive", bool),
        can_download=read("canDownload", bool),
        last_used=read("lastUsed", str),
        revoked_at=read("revokingDate", str),
    )
