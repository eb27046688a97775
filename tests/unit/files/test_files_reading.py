# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key files are read without surprises: what is no small regular file of one's own is refused in words."""

from __future__ import annotations

import os
import socket
import typing as t
from pathlib import Path

import pytest
from unit_support import as_other_user, give_away, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._files.reading import (
    WHERE_FROM,
    Policy,
    read_key_file,
    what_is_near,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.key_problem import KeyProblem
from ansible_collections.storeops.refunds.plugins.module_utils._model.key_text import LARGEST

POLICIES: tuple[Policy, ...] = ("strict", "mounted", "own")


def refused(path: object, policy: Policy = "strict") -> str:
    """Read a file that can't be read; give the message."""
    with pytest.raises(KeyProblem) as caught:
        read_key_file(str(path), policy)
    assert caught.value.cause == "key_unreadable"
    return str(caught.value)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_is_read(tmp_path: Path, pem: str, policy: Policy, mode: int) -> None:
    path = write_key(tmp_path / "a.p8", pem, mode)
    assert read_key_file(str(path), policy) == pem.encode()


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o604, 0o610, 0o601, 0o660, 0o777])
def test_modes(tmp_path: Path, pem: str, mode: int) -> None:
    path = write_key(tmp_path / "a.p8", pem, mode)
    message = refused(path)
    assert f"mode {mode:04o}" in message and "chmod 600" in message and "private_key_file_policy: mounted" in message
    for policy in ("mounted", "own"):
        assert read_key_file(str(path), t.cast(Policy, policy)) == pem.encode()


def test_a_link(tmp_path: Path, pem: str) -> None:
    target = write_key(tmp_path / "a.p8", pem)
    link = tmp_path / "link.p8"
    link.symlink_to(target)
    assert "symbolic link" in refused(link) and "private_key_file_policy: mounted" in refused(link)
    assert "symbolic link" in refused(link, "own")
    assert read_key_file(str(link), "mounted") == pem.encode()


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "gone.p8").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.p8").symlink_to(tmp_path / "loop.p8")
    assert "does not exist" in refused(tmp_path / "gone.p8", "mounted")
    assert refused(tmp_path / "loop.p8", "mounted")


def test_a_typo_is_met_with_what_there_is(tmp_path: Path, pem: str) -> None:
    advice = f" {WHERE_FROM}"
    keys = tmp_path / "keys"
    keys.mkdir()
    wrong = keys / "SubscriptionKey_2X9R4HXF43.p8"
    assert refused(wrong) == f"{wrong} does not exist. {keys} holds no .p8 file.{advice}"
    for name in ("SubscriptionKey_2X9R4HXF34.p8", "notes.txt", "odd\x1b.p8"):
        write_key(keys / name, pem)
    named = "'SubscriptionKey_2X9R4HXF34.p8', 'odd\\x1b.p8'"
    assert refused(wrong) == f"{wrong} does not exist. {keys} holds {named}.{advice}"
    for number in range(10):
        write_key(keys / f"{number}.p8", pem)
    assert "holds 'SubscriptionKey_2X9R4HXF34.p8', " in refused(wrong) and " and 7 more .p8 files." in refused(wrong)
    for lost in (tmp_path / "kyes" / "deeper" / "a.p8", keys / "notes.txt" / "a.p8"):
        near = tmp_path if "kyes" in str(lost) else keys
        message = refused(lost)
        assert f"{lost} does not exist. There is no folder {lost.parent}; the nearest is {near}, which hold" in message
        assert "state: directory" not in message and message.endswith(advice)


def test_many_names_are_counted_and_not_compared(tmp_path: Path) -> None:
    for number in range(101):
        (tmp_path / f"{number:03}.p8").touch()
    assert refused(tmp_path / "1000.p8").count("'100.p8'") == 0, "the first ones instead"
    assert "'000.p8', '001.p8', '002.p8', '003.p8', '004.p8' and 96 more .p8 files." in refused(tmp_path / "1000.p8")
    (tmp_path / "000.p8").unlink()
    assert "holds '100.p8', " in refused(tmp_path / "1000.p8")


def test_nothing_is_told_about_a_path_that_is_a_key(tmp_path: Path, pem: str) -> None:
    body = "".join(pem.splitlines()[1:-1])
    assert what_is_near(f"{tmp_path}/{body}") == "There is no such folder."


def test_the_layout_of_a_kubernetes_secret(tmp_path: Path, pem: str, other_pem: str) -> None:
    for number, text in enumerate((pem, other_pem)):
        version = tmp_path / f"..2026_01_0{number}"
        version.mkdir()
        write_key(version / "key.p8", text, 0o644)
    (tmp_path / "..data").symlink_to("..2026_01_00")
    (tmp_path / "key.p8").symlink_to("..data/key.p8")
    assert read_key_file(str(tmp_path / "key.p8"), "mounted") == pem.encode()
    assert "mounted" in refused(tmp_path / "key.p8")
    (tmp_path / "..new").symlink_to("..2026_01_01")
    os.replace(tmp_path / "..new", tmp_path / "..data")
    assert read_key_file(str(tmp_path / "key.p8"), "mounted") == other_pem.encode()


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


ODD: dict[str, t.Callable[[Path], object]] = {
    "a folder": lambda path: path.mkdir(),
    "a FIFO": lambda path: os.mkfifo(path, 0o600),
    "a socket": _socket,
    "a link to a FIFO": lambda path: (os.mkfifo(f"{path}.fifo", 0o600), path.symlink_to(f"{path}.fifo")),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to /dev/null": lambda path: path.symlink_to("/dev/null"),
    "nothing": lambda path: None,
    "too long": lambda path: path.write_bytes(b"a" * (LARGEST + 1)),
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_small_regular_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, policy: Policy
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "key.p8"
    ODD[kind](path)
    assert str(path) in refused(path, policy)


@pytest.mark.parametrize(
    "path", ["/dev/zero", "/dev/null", "/etc", "/proc/self/mem", "/nowhere/a.p8", "/etc/passwd/a.p8"]
)
def test_places_that_hold_no_key(path: str) -> None:
    assert path in refused(path)


@pytest.mark.parametrize("path", ["a\0b", "\ud800.p8", "a" * 5000, "/" + "b" * 300])
def test_what_is_no_path(path: str) -> None:
    assert refused(path).isprintable()


def test_a_growing_file_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.p8"
    path.write_bytes(b"a" * LARGEST)
    path.chmod(0o600)
    assert len(read_key_file(str(path), "strict")) == LARGEST


@pytest.mark.services
@pytest.mark.parametrize("policy", POLICIES)
def test_an_unreadable_file(tmp_path: Path, pem: str, policy: Policy) -> None:
    path = write_key(give_away(tmp_path) / "a.p8", pem, 0o000)
    message = as_other_user(lambda: refused(path, policy))
    assert "can't be opened: Permission denied" in message and "owner and mode" in message


@pytest.mark.services
def test_a_file_in_a_closed_folder(tmp_path: Path, pem: str) -> None:
    closed = give_away(tmp_path) / "closed"
    closed.mkdir()
    write_key(closed / "a.p8", pem)
    closed.chmod(0o700 if os.geteuid() == 0 else 0)
    assert "Permission denied" in as_other_user(lambda: refused(closed / "a.p8"))
    closed.chmod(0o700)
