# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder that can't be brought to the disk, at any moment: what is told agrees with what lies there."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from asc_support import NAME, READ, REVOKE, Person, key
from unit_support import KEY_ID, new_pem, write_key

Enter = t.Callable[..., Person]
OLD, COPY = "studio.p8", ".iap_key_0a1b2c3d"
# What is asked, and what lies in the folder before: the task's own key, or a copy of it.
TASKS: dict[str, tuple[dict[str, t.Any], tuple[str, ...]]] = {
    "written": ({"private_key_content": new_pem(), "name": None}, ()),
    "replaced": ({"private_key_content": new_pem(), "name": None}, (OLD,)),
    "removed": ({"state": "absent", "backup": False}, (OLD, COPY)),
    "moved": ({"state": "absent", "name": None}, (OLD,)),
    "revoked": ({"state": "absent", "revoke": True, "backup": False}, (OLD,)),
    "downloaded": ({}, ()),
    "made anew": ({"regenerate": "always"}, (OLD,)),
}


class Unsynced:
    """Lets the folder's n-th fsync fail."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.has_failed = False
        self._fsync = os.fsync

    def __call__(self, descriptor: int) -> None:
        """Be os.fsync."""
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            self.left -= 1
            if self.left == 0:
                self.has_failed = True
                raise OSError(116, os.strerror(116))
        self._fsync(descriptor)


def contents(folder: Path) -> dict[str, str]:
    """Give what lies there."""
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("name", TASKS)
def test_what_is_told_agrees_with_what_lies_there(
    world: Enter, monkeypatch: pytest.MonkeyPatch, pem: str, name: str, number: int
) -> None:
    options, files = TASKS[name]
    person = world(keys=[key(KEY_ID, downloadable=name == "downloaded")])
    for file in files:
        write_key(person.folder / file, pem)
    before, unsynced = contents(person.folder), Unsynced(number)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", unsynced)
        outcome = person.run(environ={"TMPDIR": str(person.folder.parent)}, **options)
    if outcome.results.get("failed"):
        # It shows beforehand, where a step follows that can be had only once.
        assert unsynced.has_failed and os.strerror(116) in outcome.message and not outcome.results.get("changed")
        assert contents(person.folder) == before and READ not in person.changes() and REVOKE not in person.changes()
        assert name in ("downloaded", "made anew") and number == 1
        return
    assert outcome.results["changed"], outcome
    left = contents(person.folder)
    if "private_key_content" in options:
        assert left[OLD] == options["private_key_content"]
    elif name in ("removed", "revoked"):
        assert left == {}
    elif name != "moved":
        assert person.fits(outcome.results["iap_key"]["key_id"]) and person.active(NAME)
    kept = outcome.results.get("backup_file")
    assert kept is None or (left[Path(kept).name] == pem and kept in (outcome.results.get("summary") or kept))
    assert len(left) == (0 if name in ("removed", "revoked") else 1 + (name in ("replaced", "made anew")))
