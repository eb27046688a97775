# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strict reading of mappings that people write: the world, faults, control requests."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from typing import Final

URL: Final = (r"https?://[^\s/]\S{0,1023}", "be an http or https URL")
"""Pattern and wording for `Fields.text`."""


class InputError(ValueError):
    """A value is not usable; ``str()`` is one line: where it stands, and what is wrong."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem)


class Fields:
    """One mapping whose names are all known; every getter raises `InputError` with the path."""

    def __init__(self, value: object, path: str, known: Collection[str]) -> None:
        if not isinstance(value, dict):
            raise InputError(path, "must be a mapping of names to values")
        self._values = value
        self._path = path
        for name in value:
            if name not in known:
                raise InputError(self.at(str(name)), _unknown(str(name), known))

    def at(self, name: str) -> str:
        """Give the path of one entry, for example ``teams[0].apps[2].bundle_id``."""
        return f"{self._path}.{name}" if self._path else name

    def names(self) -> list[str]:
        """Give the names that are there."""
        return [str(name) for name in self._values]

    def has(self, name: str) -> bool:
        """Tell whether the entry is there and not null."""
        return self._values.get(name) is not None

    def raw(self, name: str) -> object:
        """Give the entry as it is, or None."""
        return self._values.get(name)

    def text(self, name: str, pattern: str = r"[^\x00]+", expected: str = "not be empty") -> str:
        """Give a required text that matches the whole `pattern`."""
        value = self._required(name)
        if not isinstance(value, str):
            raise InputError(self.at(name), "must be text (put it in quotes)")
        if re.fullmatch(pattern, value) is None:
            raise InputError(self.at(name), f"must {expected}, not {value[:80]!r}")
        return value

    def optional_text(self, name: str) -> str | None:
        """Give a text, or None when it is left out."""
        return self.text(name) if self.has(name) else None

    def integer(self, name: str, low: int = 0, high: int = 2**63 - 1) -> int:
        """Give a required whole number from `low` to `high`."""
        value = self._required(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError(self.at(name), "must be a whole number")
        if not low <= value <= high:
            raise InputError(self.at(name), f"must be from {low} to {high}, not {value}")
        return value

    def number(self, name: str, low: float, high: float) -> float:
        """Give a required number from `low` to `high`."""
        value = self._required(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(self.at(name), "must be a number")
        if not low <= value <= high:
            raise InputError(self.at(name), f"must be from {low:g} to {high:g}, not {value}")
        return float(value)

    def boolean(self, name: str, default: bool | None = None) -> bool:
        """Give true or false; required when there is no default."""
        if default is not None and not self.has(name):
            return default
        value = self._required(name)
        if not isinstance(value, bool):
            raise InputError(self.at(name), "must be true or false")
        return value

    def choice(self, name: str, allowed: Collection[str], default: str | None = None) -> str:
        """Give one of the allowed texts; required when there is no default."""
        if default is not None and not self.has(name):
            return default
        value = self._required(name)
        if value not in allowed:
            raise InputError(self.at(name), f"must be one of {', '.join(allowed)}, not {value!r}")
        return str(value)

    def entries(self, name: str) -> list[tuple[str, object]]:
        """Give the members of an optional list, each with its path."""
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise InputError(self.at(name), "must be a list")
        return [(f"{self.at(name)}[{index}]", member) for index, member in enumerate(value)]

    def _required(self, name: str) -> object:
        if not self.has(name):
            raise InputError(self.at(name), "is missing")
        return self._values[name]


def _unknown(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"unknown key; did you mean {near[0]}?"
    return f"unknown key; known here: {', '.join(known) or 'none'}"
