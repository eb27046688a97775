# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions are tested, and with what. A version is one line here and nothing anywhere else."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import paths

OWN_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


@dataclass(frozen=True)
class Version:
    """An ansible-core on a Python, and the suites that run there.

    ``integration`` means the targets, inside Ansible's process: all on the oldest version, on another those without the
    alias "once/", which prove what modules do whatever runs them, and without the parts of targets that ask
    ``storeops_refunds_oldest``. ``smoke`` means those with the alias "smoke/", as ordinary modules; ``unit`` the tests
    of one layer that start no process, ``services`` the others in tests/unit. What holds on the oldest version and on
    the newest, the pre-release included, needs no proof of every target on one between them, nor of every unit test:
    there it is ``unit`` of what touches Ansible itself (the marker ``ansible``).
    """

    python: str
    core: str
    suites: tuple[str, ...]

    @property
    def short(self) -> str:
        return ".".join(self.core.split(".")[:2])

    @property
    def name(self) -> str:
        return f"{self.short}-py{self.python}"

    @property
    def venv(self) -> Path:
        return paths.VENV if self == OWN else paths.ROOT / ".venvs" / f"{self.python}-{self.short}"


MATRIX = (
    Version("3.11", "2.19.14", ("sanity", "unit", "services", "integration")),
    Version("3.13", "2.21.5", ("sanity", "unit", "smoke")),
    Version("3.13", "2.22.0rc1", ("sanity", "unit", "integration", "secrets")),
)


def _own() -> Version:
    """Return what .venv holds: the first version on this Python, else the newest one for an older Python."""
    number = tuple(map(int, OWN_PYTHON.split(".")))
    fitting = [version for version in MATRIX if version.python == OWN_PYTHON]
    older = [version for version in MATRIX if tuple(map(int, version.python.split("."))) < number]
    released = [version for version in older if "rc" not in version.core]
    return fitting[0] if fitting else Version(OWN_PYTHON, (released or list(MATRIX))[-1].core, ("unit",))


OWN = _own()


class _Events(Version):
    """Where ansible-rulebook lies; nothing else needs it or Java."""

    @property
    def venv(self) -> Path:
        return paths.ROOT / ".venvs" / "events"


EVENTS = _Events(OWN.python, OWN.core, ("events",))
OTHERS = tuple(version for version in MATRIX if version != OWN)
