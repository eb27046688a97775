# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that hold no secret, such as reports and exports: written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import typing as t

from .._model.errors import FileError
from .writing import move, sync_done

_PIECE = 1 << 20


class Stream:
    """Takes the text of a file, piece by piece. In check mode nothing is written; else it is seen at ``publish``.

    Missing folders are made. A file that is there keeps its mode; a new one gets that of ``like``, or else ``mode`` as
    the umask leaves it. A link is replaced, not followed. All methods raise FileError naming ``option``.
    """

    def __init__(self, path: str, option: str, check_mode: bool = False, mode: int = 0o600, like: str = "") -> None:
        refuse_unwritable_text(path, option)
        self.path = os.path.abspath(path)
        self.before = _digest(self.path)
        self._option = option
        self._hash = hashlib.sha256()
        self._file: t.BinaryIO | None = None
        self._temporary = ""
        if not check_mode:
            try:
                with self._errors_in_words():
                    self._open(mode, like)
            except BaseException:
                # Nobody has this object yet, to discard what it has made.
                self.discard()
                raise

    @property
    def after(self) -> str:
        """SHA-256 of what was written so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        self._hash.update(data)
        if self._file is not None:
            with self._errors_in_words():
                self._file.write(data)

    def flush(self) -> None:
        """Bring everything to the disk: the last thing that can fail for want of space."""
        if self._file is not None:
            with self._errors_in_words():
                self._file.flush()
                os.fsync(self._file.fileno())

    def publish(self) -> None:
        """Put what was written in its place."""
        if self._file is None:
            return
        with self._errors_in_words():
            self._file.close()
            os.replace(self._temporary, self.path)
            self._temporary = ""
        sync_done(os.path.dirname(self.path))

    def discard(self) -> None:
        """Leave nothing behind, unless it was published."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        if self._temporary:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
            self._temporary = ""

    def _open(self, mode: int, like: str) -> None:
        folder, name = os.path.split(self.path)
        os.makedirs(folder, exist_ok=True)
        self._temporary = os.path.join(folder, f".{name}.{os.urandom(4).hex()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file = os.fdopen(os.open(self._temporary, flags, mode), "wb", buffering=_PIECE)
        with contextlib.suppress(FileNotFoundError):
            status = os.lstat(self.path if os.path.lexists(self.path) else like or self.path)
            if stat.S_ISREG(status.st_mode):
                os.fchmod(self._file.fileno(), stat.S_IMODE(status.st_mode))

    @contextlib.contextmanager
    def _errors_in_words(self) -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            raise FileError(
                f"{self._option}: {self.path} can't be written: {error.strerror}.",
                "Check folder, owner, mode and space.",
            ) from None


def write_text_file(path: str, text: str, option: str, like: str = "") -> None:
    """Write a text whole or not at all: see `Stream`. A new file may be read by others. Raises FileError."""
    stream = Stream(path, option, mode=0o666, like=like)
    try:
        stream.write(text)
        stream.flush()
        stream.publish()
    finally:
        stream.discard()


def keep_text_file(path: str, aside: str, option: str) -> None:
    """Give a file another name, which has to be free. Raises FileError naming ``option``."""
    try:
        move(path, aside)
    except OSError as error:
        raise FileError(f"{option}: {path} can't be renamed: {error.strerror}.", "Check its folder.") from None


def drop_text_file(path: str) -> None:
    """Remove a file that another has taken the place of; one that can't be removed stays."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def refuse_unwritable_text(path: str, option: str) -> None:
    """Raise FileError when ``write_text_file`` could not write there; changes nothing, for check mode."""
    _refuse_odd(path, option)
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f"{option}: {folder} isn't a folder that can be written.", "Check its owner and mode.")


def _refuse_odd(path: str, option: str) -> None:
    """Raise FileError for a directory, and for a pipe or device, which a new file would take the place of."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
        raise FileError(f"{option}: {path} is {kind}.", "Give the path of a file.")


def _digest(path: str) -> str | None:
    """Return the SHA-256 of a regular file, None where there is none that can be read."""
    found = hashlib.sha256()
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as file:
            while piece := file.read(_PIECE):
                found.update(piece)
    except OSError:
        return None
    return found.hexdigest()
