# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors a user can act on.

Every message names the option or the file that is wrong and the next step; `_run.py` turns them into a failed task.
"""

from __future__ import annotations

import contextlib
import os
import re
import traceback
import typing as t

from .text import printable

# Why an option is most likely empty.
UNSET = "Perhaps a variable or a secret of the CI is not set."
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")


class RefundsError(Exception):
    """What failed, on which object, and what to do next. ``str()`` of it is shown to the user, on a terminal too.

    ``may_have_changed``: something was sent before, and may have been done all the same.
    """

    may_have_changed = False

    def __init__(self, message: str, next_step: str = "") -> None:
        message, next_step = printable(message), printable(next_step)
        super().__init__(f"{message} {next_step}".strip())
        self.message = message
        self.next_step = next_step


class InputError(RefundsError):
    """An option has a value that can't be used. ``option`` is its name as the user typed it."""

    def __init__(self, option: str, problem: str, next_step: str = "") -> None:
        super().__init__(f"{option}: {problem}", next_step)
        self.option = option


class FileError(RefundsError):
    """A file can't be read, written or removed safely."""


class LedgerError(RefundsError):
    """The ledger can't be opened, read or written."""


class TransportError(RefundsError):
    """No HTTP answer was had. ``kind`` is one of dns, tcp, tls, timeout, broken, deadline, refused_url.

    ``may_have_arrived``: this try, or one before it, may have reached the service.
    """

    def __init__(self, kind: str, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.kind = kind
        self.may_have_arrived = kind not in ("dns", "tcp")


@contextlib.contextmanager
def after_writing() -> t.Iterator[None]:
    """What fails in here fails after something was sent that may have been done."""
    try:
        yield
    except RefundsError as error:
        error.may_have_changed = True
        raise


def first_sentence(text: str, count: int = 1) -> str:
    """Return the first sentence, or the first ``count``."""
    return " ".join(_SENTENCE_END.split(text, maxsplit=count)[:count])


def unforeseen(error: Exception, consequence: str = "nothing after this point was done") -> str:
    """Return the message about a fault of the collection itself, in one line; ``consequence``: what it spoiled."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    reason = " ".join(str(error).split())
    return (
        f"This is a fault of storeops.refunds, not of your input: {type(error).__name__} at {place}: {reason}. "
        f"Please report it with this line; {consequence}."
    )
