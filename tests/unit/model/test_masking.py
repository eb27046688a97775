# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret that happens to be a word of the data: the data stays, and the secret is hidden where it is one."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import MASK, Masker, could_be_a_word

WORDS = [
    *("example", "com.example.one", "one", "com", "ledger", "postgresql", "production", "Active", "JPY", "coins_100"),
    *("2026-11-01", "2026-11-20T13:01:06Z", "1000000000", "2X9R4HXF34", "USA", "Studio A", "unauthenticated", "true"),
]
DATA = {
    "bundle_id": "com.example.one",
    "environment": "production",
    "status": "Active",
    "product_id": "coins_100",
    "refund_date": "2026-11-20T13:01:06Z",
    "day": "2026-11-01",
    "transaction_id": "1000000000",
    "key_id": "2X9R4HXF34",
    "storefront": "USA",
    "currency": "JPY",
    "cause": "unauthenticated",
    "path": "/srv/example/ledger/refunds.csv",
    "ledger": "PostgreSQL db.example.com/ledger",
    "msg": "com.example.one: Apple refused this key in production (401), says the ledger of Studio A.",
    "lines": ["com.example.one,production,coins_100,JPY,-1200000,true", "2026-11-01"],
}


@pytest.mark.parametrize("password", WORDS)
def test_a_password_that_is_a_word_of_the_data_rewrites_none(password: str) -> None:
    masked = Masker([f"postgresql://app:{password}@db.example.com/ledger", password]).mask(DATA)
    mixed = {key for key, value in DATA.items() if masked[key] != value}
    # By itself in a sentence, what has letters and digits is hidden: no column of data is a sentence.
    assert mixed <= {"msg"}
    assert masked["msg"].startswith("com.example.one: Apple refused")


@pytest.mark.parametrize("password", [*WORDS, "x", "S3cret-Pass", "p@ss/w#rd", "hunter2"])
@pytest.mark.parametrize(
    "shown",
    [
        "can't connect to postgresql://app:{0}@other.example.com/ledger",
        "postgresql+psycopg://:{0}@db/ledger",
        'invalid connection option "{0}" was given',
        "could not translate host name '{0}' to an address",
        "host=db password={0} dbname=x",
    ],
)
def test_it_is_hidden_where_it_is_the_secret(password: str, shown: str) -> None:
    masker = Masker([f"postgresql://app:{password}@db.example.com/ledger"])
    before, after = shown.split("{0}")
    if len(password) > 3 or "://" in shown:
        assert masker.mask(shown.format(password)) == f"{before}{MASK}{after}"


@pytest.mark.parametrize("url", ["https://me:whatever@host/x", "see sqlite://u:p:q@host", "postgresql://u:a@b@host/db"])
def test_the_password_of_any_url_is_hidden(url: str) -> None:
    masked = Masker([]).mask({"a": [url]})["a"][0]
    assert MASK in masked and masked.endswith(url[url.rindex("@") :]) and masked.count("@") == 1


def test_a_url_without_a_password_stays() -> None:
    urls = ["https://host:443/a@b", "postgresql://me@host:5432/db", "see https://a.example/x, mail me: a@b.example"]
    assert Masker(["example"]).mask(urls) == urls


@pytest.mark.parametrize("secret", ["sk_live_51H8xkq29aBcDeFgHiJkL", "aB3xK9mQ2pL7", "1f" * 16, "p@ss", "a\tc:d"])
def test_what_nobody_would_use_as_a_word_is_hidden_anywhere(secret: str) -> None:
    assert not could_be_a_word(secret)
    assert Masker([secret]).mask(f"x{secret}y") == f"x{MASK}y"


def test_a_mixed_word_is_hidden_by_itself_in_a_sentence_alone() -> None:
    masker = Masker(["hunter2"])
    assert masker.mask("database hunter2, then hunter2. And (hunter2)") == f"database {MASK}, then {MASK}. And ({MASK})"
    untouched = ["hunter2", "com.hunter2.one", "in com.hunter2 and hunter2-pack or x_hunter2"]
    assert masker.mask(untouched) == untouched


COOKIE = "DAWTKNV323952cf8084a204fb20ab2508441a07d02d34d"
YAML = f"---\n- !ruby/object:HTTP::Cookie\n  name: myacinfo\n  value: {COOKIE}\n  domain: apple.com\n"


@pytest.mark.parametrize(
    "session",
    [
        f"myacinfo={COOKIE}",
        f"Cookie: dslang=US-EN; myacinfo={COOKIE}; site=USA",
        f".apple.com\tTRUE\t/\tTRUE\t0\tmyacinfo\t{COOKIE}",
        json.dumps([{"name": "myacinfo", "value": COOKIE}]),
        json.dumps(json.dumps([{"name": "myacinfo", "value": COOKIE}])),
        json.dumps({"myacinfo": COOKIE}),
        json.dumps(json.dumps({"myacinfo": COOKIE})),
        YAML,
        YAML.replace("\n", "\\n"),
        quote(f"myacinfo={COOKIE}"),
        base64.b64encode(YAML.encode()).decode(),
    ],
    ids=[
        "pair",
        "header",
        "file",
        "json",
        "json in json",
        "mapping",
        "mapping in json",
        "yaml",
        "escaped",
        "percent",
        "base64",
    ],
)
def test_a_session_that_nobody_named_is_masked_too(session: str) -> None:
    masked = Masker([]).mask(f"it said: {session} and went away")
    assert MASK in masked and masked.startswith("it said: ") and masked.endswith(" and went away")
    assert COOKIE not in masked and base64.b64encode(COOKIE.encode()).decode()[4:24] not in masked


def test_a_sentence_about_the_cookie_stays() -> None:
    said = "session_path: /srv/studio/secrets/session.yml has no cookie named myacinfo, so nobody is signed in."
    assert Masker([]).mask(said) == said


def test_a_key_that_nobody_named_is_masked_too() -> None:
    body = base64.b64encode(b"x" * 9 + bytes.fromhex("06082a8648ce3d030107") + b"x" * 20).decode()
    assert Masker([]).mask({"said": f"is '{body}' here"}) == {"said": f"is '{MASK}' here"}
