# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a ledger's place says before anything is written or asked: lacking, not writable, and in which words."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ledger_support import NOW, entry, ledger_at
from unit_support import pipe_at

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError


def refused(ledger: Ledger) -> str:
    """Look at its place; give what is said against it, empty for nothing."""
    try:
        ledger.check_place()
    except LedgerError as error:
        return str(error)
    return ""


def unread(ledger: Ledger) -> str:
    """Read from it; give what is said against it, empty for nothing."""
    try:
        with ledger.reading():
            return ""
    except LedgerError as error:
        return str(error)


@pytest.mark.parametrize("right", [os.R_OK, os.W_OK, os.X_OK])
@pytest.mark.parametrize("name", ["folder", "ledger.db"])
def test_rights_that_lack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, right: int) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "ledger.db"
    path.touch()
    lacking = folder if name == "folder" else path

    def access(asked: str, mode: int) -> bool:
        return not (mode & right and Path(asked) == lacking)

    monkeypatch.setattr(os, "access", access)
    needed = {"folder": (os.W_OK, os.X_OK), "ledger.db": (os.R_OK, os.W_OK)}[name]
    what = f"the folder {folder}" if name == "folder" else str(path)
    lack = "can't be read" if right == os.R_OK else "is not writable"
    said = f"ledger.url: {what} {lack}. Check its owner and mode." if right in needed else ""
    assert refused(ledger_at(f"sqlite:///{path}")) == said
    assert unread(ledger_at(f"sqlite:///{path}")) == (said if (name, right) == ("ledger.db", os.R_OK) else "")


def test_places_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(ledger_at(f"sqlite:///{tmp_path}")) == (
        f"ledger.url: {tmp_path} is a folder. Name a file in it, such as ledger.db."
    )
    assert unread(ledger_at(f"sqlite:///{tmp_path}")) == refused(ledger_at(f"sqlite:///{tmp_path}"))
    assert refused(ledger_at(f"sqlite:///{tmp_path}/no/ledger.db")) == (
        f"ledger.url: the folder {tmp_path}/no does not exist. Create it, or correct the path."
    )
    with pipe_at(tmp_path / "pipe") as pipe:
        # Read first: what doesn't wait for it may write into it.
        said = f"ledger.url: {pipe} isn't a regular file. Name a file, such as ledger.db."
        assert unread(ledger_at(f"sqlite:///{pipe}")) == refused(ledger_at(f"sqlite:///{pipe}")) == said
    (tmp_path / "file").touch()
    # Whatever its mode allows.
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    default = Ledger(find_place(None, {"XDG_STATE_HOME": f"{tmp_path}/file"}), False, lambda text: None)
    assert refused(default) == f"ledger.url: the folder {tmp_path}/file is not writable. Check its owner and mode."


def test_what_never_writes_looks_at_no_place_and_what_does_looks_once(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    url = f"sqlite:///{folder}/ledger.db"
    assert refused(Ledger(find_place(url, {}), True, lambda text: None, for_writing=False)) == ""
    writer = ledger_at(url)
    assert refused(writer)
    folder.mkdir()
    assert refused(writer) == ""
    folder.rmdir()
    assert refused(writer) == ""


def test_where_nothing_is_known_it_is_said_why(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    url = f"sqlite:///{path}"
    assert ledger_at(url).lack() == "does not exist"
    path.touch()
    assert ledger_at(url).lack() == "is empty: nothing was ever stored in it"
    path.unlink()
    ledger = ledger_at(url)
    put_integration(ledger, entry(), NOW)
    ledger.close()
    assert ledger_at(url).lack() == ""


def test_where_nobody_may_look_nothing_is_taken_for_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, stat = f"{tmp_path}/ledger.db", os.stat

    def refusing(asked: t.Any, **more: t.Any) -> os.stat_result:
        if asked == path:
            raise PermissionError(13, "Permission denied")
        return stat(asked, **more)

    monkeypatch.setattr(os, "stat", refusing)
    with pytest.raises(LedgerError) as caught:
        ledger_at(f"sqlite:///{path}").lack()
    assert str(caught.value) == (
        f"ledger.url: {path} can't be read: Permission denied. Check owner and mode of its folders."
    )
