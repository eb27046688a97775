# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a refund tracker holds of a key, and how the worlds of the trackers are read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from . import keys
from .fields import Fields, InputError

_FINGERPRINT: Final = (r"[0-9a-f]{64}", "be a SHA-256 as 64 small hex digits")
_KEY: Final = ("key_id", "issuer_id", "has_private_key", "key_fingerprint")


@dataclass(frozen=True)
class StoredKey:
    """A key as a tracker holds it; instead of the private key only its fingerprint is kept."""

    key_id: str | None = None
    issuer_id: str | None = None
    has_private_key: bool = False
    key_fingerprint: str | None = None
    """SHA-256 of the SubjectPublicKeyInfo; None when what was uploaded is not a P-256 key."""

    @property
    def is_complete(self) -> bool:
        """Tell whether all three parts are there."""
        return bool(self.key_id and self.issuer_id and self.has_private_key)

    def with_private_key(self, private_pem: str) -> StoredKey:
        """Give this with another private key, usable or not."""
        try:
            found = keys.fingerprint(keys.read_private_pem(private_pem.encode()))
        except ValueError:
            return replace(self, has_private_key=True, key_fingerprint=None)
        return replace(self, has_private_key=True, key_fingerprint=found)


NOTHING_STORED: Final = StoredKey()


def read_stored_key(parent: Fields, name: str) -> StoredKey:
    """Read an optional stored key."""
    if not parent.has(name):
        return NOTHING_STORED
    fields = Fields(parent.raw(name), parent.at(name), _KEY)
    found = read_fingerprint(fields)
    return StoredKey(
        key_id=fields.optional_text("key_id"),
        issuer_id=fields.optional_text("issuer_id"),
        has_private_key=fields.boolean("has_private_key", found is not None),
        key_fingerprint=found,
    )


def read_fingerprint(fields: Fields) -> str | None:
    """Read an optional ``key_fingerprint``."""
    return fields.text("key_fingerprint", *_FINGERPRINT) if fields.has("key_fingerprint") else None


def write_stored_key(key: StoredKey) -> dict[str, object]:
    """Write one as `read_stored_key` takes it."""
    return {name: getattr(key, name) for name in _KEY}


def read_secret(fields: Fields, name: str, pattern: str, expected: str) -> str:
    """Read a required secret; no message quotes it."""
    try:
        return fields.text(name, pattern, expected)
    except InputError as error:
        if isinstance(fields.raw(name), str):
            raise InputError(fields.at(name), f"must {expected}") from None
        raise error


def refuse_doubles(values: Iterable[tuple[str, str]], quoted: bool = True) -> None:
    """Refuse a value that is already another entry's; `values` are paths and values."""
    first: dict[str, str] = {}
    for path, value in values:
        if value in first:
            shown = f"{value!r} is" if quoted else "is"
            raise InputError(path, f"{shown} already at {first[value]}")
        first[value] = path
