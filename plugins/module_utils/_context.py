# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task may know of the world: everything below reads clock, environment and network through this."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ._http import Transport
from ._model.errors import RefundsError

Params = t.Mapping[str, t.Any]
Results = dict[str, t.Any]


class AttributeRefused(Exception):
    """A file attribute can't be set: ``option`` with its ``value``. ``changed``: others were set before it."""

    def __init__(self, option: str, value: t.Any, reason: str, changed: bool = False) -> None:
        super().__init__(reason)
        self.option = option
        self.value = value
        self.changed = changed


class FileAttributes(t.Protocol):
    """Ansible's file attributes (mode, owner, group, …) of the running module."""

    def apply(self, path: str, diff: dict[str, t.Any], without: t.Container[str] = ()) -> bool:
        """Set what differs, note it in ``diff`` (before, after), and tell whether anything did.

        ``without``: options to leave as they are. Raises AttributeRefused.
        """

    def unusable(self, folder: str) -> AttributeRefused | None:
        """Return the first value that no file could get; nothing is changed. ``folder`` is one that is there."""

    def ids(self) -> tuple[int | None, int | None]:
        """Return the numbers of owner and group, None for what isn't given or can't be used."""

    def of_entry(self, mode: str | int | None, owner: str | None, group: str | None) -> FileAttributes:
        """Return the same with an entry's own mode, owner and group."""


def _say_nothing(text: str) -> None:
    pass


@dataclass(frozen=True)
class Context:
    """``environ``: the process environment. ``now``: UNIX seconds. ``warn``: shows a warning to the user.

    ``progress``: shows a line while the task still runs, from any thread; a module can't, so it may do nothing.
    """

    check_mode: bool
    environ: t.Mapping[str, str]
    now: t.Callable[[], float]
    warn: t.Callable[[str], None]
    transport: Transport
    file_attributes: FileAttributes | None = None
    progress: t.Callable[[str], None] = _say_nothing

    def timestamp(self) -> str:
        """Return UTC now in ISO 8601, whole seconds."""
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class TaskFailed(RefundsError):
    """A task that failed but has results to show all the same."""

    def __init__(self, message: str, results: Results) -> None:
        super().__init__(message)
        self.results = results


@dataclass(frozen=True)
class Library:
    """A Python library that a task needs; ``error`` is the traceback of its failed import, or None."""

    name: str
    error: str | None


@dataclass(frozen=True)
class Task:
    """What a module is: its options, and the function that does the work for plain parameters.

    ``libraries_with``: what it needs on top when an option is given, by the option's name.
    """

    argument_spec: t.Mapping[str, t.Any]
    function: t.Callable[[Params, Context], Results]
    libraries: tuple[Library, ...] = ()
    has_file_attributes: bool = False
    libraries_with: t.Mapping[str, tuple[Library, ...]] = field(default_factory=dict)

    def missing(self, params: Params) -> Library | None:
        """Return the first library that these parameters need and that is not there."""
        more = (one for option, libraries in self.libraries_with.items() if params.get(option) for one in libraries)
        return next((library for library in (*self.libraries, *more) if library.error), None)
