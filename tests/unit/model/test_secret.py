# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets don't show themselves, and the masker finds every form of them."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import logging
import pickle
import textwrap
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_examples import examples
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils import _argument_spec
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import key_source
from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import MASK, Masker, could_be_a_word
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret, forms, worth_masking
from ansible_collections.storeops.refunds.plugins.module_utils._run import plain, secret_values

TEXT = "hunter2:hunter2"
URL = "postgresql://refunds:s3cr3t%2Fw%C3%B6rd@db.example.com/ledger"


@dataclasses.dataclass
class _Holder:
    secret: Secret


SHOWN: dict[str, t.Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "format": format,
    "f-string": lambda secret: f"{secret} {secret!r} {secret!s:>20}",
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031
    "dataclass": lambda secret: repr(_Holder(secret)),
    "list": lambda secret: repr([secret, {secret: secret}]),
    "exception": lambda secret: str(ValueError(secret)),
    "log": lambda secret: logging.makeLogRecord({"msg": "%s", "args": (secret,)}).getMessage(),
    "json": lambda secret: json.dumps(secret, default=str),
}


@pytest.mark.parametrize("way", SHOWN)
def test_a_secret_does_not_show_itself(way: str) -> None:
    text = SHOWN[way](Secret(TEXT))
    assert "***" in text and "hunter2" not in text
    assert repr(Secret(TEXT)) == "***"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError) as caught:
        pickle.dumps(_Holder(Secret(TEXT)), protocol)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("cookie", "is_worth"),
    [
        ("kT7xQ2vL", True),
        ("kT7xQ2v", False),
        ("production", False),
        ("en", False),
        ("1234567890", True),
        ("a-b-c-d-e", True),
    ],
)
def test_which_cookies_are_masked(cookie: str, is_worth: bool) -> None:
    assert worth_masking(cookie) is is_worth


def test_a_secret_is_not_json() -> None:
    with pytest.raises(TypeError) as caught:
        json.dumps({"a": Secret(TEXT)})
    assert "hunter2" not in str(caught.value)
    assert not hasattr(Secret(TEXT), "__dict__")


def test_secrets_compare_by_value_and_copy() -> None:
    assert Secret(TEXT) == Secret(TEXT) != Secret("other")
    assert Secret(TEXT) != TEXT
    assert len({Secret(TEXT), Secret(TEXT)}) == 1 and hash(Secret(TEXT)) != hash(Secret("other"))
    assert Secret(TEXT) and not Secret("")
    assert copy.deepcopy(_Holder(Secret(TEXT))).secret.reveal() == TEXT


def test_a_key_source_does_not_show_its_content(pem: str) -> None:
    assert "MI" not in repr(key_source({"private_key_content": pem})).replace("is_predicted", "")


def _given(pem: str) -> dict[str, str]:
    encoded = base64.b64encode(pem.encode()).decode()
    return {
        "pem": pem,
        "CRLF": pem.replace("\n", "\r\n"),
        "escaped": pem.replace("\n", "\\n"),
        "escaped CRLF": pem.replace("\n", "\\r\\n"),
        "base64": encoded,
        "wrapped base64": "\n".join(textwrap.wrap(encoded, 76)),
        "quoted": f'"{pem}"',
    }


@pytest.mark.parametrize("form", list(_given("")))
def test_every_line_of_a_key_is_masked_whatever_its_form(form: str, pem: str) -> None:
    given_text = _given(pem)[form]
    masker = Masker([given_text])
    body = pem.splitlines()[1:-1]
    texts = [given_text, given_text.strip(), pem, pem.replace("\n", "\\n"), "".join(body), *body]
    texts += given_text.splitlines() if form == "wrapped base64" else []
    for text in texts:
        masked = masker.mask(f"before {text} after")
        assert masked.startswith("before ") and masked.endswith(" after") and MASK in masked
        assert not [line for line in body if line in masked]
        assert len(masked) < 140


def test_nested_values_are_masked() -> None:
    value = {"a": [TEXT, ({"b": f"x{TEXT}y"},)], "n": None, "i": 7, "t": True, "f": 1.5}
    masked = Masker([TEXT]).mask(value)
    assert masked == {"a": [MASK, [{"b": f"x{MASK}y"}]], "n": None, "i": 7, "t": True, "f": 1.5}
    assert value["a"] == [TEXT, ({"b": f"x{TEXT}y"},)], "the original stays as it is"


@pytest.mark.parametrize("text", [URL, "s3cr3t%2Fw%C3%B6rd", "s3cr3t/wörd"])
def test_the_password_of_a_url_is_masked(text: str) -> None:
    masked = Masker([URL]).mask(f"can't connect: {text}.")
    assert "s3cr3t" not in masked and masked.startswith("can't connect: ")


def test_host_and_user_of_a_url_stay_readable() -> None:
    text = "PostgreSQL db.example.com/ledger as refunds"
    assert Masker([URL]).mask(text) == text


def test_short_texts_and_no_secrets_leave_all_as_it_is() -> None:
    assert Masker([]).mask({"a": ["b"]}) == {"a": ["b"]}
    assert Masker(["a", "abc", ""]).mask("abc a") == "abc a"


def test_regular_expression_signs_are_taken_literally() -> None:
    assert Masker(["a.*b("]).mask("a.*b( axxb(") == f"{MASK} axxb("


WORDS = st.text("abcxyz.+?\\n()[]\n", min_size=4, max_size=20)


@settings(max_examples=examples(60))
@given(st.lists(WORDS, min_size=1, max_size=4))
def test_no_secret_survives(secrets: list[str]) -> None:
    masker = Masker(secrets)
    masked = masker.mask([f"<{secret}>" for secret in secrets])
    distinct = [secret for secret in secrets if not could_be_a_word(secret)]
    assert not [secret for secret in distinct if any(secret in text for text in masked)]
    assert all(
        masker.mask(f"not '{secret}' but") == f"not '{MASK}' but" for secret in secrets if secret not in distinct
    )
    assert not [form for secret in secrets for form in forms(secret) if len(form) < 4]


def _params(pem: str, other_pem: str) -> dict[str, t.Any]:
    key = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": "/keys/studio-a.p8"}
    return {
        "issuer_id": ISSUER,
        "key_id": KEY_ID,
        "bundle_id": BUNDLE_ID,
        "private_key_content": pem,
        "private_key_path": "/keys/main.p8",
        "ledger": {"url": URL},
        "keys": [
            {"key": "studio_a", **key, "private_key_content": other_pem, "apps": ["com.example.below"]},
            {"key": "studio_b", **key},
        ],
        "apps": [
            {"bundle_id": "com.example.two", "private_key_content": "misplaced"},
            {"bundle_id": "com.example.three", "qonversion": {"api_key": "app-secret", "project": "a-project"}},
            BUNDLE_ID,
        ],
    }


def test_nested_secrets_of_options_are_found_and_public_values_are_not(pem: str, other_pem: str) -> None:
    params = plain(_params(pem, other_pem))
    found = secret_values({**_argument_spec.credential_check_info(), **_argument_spec.integrations()}, params)
    assert found == {pem, other_pem, URL, "app-secret", "misplaced"}
    readable = [ISSUER, KEY_ID, BUNDLE_ID, "/keys/main.p8", "/keys/studio-a.p8", "studio_a", "com.example.two"]
    readable += ["com.example.below", "com.example.three", "a-project"]
    assert Masker(found).mask(readable) == readable


@pytest.mark.parametrize("keys", ["a-secret-text", ["a-secret-text"], {"k": "a-secret-text"}, {"k": ["a-secret-text"]}])
def test_misshapen_keys_are_secret_as_a_whole(keys: t.Any) -> None:
    found = secret_values(_argument_spec.credential_check_info(), {"keys": keys})
    assert found == {"a-secret-text"}
