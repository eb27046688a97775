# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks of the rulebooks: their URLs and headers are secrets, and are sent safely or not at all."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
import unit_forks
import yaml
from unit_servers import Canned, Scripted, scripted
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._model.event import ConsumptionRequest, events_of
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification, Refund

pytestmark = pytest.mark.services
FIELDS = (
    "what",
    "product_id",
    "bundle_id",
    "environment",
    "price",
    "transaction_id",
    "signed_at",
    "answer_until",
    "notification_uuid",
)
EVENT = {"ansible_eda": {"event": dict.fromkeys(FIELDS, "x")}}
SECRET = "hunter2-of-the-webhook"
Json = dict[str, t.Any]


def run(name: str, folder: Path, book: Path | None = None, **given: t.Any) -> unit_forks.Ran:
    variables = {**EVENT, "refund_ticket_headers": {}, "refund_ticket_fields": {}, **given}
    arguments = ("-c", "local", "-e", json.dumps(variables))
    return unit_forks.run_playbook(book or ROOT / f"playbooks/{name}.yml", "localhost,", *arguments, folder=folder)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Scripted]:
    """Serve as what http_proxy names; nothing is to come here."""
    with scripted() as server:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, server.url)
        yield server
        assert not server.connections


REFUND = Refund("20", 1_760_000_000_000, "10", "coins", "Consumable", 1, 1_760_000_000_000, 9990, "EUR", 100_000, 1,
                "REFUND_FULL", "PURCHASED", "DEU", "u1", 1_760_000_000_000)  # fmt: skip
OVER = replace(REFUND, reversed_at=1_760_000_100_000)
FAMILY: dict[str, t.Any] = {"ownership": "FAMILY_SHARED", "revocation_type": "FAMILY_REVOKE"}
BACK = Notification("u2", "REFUND_REVERSED", 1_760_000_100_000, "20", None)
ASKED = ConsumptionRequest("u3", 1_760_000_000_000, "20", None, None, None, None, None, None)
TAIL = ", transaction 20, signed 2025-10-09"
TEXTS = {
    "plain": (events_of([(None, REFUND)], []), "Refund: coins in com.example.one, -9.99 EUR"),
    "over": (events_of([(None, OVER)], [])[:1], "Refund, reversed already: coins in com.example.one, -9.99 EUR"),
    "reversed": (events_of([(REFUND, OVER)], []), "Refund reversed: coins in com.example.one, -9.99 EUR"),
    "unmatched": (
        events_of([], [BACK], unmatched=[BACK]),
        "Refund reversed: unknown product in com.example.one, unknown",
    ),
    "family": (
        events_of([(None, replace(REFUND, **FAMILY))], []),
        "Access within a family ended: coins in com.example.one, unknown",
    ),
    "family over": (
        events_of([(None, replace(OVER, **FAMILY))], [])[:1],
        "Access within a family ended, given back already: coins in com.example.one, unknown",
    ),
    "family given back": (
        events_of([(replace(REFUND, **FAMILY), replace(OVER, **FAMILY))], []),
        "Access within a family given back: coins in com.example.one, unknown",
    ),
    "asked": ([ASKED.event()], "Consumption information is asked for: unknown product in com.example.one, unknown"),
}


def test_the_text_says_of_each_event_what_it_is(tmp_path: Path) -> None:
    """The texts as the playbooks make them, of all events in one play."""
    made = {"bundle_id": "com.example.one", "signed_at": "2025-10-09T08:53:20Z"}
    places = {"production": "com.example.one", "sandbox": "com.example.one (sandbox)"}
    books = [yaml.safe_load((ROOT / f"playbooks/refund_{name}.yml").read_text())[0] for name in ("message", "ticket")]
    body = {"messages": "{{ __texts }}", "titles": "{{ __titles }}", "ticket": "{{ refund_ticket_own.description }}"}
    texts = {
        "__texts": "{{ __texts | default([]) + [refund_message_text] }}",
        "__titles": "{{ __titles | default([]) + [refund_ticket_own.title] }}",
    }
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "connection": "local",
        "vars": {
            **books[0]["vars"],
            **books[1]["vars"],
            "events": [
                {"answer_until": "then", **made, "environment": place, **event.fields}
                for place in places
                for (event,), _text in TEXTS.values()
            ],
            "ansible_eda": {"event": "{{ item | default(events[-1]) }}"},
        },
        "tasks": [
            {"ansible.builtin.set_fact": texts, "loop": "{{ events }}"},
            {"ansible.builtin.copy": {"content": body, "dest": f"{tmp_path}/texts.json", "mode": "0600"}},
        ],
    }
    book = tmp_path / "play.yml"
    book.write_text(json.dumps([play]))
    ran = unit_forks.run_playbook(book, "localhost,", folder=tmp_path)
    assert ran.code == 0, ran
    found = json.loads((tmp_path / "texts.json").read_text())
    wanted = [
        f"{text.replace('com.example.one', name)}{TAIL}T08:53:20Z"
        for name in places.values()
        for _events, text in TEXTS.values()
    ]
    assert {title.partition(": ")[2] for title in found["titles"][: len(TEXTS)]} == {"com.example.one"}
    assert {title.partition(": ")[2] for title in found["titles"][len(TEXTS) :]} == {"com.example.one (sandbox)"}
    assert found["messages"] == wanted and len(set(wanted)) == len(wanted)
    assert "transaction 20 (unknown product, unknown). The customer's reason: not given." in found["ticket"]


# What is shown of those with a secret is scanned in tests/secrets.
@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("refund_message", {"refund_chat_url": ""}, "refund_chat_url: isn't set."),
        ("refund_message", {"refund_chat_url": f"http://chat.corp/{SECRET}"}, "refund_chat_url: credentials are sent"),
        (
            "refund_ticket",
            {"refund_ticket_url": "https://x.example", "refund_ticket_headers": f"Authorization: {SECRET}"},
            "refund_ticket_headers: isn't a mapping.",
        ),
    ],
)
def test_what_can_not_be_sent_is_refused_and_not_shown(name: str, given: Json, said: str, tmp_path: Path) -> None:
    ran = run(name, tmp_path, **given)
    assert ran.code == 2 and said in ran.output and SECRET not in ran.output + ran.errors, ran.output


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize(
    ("name", "variable"), [("refund_message", "refund_chat_url"), ("refund_ticket", "refund_ticket_url")]
)
def test_a_pasted_url_is_trimmed_and_asked_past_the_proxy(name: str, variable: str, tmp_path: Path) -> None:
    with scripted() as server:
        ran = run(name, tmp_path, **{variable: f" {server.url}/{SECRET}?a=b\n"})
        assert ran.code == 0 and SECRET not in ran.output + ran.errors, ran.output
        assert server.paths == [f"/{SECRET}?a=b"]


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize(
    ("name", "variable", "minutes"),
    [("refund_message", "refund_chat_url", 2.5), ("refund_ticket", "refund_ticket_url", 10)],
)
def test_a_service_that_is_away_for_a_while_is_waited_for(
    name: str, variable: str, minutes: float, tmp_path: Path
) -> None:
    """The engine never runs it again."""
    play = yaml.safe_load((ROOT / f"playbooks/{name}.yml").read_text())
    task = play[0]["tasks"][-1]
    assert task["retries"] * task["delay"] == minutes * 60
    task["delay"] = 0
    book = tmp_path / f"{name}.yml"
    book.write_text(json.dumps(play))
    with scripted(*[Canned(503)] * 4, Canned(201)) as server:
        ran = run(name, tmp_path, book, **{variable: server.url})
        assert ran.code == 0 and len(server.paths) == 5, ran.output
