# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key that is to be gone: at App Store Connect first, then its file, and what is told when one of them fails."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from revocation_support import ONE, TWO, Connect, Run, key
from unit_support import ISSUER, fingerprint_of

from ansible_collections.storeops.refunds.plugins.module_utils._context import Results, TaskFailed
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    FileError,
    InputError,
    RefundsError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import KeyProblem
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import absent_key
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.absent_key import settle_absent
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.key_file import Found
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.request import KeyRequest

STAYS = "Nothing is changed at Apple: revoke: true revokes a key there."
STAMP = "2026-11-28T01:02:03Z"


def settle(run: Run, path: Path | None = None, content: str | None = None, **more: t.Any) -> Results:
    """Let the key ONE be gone."""
    source = KeySource(ISSUER, ONE, str(path) if path else None, Secret(content) if content else None, "strict")
    source = replace(source, **{name: more.pop(name) for name in ("key_id",) if name in more})
    asked = KeyRequest(source, **{"state": "absent", "revoke": True, **more})
    context: t.Any = SimpleNamespace(
        check_mode=run.check_mode,
        warn=run.warnings.append,
        progress=run.said.append,
        timestamp=lambda: STAMP,
        environ={"TMPDIR": "/none"},
        transport=SimpleNamespace(counters=SimpleNamespace(as_result=dict), remaining=lambda: 0.0, pause=None),
    )
    return settle_absent(asked, context, t.cast(t.Any, run.connect), run.gate)


def put(path: Path, text: str) -> Path:
    """Write a file that its owner alone can read."""
    path.write_text(text)
    path.chmod(0o600)
    return path


def steps(run: Run) -> list[tuple[str, str]]:
    """Give what was recorded."""
    return [(one["step"], one["outcome"].split(";")[0]) for one in run.gate.records]


@pytest.mark.parametrize("check_mode", [False, True])
def test_it_is_revoked_first_and_then_its_file_goes(tmp_path: Path, pem: str, check_mode: bool) -> None:
    path = put(tmp_path / f"SubscriptionKey_{ONE}.p8", pem)
    run = Run(Connect(), check_mode)
    done = settle(run, path)
    outcome, verb = ("would be done", "would be") if check_mode else ("done", "was")
    assert steps(run) == [("revoke_key", outcome), ("remove_key_file", outcome)]
    assert run.gate.records[0]["proven"] == "it is the key that key_id says, and active in the team 'Studio'"
    assert path.exists() is check_mode and bool(run.connect.revoked) is not check_mode
    before = {"key_id": ONE, "active": True, "private_key_path": str(path), "key_fingerprint": fingerprint_of(pem)}
    assert done["changed"] and done["diff"] == {"before": before, "after": {}}
    assert done["summary"] == f"{ONE} {verb} revoked. {path} {verb} removed."
    assert "backup_file" not in done
    assert done["iap_key"] == {
        "name": None,
        "key_id": ONE,
        "issuer_id": ISSUER,
        "private_key_path": str(path),
        "key_fingerprint": None,
        "predicted": False,
    }


def test_a_key_without_a_file_is_only_revoked(tmp_path: Path) -> None:
    for path in (None, tmp_path / "none.p8"):
        run = Run(Connect())
        done = settle(run, path, key_id=None, name="one")
        assert done["diff"] == {"before": {"key_id": ONE, "active": True}, "after": {}} and done["changed"]
        assert done["summary"] == f"{ONE} was revoked." and done["iap_key"]["key_id"] == ONE
        assert steps(run) == [("revoke_key", "done")]


def test_a_key_that_is_gone_already_is_no_change(tmp_path: Path) -> None:
    run = Run(Connect([key(is_active=False)]))
    assert not settle(run, tmp_path / "no" / "a.p8", revoke=False)["changed"]
    done = settle(run, tmp_path / "none.p8")
    assert not done["changed"] and "summary" not in done and done["diff"] == {"before": {}, "after": {}}
    assert steps(run) == []


def test_without_revoke_nobody_is_asked(tmp_path: Path, pem: str) -> None:
    run = Run(Connect())
    path = put(tmp_path / f"SubscriptionKey_{ONE}.p8", pem)
    done = settle(run, path, revoke=False)
    assert steps(run) == [("remove_key_file", "done")] and run.connect.asked == [] and done["changed"]
    assert done["summary"] == f"{path} was removed. {STAYS}"


def test_a_key_that_is_not_listed_is_warned_of() -> None:
    run = Run(Connect([key(TWO, "two")]))
    assert not settle(run)["changed"] and len(run.warnings) == 1


def test_what_can_not_be_read_is_called_that() -> None:
    found = Found(True, problem=KeyProblem("key_unreadable", "It is damaged.", "Mend it."))
    told = "it is a regular file that holds no key that can be read"
    assert absent_key.what_lies_there(found) == (told, "It is damaged. Mend it.")


def test_something_has_to_be_named() -> None:
    run = Run(Connect())
    with pytest.raises(InputError) as caught:
        settle(run, revoke=False)
    assert str(caught.value) == ("private_key_path: is required. Give the path of the .p8 to remove, or set revoke.")


@pytest.mark.parametrize("name", [f"SubscriptionKey_{ONE}.p8", "a.p8"])
def test_what_is_refused_is_refused_before_anything_is_revoked(
    tmp_path: Path, pem: str, other_pem: str, name: str
) -> None:
    path, run = put(tmp_path / name, "hunter2"), Run(Connect())
    with pytest.raises(
        KeyProblem, match=r" Nothing was removed or revoked\. If the file is to go, remove it by hand"
    ) as caught:
        settle(run, path)
    assert caught.value.cause == "key_unreadable"
    put(path, pem)
    with pytest.raises(KeyProblem) as caught:
        settle(run, path, other_pem)
    assert caught.value.cause == "key_id_mismatch" and str(caught.value) == (
        f"{path} holds the key with the fingerprint {fingerprint_of(pem)[:16]}…, and private_key_content is "
        f"{fingerprint_of(other_pem)[:16]}…. Nothing was removed or revoked. Correct private_key_path or "
        "private_key_content."
    )
    assert run.connect.asked == [] and path.exists() and steps(run) == []


def test_a_file_in_a_folder_that_can_not_be_written_stops_both(
    tmp_path: Path, pem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise FileError(f"{path} no.")

    path, run = put(tmp_path / f"SubscriptionKey_{ONE}.p8", pem), Run(Connect())
    monkeypatch.setattr(absent_key, "refuse_unwritable", refuse)
    with pytest.raises(FileError, match=f"{path} no"):
        settle(run, path)
    assert run.connect.asked == [] and path.exists()


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("name", ["a.p8", f"AuthKey_{ONE}.p8"])
def test_a_file_that_may_be_another_key_s_gets_a_second_name(
    tmp_path: Path, pem: str, check_mode: bool, name: str
) -> None:
    path, run = put(tmp_path / name, pem), Run(Connect(), check_mode)
    backup = f"{path}.20261128T010203Z.bak"
    done = settle(run, path, revoke=False)
    verb = "would be" if check_mode else "was"
    said = f"{path} {verb} renamed to {backup}, because nothing tells which Key ID it has."
    assert (done["summary"], done["backup_file"], done["changed"]) == (f"{said} {STAYS}", backup, True)
    assert os.listdir(tmp_path) == [path.name if check_mode else Path(backup).name] and steps(run) == []
    # A module that is killed afterwards has told it.
    assert run.said == ([] if check_mode else [said])


@pytest.mark.parametrize(
    ("name", "content", "asked_by", "tie"),
    [
        (f"SubscriptionKey_{ONE}.p8", False, "state: absent", f"its name says {ONE}"),
        (f"SubscriptionKey_{ONE}.p8", True, "state: absent", "private_key_content is the same key"),
        ("a.p8", True, "state: absent", "private_key_content is the same key"),
        ("a.p8", False, "state: absent, with backup: false", "nothing tells which Key ID it has"),
        (f"AuthKey_{ONE}.p8", False, "state: absent, with backup: false", "nothing tells which Key ID it has"),
    ],
)
def test_what_a_file_is_removed_for(
    tmp_path: Path, pem: str, name: str, content: bool, asked_by: str, tie: str
) -> None:
    path, run = put(tmp_path / name, pem), Run(Connect())
    done = settle(run, path, pem if content else None, revoke=False, backup=False)
    (record,) = run.gate.records
    assert (record["target"], record["asked_by"], record["answer"]) == (str(path), asked_by, "the file was read")
    assert record["proven"] == f"it holds the key with the fingerprint {fingerprint_of(pem)[:16]}…, and {tie}"
    assert not path.exists() and "backup_file" not in done and done["summary"] == f"{path} was removed. {STAYS}"


@pytest.mark.parametrize("is_active", [True, False])
def test_a_file_that_stays_after_the_key_was_revoked_is_told(
    tmp_path: Path, pem: str, monkeypatch: pytest.MonkeyPatch, is_active: bool
) -> None:
    def failing(path: str, permit: object) -> None:
        raise FileError(f"{path} can't be removed.")

    path, run = put(tmp_path / f"SubscriptionKey_{ONE}.p8", pem), Run(Connect([key(is_active=is_active)]))
    monkeypatch.setattr(absent_key, "remove_key_file", failing)
    with pytest.raises(TaskFailed) as caught:
        settle(run, path)
    told = f" {ONE} was revoked." if is_active else ""
    assert str(caught.value) == f"{path} can't be removed.{told}" and path.exists()
    results = caught.value.results
    assert results["changed"] is is_active and results["diff"]["before"]["private_key_path"] == str(path)


def test_a_revocation_that_fails_leaves_the_file(tmp_path: Path, pem: str) -> None:
    path = put(tmp_path / f"SubscriptionKey_{ONE}.p8", pem)
    for connect in (Connect(failure=RefundsError("Not entitled."), after=[key()]), Connect([key(TWO, "two")])):
        with pytest.raises(RefundsError):
            settle(Run(connect), path)
        assert path.read_text() == pem
