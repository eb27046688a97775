# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads one mapping of options; every fault is kept and named by the option's path."""

from __future__ import annotations

import typing as t

from .._fields import refuse_empty, unknown_fields
from .._model.errors import InputError, RefundsError
from .protocol import OnUnknown

T = t.TypeVar("T")
Options = t.Mapping[str, t.Any]
_ON_UNKNOWN: tuple[OnUnknown, ...] = t.get_args(OnUnknown)


class SettingsError(RefundsError):
    """Options of a tracker that can't be used. ``faults``: one for each option."""

    def __init__(self, faults: t.Sequence[InputError]) -> None:
        super().__init__(" ".join(map(str, faults)))
        self.faults = tuple(faults)


class Reader:
    """Reads one tracker's options. ``where`` is their path, such as ``apps[3].devtodev``."""

    def __init__(self, options: Options, where: str) -> None:
        self.where = where
        self.faults: list[InputError] = []
        self._options = options

    def path(self, name: str) -> str:
        return f"{self.where}.{name}"

    def fault(self, name: str, problem: str, next_step: str = "") -> None:
        self.faults.append(InputError(self.path(name), problem, next_step))

    def attempt(self, function: t.Callable[[], T], otherwise: T) -> T:
        """Call what may find a fault; one found is kept for the end."""
        try:
            return function()
        except InputError as error:
            self.faults.append(error)
            return otherwise

    def check_names(self, names: t.Iterable[str]) -> None:
        self.faults += [InputError(self.where, text) for text in unknown_fields(dict.fromkeys(names), self._options)]

    def text(self, name: str) -> str:
        """Return an option's text, trimmed; empty when it is left out."""
        value = self._options.get(name)
        if isinstance(value, (dict, list)):
            self.fault(name, "isn't text.")
            return ""
        return str(value if value is not None else "").strip()

    def is_left_out(self, name: str) -> bool:
        return self._options.get(name) is None

    def refuse_empty(self, name: str, variable: str = "") -> None:
        """Note the fault of a text that is given but empty. ``variable``: of the environment, which may be why."""
        self.attempt(lambda: refuse_empty(self._options, (name,), f"{self.where}.", variable), None)

    def flag(self, name: str) -> bool:
        value = self._options.get(name)
        if value is not None and not isinstance(value, bool):
            self.fault(name, "is neither true nor false.")
        return value is True

    def texts(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return a list of texts; ``default`` when it is left out or empty."""
        value = self._options.get(name)
        if not value:
            return default
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            self.fault(name, "isn't a list of texts.")
            return default
        return tuple(item.strip() for item in value)

    def mapping(self, name: str) -> Options:
        value = self._options.get(name)
        if value is not None and not isinstance(value, dict):
            self.fault(name, "isn't a mapping.")
        return value if isinstance(value, dict) else {}

    def on_unknown(self) -> OnUnknown:
        value = self._options.get("on_unknown")
        found = next((choice for choice in _ON_UNKNOWN if choice == value), None)
        if value is not None and found is None:
            self.fault("on_unknown", f"is none of {', '.join(_ON_UNKNOWN)}.")
        return found or "keep"

    def finish(self) -> None:
        """Raise SettingsError for all that was found."""
        if self.faults:
            raise SettingsError(self.faults)
