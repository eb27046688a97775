# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of collections and of a module's zip, which each process compiles anew, are compiled by the first one."""

from __future__ import annotations

import hashlib
import importlib
import marshal
import os
import typing as t
import zipimport
from pathlib import Path


class Compiled:
    """What processes have compiled: each writes it into a folder, and one that ``learns`` gives it to its forks."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._known: dict[str, t.Any] = {}

    def compile(self, source: str | bytes, filename: str, mode: str, flags: int = 0, *, dont_inherit: bool) -> t.Any:
        """Do what Python's own does, once."""
        text = source.encode() if isinstance(source, str) else source
        # A zip lies in another place each time.
        key = f"{filename.rpartition('.zip/')[2]} {mode} {flags} ".encode() + text
        name = hashlib.sha256(key).hexdigest()
        if name not in self._known:
            self._known[name] = compile(source, filename, mode, flags, dont_inherit)
            new = self._place / f"{name}.{os.getpid()}"
            new.write_bytes(marshal.dumps(self._known[name]))
            new.replace(self._place / name)
        return self._known[name]

    def learn(self) -> None:
        """Read what others have compiled."""
        for name in os.listdir(self._place):
            if name not in self._known and "." not in name:
                self._known[name] = marshal.loads((self._place / name).read_bytes())

    def serve_zips(self) -> None:
        """Compile what is imported from zips."""
        vars(zipimport)["compile"] = self.compile

    def serve_collections(self) -> None:
        """Compile Ansible's collections."""
        vars(importlib.import_module("ansible.utils.collection_loader._collection_finder"))["compile"] = self.compile
