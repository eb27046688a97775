# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The .p8 file of a key: what lies there, what replacing it means, and the writing."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import typing as t
from dataclasses import dataclass, field

from ..._context import Context, Params
from ..._files import KEY_MODE, Policy, read_key_file, write_key_file
from ..._model.errors import FileError
from ..._model.private_key import KeyProblem, PrivateKey, parse_content, parse_file


@dataclass(frozen=True)
class Found:
    """What lies at the path: nothing, a sound key, or something unsound (``problem``)."""

    is_there: bool
    key: PrivateKey | None = None
    problem: KeyProblem | None = None
    is_same_in_other_shape: bool = False

    @property
    def fingerprint(self) -> str | None:
        return self.key.fingerprint if self.key else None


def look(path: str, policy: Policy, wanted: PrivateKey | None = None) -> Found:
    """Return what lies at ``path``. ``wanted`` lets a damaged copy of the same key be told from another key."""
    if not os.path.lexists(path):
        return Found(False)
    try:
        data = read_key_file(path, policy)
    except KeyProblem as problem:
        return Found(True, problem=problem)
    try:
        return Found(True, parse_file(data, path))
    except KeyProblem as problem:
        return Found(True, problem=problem, is_same_in_other_shape=_is_same(data, wanted))


def _is_same(data: bytes, wanted: PrivateKey | None) -> bool:
    try:
        return wanted is not None and parse_content(data.decode("ascii")).fingerprint == wanted.fingerprint
    except (KeyProblem, UnicodeDecodeError):
        return False


def backup_path(found: Found, path: str, params: Params, context: Context) -> str | None:
    """Return where to keep the file that is replaced: it may be the only copy of a key that is downloaded once."""
    if not params["backup"] or not found.is_there or found.is_same_in_other_shape:
        return None
    stamp = context.timestamp().replace(":", "").replace("-", "")
    name = f"{path}.{stamp}.bak"
    number = 1
    while os.path.lexists(name):
        number += 1
        name = f"{path}.{stamp}-{number}.bak"
    return name


def put(path: str, key: PrivateKey, backup: str | None) -> None:
    """Write a key's PEM. Raises FileError."""
    write_key_file(path, key.pem.reveal().encode("ascii"), backup)


@dataclass
class Place:
    """Where a key is put that can be had once. ``backup``: where to keep what lies there, None to keep nothing."""

    path: str
    found: Found
    backup: str | None
    _aside: str | None = field(default=None, init=False)

    def move_aside(self) -> None:
        """Take a sound key away, so that after a kill it is never taken for the new one. Raises FileError."""
        if self.found.key:
            self._aside = self.backup or f"{self.path}.old"
            self._move(self.path, self._aside)

    def move_back(self) -> None:
        """Undo it, as no new key was made."""
        if self._aside:
            self._move(self._aside, self.path)
            self._aside = None

    @property
    def note(self) -> str:
        """Say where the old file is, for a message."""
        return f" What lay at {self.path} is kept as {self._aside}." if self._aside else ""

    def put(self, key: PrivateKey) -> None:
        """Write the new key. What it replaces may have been open to others. Raises FileError."""
        put(self.path, key, None if self._aside else self.backup)
        with contextlib.suppress(OSError):
            os.chmod(self.backup or self.path, KEY_MODE)
            if self._aside and not self.backup:
                os.unlink(self._aside)

    def _move(self, source: str, target: str) -> None:
        try:
            os.rename(source, target)
        except OSError as error:
            raise FileError(f"private_key_path: {source} can't be moved to {target}: {error.strerror}.") from None


def parse_download(content: str) -> PrivateKey:
    """Parse what App Store Connect gives: a PEM, its base64, or the base64 of a JSON text of it. Raises KeyProblem.

    Observed: RevenueCat/cli, decodePrivateKey.
    """
    try:
        decoded = json.loads(base64.b64decode(content, validate=True))
    except (ValueError, RecursionError):
        decoded = None
    return parse_content(decoded if isinstance(decoded, str) else content)


def described(path: str, fingerprint: str | None, **more: t.Any) -> dict[str, t.Any]:
    """Return one side of a diff."""
    return {"private_key_path": path, "key_fingerprint": fingerprint, **more}
