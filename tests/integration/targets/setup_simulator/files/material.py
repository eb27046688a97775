# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests are about: a publisher's two teams, their keys, made at this moment, and key files of all kinds."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ISSUER = "57246542-96fe-1a63-e053-0824d011072a"
OTHER_ISSUER = "69a6de7f-0000-47e3-e053-5b8c7c11a4d1"
KEYS = {
    "k1": ("2X9R4HXF34", ISSUER),
    "k2": ("9ABCDEF123", ISSUER),
    "revoked": ("REVOKED001", ISSUER),
    "api": ("ASCKEY0001", ISSUER),
    "other": ("OTHERTEAM1", OTHER_ISSUER),
}
APPS = ("one", "two", "three", "Capitals", "limited", "broken", "portal", "offline", "unreleased")


@dataclass(frozen=True)
class Pair:
    """The two halves of a key as PEM, and what the modules call it."""

    private_pem: str
    public_pem: str
    fingerprint: str


def make_pair(curve: ec.EllipticCurve | None = None) -> Pair:
    handle = ec.generate_private_key(curve or ec.SECP256R1())
    private = handle.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    public = handle.public_key().public_bytes(serialization.Encoding.PEM, spki)
    der = handle.public_key().public_bytes(serialization.Encoding.DER, spki)
    return Pair(private.decode(), public.decode(), hashlib.sha256(der).hexdigest())


def world(pairs: t.Mapping[str, Pair]) -> dict[str, t.Any]:
    def entry(name: str) -> dict[str, t.Any]:
        return {"key_id": KEYS[name][0], "public_key": pairs[name].public_pem, "active": name != "revoked"}

    apps = [
        {"bundle_id": f"com.example.{name}", "apple_id": 1_000_000_000 + number, "released": name != "unreleased"}
        for number, name in enumerate(APPS)
    ]
    own = {
        "issuer_id": ISSUER,
        "iap_keys": [entry(name) for name in ("k1", "k2", "revoked")],
        "app_store_connect_keys": [entry("api")],
        "apps": apps,
    }
    other_apps = [{"bundle_id": "com.other.one", "apple_id": 2_000_000_000}]
    other = {"issuer_id": OTHER_ISSUER, "iap_keys": [entry("other")], "apps": other_apps}
    return {"teams": [own, other]}


def write_files(folder: Path, pairs: t.Mapping[str, Pair]) -> dict[str, str]:
    """Write sound and unsound key files; their paths by name."""
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    paths = {
        name: _write(keys / f"{'AuthKey' if name == 'api' else 'SubscriptionKey'}_{key_id}.p8", pairs[name].private_pem)
        for name, (key_id, _name) in KEYS.items()
    }
    name, pem = Path(paths["k1"]).name, pairs["k1"].private_pem
    for kind in ("loose", "damaged", "truncated", "wrong_kind", "linked", "mounted", "work"):
        (folder / kind).mkdir(mode=0o700)
    paths["loose"] = _write(folder / "loose" / name, pem, 0o644)
    paths["damaged"] = _write(folder / "damaged" / name, pem.replace("\n", "\r"))
    paths["truncated"] = _write(folder / "truncated" / name, pem[:150])
    paths["wrong_kind"] = _write(folder / "wrong_kind" / name, make_pair(ec.SECP384R1()).private_pem)
    paths["mounted"] = _mount(folder / "mounted", name, pem)
    paths["linked"] = str(folder / "linked" / name)
    Path(paths["linked"]).symlink_to(paths["k1"])
    return paths


def _write(path: Path, text: str, mode: int = 0o600) -> str:
    path.touch(mode=0o600)
    path.write_bytes(text.encode())
    path.chmod(mode)
    return str(path)


def _mount(folder: Path, name: str, text: str) -> str:
    """As Kubernetes mounts a secret: name -> ..data/name, ..data -> ..<time>, readable by all."""
    real = folder / "..2026_11_23_08_45_00.123456789"
    real.mkdir(mode=0o755)
    _write(real / name, text, 0o644)
    (folder / "..data").symlink_to(real.name)
    (folder / name).symlink_to(Path("..data") / name)
    return str(folder / name)
