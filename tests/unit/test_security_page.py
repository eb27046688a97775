# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SECURITY.md says what is stored and what is sent where: every option that names a place to send to is on it."""

from __future__ import annotations

import importlib
import re
import typing as t

import pytest
from unit_support import ROOT

pytestmark = pytest.mark.once
PAGE = (ROOT / "SECURITY.md").read_text()
MODULES = "ansible_collections.storeops.refunds.plugins.modules"
# What only names where App Store Connect itself is, for tests; and URLs that are stored and not asked.
OWN = {"app_store_connect_url", "on_other_url", "production_url", "sandbox_url", "notification_url"}
TRACKERS = {"revenuecat.url", "qonversion.url", "devtodev.url", "ledger.url", "from_ledger.url", "to_ledger.url"}


def _urls(spec: t.Mapping[str, t.Any], above: str = "") -> t.Iterator[str]:
    """Yield every option that holds a URL, with what it lies below."""
    for name, option in spec.items():
        if name == "url" or name.endswith("_url") or name == "forward_to":
            yield f"{above}{name}"
        yield from _urls(option.get("options") or {}, f"{name}." if option.get("type") == "dict" else "")


def test_every_place_that_is_sent_to_is_on_the_page() -> None:
    found: set[str] = set()
    for path in (ROOT / "plugins/modules").glob("*.py"):
        found |= set(_urls(importlib.import_module(f"{MODULES}.{path.stem}").TASK.argument_spec))
    texts = [path.read_text() for kind in ("playbooks", "extensions/eda/rulebooks") for path in (ROOT / kind).iterdir()]
    found |= set(re.findall(r"\b(refund_(?:chat|ticket)_url)\b", "".join(texts)))
    found |= set(re.findall(r"^        (forward_to):", "".join(texts), re.MULTILINE))
    assert {"refund_chat_url", "refund_ticket_url", "forward_to", "app_store_server_url"} <= found
    assert [name for name in sorted(found - OWN - TRACKERS) if f"`{name}`" not in PAGE] == []


def test_every_role_that_hands_a_key_on_is_on_the_page() -> None:
    handing = {
        path.relative_to(ROOT / "roles").parts[0]
        for path in (ROOT / "roles").rglob("*.yml")
        if re.search(r"ansible\.builtin\.(uri|command|shell|copy):", path.read_text())
    }
    assert handing == {"iap_key_custody"} and all(f"`{name}`" in PAGE for name in handing)


def test_the_questions_of_the_issue_are_answered() -> None:
    heads = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    wanted = ["What is trusted", "What is stored", "What is sent where", "What an attacker can do"]
    assert [head for head in ("Report a vulnerability", *wanted, "Verify a release") if head not in heads] == []
