# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apple's verifier, which judges each chain of certificates once and not for each payload.

Apple's library stays the judge. What is taken here without asking it is only what it must accept: a payload in the
plainest form, signed with the key of a chain that it has found sound, at a date within the validity of all certificates
of the chain. Nothing is refused here: whatever differs in the least goes to the library as it is.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import re
import threading
import typing as t
from dataclasses import dataclass

from .._model.identifiers import Environment
from .root_certificate import Root

# Without these, a task that calls this has failed before.
with contextlib.suppress(ImportError):
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256
with contextlib.suppress(ImportError):
    from appstoreserverlibrary.models.Environment import Environment as AppleEnvironment
    from appstoreserverlibrary.signed_data_verifier import SignedDataVerifier

# 86 characters are the 64 bytes of a signature with P-256.
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})")
_HEADERS = frozenset({"alg", "x5c", "typ", "kid"})
# PyJWT looks at these, and a payload of Apple's has none of them.
_REGISTERED = frozenset({"exp", "nbf", "iat", "aud", "iss", "sub", "jti"})
# Apple signs with a handful of chains. An attacker's never get in, for only sound ones do.
_MOST_CHAINS = 32

Fields = dict[str, t.Any]


@dataclass(frozen=True)
class _Chain:
    """A chain that Apple's library has found sound: its leaf's key, and when all its certificates are valid."""

    key: EllipticCurvePublicKey
    valid_from: float
    valid_until: float


class Chains:
    """The sound chains under one root."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._known: dict[tuple[str, ...], _Chain] = {}
        self._lock = threading.Lock()

    def find(self, x5c: tuple[str, ...]) -> _Chain | None:
        return self._known.get(x5c)

    def put(self, x5c: tuple[str, ...]) -> None:
        """Keep a chain that was found sound."""
        leaf, intermediate = (x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in x5c[:2])
        members = (leaf, intermediate, x509.load_der_x509_certificate(self._root.der))
        key = leaf.public_key()
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
            return
        valid_from = max(one.not_valid_before_utc.timestamp() for one in members)
        valid_until = min(one.not_valid_after_utc.timestamp() for one in members)
        with self._lock:
            if len(self._known) < _MOST_CHAINS:
                self._known[x5c] = _Chain(key, valid_from, valid_until)


@functools.lru_cache(maxsize=8)
def chains_of(root: Root) -> Chains:
    """Return what is known of the chains under a root, in this process."""
    return Chains(root)


def make_verifier(root: Root, environment: Environment, bundle_id: str, app_apple_id: int | None) -> SignedDataVerifier:
    """Return a ``SignedDataVerifier`` without online checks: a leaf that has expired since is no fault then."""
    place = AppleEnvironment.PRODUCTION if environment == "production" else AppleEnvironment.SANDBOX
    found = _verifier_class()([root.der], False, place, bundle_id, app_apple_id)
    found.chains = chains_of(root)
    return t.cast("SignedDataVerifier", found)


@functools.cache
def _verifier_class() -> type[t.Any]:
    # In a function: this file must be importable where the library is not installed. There the class is Any to mypy.
    class QuickVerifier(SignedDataVerifier):  # type: ignore[misc, unused-ignore]
        chains: Chains

        def _decode_signed_object(self, signed_obj: str) -> Fields:
            plain = read_plainly(signed_obj)
            if plain is not None and plain.is_sound(self.chains):
                return plain.payload
            decoded: Fields = super()._decode_signed_object(signed_obj)
            if plain is not None:
                # The library has just found the chain sound, and the signature too.
                with contextlib.suppress(ValueError, x509.InvalidVersion):
                    self.chains.put(plain.x5c)
            return decoded

    return QuickVerifier


@dataclass(frozen=True)
class _Plain:
    """A JWS in the plainest form: no header and no claim that would need thought."""

    payload: Fields
    x5c: tuple[str, ...]
    signed_date: int
    signing_input: bytes
    signature: bytes

    def is_sound(self, chains: Chains) -> bool:
        """True when Apple's library is bound to accept it; False proves nothing."""
        chain = chains.find(self.x5c)
        # The edges themselves are left to the library.
        if chain is None or not chain.valid_from < self.signed_date // 1000 < chain.valid_until:
            return False
        return self.is_signed_with(chain.key)

    def is_signed_with(self, key: EllipticCurvePublicKey) -> bool:
        """Tell whether the signature is one of ``key``, whosever that is."""
        numbers = (int.from_bytes(self.signature[:32], "big"), int.from_bytes(self.signature[32:], "big"))
        try:
            key.verify(encode_dss_signature(*numbers), self.signing_input, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


def read_plainly(text: object) -> _Plain | None:
    """Return the parts of a JWS, None where anything in it is out of the ordinary."""
    match = _COMPACT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    raw = [_decoded(match[number]) for number in (1, 2, 3)]
    try:
        header, payload = json.loads(raw[0] or b""), json.loads(raw[1] or b"")
    except (ValueError, RecursionError):
        return None
    if raw[2] is None or not isinstance(header, dict) or not isinstance(payload, dict):
        return None
    x5c: t.Any = header.get("x5c")
    date: t.Any = payload.get("signedDate")
    is_plain = (
        header.get("alg") == "ES256"
        and header.keys() <= _HEADERS
        and all(isinstance(header.get(name, ""), str) for name in ("typ", "kid"))
        and isinstance(x5c, list)
        and len(x5c) == 3
        and all(isinstance(one, str) for one in x5c)
        and isinstance(date, int)
        and not isinstance(date, bool)
        and _REGISTERED.isdisjoint(payload)
    )
    if not is_plain:
        return None
    return _Plain(payload, tuple(x5c), date, f"{match[1]}.{match[2]}".encode("ascii"), raw[2])


def _decoded(segment: str) -> bytes | None:
    """Return the bytes of a segment; None when another text means the same bytes."""
    try:
        found = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        return None
    return found if base64.urlsafe_b64encode(found).rstrip(b"=") == segment.encode("ascii") else None
