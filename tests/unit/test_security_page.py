# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SECURITY.md says what is stored and what is sent where: every option that names a place to send to is on it."""

from __future__ import annotations

import importlib
import json
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

# What an event says of a sale and of the notification about it. Any other field is about the customer.
OF_THE_SALE = {
    *("schema", "kind", "what", "sequence", "source", "environment", "bundle_id", "signed_at", "recorded_at"),
    *("notification_uuid", "transaction_id", "original_transaction_id", "product_id", "product_type", "quantity"),
    *("refund_date", "amount", "amount_milliunits", "amount_is_assumed_full", "currency", "is_family_shared"),
    *("reason", "revocation_type", "price", "price_milliunits", "storefront"),
    *("reversed_at", "answer_until"),
}


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
    texts = [
        path.read_text() for kind in ("playbooks", "extensions/eda/rulebooks") for path in (ROOT / kind).glob("*.yml")
    ]
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


def _fields(schema: t.Mapping[str, t.Any]) -> set[str]:
    """Return the fields of the event, of whichever kind."""
    parts = [schema, *(part["then"] for part in schema["allOf"])]
    return {name for part in parts for name in part["properties"]}


def test_what_an_event_has_about_a_customer_is_on_the_page() -> None:
    fields = _fields(json.loads((ROOT / "docs/refund-event.schema.json").read_text()))
    section = PAGE.partition("### Data about customers")[2].partition("\n## ")[0]
    assert set(re.findall(r"^- `(\w+)`", section, re.MULTILINE)) == fields - OF_THE_SALE
    assert fields >= OF_THE_SALE
    guide = (ROOT / "docs/guides/events.md").read_text()
    sent = (ROOT / "playbooks/refund_ticket.yml").read_text()
    assert [name for name in fields - OF_THE_SALE if f"`{name}`" not in guide] == []
    told = PAGE.partition("## What is sent where")[2].partition("\n## ")[0]
    assert [name for name in fields - OF_THE_SALE if f"event.{name}" in sent and f"`{name}`" not in told] == []


def test_the_questions_of_the_issue_are_answered() -> None:
    heads = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    wanted = ["What is trusted", "What is stored", "What is sent where", "What an attacker can do"]
    assert [head for head in ("Report a vulnerability", *wanted, "Verify a release") if head not in heads] == []
