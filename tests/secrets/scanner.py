# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds key material, tokens, cookies and passwords in whatever a run left behind, in every shape they may take."""

from __future__ import annotations

import base64
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

# Any piece of this length betrays the secret; long enough not to turn up by chance.
PIECE = 20
MARK = 8
# The first 48 characters of every P-256 key's base64 are alike and say nothing: version, algorithm, lengths.
ALIKE = 48
TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}")


@dataclass(frozen=True)
class Finding:
    """``where`` names a stream or a file, ``what`` the secret; the secret itself is not shown."""

    where: str
    what: str


def _pieces(text: str) -> set[str]:
    return {text[start : start + PIECE] for start in range(len(text) - PIECE + 1)}


def _marks(text: str) -> set[str]:
    """Some of which every piece has one whole: few, so that a text without them is passed over quickly."""
    return {text[start : start + MARK] for start in range(0, len(text) - MARK + 1, PIECE - MARK)}


class Scanner:
    """Knows the secrets of one playground. ``pems`` by name, with the private number of each."""

    def __init__(self, pems: t.Mapping[str, tuple[str, bytes]], others: t.Mapping[str, str]) -> None:
        self._needles: dict[str, set[str]] = {name: {text} for name, text in others.items()}
        self._marks = dict(self._needles)
        for name, (pem, scalar) in pems.items():
            body = "".join(line for line in pem.splitlines() if "-----" not in line)
            twice = base64.b64encode(pem.encode()).decode()
            # What comes before this is the PEM's first line and the part that all keys share.
            alike = 4 * ((len("-----BEGIN PRIVATE KEY-----\n") + ALIKE) // 3 + 1)
            numbers = {scalar.hex(), scalar.hex().upper(), str(int.from_bytes(scalar, "big"))}
            encoded = {base64.b64encode(scalar).decode(), base64.urlsafe_b64encode(scalar).decode()}
            self._needles[name] = _pieces(body[ALIKE:]) | _pieces(twice[alike:]) | numbers | encoded
            self._marks[name] = _marks(body[ALIKE:]) | _marks(twice[alike:]) | numbers | encoded

    def scan(self, where: str, text: str) -> list[Finding]:
        # A piece may be torn apart by line ends: real ones, those of wrapped warnings, and escaped ones.
        joined = re.sub(r"(\\+[nr]|\s)+", "", text)

        def has(needles: set[str]) -> bool:
            return any(needle in text or needle in joined for needle in needles)

        found = [
            Finding(where, name) for name, needles in self._needles.items() if has(self._marks[name]) and has(needles)
        ]
        return found + ([Finding(where, "token")] if TOKEN.search(text) else [])

    def scan_files(self, folder: Path) -> list[Finding]:
        """Scan every file below ``folder``, as bytes."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return [finding for path in files for finding in self.scan(path.name, path.read_bytes().decode("latin-1"))]
