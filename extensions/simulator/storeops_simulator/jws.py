# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compact JWS with ES256 (RFC 7515, RFC 7518 section 3.4)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

_ES256 = ec.ECDSA(SHA256())
_COORDINATE_BYTES = 32


@dataclass(frozen=True)
class Jws:
    """A parsed token; nothing in it is verified until `verifies` says so."""

    header: Mapping[str, object]
    payload: Mapping[str, object]
    signing_input: bytes
    signature: bytes

    def verifies(self, key: ec.EllipticCurvePublicKey) -> bool:
        """Tell whether the ES256 signature is the key's."""
        if len(self.signature) != 2 * _COORDINATE_BYTES:
            return False
        r = int.from_bytes(self.signature[:_COORDINATE_BYTES], "big")
        s = int.from_bytes(self.signature[_COORDINATE_BYTES:], "big")
        try:
            key.verify(utils.encode_dss_signature(r, s), self.signing_input, _ES256)
        except InvalidSignature:
            return False
        return True


def parse(token: str) -> Jws | None:
    """Parse a compact JWS whose header and payload are JSON objects; None for anything else."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        header = json.loads(_decode(parts[0]))
        payload = json.loads(_decode(parts[1]))
        signature = _decode(parts[2])
    # RecursionError: deeply nested JSON is as malformed as any other.
    except (ValueError, binascii.Error, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(payload, dict):
        return None
    return Jws(header, payload, f"{parts[0]}.{parts[1]}".encode("ascii"), signature)


def sign(header: Mapping[str, object], payload: Mapping[str, object], key: ec.EllipticCurvePrivateKey) -> str:
    """Sign a JSON object with ES256."""
    signing_input = f"{_encode(_json(header))}.{_encode(_json(payload))}"
    r, s = utils.decode_dss_signature(key.sign(signing_input.encode("ascii"), _ES256))
    signature = r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")
    return f"{signing_input}.{_encode(signature)}"


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("utf-8")


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)
