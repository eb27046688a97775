# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a database says, in words that help; and which of it may pass by itself."""

from __future__ import annotations

import contextlib
import typing as t

from .._model.errors import LedgerError
from .._model.integration import Identity

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy.exc

# Serialization failure and deadlock: PostgreSQL took one of two transactions back, for it to be tried again.
_COLLISIONS = ("40001", "40P01")
# The server ended the connection: shutting down, crashed, or starting.
_LOST = ("57P01", "57P02", "57P03", "08000", "08003", "08006")
_CANCELLED = "57014"
_FULL = "53100"
_READ_ONLY = "25006"


class Passing(LedgerError):
    """Nothing is wrong with what was written: the same again may succeed at once."""


class RowFault(LedgerError):
    """The database can't hold one of the rows, as a number that is too large. Without it, the others can be written."""


class RowsFailed(LedgerError):
    """Some rows can't be held; all others were written. ``faults``: why, by identity."""

    def __init__(self, faults: t.Mapping[Identity, str]) -> None:
        super().__init__(next(iter(faults.values())))
        self.faults = faults


def explained(
    error: Exception, where: str, lock_timeout: float, is_over: bool, is_server: bool, has_deadline: bool = True
) -> LedgerError:
    """Return the error to raise. ``where``: option and name of the place. ``is_over``: its time is over.

    ``has_deadline``: that is an option of the task.
    """
    original = getattr(error, "orig", None) or error
    state = getattr(original, "sqlstate", None)
    reason = (str(original).splitlines() or [type(original).__name__])[0][:200]
    if state == _CANCELLED or (is_server and is_over):
        return too_late(where, has_deadline)
    if state in _COLLISIONS:
        return Passing(f"{where} was written by another program at the same time ({reason}).", "Run again.")
    if state in _LOST or (is_server and getattr(error, "connection_invalidated", False)):
        return Passing(f"{where}: the connection broke ({reason}).", "Check the server and the network; run again.")
    if isinstance(error, (OverflowError, sqlalchemy.exc.DataError, sqlalchemy.exc.IntegrityError)):
        return RowFault(f"{where} can't hold a value ({reason}).", "Compare the numbers and texts of this entry.")
    return LedgerError(*_other(error, state, reason, where, lock_timeout, is_server))


def too_late(where: str, has_deadline: bool = True) -> LedgerError:
    step = (
        "Check the server and the network, or raise deadline." if has_deadline else "Check the server and the network."
    )
    return LedgerError(f"{where} did not answer in time.", step)


def _other(
    error: Exception, state: str | None, reason: str, where: str, lock_timeout: float, is_server: bool
) -> tuple[str, str]:
    if "locked" in reason or "lock timeout" in reason:
        return (
            f"{where} was locked by another program for {lock_timeout:g} s.",
            "Nothing was written; run again when it is free.",
        )
    if state == _FULL or "disk is full" in reason:
        return f"{where} can't be written: its disk is full ({reason}).", "Nothing was written; make room, run again."
    if is_server and state == _READ_ONLY:
        return f"{where} is read-only: a replica, or made so for this role.", "Give the primary's URL, or another role."
    if "readonly" in reason or "read-only" in reason or isinstance(error, PermissionError):
        return f"{where} is not writable.", "Check owner and mode of the file and its folder, or the role."
    if "not a database" in reason or "malformed" in reason:
        return f"{where} isn't a SQLite database or is damaged.", "Restore it from a backup."
    if is_server:
        return f"{where} can't be used: {reason}.", "Check host, database, role and network."
    return f"{where} can't be opened: {reason}.", "The folder must exist and be writable."
