# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The App Store app entries of one RevenueCat project: listed once, created, updated, deleted."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from .._model.errors import RefundsError, after_writing
from .._model.identifiers import shown
from .._model.permit import Permission, Permit
from .._model.secret import Secret
from .json_api import Document, JsonApi, Refused

_TYPE = "app_store"
# Beyond it RevenueCat clamps the number (its documentation of the list of projects, 2026); its rate limit is low.
_PAGE = 100
_MOST_PAGES = 500
_LISTING = "listing the apps of revenuecat.project_id"


@dataclass(frozen=True)
class AppEntry:
    """``has_key``: whether an In-App Purchase key is configured, the one thing that can be read back of it.

    None where the answer doesn't say: RevenueCat's specification of January 2026 doesn't require the field.
    """

    app_id: str
    bundle_id: str
    has_key: bool | None


class Apps:
    """The apps of one project, for all who work on it."""

    def __init__(self, api: JsonApi, project: str) -> None:
        self._api = api
        self._path = f"/v2/projects/{quote(project, safe='')}/apps"
        self._entries: list[AppEntry] | None = None
        self._failed: RefundsError | None = None

    def entries(self) -> list[AppEntry]:
        """Return all entries of the App Store, read once from all pages. What failed isn't asked for again."""
        if self._failed:
            raise self._failed.with_traceback(None)
        if self._entries is None:
            try:
                self._entries = [entry for page in self._pages() for item in page if (entry := self._read(item))]
            except RefundsError as error:
                self._failed = error
                raise
        return self._entries

    def find(self, bundle_id: str) -> AppEntry | None:
        """Return the entry of exactly that bundle ID. Raises RefundsError when there are several."""
        found = [entry for entry in self.entries() if entry.bundle_id == bundle_id]
        if len(found) > 1:
            ids = ", ".join(shown(entry.app_id) for entry in found)
            raise RefundsError(
                f"{bundle_id}: this RevenueCat project has {len(found)} App Store apps with this bundle ID ({ids}).",
                "Delete the wrong ones in RevenueCat's dashboard.",
            )
        return found[0] if found else None

    def forget(self) -> None:
        """Read the list anew when it is asked for next."""
        self._entries = self._failed = None

    def create(self, name: str, fields: Document, secrets: t.Sequence[Secret]) -> AppEntry:
        """Create an entry. Sent once: a second one would be a second app."""
        doing = f"{fields['bundle_id']}: creating its app entry"
        body: Document = {"name": name, "type": _TYPE, _TYPE: fields}
        answer = self._api.ask(doing, "POST", self._path, body, secrets=secrets, is_repeatable=False)
        return self._written(doing, str(fields["bundle_id"]), answer)

    def update(self, entry: AppEntry, fields: Document, secrets: t.Sequence[Secret]) -> AppEntry:
        """Set ``fields`` alone: what is not sent stays as it is."""
        doing = f"{entry.bundle_id}: updating the key of its app entry"
        # The same values twice are the same as once.
        answer = self._api.ask(doing, "POST", self._place(entry), {_TYPE: fields}, secrets=secrets)
        return self._written(doing, entry.bundle_id, answer)

    def ask_to_delete(self, bundle_id: str, permission: Permission) -> tuple[AppEntry | None, Permit | None]:
        """Return the entry, if there is one, and the permit to delete it; in check mode, that is recorded only."""
        entry = self.find(bundle_id)
        return entry, permission.ask(bundle_id, f"the app {entry.app_id} has this bundle ID") if entry else None

    def delete(self, bundle_id: str, permission: Permission) -> None:
        """Delete the whole entry; one that is gone already is no error."""
        entry, permit = self.ask_to_delete(bundle_id, permission)
        if entry is None or permit is None:
            return
        permit.require("delete_app", bundle_id)
        try:
            self._api.ask(f"{bundle_id}: deleting its app entry", "DELETE", self._place(entry))
        except Refused as error:
            if error.status != 404:
                raise
        permission.done(permit)
        self.forget()

    def _place(self, entry: AppEntry) -> str:
        return f"{self._path}/{quote(entry.app_id, safe='')}"

    def _written(self, doing: str, bundle_id: str, answer: Document) -> AppEntry:
        entry = _entry(answer)
        if entry is None or entry.bundle_id != bundle_id:
            with after_writing():
                raise self._api.unexpected(doing, "another app than the one that was sent")
        others = [each for each in self._entries or [] if each.bundle_id != bundle_id]
        self._entries = [*others, entry]
        return entry

    def _pages(self) -> t.Iterator[list[t.Any]]:
        query = f"?limit={_PAGE}"
        seen: set[str] = set()
        while len(seen) < _MOST_PAGES:
            document = self._api.ask(_LISTING, "GET", f"{self._path}{query}")
            items, next_page = document.get("items"), document.get("next_page")
            if not isinstance(items, list):
                raise self._api.unexpected(_LISTING, "a list without items")
            yield items
            if not next_page:
                return
            # An app on a page that is not read would be created a second time.
            cursor = _cursor(next_page)
            if cursor is None or cursor in seen:
                raise self._api.unexpected(_LISTING, "a next page that repeats itself")
            seen.add(cursor)
            query = f"?limit={_PAGE}&starting_after={quote(cursor, safe='')}"
        raise self._api.unexpected(_LISTING, "a list that has no end")

    def _read(self, item: t.Any) -> AppEntry | None:
        """Return an entry of the App Store, None for one of another store."""
        entry = _entry(item)
        if entry is None and isinstance(item, dict) and item.get("type") == _TYPE:
            raise self._api.unexpected(_LISTING, "an App Store app without ID or bundle ID")
        return entry


def _cursor(next_page: t.Any) -> str | None:
    """Return where the next page starts: taken out of its address, which itself is never followed."""
    try:
        found = parse_qs(urlsplit(next_page).query).get("starting_after") if isinstance(next_page, str) else None
    except ValueError:
        return None
    return found[0] if found else None


def _entry(item: t.Any) -> AppEntry | None:
    """Return a whole entry of the App Store; None for anything else."""
    if not isinstance(item, dict) or item.get("type") != _TYPE:
        return None
    details = item.get(_TYPE)
    app_id = item.get("id")
    bundle_id = details.get("bundle_id") if isinstance(details, dict) else None
    if not isinstance(details, dict) or not isinstance(app_id, str) or not isinstance(bundle_id, str):
        return None
    has_key = details.get("subscription_key_configured")
    return AppEntry(app_id, bundle_id, has_key if isinstance(has_key, bool) else None)
