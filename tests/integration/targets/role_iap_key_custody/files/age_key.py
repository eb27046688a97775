# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make an age identity (age-encryption.org/v1: X25519 keys in Bech32) and SOPS's rules for it, below a folder."""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for number, generator in enumerate(GENERATOR):
            check ^= generator if (top >> number) & 1 else 0
    return check


def bech32(prefix: str, data: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    words = [int(bits[start : start + 5], 2) for start in range(0, len(bits), 5)]
    expanded = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    check = polymod([*expanded, *words, 0, 0, 0, 0, 0, 0]) ^ 1
    return f"{prefix}1" + "".join(CHARSET[word] for word in words + [(check >> 5 * (5 - n)) & 31 for n in range(6)])


folder = Path(sys.argv[1])
key = X25519PrivateKey.generate()
raw = serialization.Encoding.Raw
secret = key.private_bytes(raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
public = bech32("age", key.public_key().public_bytes(raw, serialization.PublicFormat.Raw))
(folder / "age.txt").write_text(bech32("age-secret-key-", secret).upper() + "\n")
(folder / "age.txt").chmod(0o600)
(folder / ".sops.yaml").write_text(f"creation_rules:\n  - path_regex: \\.sops\\.yaml$\n    age: {public}\n")
