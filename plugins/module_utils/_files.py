# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key files: read without surprises, written so that a crash or a link never loses or exposes a key. And reports."""

from __future__ import annotations

import contextlib
import difflib
import errno
import fcntl
import os
import stat
import tempfile
import typing as t

from ._model.errors import FileError
from ._model.identifiers import shown
from ._model.private_key import LARGEST, KeyProblem
from ._model.secret import looks_secret

Policy = t.Literal["strict", "mounted", "own"]
KEY_MODE = 0o600
_OTHERS = 0o077
_NAMED = 5
# Comparing names takes a tenth of a second for a thousand of them, and a list of apps may have many lost files.
_MOST_COMPARED = 100
_MOUNTED = (
    "Secrets mounted by Kubernetes, Docker or GitLab have links and wider modes: set private_key_file_policy: mounted."
)


def read_key_file(path: str, policy: Policy) -> bytes:
    """Return the bytes of a .p8 file.

    ``strict`` reads no link and nothing that group or others may read; ``mounted`` allows both; ``own`` reads no link
    but any mode, for the module that repairs the mode. Raises KeyProblem (key_unreadable).
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    if policy != "mounted":
        flags |= os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise _unopened(path, error) from None
    try:
        _check_status(path, os.fstat(descriptor), policy)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise KeyProblem("key_unreadable", f"{path} can't be read: {error.strerror}.") from None
    finally:
        os.close(descriptor)


def _unopened(path: str, error: OSError | ValueError) -> KeyProblem:
    if isinstance(error, ValueError):
        return KeyProblem("key_unreadable", f"{path!a} is no path.", "Give the path of a .p8 file.")
    if error.errno == errno.ELOOP:
        return KeyProblem("key_unreadable", f"{path} is a symbolic link.", _MOUNTED)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return KeyProblem(
            "key_unreadable",
            f"{path} does not exist. {what_is_near(path)}",
            "Correct private_key_path, or put the .p8 there with storeops.refunds.appstore_iap_key.",
        )
    return KeyProblem("key_unreadable", f"{path} can't be opened: {error.strerror}.", "Check owner and mode.")


def what_is_near(path: str) -> str:
    """Say what there is instead of a file to read: the nearest folder, and the names of its .p8 files."""
    if os.path.islink(path):
        return "It is a symbolic link to a file that is gone."
    if looks_secret(path):
        return "There is no such folder."
    wanted, name = os.path.split(os.path.abspath(path))
    folder = wanted
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    missing = "" if folder == wanted else f"There is no folder {wanted}; the nearest is "
    start = f"{missing}{folder}, which holds" if missing else f"{folder} holds"
    try:
        names = sorted(found for found in os.listdir(folder) if found.lower().endswith(".p8"))
    except OSError:
        return f"{start} what can't be listed."
    is_short = len(names) <= _MOST_COMPARED
    nearest = difflib.get_close_matches(name, names, _NAMED, 0) if is_short else names[:_NAMED]
    named = ", ".join(map(shown, nearest))
    more = f" and {len(names) - _NAMED} more .p8 files" if len(names) > _NAMED else ""
    return f"{start} {named}{more}." if names else f"{start} no .p8 file."


def _check_status(path: str, status: os.stat_result, policy: Policy) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise KeyProblem("key_unreadable", f"{path} is {kind}.", "Give the path of a .p8 file.")
    if status.st_size > LARGEST:
        raise KeyProblem("key_unreadable", f"{path} has {status.st_size} bytes; a .p8 file has about 260.")
    if policy == "strict" and status.st_mode & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyProblem(
            "key_unreadable",
            f"{path} has mode {mode:04o}: others than its owner can reach this private key.",
            f"Run chmod 600 on it (and think about who may have read it). {_MOUNTED}",
        )


def write_key_file(path: str, data: bytes, backup: str | None = None) -> None:
    """Write ``data`` to ``path`` with mode 0600: whole or not at all, never through a link, safe against a crash.

    ``backup`` names a place for what lies there now: a second name of the same file, so that nothing is copied.
    Raises FileError.
    """
    folder = os.path.dirname(os.path.abspath(path))
    refuse_unwritable(path)
    leftovers: list[str] = []
    outcome = "Nothing was changed."
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".iap_key_", dir=folder)
        leftovers.append(temporary)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, KEY_MODE)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        if backup:
            os.link(path, backup, follow_symlinks=False)
            leftovers.append(backup)
        os.replace(temporary, path)
        leftovers.clear()
        outcome = "The new file lies there, but may not outlive a power cut."
        _sync_folder(folder)
    except OSError as error:
        raise FileError(f"private_key_path: {path} can't be written: {error.strerror}.", outcome) from None
    finally:
        for name in leftovers:
            with contextlib.suppress(OSError):
                os.unlink(name)


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
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise FileError(f"private_key_path: {path} can't be used: {error.strerror}.") from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "no regular file"
        raise FileError(
            f"private_key_path: {path} is {kind}; keys are never written through one.",
            "Remove it first.",
        )


def try_writing(path: str, with_backup: bool = False, prepare: t.Callable[[str], object] | None = None) -> None:
    """Write and remove a file like the one to come, so that a full or broken disk shows before a one-time step.

    ``with_backup``: also give what lies there a second name, as a backup does, and take it away again.
    ``prepare``: is called with the file's path, to try what will be done to the real one (owner, mode).
    """
    folder = os.path.dirname(os.path.abspath(path))
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".iap_key_", dir=folder)
        try:
            if os.write(descriptor, b"\0" * LARGEST) < LARGEST:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
            if with_backup:
                os.link(path, f"{temporary}.bak", follow_symlinks=False)
                os.unlink(f"{temporary}.bak")
            if prepare is not None:
                prepare(temporary)
            _sync_folder(folder)
        finally:
            os.close(descriptor)
            os.unlink(temporary)
    except OSError as error:
        raise FileError(
            f"private_key_path: {folder} can't be written: {error.strerror}.",
            "Free space or fix it; where the file system has no hard links, set backup: false.",
        ) from None


def private_folder() -> str:
    """Return a new temporary folder that only its owner can reach, for what must not get lost."""
    return tempfile.mkdtemp(prefix="iap_key_")


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


def write_text_file(path: str, text: str, option: str) -> None:
    """Write a text that is no secret: whole or not at all. Missing folders are made; a link is replaced, not followed.

    A file that is there keeps its mode; a new one gets that of the umask. Raises FileError naming ``option``.
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
                status = os.lstat(path)
                if stat.S_ISREG(status.st_mode):
                    os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        temporary = ""
        _sync_folder(folder)
    except OSError as error:
        raise FileError(f"{option}: {path} can't be written: {error.strerror}.", "Check folder, owner, mode.") from None
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def refuse_unwritable_text(path: str, option: str) -> None:
    """Raise FileError when ``write_text_file`` could not write there; changes nothing, for check mode."""
    _refuse_odd(path, option)
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f"{option}: {folder} is no folder that can be written.", "Check its owner and mode.")


def _refuse_odd(path: str, option: str) -> None:
    """Raise FileError for a directory, and for a pipe or device, which a new file would take the place of."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "no regular file"
        raise FileError(f"{option}: {path} is {kind}.", "Give the path of a file.")


def remove_key_file(path: str) -> None:
    """Remove a key file. Raises FileError."""
    try:
        os.unlink(path)
        _sync_folder(os.path.dirname(os.path.abspath(path)))
    except OSError as error:
        raise FileError(f"private_key_path: {path} can't be removed: {error.strerror}.") from None


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
