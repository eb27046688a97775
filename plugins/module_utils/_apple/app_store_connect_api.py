# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The App Store Connect API (the public one, with API keys): the apps of a team and their notification URLs.

Source: developer.apple.com/documentation/appstoreconnectapi/get-v1-apps, …/patch-v1-apps-_id_
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, urlencode, urlsplit

from .._http import RETRIED_STATUSES, Advice, Call, Reply, Transport
from .._model.errors import RefundsError
from .._model.foreign_json import json_object
from .._model.identifiers import is_loopback, shown
from .._model.masking import Masker
from .._model.secret import Secret
from . import connect_api_errors
from .app_record import FIELDS, AppRecord, app_record
from .token import ConnectApiCredentials, sign_for_connect_api

__all__ = ["HOST", "AppRecord", "AppStoreConnectApi", "ConnectApiCredentials"]

HOST = "https://api.appstoreconnect.apple.com"
_APPS = "/v1/apps"
# The largest page (observed: github.com/rorkai/App-Store-Connect-CLI).
_PAGE = 200
# 100,000 apps. A list without an end is a fault of the other side.
_MOST_PAGES = 500
# A filter stands in the URL: 50 bundle IDs stay well below what servers take.
_CHUNK = 50
# A version that can be bought now. That such an app is one which production answers for is an inference.
_RELEASED = {"filter[appStoreVersions.appStoreState]": "READY_FOR_SALE"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


def _silent(_text: str) -> None:
    """Say nothing."""


@dataclass
class AppStoreConnectApi:
    """The API for one key. ``base_url``: None is Apple's. ``now`` gives UNIX seconds; ``warn`` shows a warning.

    Every method raises a RefundsError that says what to do.
    """

    transport: Transport
    base_url: str | None
    credentials: ConnectApiCredentials = field(repr=False)
    now: t.Callable[[], float]
    warn: t.Callable[[str], None] = _silent
    _last_token: Secret | None = field(default=None, init=False, repr=False)
    _has_warned: bool = field(default=False, init=False, repr=False)

    @property
    def url(self) -> str:
        return self.base_url or HOST

    def apps(self, bundle_ids: t.Sequence[str] = (), with_released: bool = False) -> list[AppRecord]:
        """Return the team's apps sorted by bundle ID: all, or those of ``bundle_ids`` that exist, capitals included.

        ``with_released`` asks in a second listing which of them are on sale, and fills ``is_released``.
        """
        found = self._listed(bundle_ids, {"fields[apps]": ",".join(FIELDS)}, warns=True)
        if with_released:
            released = {app.apple_id for app in self._listed(bundle_ids, {"fields[apps]": "bundleId", **_RELEASED})}
            found = [replace(app, is_released=app.apple_id in released) for app in found]
        return sorted(found, key=lambda app: (app.bundle_id, app.apple_id))

    def set_notification_urls(self, apple_id: int, attributes: t.Mapping[str, str]) -> None:
        """Set attributes of an app. The answer does not show them (App Store Connect API release notes, 1.7)."""
        data = {"type": "apps", "id": str(apple_id), "attributes": dict(attributes)}
        self._ask(f"{self.url}{_APPS}/{apple_id}", "PATCH", json.dumps({"data": data}).encode())

    def app(self, apple_id: int) -> AppRecord:
        """Return one app as it is now."""
        query = urlencode({"fields[apps]": ",".join(FIELDS)}, safe=",")
        found = app_record(self._ask(f"{self.url}{_APPS}/{apple_id}?{query}").get("data"))
        if found is None or found.apple_id != apple_id:
            raise connect_api_errors.unexpected("another app than it was asked for")
        return found

    def first_page(self, is_released: bool = False) -> dict[str, t.Any]:
        """Return the first page of the list of apps as it came, for the field check."""
        query = {"limit": str(_PAGE), "fields[apps]": ",".join(FIELDS), **(_RELEASED if is_released else {})}
        return self._ask(f"{self.url}{_APPS}?{urlencode(query, safe=',')}")

    def has_more(self, page: t.Mapping[str, t.Any]) -> bool:
        """Tell whether another page follows one."""
        return self._next(page) is not None

    def _listed(
        self, bundle_ids: t.Sequence[str], query: t.Mapping[str, str], warns: bool = False
    ) -> t.Sequence[AppRecord]:
        wanted = list(dict.fromkeys(bundle_ids))
        chunks = [wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK)] or [[]]
        found: dict[int, AppRecord] = {}
        skipped = 0
        for chunk in chunks:
            filters = {"filter[bundleId]": ",".join(chunk)} if chunk else {}
            for entry in self._entries({"limit": str(_PAGE), "sort": "bundleId", **query, **filters}):
                app = app_record(entry)
                skipped += app is None
                # Whether Apple's filter is exact or takes prefixes is not documented.
                if app is not None and (not chunk or app.bundle_id in chunk):
                    found[app.apple_id] = app
        if skipped and warns:
            self.warn(
                f"{skipped} entries of the App Store Connect API were left out: no apps with a numeric ID and a sound "
                "bundle ID."
            )
        return list(found.values())

    def _entries(self, query: t.Mapping[str, str]) -> t.Iterator[t.Any]:
        url: str | None = f"{self.url}{_APPS}?{urlencode(query, safe=',')}"
        asked: set[str] = set()
        while url is not None:
            if url in asked or len(asked) >= _MOST_PAGES:
                raise connect_api_errors.unexpected("a list of apps that has no end")
            asked.add(url)
            document = self._ask(url)
            entries = document.get("data")
            if not isinstance(entries, list):
                raise connect_api_errors.unexpected("no list of apps")
            yield from entries
            url = self._next(document)

    def _next(self, document: t.Mapping[str, t.Any]) -> str | None:
        links = document.get("links")
        url = links.get("next") if isinstance(links, dict) else None
        if url is None or url == "":
            return None
        if not isinstance(url, str) or not self._is_own(url):
            raise RefundsError(
                f"The App Store Connect API names a next page at another place ({shown(str(url))}), where the token "
                "is not sent.",
                "Look at app_store_connect_api_url and at proxies in between.",
            )
        return url

    def _is_own(self, url: str) -> bool:
        """Tell whether a link of an answer leads to the same list on the same host and port, over https or loopback."""
        base = urlsplit(self.url)
        try:
            parts = urlsplit(url)
            is_same = _origin(parts) == _origin(base)
        except ValueError:
            return False
        is_odd = "@" in parts.netloc or not url.isascii() or "\\" in url or any(ord(char) < 33 for char in url)
        is_safe = parts.scheme == "https" or is_loopback(parts.hostname)
        return is_same and is_safe and not is_odd and parts.path == f"{base.path}{_APPS}"

    def _ask(self, url: str, method: str = "GET", body: bytes | None = None) -> dict[str, t.Any]:
        # An update sets the same values each time, so it is safe to repeat.
        reply = self.transport.send(Call(method, url, self._headers, body, advice=_advice))
        self._look_at_quota(reply)
        document = json_object(reply.body)
        if not 200 <= reply.status < 300:
            raise connect_api_errors.refused(reply, self._masked(document), not self.credentials.issuer_id, self.now())
        if document is None:
            raise connect_api_errors.unexpected(f"{reply.content_type or 'no content type'!a} instead of JSON")
        return document

    def _headers(self) -> dict[str, str]:
        self._last_token = sign_for_connect_api(self.credentials, self.now())
        return {"Authorization": f"Bearer {self._last_token.reveal()}", "Content-Type": "application/json"}

    def _masked(self, document: dict[str, t.Any] | None) -> dict[str, t.Any] | None:
        # A proxy that repeats what it was sent must not show the token.
        secrets = [self._last_token.reveal()] if self._last_token else []
        return t.cast("dict[str, t.Any] | None", Masker(secrets).mask(document))

    def _look_at_quota(self, reply: Reply) -> None:
        left = connect_api_errors.quota(reply)
        if left and left.is_low and not self._has_warned:
            self._has_warned = True
            self.warn(
                f"App Store Connect API key {self.credentials.key_id}: {left.remaining} of {left.limit} requests of "
                "this hour are left. Cache the inventory, or give this work a key of its own."
            )


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _advice(reply: Reply) -> Advice:
    left = connect_api_errors.quota(reply)
    # The hour's quota does not come back within a run; a burst limit does.
    is_used_up = reply.status == 429 and left is not None and left.remaining == 0
    return Advice(reply.status in RETRIED_STATUSES and not is_used_up)
