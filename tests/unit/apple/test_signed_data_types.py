# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done with a payload after Apple's library found it sound: its type and its parts."""

from __future__ import annotations

import hashlib
import typing as t

import pytest
from payload_support import UUID, jws, notice, transaction

from ansible_collections.storeops.refunds.plugins.module_utils._apple import signed_data
from ansible_collections.storeops.refunds.plugins.module_utils._apple.root_certificate import apple_root
from ansible_collections.storeops.refunds.plugins.module_utils._apple.signed_data import SignedData, claims
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification, Rejected


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> SignedData:
    """Verifies for one app; every signature is found sound."""
    made = SignedData(apple_root(), "sandbox", "com.example.one", None)
    monkeypatch.setattr(made, "_verified", lambda text, verify: None)
    return made


@pytest.mark.parametrize("wanted", ["REFUND", "REFUND_REVERSED", "REFUND_DECLINED"])
@pytest.mark.parametrize("kind", ["REFUND", "REFUND_REVERSED", "REFUND_DECLINED", "REVOKE", "TEST", "refund"])
def test_a_sound_payload_of_another_type_is_not_taken(sound: SignedData, kind: str, wanted: t.Any) -> None:
    found = sound.notification(notice(kind, signedTransactionInfo=jws(transaction())), wanted)
    if kind == wanted:
        assert isinstance(found, Notification)
    else:
        text = notice(kind, signedTransactionInfo=jws(transaction()))
        assert found == Rejected(hashlib.sha256(text.encode()).hexdigest(), UUID, "wrong_type")


@pytest.mark.parametrize("data", [{}, {"signedTransactionInfo": None}, {"signedTransactionInfo": {}}])
def test_a_notification_without_a_transaction(sound: SignedData, data: dict[str, t.Any]) -> None:
    found = sound.notification(notice("REFUND", **data), "REFUND")
    assert isinstance(found, Rejected) and found.reason == "missing_transaction"


@pytest.mark.parametrize(
    "text", ["", "a.b", "a.b.c", "a.b.c.d", jws({}).replace(".", "", 1), f"{jws({})}.x", "\u00e9.\u00e9.\u00e9"]
)
def test_what_is_no_jws_claims_nothing(text: str) -> None:
    assert claims(text) is None
    assert "undecodable" in signed_data.REASONS


def test_the_inner_payload_is_verified_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made = SignedData(apple_root(), "sandbox", "com.example.one", None)
    seen: list[str] = []
    monkeypatch.setattr(made, "_verified", lambda text, verify: seen.append(text))
    inner = jws(transaction())
    outer = notice("REFUND", signedTransactionInfo=inner)
    made.notification(outer, "REFUND")
    assert seen == [outer, inner]
