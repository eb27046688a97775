# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key files, read without surprises."""

from __future__ import annotations

import difflib
import errno
import os
import stat
import typing as t

from .._model.errors import InputError
from .._model.identifiers import shown
from .._model.key_problem import KeyProblem
from .._model.key_text import LARGEST
from .._model.secret import looks_secret

Policy = t.Literal["strict", "mounted", "own"]
_OTHERS = 0o077
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
FILE_WANTED = "Give the path of a .p8 file, such as ~/keys/SubscriptionKey_2X9R4HXF34.p8."
# What to do where a private key's file isn't there.
WHERE_FROM = (
    "Correct private_key_path, or give the key's text in private_key_content (from a vault); App Store Connect offers "
    "it for download once."
)
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


def read_option_file(path: str, option: str, largest: int, next_step: str) -> tuple[bytes, os.stat_result]:
    """Return what a file holds, a link's too, up to a byte more than ``largest``, and its status.

    A pipe is refused, as one that nobody writes into would be waited for without end. Raises InputError.
    """
    data = b""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode):
                with os.fdopen(descriptor, "rb", closefd=False) as file:
                    data = file.read(largest + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        raise InputError(option, f"{path} can't be read: {reason}.", next_step) from None
    if not stat.S_ISREG(status.st_mode):
        raise InputError(option, f"{path} is {kind_of(status.st_mode)}.", next_step)
    return data, status


def certificates_path(path: str | None, environ: t.Mapping[str, str]) -> str | None:
    """Return where the CA certificates lie: at ``path`` (ca_path), else where the environment says.

    Raises InputError for what can't be read, and for a pipe or a device: who opens it waits without end. A store of
    certificates is a folder.
    """
    wanted = "Give a file with CA certificates in PEM."
    if path and not os.access(path, os.R_OK):
        raise InputError("ca_path", f"{path} can't be read.", wanted)
    given = {"ca_path": path, **{name: environ.get(name) for name in _CA_VARIABLES}}
    option, chosen = next(((name, one) for name, one in given.items() if one), ("", None))
    if chosen and os.path.exists(chosen) and not os.path.isfile(chosen) and not os.path.isdir(chosen):
        raise InputError(option, f"{chosen} isn't a regular file.", wanted)
    return chosen


def _unopened(path: str, error: OSError | ValueError) -> KeyProblem:
    if isinstance(error, ValueError):
        return KeyProblem("key_unreadable", f"{path!a} isn't a path.", "Give the path of a .p8 file.")
    if error.errno == errno.ELOOP:
        return KeyProblem("key_unreadable", f"{path} is a symbolic link.", _MOUNTED)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return KeyProblem("key_unreadable", f"{path} does not exist. {what_is_near(path)}", WHERE_FROM)
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


def kind_of(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe, not a regular file"
    return "a folder" if stat.S_ISDIR(mode) else "not a regular file"


def _check_status(path: str, status: os.stat_result, policy: Policy) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyProblem("key_unreadable", f"{path} is {kind_of(status.st_mode)}.", FILE_WANTED)
    if status.st_size > LARGEST:
        raise KeyProblem("key_unreadable", f"{path} has {status.st_size} bytes; a .p8 file has about 260.")
    if policy == "strict" and status.st_mode & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyProblem(
            "key_unreadable",
            f"{path} has mode {mode:04o}: others than its owner can reach this private key.",
            f"Run chmod 600 on it (and think about who may have read it). {_MOUNTED}",
        )
