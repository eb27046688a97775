# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that hold no secret, such as reports: written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat

from .._model.errors import FileError
from .writing import move, sync_folder


def write_text_file(path: str, text: str, option: str, like: str = "") -> None:
    """Write a text that is no secret: whole or not at all. Missing folders are made; a link is replaced, not followed.

    A file that is there keeps its mode; a new one gets that of ``like``, else of the umask. Raises FileError naming
    ``option``.
    """
    _refuse_odd(path, option)
    folder, name = os.path.split(os.path.abspath(path))
    temporary = ""
    try:
        os.makedirs(folder, exist_ok=True)
        temporary = os.path.join(folder, f".{name}.{os.urandom(4).hex()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
            with contextlib.suppress(FileNotFoundError):
                status = os.lstat(path if os.path.lexists(path) else like or path)
                if stat.S_ISREG(status.st_mode):
                    os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        temporary = ""
        sync_folder(folder)
    except OSError as error:
        raise FileError(f"{option}: {path} can't be written: {error.strerror}.", "Check folder, owner, mode.") from None
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


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
