# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks of the rulebooks: their URLs and headers are secrets, and are sent safely or not at all."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import unit_forks
from unit_servers import Scripted, scripted
from unit_support import ROOT

pytestmark = pytest.mark.services
FIELDS = (
    "what",
    "product_id",
    "bundle_id",
    "price",
    "transaction_id",
    "signed_at",
    "answer_until",
    "notification_uuid",
)
EVENT = {"ansible_eda": {"event": dict.fromkeys(FIELDS, "x")}}
SECRET = "hunter2-of-the-webhook"
Json = dict[str, t.Any]


def run(name: str, folder: Path, **given: t.Any) -> unit_forks.Ran:
    variables = {**EVENT, "refund_ticket_headers": {}, "refund_ticket_fields": {}, **given}
    arguments = ("-c", "local", "-e", json.dumps(variables))
    return unit_forks.run_playbook(ROOT / f"playbooks/{name}.yml", "localhost,", *arguments, folder=folder)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Scripted]:
    """Serve as what http_proxy names; nothing is to come here."""
    with scripted() as server:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, server.url)
        yield server
        assert not server.connections


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
