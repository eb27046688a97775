# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From Apple's refund to a rule's action, with a real ansible-rulebook and Java."""

from __future__ import annotations

import signal
import typing as t

import pytest
from rulebooks import BUNDLE_ID, Scene, until

LISTENS = "refund_events listens on"
INTERVAL_S = 10


def test_a_message_from_apples_notification_and_after_a_kill(scene: Scene) -> None:
    variables = scene.variables("listen", refund_chat_url=f"{scene.sink.url}/chat")
    variables |= {"refund_events_forward_to": [f"{scene.sink.url}/further"], "refund_events_send_timeout": 60}
    first = scene.start("storeops.refunds.refund_message", variables)
    try:
        first.wait_for(LISTENS)
        told = scene.tell("REFUND", 1)
        assert [attempt["result"] for attempt in told["send_attempts"]] == ["SUCCESS"]
        forged = scene.tell("REFUND", 2, fault="wrong_root")
        assert forged["send_attempts"][0]["result"] == "UNSUCCESSFUL_HTTP_RESPONSE_CODE"
        (message,) = until(lambda: scene.sink.to("/chat"), "a message")
        assert "Refund: coins in com.example.one, -9.99 EUR, transaction 2000000000000001" in message["text"]
        # Else the next process would hand it on again.
        until(lambda: scene.done() >= 1, "an end of the first event")
        # The further URL got the sound one alone, untouched.
        assert [list(body) for body in scene.sink.to("/further")] == [["signedPayload"]]
    finally:
        first.end(signal.SIGKILL)
    # Nobody listens: Apple tries again after an hour, and meanwhile the process is there again.
    scene.tell("REFUND", 3)
    second = scene.start("storeops.refunds.refund_message", variables)
    try:
        second.wait_for(LISTENS)
        now = scene.control("GET", "/clock")["now_ms"]
        scene.control("PUT", "/clock", {"now_ms": now + 3_700_000})
        until(lambda: len(scene.sink.to("/chat")) == 2, "the message of what was told while nobody listened")
        deliveries = scene.control("GET", "/deliveries")["deliveries"]
        assert [attempt["result"] for attempt in deliveries[-1]["attempts"]][-1] == "SUCCESS"
        assert "2000000000000003" in scene.sink.to("/chat")[1]["text"]
    finally:
        second.end()


def test_a_ticket_by_polling(scene: Scene) -> None:
    headers = {"Authorization": "Bearer of-the-ticket-system"}
    own = {"project": "REFUNDS"}
    variables = scene.variables(
        "poll",
        refund_events_interval=INTERVAL_S,
        refund_ticket_url=f"{scene.sink.url}/tickets",
        refund_ticket_headers=headers,
        refund_ticket_fields=own,
    )
    running = scene.start("storeops.refunds.refund_ticket", variables)
    try:
        # The first reading is over once Apple was asked for consumption requests, too.
        until(lambda: _asked(scene) >= 4 and running.says(""), "a first reading")
        scene.control("PUT", "/notification_routes", [])
        scene.tell("CONSUMPTION_REQUEST", 1, consumption_request_reason="UNINTENDED_PURCHASE")
        scene.tell("REFUND", 2)
        (ticket,) = until(lambda: scene.sink.to("/tickets"), "a ticket")
        assert ticket["title"].startswith("Answer Apple by 20") and BUNDLE_ID in ticket["title"]
        assert "UNINTENDED_PURCHASE" in ticket["description"] and ticket["project"] == "REFUNDS"
        assert scene.sink.posted[0][1]["Authorization"] == headers["Authorization"]
        assert "of-the-ticket-system" not in running.log.read_text()
        # The refund came through the same outbox, and no rule wanted it.
        running.wait_for("'kind': 'refund'")
        assert len(scene.sink.to("/tickets")) == 1
    finally:
        running.end()


def _asked(scene: Scene) -> int:
    return len(scene.control("GET", "/calls?endpoint=get_notification_history")["calls"])


@pytest.mark.parametrize("given", [{}, {"refund_account_sandbox": True}], ids=["default", "sandbox"])
def test_ones_own_playbook_with_the_hashed_account(scene: Scene, given: dict[str, t.Any]) -> None:
    playbook = scene.folder / "block.yml"
    playbook.write_text(_PLAYBOOK.replace("SINK", scene.sink.url))
    variables = scene.variables(
        "listen", refund_account_playbook=str(playbook), refund_events_account_token="sha256", **given
    )
    running = scene.start("storeops.refunds.refund_account", variables)
    try:
        running.wait_for(LISTENS)
        scene.record_sandbox_refund()
        told = scene.tell("REFUND", 1)
        assert [attempt["result"] for attempt in told["send_attempts"]] == ["SUCCESS"]
        # One after the other: of the sandbox's, which came first, is heard before or never.
        until(lambda: [one for one in scene.sink.to("/block") if one["account"]], "a blocked account")
        posted = scene.sink.to("/block")
        assert [one["environment"] for one in posted] == [*["sandbox"] * len(given), "production"]
        assert len(posted[-1]["account"]) == 64 and posted[-1]["kind"] == "refund"
        assert "11111111-2222" not in running.log.read_text()
    finally:
        running.end()


_PLAYBOOK: t.Final = """
- hosts: localhost
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - ansible.builtin.uri:
        url: SINK/block
        method: POST
        body_format: json
        body:
          account: "{{ ansible_eda.event.account_token_sha256 | default('') }}"
          environment: "{{ ansible_eda.event.environment }}"
          kind: "{{ ansible_eda.event.kind }}"
"""
