# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""API keys and tokens in options for IDs, URLs and names: told from what people type there, and never shown whole."""

from __future__ import annotations

import random
import re
import string
import typing as t
from urllib.parse import quote

import pytest
from unit_support import ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._declaration.declaration import declare
from ansible_collections.storeops.refunds.plugins.module_utils._fields import place
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import (
    parse_bundle_id,
    parse_issuer_id,
    parse_key_id,
    parse_service_url,
    shown,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.notification_url import parse_notification_url
from ansible_collections.storeops.refunds.plugins.module_utils._model.token_marks import has_token

ALPHABETS = {
    "letters and digits": string.ascii_letters + string.digits,
    "base64": string.ascii_letters + string.digits + "+/",
    "base64 for URLs": string.ascii_letters + string.digits + "-_",
    "hexadecimal": "0123456789abcdef",
    "small letters and digits": string.ascii_lowercase + string.digits,
    "base32": string.ascii_uppercase + "234567",
}
PREFIXES = (
    "",
    "sk_",
    "sk-",
    "sk_live_",
    "pk_",
    "ghp_",
    "github_pat_",
    "glpat-",
    "hvs.",
    "xoxb-",
    "npm_",
    "eyJ",
    "a-",
)
# As long a piece would begin to give it away.
WINDOW = 12


@pytest.mark.parametrize("name", ["hvs.fitness.tracker", "sk-games.com.puzzles", "sk-studio-games-client-app"])
def test_words_that_begin_as_a_token_are_names(name: str) -> None:
    assert parse_bundle_id(name) == name


@pytest.mark.parametrize("begin", ["/", "~", ".", "https://host.example/"])
def test_base64_that_looks_like_a_path_is_cut(begin: str) -> None:
    secret = "p2GEiHKfC55/vtoiZFdU1tVgf19/0Mxl7gdO2NRBH0="
    assert not any(secret[at : at + WINDOW] in shown(begin + secret) for at in range(len(secret) - WINDOW))


def tokens(prefix: str, alphabet: str) -> t.Iterator[str]:
    """Yield tokens of 16 to 64 characters, the same in every run.

    Without a number between letters, which one in a hundred of the shortest lacks, none differs from a word.
    """
    generator = random.Random(f"{prefix} {alphabet}")
    for length in (*range(16, 33), 40, 48, 64):
        token = ""
        while not re.search(r"\d[A-Za-z]+\d+[A-Za-z]", token):
            token = "".join(generator.choices(ALPHABETS[alphabet], k=length))
        yield prefix + token


def messages(token: str) -> t.Iterator[str]:
    """Yield what is said of a token in every option for an ID, a URL or a name."""
    parsers: tuple[t.Callable[[str, str], object], ...]
    parsers = (parse_issuer_id, parse_key_id, parse_bundle_id, parse_service_url, parse_notification_url)
    for parse in parsers:
        in_url = quote(token, safe="")
        urls = (f"ftp://api.example.com/a/{in_url}/b", f"ftp://a.example?k={in_url}", f"https://{in_url}@a.example")
        for text in (token, f" {token}\n", f"{token}_", *urls):
            # What has an ID's own form is one: Apple says whether there is such an app.
            try:
                parse(text, "option")
            except InputError as error:
                yield f"{error}"
    for name in ("keys", "apps"):
        yield place(name, 0, token)
    yield shown(f"a key named {token}")
    faults = declare(
        {
            "keys": [{"key": token, "issuer_id": "x", "apps": [{"bundle_id": "com.example.a", "key": token + "_"}]}],
            "apps": [{"bundle_id": "com.example.b", "key": f"{token}0"}, "com.example.c"],
            "environment": "production",
            "tracker": "ledger",
        }
    ).faults
    assert faults
    yield from map(str, faults)


@pytest.mark.sweep
@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_nothing_shows_a_token(prefix: str, alphabet: str) -> None:
    for token in tokens(prefix, alphabet):
        material = token.removeprefix(prefix)
        pieces = {material[start : start + WINDOW] for start in range(len(material) - WINDOW + 1)}
        leaks = [text for text in messages(token) if any(piece in text for piece in pieces)]
        assert leaks == [], token


@pytest.mark.parametrize(
    "text",
    [
        *(ISSUER, ISSUER.upper(), ISSUER.replace("5", "g"), ISSUER[:-1], f"{ISSUER}0", f"urn:uuid:{ISSUER}"),
        *(ISSUER.replace("0", "o"), "1f0e6a2b-9d3c-4c9e-8f10-aabbccddeeff", ISSUER.replace("-", "\u2010")),
        *(KEY_ID, KEY_ID.lower(), f"{KEY_ID}A", f"SubscriptionKey_{KEY_ID}.p8", f"AuthKey_{KEY_ID}.p8"),
        *("com.example.MyGreatGameForIPhone", "com.example.my_great_game", "com.exämple.game", "com example game"),
        *("de.example-studio.puzzle-quest-legends-3d", "com.maker.app1a2b3c4d5e6f7a8b", "MyGreatGame2Free"),
        *("com.example.FIFA2026WorldCupManager_", "WordsWithFriends2Free", "com/example/TheSimsFreePlay"),
        *("https://api.storekit.itunes.apple.com", "https://api.revenuecat.com/v2/incoming-webhooks"),
        *("https://d111111abcdef8.cloudfront.net/inApps/v1", "http://tracker-7f8d9c6b5-xk2lp.example.com:8080/a"),
        *("ftp://example.com/apple-server-to-server-notification", "http://localhost:8765/app-store-server"),
        *("devtodev API Key", "studio_production_key_2026", "key of the studio, made 2026-11-23T11:05:30Z"),
    ],
)
def test_what_people_type_is_shown_whole(text: str) -> None:
    assert shown(text) == ascii(text) and not has_token(text)


@pytest.mark.parametrize("text", ["glpat-abcdefghijklmnopqrst", "sk-abcdefghijklmnopqrst", "hvs.abcdefghijklmnopqrst"])
def test_a_well_known_token_is_no_bundle_id(text: str) -> None:
    with pytest.raises(InputError, match=r"\.\.\. \(\d+ characters\)' isn't a bundle ID"):
        parse_bundle_id(text)
