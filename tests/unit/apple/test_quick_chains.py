# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is taken without asking Apple's library: the plainest payloads, of few chains, within their validity."""

from __future__ import annotations

import functools
import json
import typing as t

import chains_support
import pytest
from chains_support import START, YEARS, Signed, part
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.storeops.refunds.plugins.module_utils._apple.quick_verifier import (
    Chains,
    chains_of,
    make_verifier,
    read_plainly,
)

DAY_S = 86_400
BEGIN = int(START.timestamp())
# The leaf's validity, which is the shortest; seconds.
FIRST, LAST = (BEGIN + days * DAY_S for days in YEARS[2])
HEAD: dict[str, t.Any] = {"alg": "ES256", "x5c": ["a", "b", "c"]}
BODY: dict[str, t.Any] = {"signedDate": 5_000}
SIGNATURE = bytes(range(64))


@functools.cache
def chain() -> Signed:
    return chains_support.make()


def text_of(head: object = ..., body: object = ..., signature: bytes = SIGNATURE) -> str:
    """Write a JWS that nobody signed."""
    told = (HEAD if head is ... else head, BODY if body is ... else body)
    return ".".join(part(one) for one in (*(json.dumps(one).encode() for one in told), signature))


def test_a_plain_payload_is_read() -> None:
    text = text_of({**HEAD, "typ": "JWT", "kid": "x"}, {**BODY, "a": [1]})
    plain = read_plainly(text)
    assert plain is not None
    assert (plain.payload, plain.x5c, plain.signed_date) == ({"signedDate": 5_000, "a": [1]}, ("a", "b", "c"), 5_000)
    assert (plain.signing_input.decode(), plain.signature) == (text.rpartition(".")[0], SIGNATURE)


HEADERS: list[object] = [
    *({**HEAD, "alg": alg} for alg in ("none", "ES384", "es256", None, ["ES256"])),
    {"x5c": HEAD["x5c"]},
    {"alg": "ES256"},
    *(
        {**HEAD, "x5c": x5c}
        for x5c in (None, "abc", {}, ["a", "b"], ["a", "b", "c", "d"], ["a", "b", 3], [None, "b", "c"])
    ),
    *({**HEAD, name: odd} for name in ("typ", "kid") for odd in (None, 3, ["JWT"])),
    *({**HEAD, name: "x"} for name in ("crit", "b64", "jku", "x5u")),
    [],
    "text",
    None,
]
BODIES: list[object] = [
    {},
    *({"signedDate": date} for date in (None, "5000", 5e3, True, [])),
    *({**BODY, name: 1} for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")),
    [],
    "text",
    None,
]


@pytest.mark.parametrize("head", HEADERS, ids=repr)
def test_a_header_that_needs_thought(head: object) -> None:
    assert read_plainly(text_of(head)) is None


@pytest.mark.parametrize("body", BODIES, ids=repr)
def test_a_payload_that_needs_thought(body: object) -> None:
    assert read_plainly(text_of(body=body)) is None


HEAD_TEXT, BODY_TEXT, SIGNATURE_TEXT = text_of().split(".")


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        text_of().encode(),
        "",
        f"{HEAD_TEXT}.{BODY_TEXT}",
        f"{HEAD_TEXT}.{BODY_TEXT}.{SIGNATURE_TEXT}.",
        f" {text_of()}",
        f"{text_of()}\n",
        text_of(signature=SIGNATURE[:63]),
        text_of(signature=SIGNATURE + b"x"),
        f"{HEAD_TEXT}=.{BODY_TEXT}.{SIGNATURE_TEXT}",
        # Other texts for the same bytes, and one for none.
        f"{HEAD_TEXT}.{BODY_TEXT}.{SIGNATURE_TEXT[:-1]}x",
        f"{part(b'{}')[:-1]}1.{BODY_TEXT}.{SIGNATURE_TEXT}",
        f"{HEAD_TEXT}.{'A' * 5}.{SIGNATURE_TEXT}",
        f"{part(b'no JSON')}.{BODY_TEXT}.{SIGNATURE_TEXT}",
        f"{HEAD_TEXT}.{part(b'{')}.{SIGNATURE_TEXT}",
        f"{HEAD_TEXT}.{part(b'[' * 100_000)}.{SIGNATURE_TEXT}",
    ],
    ids=lambda text: str(text)[-40:],
)
def test_a_text_out_of_the_ordinary(text: object) -> None:
    assert read_plainly(text) is None


def is_sound(date: int, *, known: bool = True, bad: str = "", signed: Signed | None = None) -> bool:
    """Tell whether a payload that was signed at ``date`` (UNIX milliseconds) is taken."""
    chains, text = Chains(chain().root), (signed or chain()).sign({"signedDate": date}, {"x5c": chain().x5c})
    if known:
        chains.put(tuple(chain().x5c))
    plain = read_plainly(f"{text.rpartition('.')[0]}.{bad}" if bad else text)
    assert plain is not None
    return plain.is_sound(chains)


@pytest.mark.parametrize(
    ("date", "wanted"),
    [
        # The edges themselves are the library's.
        (FIRST * 1000 + 999, False),
        (FIRST * 1000 + 1000, True),
        (LAST * 1000 - 1, True),
        (LAST * 1000, False),
        (BEGIN * 1000 + 150 * DAY_S * 1000, False),
        (BEGIN * 1000 + 700 * DAY_S * 1000, False),
        (0, False),
    ],
)
def test_a_payload_is_taken_within_the_validity_of_its_chain(date: int, wanted: bool) -> None:
    assert is_sound(date) is wanted


def test_a_payload_of_an_unknown_chain_or_with_another_signature_is_not_taken() -> None:
    now = (FIRST + LAST) * 500
    assert is_sound(now) and not is_sound(now, known=False)
    assert not is_sound(now, signed=chains_support.make())
    assert not is_sound(now, bad=part(b"\1" * 64)) and not is_sound(now, bad=part(bytes(64)))


def test_as_many_chains_are_kept_as_apple_may_have() -> None:
    chains = Chains(chain().root)
    leaf, middle, _root = chain().x5c
    every = [(leaf, middle, f"{number}") for number in range(33)]
    for x5c in every:
        chains.put(x5c)
    assert [chains.find(x5c) is not None for x5c in every] == [True] * 32 + [False]


def test_a_key_on_another_curve_is_not_kept() -> None:
    made = chains_support.make(curve=ec.SECP384R1())
    chains = Chains(made.root)
    chains.put(tuple(made.x5c))
    assert chains.find(tuple(made.x5c)) is None


@pytest.mark.parametrize(("environment", "name"), [("production", "Production"), ("sandbox", "Sandbox")])
def test_a_verifier_is_for_one_app_and_place(environment: t.Any, name: str) -> None:
    made: t.Any = make_verifier(chain().root, environment, "com.example.one", 7)
    assert (made._environment.value, made._bundle_id, made._app_apple_id) == (name, "com.example.one", 7)
    assert not made._enable_online_checks and made._chain_verifier.root_certificates == [chain().root.der]
    # What one verifier has found out, all of the same root know.
    assert made.chains is chains_of(chain().root) is not chains_of(chains_support.make().root)
