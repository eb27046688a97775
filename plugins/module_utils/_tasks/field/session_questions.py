# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to App Store Connect's web endpoints, by GET alone: no team is switched, no key made or revoked."""

from __future__ import annotations

import re
import typing as t

from ..._apple.app_store_connect import AppStoreConnect
from ..._model.assumption import Finding, judged, shape

PART = "app_store_connect"
_KEY_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_UUID = re.compile(r"[0-9a-fA-F-]{36}")
_ATTRIBUTES = {"nickname": str, "isActive": bool, "canDownload": bool}


def session_questions(connect: AppStoreConnect) -> t.Iterator[Finding]:
    """Yield what was found. Raises RefundsError."""
    session = connect.session_document()
    provider = session.get("provider")
    listed = session.get("availableProviders")
    is_so = _is_team(provider) and isinstance(listed, list) and all(map(_is_team, listed))
    text = "The session names its team and all teams, each with providerId and publicProviderId (the Issuer ID)."
    yield Finding(PART, "session", text, shape(session), judged(is_so))
    page = connect.keys_document()
    entries = page.get("data")
    known = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    text = "In-App Purchase keys are listed below data, each with its Key ID as id and with attributes."
    is_so = isinstance(entries, list) and all(
        _KEY_ID.fullmatch(str(entry.get("id", ""))) and isinstance(entry.get("attributes"), dict) for entry in known
    )
    yield Finding(PART, "keys", text, shape(page), judged(is_so and len(known) == len(entries or [])))
    for name, kind in _ATTRIBUTES.items():
        text = f"A key's attribute {name} is {'a text' if kind is str else 'true or false'}."
        values = [entry["attributes"].get(name) for entry in known if isinstance(entry.get("attributes"), dict)]
        seen = ", ".join(sorted({shape(value) for value in values})) or "no key is listed"
        outcome = judged(all(isinstance(value, kind) for value in values)) if values else "not_seen"
        yield Finding(PART, f"key_{name}", text, seen, outcome)


def _is_team(entry: t.Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("providerId"), int):
        return False
    return _UUID.fullmatch(str(entry.get("publicProviderId", ""))) is not None
