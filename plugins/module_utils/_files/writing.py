# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key files, written so that a crash or a link never loses or exposes a key, and nothing else is ever replaced."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
import typing as t

from .._model.errors import FileError
from .._model.key_text import LARGEST
from .._model.permit import Permit
from .reading import FILE_WANTED, kind_of

KEY_MODE = 0o600
_TEMPORARY = ".iap_key_"
# Folders for what there is no room for in its own.
ELSEWHERE = "iap_key_"


def write_key_file(path: str, data: bytes, permit: Permit | None = None, backup: str | None = None) -> None:
    """Write ``data`` to ``path`` with mode 0600: whole or not at all, never through a link, safe against a crash.

    Without a ``permit`` nothing may lie there, and nothing is replaced. ``backup`` names a free place for what lies
    there now. Raises FileError. What breaks it off, as Ctrl-C does, removes nothing: neither key is lost then.
    """
    if permit is not None:
        permit.require("replace_key_file", path)
    folder = os.path.dirname(os.path.abspath(path))
    refuse_unwritable(path)
    try:
        temporary = os.path.join(folder, f"{_TEMPORARY}{os.urandom(4).hex()}")
        _save(temporary, data)
        with _dropping(temporary):
            if backup:
                _keep(path, backup)
            with _dropping(backup, while_at=path):
                if permit is None:
                    move(temporary, path)
                else:
                    os.replace(temporary, path)
    except OSError as error:
        raise FileError(
            f"private_key_path: {path} can't be written: {error.strerror}.", "Nothing was changed."
        ) from None
    sync_done(folder)


@contextlib.contextmanager
def _dropping(name: str | None, while_at: str = "") -> t.Iterator[None]:
    """Remove a file of ours when a step fails; not when it is broken off, as nobody knows then how far it came.

    ``while_at``: where the same has to lie still.
    """
    try:
        yield
    except OSError:
        with contextlib.suppress(OSError):
            if name and not (while_at and _contents(name) != _contents(while_at)):
                os.unlink(name)
        raise


def _save(path: str, data: bytes) -> None:
    """Write a file that isn't there yet, for its owner alone, and wait for the disk. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, KEY_MODE)
    with _dropping(path), os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, KEY_MODE)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _keep(path: str, backup: str) -> None:
    """Give a file a second name; where the file system has none, or not for files of others, copy it."""
    try:
        os.link(path, backup, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        _save(backup, _contents(path))


def _contents(path: str) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as file:
        return file.read()


def move(source: str, target: str) -> None:
    """Rename a file to a name that is free; unlike ``os.rename`` it never replaces anything. Raises OSError."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.rename(source, target)
    else:
        with _dropping(target, while_at=source):
            os.unlink(source)


def free_name(name: str, end: str = "") -> str:
    """Return ``name`` with ``end``, numbered if need be, so that it is the name of nothing."""
    found, number = f"{name}{end}", 1
    while os.path.lexists(found):
        number += 1
        found = f"{name}-{number}{end}"
    return found


def is_there(path: str) -> bool:
    """Tell whether something lies at ``path``. Raises FileError when that can't be seen: it is no no."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it isn't a path"
        raise FileError(
            f"private_key_path: whether there is a file {path} can't be seen: {reason}.",
            "Check the path, and owner and mode of its folders.",
        ) from None
    return True


def refuse_unwritable(path: str) -> None:
    """Raise FileError when ``path`` is no place for a key file: checked before anything is done, in check mode too."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileError(
            f"private_key_path: the folder {folder} does not exist.",
            "Create it with ansible.builtin.file (state: directory, mode: '0700').",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f"private_key_path: the folder {folder} is not writable.", "Check its owner and mode.")
    if not is_there(path):
        return
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        raise FileError(
            f"private_key_path: {path} is a symbolic link; keys are never written through one.",
            "Give the path of the file itself.",
        )
    if not stat.S_ISREG(mode):
        raise FileError(f"private_key_path: {path} is {kind_of(mode)}.", FILE_WANTED)


def try_writing(path: str, prepare: t.Callable[[str], object] | None = None) -> None:
    """Write and remove a file like the one to come, so that a full or broken disk shows before a one-time step.

    ``prepare``: is called with the file's path, to try what will be done to the real one (owner, mode).
    """
    folder, name = os.path.split(os.path.abspath(path))
    try:
        # Its name is as long as the one under which `keep_somewhere` saves what was downloaded.
        descriptor, temporary = tempfile.mkstemp(
            prefix=_TEMPORARY, suffix="_" * (len(os.fsencode(name)) + 2), dir=folder
        )
        try:
            if os.write(descriptor, b"\0" * LARGEST) < LARGEST:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
            if prepare is not None:
                prepare(temporary)
            _sync_folder(folder)
        finally:
            os.close(descriptor)
            os.unlink(temporary)
    except OSError as error:
        raise FileError(
            f"private_key_path: {folder} can't be written: {error.strerror}.", "Free space, or mend the disk."
        ) from None


def keep_somewhere(data: bytes, path: str, name: str, elsewhere: t.Iterable[str]) -> tuple[str | None, str]:
    """Save what can't be had again: beside ``path`` as ``name``, else in a new private folder below ``elsewhere``.

    Returns where it lies, None when no place took it, and why it doesn't lie beside, empty where it does. It has this
    name from the first byte on, so that the next run finds it after a kill at any moment. Leaves no empty folder.
    """
    beside, why = os.path.dirname(os.path.abspath(path)), ""
    for parent in (beside, *elsewhere):
        folder = beside
        try:
            if parent != beside:
                folder = tempfile.mkdtemp(prefix=ELSEWHERE, dir=parent)
            place = free_name(os.path.join(folder, name))
            _save(place, data)
            sync_done(folder)
            return place, why
        except OSError as error:
            why = why or f"{beside} can't be written: {error.strerror}."
            if folder != beside:
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
    return None, why


@contextlib.contextmanager
def locked_folder(path: str, remaining: t.Callable[[], float], wait: t.Callable[[float], None]) -> t.Iterator[None]:
    """Hold the lock on the folder of ``path`` against other runs on this machine; it ends with the process.

    Raises FileError when another run holds it until no time (seconds) is ``remaining``.
    """
    folder = os.path.dirname(os.path.abspath(path))
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise FileError(f"private_key_path: {folder} can't be opened: {error.strerror}.", "Check its mode.") from None
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if remaining() <= 0:
                    raise FileError(f"private_key_path: another run works in {folder}.", "Run again later.") from None
                wait(0.05)
            except OSError as error:
                raise FileError(f"private_key_path: {folder} can't be locked: {error.strerror}.") from None
        yield
    finally:
        os.close(descriptor)


def remove_key_file(path: str, permit: Permit) -> None:
    """Remove a key file. Raises FileError."""
    permit.require("remove_key_file", path)
    try:
        os.unlink(path)
    except OSError as error:
        raise FileError(f"private_key_path: {path} can't be removed: {error.strerror}.") from None
    sync_done(os.path.dirname(os.path.abspath(path)))


def sync_done(folder: str) -> None:
    """Bring a step that is done to the disk. Where that fails, a power cut may undo it, but it isn't what failed."""
    with contextlib.suppress(OSError):
        _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
