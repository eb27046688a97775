# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key files are written whole or not at all, private, and never through a link."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
from unit_support import as_other_user, give_away

from ansible_collections.storeops.refunds.plugins.module_utils._files.writing import (
    free_name,
    is_there,
    keep_somewhere,
    move,
    refuse_unwritable,
    remove_key_file,
    try_writing,
    write_key_file,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import FileError
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permit, Proof


@contextlib.contextmanager
def umask(mask: int) -> t.Iterator[None]:
    """Set the umask for a while."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


PROOF = Proof("a test made it", "none", "2026-11-23T08:45:00Z")


def may_replace(path: object) -> Permit:
    """Permit what else the gate permits."""
    return Permit("replace_key_file", str(path), PROOF)


def may_remove(path: object) -> Permit:
    """Permit what else the gate permits."""
    return Permit("remove_key_file", str(path), PROOF)


def mode_of(path: object) -> int:
    """Give the permission bits."""
    return os.stat(str(path)).st_mode & 0o7777


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277, 0o777])
def test_the_mode_is_0600_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    path = tmp_path / "a.p8"
    with umask(mask):
        write_key_file(str(path), b"new")
    assert (path.read_bytes(), mode_of(path)) == (b"new", 0o600)
    assert os.listdir(tmp_path) == ["a.p8"]


def test_an_old_file_is_replaced_and_its_mode_with_it(tmp_path: Path) -> None:
    path = tmp_path / "a.p8"
    path.write_bytes(b"a longer old content")
    path.chmod(0o666)
    with path.open("rb") as reader:
        write_key_file(str(path), b"new", may_replace(path))
        assert reader.read() == b"a longer old content", "who reads the old file goes on reading it"
    assert (path.read_bytes(), mode_of(path)) == (b"new", 0o600)


def test_the_backup_is_the_old_file_itself(tmp_path: Path) -> None:
    path, backup = tmp_path / "a.p8", tmp_path / "a.p8.bak"
    path.write_bytes(b"old")
    inode = path.stat().st_ino
    write_key_file(str(path), b"new", may_replace(path), str(backup))
    assert (path.read_bytes(), backup.read_bytes()) == (b"new", b"old")
    assert backup.stat().st_ino == inode
    assert sorted(os.listdir(tmp_path)) == ["a.p8", "a.p8.bak"]


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_key_file("a.p8", b"new")
    assert (tmp_path / "a.p8").read_bytes() == b"new"


def refused(path: object, data: bytes = b"new", backup: str | None = None) -> str:
    """Write what can't be written; give the message."""
    with pytest.raises(FileError) as caught:
        write_key_file(str(path), data, may_replace(path), backup)
    assert str(caught.value).startswith("private_key_path: ")
    return str(caught.value)


@pytest.mark.parametrize("target", ["there", "gone"])
def test_never_through_a_link(tmp_path: Path, target: str) -> None:
    (tmp_path / "there").write_bytes(b"old")
    link = tmp_path / "a.p8"
    link.symlink_to(tmp_path / target)
    assert "symbolic link" in refused(link)
    assert (tmp_path / "there").read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["a.p8", "there"]


def test_a_link_that_comes_late_is_replaced_and_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim, path = tmp_path / "victim", tmp_path / "a.p8"
    victim.write_bytes(b"old")
    replace = os.replace

    def late(source: str, target: str) -> None:
        path.symlink_to(victim)
        replace(source, target)

    monkeypatch.setattr(os, "replace", late)
    write_key_file(str(path), b"new", may_replace(path))
    assert victim.read_bytes() == b"old"
    assert not path.is_symlink() and path.read_bytes() == b"new"


ODD: dict[str, tuple[t.Callable[[Path], object], str]] = {
    "a folder": (lambda path: path.mkdir(), "is a folder. Give the path of a .p8 file"),
    "a FIFO": (os.mkfifo, "not a regular file"),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_regular_file_stays(tmp_path: Path, kind: str) -> None:
    make, expected = ODD[kind]
    make(tmp_path / "a.p8")
    assert expected in refused(tmp_path / "a.p8")
    assert os.listdir(tmp_path) == ["a.p8"]


def test_a_missing_folder(tmp_path: Path) -> None:
    message = refused(tmp_path / "no" / "a.p8")
    assert "does not exist" in message and "state: directory" in message
    (tmp_path / "file").write_bytes(b"")
    assert "does not exist" in refused(tmp_path / "file" / "a.p8")


@pytest.mark.services
def test_a_folder_of_somebody_else(tmp_path: Path) -> None:
    folder = give_away(tmp_path) / "closed"
    folder.mkdir(mode=0o755 if os.geteuid() == 0 else 0o555)
    (folder / "a.p8").write_bytes(b"old")
    assert "not writable" in as_other_user(lambda: refused(folder / "a.p8"))
    assert (folder / "a.p8").read_bytes() == b"old"
    assert os.listdir(folder) == ["a.p8"]


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("name", ["fchmod", "fsync", "replace"])
def test_a_failing_step_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, links: bool
) -> None:
    path = tmp_path / "a.p8"
    path.write_bytes(b"old")

    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, name, fail)
    if not links:
        monkeypatch.setattr(os, "link", _no_links)
    message = refused(path, backup=str(tmp_path / "a.p8.bak"))
    assert "No space left on device" in message and "Nothing was changed" in message
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.p8"]


def test_a_replacement_that_only_seems_to_fail_keeps_the_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a network the answer to a rename may be lost: the new file lies there then, and the old one in one place."""
    path, backup = tmp_path / "a.p8", tmp_path / "a.p8.bak"
    path.write_bytes(b"old")
    replace = os.replace

    def lost(source: str, target: str) -> None:
        replace(source, target)
        raise OSError(2, "No such file or directory")

    monkeypatch.setattr(os, "replace", lost)
    refused(path, backup=str(backup))
    assert (path.read_bytes(), backup.read_bytes()) == (b"new", b"old")


@pytest.mark.parametrize("links", [True, False])
def test_nothing_that_lies_there_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """A file of the user's may have any name: of a backup, of what is rescued, of a key that is being made."""
    path = tmp_path / "a.p8"
    path.write_bytes(b"old")
    if not links:
        monkeypatch.setattr(os, "link", _no_links)
    with pytest.raises(FileError, match="File exists"):
        write_key_file(str(path), b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a.p8"]
    write_key_file(str(tmp_path / "b.p8"), b"new")
    with pytest.raises(FileExistsError):
        move(str(tmp_path / "b.p8"), str(path))
    move(str(path), str(tmp_path / "c.p8"))
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"b.p8": b"new", "c.p8": b"old"}


def _no_links(*_args: object, **_kwargs: object) -> t.NoReturn:
    raise OSError(1, "Operation not permitted")


def test_a_backup_without_hard_links_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, backup = tmp_path / "a.p8", tmp_path / "a.p8.bak"
    path.write_bytes(b"old")
    path.chmod(0o644)
    monkeypatch.setattr(os, "link", _no_links)
    write_key_file(str(path), b"new", may_replace(path), str(backup))
    assert (path.read_bytes(), backup.read_bytes(), mode_of(backup)) == (b"new", b"old", 0o600)


def test_free_names(tmp_path: Path) -> None:
    (tmp_path / "a.bak").symlink_to("nowhere")
    (tmp_path / "a-2.bak").mkdir()
    assert free_name(str(tmp_path / "a"), ".bak") == str(tmp_path / "a-3.bak")


@pytest.mark.services
def test_what_cannot_be_seen_is_not_taken_for_absent(tmp_path: Path) -> None:
    folder = give_away(tmp_path) / "closed"
    folder.mkdir(mode=0o700)
    if os.geteuid() != 0:
        folder.chmod(0)

    def look() -> str:
        try:
            return str(is_there(str(folder / "a.p8")))
        except FileError as error:
            return error.message

    assert "can't be seen: Permission denied" in as_other_user(look)
    assert not is_there(str(tmp_path / "none")) and not is_there(str(tmp_path / "none" / "a.p8"))
    folder.chmod(0o700)


@pytest.mark.parametrize("where", ["beside", "elsewhere", "nowhere"])
def test_what_cannot_be_had_again_is_kept_somewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A temporary folder that is full costs nothing while another one takes it; no empty folder is left in it."""
    keys, full, home = (tmp_path / name for name in ("keys", "full", "home"))
    for folder in (keys, full, home):
        folder.mkdir()
    name = "a.p8.ID.rescued"
    (keys / name).write_bytes(b"the user's own")
    closed = {"beside": [full], "elsewhere": [full, keys], "nowhere": [full, keys, home]}[where]
    fsync = os.fsync

    def fail(descriptor: int) -> None:
        place = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if any(folder in place.parents for folder in closed):
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    kept, why = keep_somewhere(b"key", str(keys / "a.p8"), name, [str(tmp_path / "none"), str(full), str(home)])
    assert (kept is None) is (where == "nowhere")
    assert why == ("" if where == "beside" else f"{keys} can't be written: No space left on device.")
    if kept:
        assert Path(kept).read_bytes() == b"key" and mode_of(kept) == 0o600
        assert (Path(kept).parent == keys) is (where == "beside")
        assert (home in Path(kept).parents) is (where == "elsewhere")
    assert (keys / name).read_bytes() == b"the user's own"
    assert os.listdir(full) == [] and (where == "elsewhere" or os.listdir(home) == [])


def test_a_folder_that_does_not_sync_is_not_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By then the step is done; only before a one-time step it stops what would follow."""
    path, backup, fsync = tmp_path / "a.p8", tmp_path / "a.bak", os.fsync

    def fail(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(5, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FileError, match=r"can't be written: Input/output error\."):
        try_writing(str(path))
    write_key_file(str(path), b"old")
    write_key_file(str(path), b"new", may_replace(path), str(backup))
    assert (path.read_bytes(), backup.read_bytes()) == (b"new", b"old")
    remove_key_file(str(path), may_remove(path))
    kept = keep_somewhere(b"key", str(path), "a.p8.ID.rescued", [str(tmp_path / "none")])
    assert kept == (f"{path}.ID.rescued", "") and sorted(os.listdir(tmp_path)) == ["a.bak", "a.p8.ID.rescued"]


def test_a_backup_that_is_there_already_is_not_overwritten(tmp_path: Path) -> None:
    path, backup = tmp_path / "a.p8", tmp_path / "a.p8.bak"
    path.write_bytes(b"old")
    backup.write_bytes(b"older")
    assert "File exists" in refused(path, backup=str(backup))
    assert (path.read_bytes(), backup.read_bytes()) == (b"old", b"older")


@pytest.fixture
def full_disk(tmp_path: Path) -> t.Iterator[Path]:
    """A file system of a few pages."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("NO RIGHT TO MOUNT a tmpfs here: a really full disk was not tried")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.services
def test_a_full_disk(full_disk: Path) -> None:
    path = full_disk / "a.p8"
    path.write_bytes(b"old")
    assert "No space left on device" in refused(path, b"a" * 65536)
    assert path.read_bytes() == b"old"
    assert os.listdir(full_disk) == ["a.p8"]


def test_a_file_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "a.p8"
    path.write_bytes(b"old")
    remove_key_file(str(path), may_remove(path))
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileError, match="can't be removed: No such file"):
        remove_key_file(str(path), may_remove(path))


@pytest.mark.parametrize("name", ["a.p8", "new.p8"])
def test_nothing_is_changed_by_the_check_beforehand(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.p8").write_bytes(b"old")
    before = {entry.name: entry.stat() for entry in os.scandir(tmp_path)}
    refuse_unwritable(str(tmp_path / name))
    assert {entry.name: entry.stat() for entry in os.scandir(tmp_path)} == before
