# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""appstore_iap_key: a sound file with the wanted mode, or none; check mode tells the same."""

from __future__ import annotations

import os
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from unit_support import (
    ISSUER,
    KEY_ID,
    NOBODY,
    Attributes,
    Outcome,
    as_other_user,
    fingerprint_of,
    give_away,
    run_task,
    write_key,
)

from ansible_collections.storeops.refunds.plugins.module_utils._context import AttributeRefused
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import first_sentence
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.iap_key import TASK


@dataclass
class Mode(Attributes):
    """Ansible's file attributes, with nothing but the mode: missing files and check mode as AnsibleModule has them."""

    wanted: int
    check_mode: bool

    def apply(self, path: str, diff: dict[str, t.Any], without: t.Container[str] = ()) -> bool:
        """Set the mode if it differs."""
        if not os.path.exists(path):
            assert self.check_mode, "there is nothing whose mode could be set"
            return True
        mode = os.stat(path).st_mode & 0o7777
        if mode == self.wanted:
            return False
        diff.setdefault("before", {})["mode"] = f"{mode:04o}"
        diff.setdefault("after", {})["mode"] = f"{self.wanted:04o}"
        if not self.check_mode:
            try:
                os.chmod(path, self.wanted)
            except OSError as error:
                raise AttributeRefused("mode", f"{self.wanted:04o}", str(error.strerror)) from None
        return True


def run(path: Path, check_mode: bool = False, mode: int = 0o600, **options: t.Any) -> Outcome:
    """Run the task on a path."""
    given = {"private_key_path": str(path), **options}
    return run_task(TASK, given, check_mode, attributes=Mode(mode, check_mode))


def snapshot(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Give all files with content, mode and time."""
    files = [entry for entry in sorted(folder.glob("*")) if entry.is_file()]
    return {e.name: (e.read_bytes(), e.lstat().st_mode, e.lstat().st_mtime_ns) for e in files}


def checked_and_run(path: Path, **options: t.Any) -> Outcome:
    """Run in check mode, which must write nothing, and then for real, which must give the same."""
    before = snapshot(path.parent)
    predicted = run(path, True, **options)
    assert snapshot(path.parent) == before
    done = run(path, False, **options)
    for name in ("failed", "changed", "diff", "cause", "msg"):
        assert predicted.results.get(name) == done.results.get(name), name
    assert ("backup_file" in predicted.results) is ("backup_file" in done.results)
    if "iap_key" in done.results:
        assert {**predicted.results["iap_key"], "predicted": False} == done.results["iap_key"]
    assert [text.replace(" would set ", " has set ") for text in predicted.warnings] == done.warnings
    again = run(path, False, **options)
    assert not again.results.get("changed") and bool(again.results.get("failed")) is bool(done.results.get("failed"))
    return done


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the key lies or shall lie."""
    folder = tmp_path / "keys"
    folder.mkdir()
    return folder / f"SubscriptionKey_{KEY_ID}.p8"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_created_from_content(path: Path, pem: str, mode: int) -> None:
    results = checked_and_run(path, private_key_content=pem.replace("\n", "\\n"), issuer_id=ISSUER, mode=mode).results
    assert results["changed"] and not results.get("failed")
    assert results["iap_key"] == {
        "name": None,
        "key_id": KEY_ID,
        "issuer_id": ISSUER,
        "private_key_path": str(path),
        "key_fingerprint": fingerprint_of(pem),
        "predicted": False,
    }
    assert results["diff"]["before"].get("private_key_path") is None
    assert results["diff"]["after"]["key_fingerprint"] == fingerprint_of(pem)
    assert (path.read_text(), path.stat().st_mode & 0o777) == (pem, mode)
    assert "PRIVATE" not in repr(results) and pem.splitlines()[1] not in repr(results)


def test_check_mode_says_that_the_key_is_predicted(path: Path, pem: str) -> None:
    assert run(path, True, private_key_content=pem).results["iap_key"]["predicted"] is True
    assert not path.exists()


def test_unchanged(path: Path, pem: str) -> None:
    write_key(path, pem)
    for options in ({}, {"private_key_content": pem}, {"private_key_content": pem.replace("\n", "\r\n")}):
        assert run(path, True, **options).results["iap_key"]["predicted"] is False
        results = checked_and_run(path, **options).results
        assert not results["changed"] and results["diff"]["before"] == results["diff"]["after"]
        assert "backup_file" not in results


@pytest.mark.parametrize("content", [True, False])
def test_the_mode_is_repaired(path: Path, pem: str, content: bool) -> None:
    write_key(path, pem, 0o644)
    options = {"private_key_content": pem} if content else {}
    assert run(path, True, **options).results["iap_key"]["predicted"] is True, "who reads it now finds it open"
    done = checked_and_run(path, **options)
    results = done.results
    assert results["changed"] and "backup_file" not in results
    (told,) = done.warnings
    assert told.startswith(
        f"The key file {path} was open to its group and to all other users of this machine: mode 0644, which this task "
        "has set to 0600. If someone may have read the private key, replace it: "
    )
    assert (results["diff"]["before"]["mode"], results["diff"]["after"]["mode"]) == ("0644", "0600")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("before", "wanted", "who"),
    [
        (0o640, 0o600, "its group"),
        (0o604, 0o600, "all other users of this machine"),
        (0o644, 0o640, "all other users of this machine"),
        (0o620, 0o640, "its group"),
        (0o700, 0o600, ""),
        (0o400, 0o640, ""),
    ],
)
def test_who_could_reach_a_key_file_that_is_closed_now_is_told(
    path: Path, pem: str, before: int, wanted: int, who: str
) -> None:
    write_key(path, pem, before)
    told = checked_and_run(path, mode=wanted).warnings
    said = f" was open to {who}: mode {before:04o}, which this task has set to {wanted:04o}."
    assert [said in text for text in told] == ([True] if who else [])


@pytest.mark.parametrize("mode", [0o600, 0o644])
@pytest.mark.parametrize("damage", ["truncated", "other key", "binary", "empty"])
def test_something_else_is_replaced_and_kept(path: Path, pem: str, other_pem: str, damage: str, mode: int) -> None:
    olds = {"truncated": pem[:100].encode(), "other key": other_pem.encode(), "binary": b"\xff\0" * 50}
    old = olds.get(damage, b"")
    path.write_bytes(old)
    path.chmod(mode)
    results = checked_and_run(path, private_key_content=pem).results
    assert results["changed"] and path.read_text() == pem
    backup = Path(results["backup_file"])
    assert backup.read_bytes() == old and backup.name.startswith(path.name) and backup.suffix == ".bak"
    assert path.stat().st_mode & 0o777 == 0o600
    assert backup.stat().st_mode & 0o077 == 0, "the only copy of a key that was replaced is private too"
    expected = fingerprint_of(other_pem) if damage == "other key" else None
    assert results["diff"]["before"]["key_fingerprint"] == expected


def test_two_backups_in_one_second(path: Path, pem: str, other_pem: str) -> None:
    write_key(path, pem)
    first = run(path, private_key_content=other_pem).results["backup_file"]
    second = run(path, private_key_content=pem).results["backup_file"]
    assert first != second
    assert (Path(first).read_text(), Path(second).read_text()) == (pem, other_pem)


def test_without_a_backup(path: Path, pem: str, other_pem: str) -> None:
    write_key(path, other_pem)
    assert "backup_file" not in checked_and_run(path, private_key_content=pem, backup=False).results
    assert os.listdir(path.parent) == [path.name]


def test_the_same_key_in_another_shape_is_rewritten_and_not_kept(path: Path, pem: str) -> None:
    path.write_bytes(pem.replace("\n", "\r\n").encode())
    path.chmod(0o600)
    results = checked_and_run(path, private_key_content=pem).results
    assert results["changed"] and "backup_file" not in results
    assert path.read_text() == pem and os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"", "key_unreadable"), (b"hello", "key_unreadable"), (b"-----BEGIN PUBLIC KEY-----\n", "key_wrong_kind")],
)
def test_a_damaged_file_without_content_fails(path: Path, content: bytes, cause: str) -> None:
    path.write_bytes(content)
    results = checked_and_run(path).results
    assert results["failed"] and results["cause"] == cause and str(path) in results["msg"]
    assert path.read_bytes() == content


def test_nothing_there_and_no_content_fails(path: Path) -> None:
    results = checked_and_run(path).results
    assert results["failed"] and "private_key_content is not given" in results["msg"]
    # Where this could make it, that comes first: site shows two sentences.
    named = checked_and_run(path, name="devtodev").results["msg"]
    assert "To make the key now" in first_sentence(named, 2) and "refund_tracking_session" in named


@pytest.mark.parametrize("content", ["hunter2", "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n"])
def test_bad_content_leaves_the_file(path: Path, pem: str, content: str) -> None:
    write_key(path, pem)
    results = checked_and_run(path, private_key_content=content).results
    assert results["failed"] and "hunter2" not in repr(results)
    assert path.read_text() == pem


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_key_id_that_contradicts_the_name_changes_nothing(path: Path, pem: str, other_pem: str, state: str) -> None:
    write_key(path, other_pem, 0o644)
    results = checked_and_run(path, private_key_content=pem, key_id="OTHER00001", state=state).results
    assert results["failed"] and "OTHER00001" in results["msg"] and KEY_ID in results["msg"]
    assert path.read_text() == other_pem and path.stat().st_mode & 0o777 == 0o644


def test_absent(path: Path, pem: str) -> None:
    write_key(path, pem)
    results = checked_and_run(path, state="absent").results
    assert results["changed"] and results["diff"]["after"] == {}
    assert results["diff"]["before"] == {"private_key_path": str(path), "key_fingerprint": fingerprint_of(pem)}
    assert os.listdir(path.parent) == []
    assert not checked_and_run(path.parent / "no" / "a.p8", state="absent").results["changed"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_never_through_a_link(path: Path, pem: str, state: str) -> None:
    target = write_key(path.parent / "target.p8", pem)
    path.symlink_to(target)
    results = run(path, private_key_content=pem, state=state).results
    assert results["failed"] and "symbolic link" in results["msg"]
    assert run(path, True, private_key_content=pem, state=state).message == results["msg"]
    assert target.read_text() == pem and path.is_symlink()


def test_a_mounted_secret_is_only_read(path: Path, pem: str) -> None:
    target = write_key(path.parent / "..data", pem, 0o644)
    path.symlink_to(target)
    results = checked_and_run(path, private_key_file_policy="mounted").results
    assert not results["changed"] and results["iap_key"]["key_fingerprint"] == fingerprint_of(pem)
    assert target.stat().st_mode & 0o777 == 0o644


def test_the_name_of_an_api_key_is_warned_of(path: Path, pem: str) -> None:
    path = write_key(path.with_name(f"AuthKey_{KEY_ID}.p8"), pem)
    outcome = checked_and_run(path)
    assert len(outcome.warnings) == 1 and "App Store Connect API key" in outcome.warnings[0]


def test_a_path_with_a_typo_is_no_folder_to_make(path: Path, pem: str) -> None:
    """Without a key's text the file is read: the way to it is wrong then, and nothing has to be created."""
    write_key(path, pem)
    folder, near = path.parent, f"holds '{path.name}'. Correct private_key_path"
    for wrong in (folder / "SubscriptionKey_2X9R4HXF43.p8", folder / "kyes" / path.name):
        outcome = checked_and_run(wrong) if wrong.parent == folder else run(wrong)
        assert outcome.results["failed"] and outcome.message.startswith(f"{wrong} does not exist, and "), outcome
        assert near in outcome.message and "state: directory" not in outcome.message
        assert ("There is no folder" in outcome.message) is (wrong.parent != folder)


def test_a_missing_folder_fails_the_same_way_in_check_mode(path: Path, pem: str) -> None:
    path.parent.rmdir()
    predicted = run(path, True, private_key_content=pem)
    assert predicted.results["failed"] and "does not exist" in predicted.message
    assert run(path, private_key_content=pem).message == predicted.message


def test_the_path_is_required() -> None:
    assert run_task(TASK, {}).message.startswith("private_key_path: ")


@pytest.mark.services
@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("mode", [0o640, 0o644])
def test_a_file_of_somebody_else(pem: str, mode: int, check_mode: bool, request: pytest.FixtureRequest) -> None:
    """Readable by this user and owned by another one: taken as it is where that is allowed, else said in words."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to somebody else")
    # Not below pytest's own folder, which every start of pytest closes to others.
    place = tempfile.TemporaryDirectory(prefix="storeops_")
    request.addfinalizer(place.cleanup)
    path = write_key(give_away(Path(place.name), 0o755) / f"SubscriptionKey_{KEY_ID}.p8", pem, mode)
    os.chown(path, 0, NOBODY)

    def told(wanted: int, **options: t.Any) -> dict[str, t.Any]:
        return as_other_user(lambda: run(path, check_mode, wanted, **options).results)

    refused = told(0o600)
    assert refused["failed"] and "private_key_file_policy: mounted" in refused["msg"], refused
    assert f"has mode {mode:04o} and belongs to the user 0, this is the user {NOBODY}" in refused["msg"]
    for taken in (told(mode), told(0o600, private_key_file_policy="mounted")):
        assert not taken.get("failed") and not taken["changed"], taken
        assert taken["iap_key"]["key_fingerprint"] == fingerprint_of(pem)
    os.chown(path.parent, 0, 0)
    assert not told(mode, private_key_content=pem).get("failed"), "nothing is to be written, so no folder need be ours"
