# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict on every payload is that of Apple's library as it is."""

from __future__ import annotations

import base64
import functools
import json
import typing as t
from unittest import mock

import chains_support
import pytest
from appstoreserverlibrary.models.Environment import Environment
from appstoreserverlibrary.signed_data_verifier import SignedDataVerifier, VerificationException
from chains_support import START, YEARS, Signed, part
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_examples import examples

from ansible_collections.storeops.refunds.plugins.module_utils._apple.quick_verifier import make_verifier
from ansible_collections.storeops.refunds.plugins.module_utils._apple.signed_data import SignedData
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Rejected

BUNDLE_ID = "com.example.one"
APPLE_ID = 7
DAY_MS = 86_400_000
BEGIN = int(START.timestamp() * 1000)
# Within the validity of all three.
DATE = BEGIN + 300 * DAY_MS
UUID = "3edf8508-ac4a-4f95-b551-c7c033ba3fd8"


@functools.cache
def chain() -> Signed:
    return chains_support.make()


@functools.cache
def other() -> Signed:
    return chains_support.make()


@functools.cache
def verifiers() -> tuple[SignedDataVerifier, SignedDataVerifier]:
    """Ours, which has found the chain sound before, and Apple's as it is."""
    ours = make_verifier(chain().root, "production", BUNDLE_ID, APPLE_ID)
    ours.verify_and_decode_signed_transaction(chain().sign(transaction()))
    return ours, SignedDataVerifier([chain().root.der], False, Environment.PRODUCTION, BUNDLE_ID, APPLE_ID)


def transaction(**changes: t.Any) -> dict[str, t.Any]:
    return {"bundleId": BUNDLE_ID, "environment": "Production", "signedDate": DATE, "transactionId": "1", **changes}


def verdict(verifier: SignedDataVerifier, text: t.Any) -> object:
    """Give what was decoded, or the name of what was raised, with its status."""
    try:
        return verifier.verify_and_decode_signed_transaction(text)
    except VerificationException as error:
        return error.status
    except Exception as error:
        return type(error).__name__


def assert_same(text: t.Any) -> object:
    ours, apples = (verdict(verifier, text) for verifier in verifiers())
    assert ours == apples
    return ours


EDGES = [BEGIN + edge * DAY_MS for span in YEARS for edge in span]


@settings(max_examples=examples(150), deadline=None)
@given(
    st.one_of(
        st.sampled_from(EDGES).flatmap(lambda edge: st.integers(edge - 2_001, edge + 2_001)),
        st.integers(BEGIN - 400 * DAY_MS, BEGIN + 4000 * DAY_MS),
        st.sampled_from([None, True, 0, -1, 2**63, 1e12, 10**30, "1700000000000", "x", [], float("nan")]),
    )
)
def test_dates(date: t.Any) -> None:
    assert_same(chain().sign(transaction(signedDate=date)))
    assert_same(chain().sign({**transaction(receiptCreationDate=date), "signedDate": None}))


@settings(max_examples=examples(150), deadline=None)
@given(st.data())
def test_tampered_texts(data: st.DataObject) -> None:
    text = chain().sign(transaction())
    place = data.draw(st.integers(0, len(text)))
    piece = data.draw(st.text(alphabet="ABab09-_+/=. \n\u00e9", max_size=3))
    removed = data.draw(st.integers(0, 3))
    assert_same(text[:place] + piece + text[place + removed :])


@settings(max_examples=examples(60), deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["exp", "nbf", "iat", "aud", "iss", "sub", "jti", "bundleId", "environment", "price", "x"]),
        st.one_of(st.none(), st.integers(-(10**20), 10**20), st.text(max_size=5), st.lists(st.integers(), max_size=2)),
        max_size=3,
    )
)
def test_claims(claims: dict[str, t.Any]) -> None:
    assert_same(chain().sign(transaction(**claims)))


HEADERS: list[dict[str, t.Any]] = [
    {"alg": "none"},
    {"alg": "HS256"},
    {"alg": "ES384"},
    {"alg": "es256"},
    {"alg": None},
    {"kid": "x"},
    {"kid": 3},
    {"typ": None},
    {"crit": ["b64"], "b64": True},
    {"crit": ["exp"]},
    {"b64": False},
    {"jku": "https://example.com"},
    {"x5c": None},
    {"x5c": []},
    {"x5c": ["AAAA"] * 3},
    {"x5c": "AAA"},
    {"x5c": [1, 2, 3]},
]


@pytest.mark.parametrize("header", HEADERS)
def test_headers(header: dict[str, t.Any]) -> None:
    assert_same(chain().sign(transaction(), header))


def test_chains() -> None:
    leaf, middle, root = chain().x5c
    a_leaf, a_middle, a_root = other().x5c
    newline = base64.encodebytes(chain().certificates[0]).decode()
    for x5c in (
        [middle, leaf, root],
        [root, middle, leaf],
        [leaf, middle],
        [leaf, middle, root, root],
        [leaf, middle, a_root],
        [leaf, middle, "x"],
        [leaf, a_middle, root],
        [a_leaf, middle, root],
        [a_leaf, a_middle, root],
        [leaf, leaf, root],
        [newline, middle, root],
        [leaf + "=", middle, root],
        [leaf.rstrip("="), middle, root],
    ):
        assert_same(chain().sign(transaction(), {"x5c": x5c}))
        assert_same(other().sign(transaction(), {"x5c": x5c}))


@pytest.mark.parametrize(
    "options",
    [{"leaf_oid": None}, {"intermediate_oid": None}, {"has_authority": False}, {"curve": ec.SECP384R1()}],
)
def test_unsuitable_certificates(options: dict[str, t.Any]) -> None:
    made = chains_support.make(**options)
    apples = SignedDataVerifier([made.root.der], False, Environment.PRODUCTION, BUNDLE_ID, APPLE_ID)
    ours = make_verifier(made.root, "production", BUNDLE_ID, APPLE_ID)
    text = made.sign(transaction()) if "curve" not in options else _with_p384(made)
    for _time in range(2):
        assert verdict(ours, text) == verdict(apples, text)


def _with_p384(made: Signed) -> str:
    head = {"alg": "ES256", "x5c": made.x5c}
    return f"{part(json.dumps(head).encode())}.{part(json.dumps(transaction()).encode())}.{part(b'1' * 96)}"


def test_other_shapes() -> None:
    deep = '{"signedDate": 1, "x": ' + "[" * 100_000 + "]" * 100_000 + "}"
    twice = f'{{"signedDate": 1, "signedDate": {DATE}, "bundleId": "{BUNDLE_ID}", "environment": "Production"}}'
    for payload in (deep, twice, "[]", "1", "null", "{", "\ufeff{}", '{"signedDate": NaN}', " " * 10_000 + "{}"):
        assert_same(chain().sign(payload))
    for text in ("", ".", "..", "a.b.c", "a.b.c.d", None, 3, b"a.b.c"):
        assert_same(text)
    huge = transaction(appAccountToken="x" * 500_000)
    assert_same(chain().sign(huge))
    sound = chain().sign(transaction())
    head, body, signature = sound.split(".")
    zeros, ones = part(bytes(64)), part(b"\xff" * 64)
    for text in (sound + "=", f"{head}=.{body}.{signature}", f"{head}.{body}.{zeros}", f"{head}.{body}.{ones}"):
        assert_same(text)


def test_a_chain_is_judged_once() -> None:
    ours, _apples = verifiers()
    with mock.patch.object(SignedDataVerifier, "_decode_signed_object", side_effect=AssertionError("asked again")):
        for day in (201, 400, 599):
            found: t.Any = verdict(ours, chain().sign(transaction(signedDate=BEGIN + day * DAY_MS)))
            assert found.transactionId == "1"


class TestFaultNames:
    """What is wrong is called by its name."""

    def reason(self, signed: Signed, payload: t.Mapping[str, t.Any], text: str = "") -> str:
        data = SignedData(signed.root, "production", BUNDLE_ID, APPLE_ID)
        found = data.notification(text or signed.sign(payload), "REFUND")
        assert isinstance(found, Rejected)
        return found.reason

    def notice(self, **changes: t.Any) -> dict[str, t.Any]:
        return {"notificationType": "REFUND", "notificationUUID": UUID, "signedDate": DATE, "version": "2.0", **changes}

    def test_a_sound_signature_of_an_unsuitable_chain(self) -> None:
        """As Apple's own testNotification with its testCA.der, whose certificates lack an extension."""
        made = chains_support.make(has_authority=False)
        data = {"bundleId": BUNDLE_ID, "appAppleId": APPLE_ID, "environment": "Production"}
        sound = made.sign(self.notice(data=data))
        assert self.reason(made, {}, sound) == "unsuitable_chain"
        head, body, _signature = sound.split(".")
        assert self.reason(made, {}, f"{head}.{body}.{part(b'1' * 64)}") == "tampered"

    @pytest.mark.parametrize("name", ["data", "summary", "appData", "externalPurchaseToken"])
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"appAppleId": 8}, "wrong_apple_id"),
            ({"bundleId": "com.example.two"}, "wrong_bundle_id"),
            ({"environment": "Sandbox", "externalPurchaseId": "SANDBOX_1", "appAppleId": None}, "wrong_environment"),
        ],
    )
    def test_another_app(self, name: str, changes: dict[str, t.Any], reason: str) -> None:
        about = {"bundleId": BUNDLE_ID, "appAppleId": APPLE_ID, "environment": "Production", **changes}
        if name == "externalPurchaseToken":
            del about["environment"]
        assert self.reason(chain(), self.notice(**{name: about})) == reason

    def test_of_no_app(self) -> None:
        assert self.reason(chain(), self.notice()) == "unexpected_fields"
