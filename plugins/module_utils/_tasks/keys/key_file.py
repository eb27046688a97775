# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The .p8 file of a key: what lies there, what replacing it means, and the writing."""

from __future__ import annotations

import base64
import contextlib
import os
import typing as t
from dataclasses import dataclass, field

from ..._context import Context
from ..._files.reading import Policy, read_key_file
from ..._files.writing import KEY_MODE, free_name, is_there, locked_folder, move, sync_done, write_key_file
from ..._model.errors import FileError
from ..._model.foreign_json import parse_json
from ..._model.permit import Permit
from ..._model.private_key import KeyProblem, PrivateKey, parse_content, parse_file


@dataclass(frozen=True)
class Found:
    """What lies at the path: nothing, a key, or something that can't be read as one (``problem``).

    The last may well be the key. ``is_plain``: the file is the key's PEM to the byte, as every tool reads it.
    """

    is_there: bool
    key: PrivateKey | None = None
    problem: KeyProblem | None = None
    is_plain: bool = False

    @property
    def fingerprint(self) -> str | None:
        return self.key.fingerprint if self.key else None


def look(path: str, policy: Policy) -> Found:
    """Return what lies at ``path``. Raises FileError when not even that can be seen."""
    if not is_there(path):
        return Found(False)
    try:
        data = read_key_file(path, policy)
        key = parse_file(data, path)
    except KeyProblem as problem:
        return Found(True, problem=problem)
    return Found(True, key, is_plain=data == _pem(key))


def backup_path(path: str, context: Context, key_id: str | None = None) -> str:
    """Return a free name for the file that is replaced: it may be the only copy of a key that is downloaded once.

    ``key_id``: of the key that it is taken for. After a kill, the name tells which key isn't lost.
    """
    stamp = context.timestamp().replace(":", "").replace("-", "")
    return free_name(".".join(filter(None, (path, stamp, key_id))), ".bak")


def put(path: str, key: PrivateKey, permit: Permit | None = None, backup: str | None = None) -> None:
    """Write a key's PEM; without a permit only where nothing lies. Raises FileError."""
    write_key_file(path, _pem(key), permit, backup)


def _pem(key: PrivateKey) -> bytes:
    return key.pem.reveal().encode("ascii")


@dataclass
class Place:
    """Where a key is put that can be had once. ``backup``: the free name for the key that lies there now, if one does.

    What lay there is never removed: nothing proves that it is worthless.
    """

    path: str
    backup: str | None
    _is_aside: bool = field(default=False, init=False)

    def move_aside(self) -> None:
        """Take the old key away, so that after a kill it is never taken for the new one. Raises FileError."""
        if self.backup:
            _move(self.path, self.backup)
            self._is_aside = True
            # It may have been open to others.
            with contextlib.suppress(OSError):
                os.chmod(self.backup, KEY_MODE)

    def move_back(self) -> None:
        """Undo it, as no new key was made. Where that fails, ``note`` says where the old key is."""
        if self._is_aside and self.backup:
            with contextlib.suppress(FileError):
                _move(self.backup, self.path)
                self._is_aside = False

    @property
    def note(self) -> str:
        """Say where the old file is, for a message."""
        return f" What lay at {self.path} is kept as {self.backup}." if self._is_aside else ""

    def fill(self, saved: str) -> None:
        """Give the new key, which was saved under another name, this one. Raises FileError when it is taken by now."""
        _move(saved, self.path)


@contextlib.contextmanager
def alone(path: str | None, context: Context) -> t.Iterator[None]:
    """Keep other runs out of a key file's folder between a look and what is done about it; check mode does nothing.

    Where this user can't work in that folder, what is tried says so.
    """
    folder = os.path.dirname(path or "")
    if context.check_mode or not folder or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield
        return
    with locked_folder(str(path), context.transport.remaining, context.transport.pause):
        yield


def _move(source: str, target: str) -> None:
    try:
        move(source, target)
    except OSError as error:
        raise FileError(
            f"private_key_path: {source} can't be moved to {target}: {error.strerror}.",
            "Check owner, mode and attributes of the file and its folder (ls -l, lsattr), and whether it is a mount.",
        ) from None
    # After a power cut it may have its old name again, which is as good.
    sync_done(os.path.dirname(target))


def parse_download(content: str) -> PrivateKey:
    """Parse what App Store Connect gives: a PEM, its base64, or the base64 of a JSON text of it. Raises KeyProblem.

    Observed: RevenueCat/cli, decodePrivateKey.
    """
    try:
        decoded = parse_json(base64.b64decode(content, validate=True))
    except ValueError:
        decoded = None
    return parse_content(decoded if isinstance(decoded, str) else content)


def described(path: str, fingerprint: str | None, **more: t.Any) -> dict[str, t.Any]:
    """Return one side of a diff."""
    return {"private_key_path": path, "key_fingerprint": fingerprint, **more}
