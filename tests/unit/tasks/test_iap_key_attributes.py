# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mode, owner, group and attributes that can't be set are refused before a key is written, in check mode too."""

from __future__ import annotations

import os
import pwd
import typing as t
from pathlib import Path

import pytest
import yaml
from unit_support import Outcome, fingerprint_of, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils import _file_attributes
from ansible_collections.storeops.refunds.plugins.module_utils._files import writing
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import attributes
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.iap_key import TASK
from ansible_collections.storeops.refunds.plugins.modules import appstore_iap_key

pytestmark = pytest.mark.ansible
Json = dict[str, t.Any]
WRONG: list[tuple[str, t.Any]] = [
    ("mode", "abc"),
    ("mode", [1]),
    ("mode", {"a": 1}),
    ("mode", 0.6),
    ("mode", True),
    ("mode", -1),
    ("mode", 600),
    ("mode", 640),
    ("mode", 400),
    ("mode", 440),
    ("mode", 1600),
    ("mode", "100600"),
    ("mode", "preserve"),
    ("owner", "nobodyx"),
    ("owner", "-1"),
    ("owner", "99999999999"),
    ("owner", "a\0b"),
    ("group", "nogroupx"),
    ("group", "-1"),
    ("attributes", "zz"),
    ("attributes", ""),
]
RIGHT: list[tuple[str, t.Any]] = [("mode", "0400"), ("mode", 0o600), ("mode", "u=rw"), ("owner", str(os.geteuid()))]


def run(options: Json, check_mode: bool = False) -> Outcome:
    """Run the task with AnsibleModule's own attributes."""
    return run_task(TASK, options, check_mode, attributes=_file_attributes.in_process(options, check_mode, []))


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("option", "value"), WRONG)
def test_a_value_that_no_file_can_get(tmp_path: Path, pem: str, option: str, value: t.Any, check_mode: bool) -> None:
    path = tmp_path / "key.p8"
    options = {"private_key_path": str(path), "private_key_content": pem, option: value}
    for is_there in (False, True):
        if is_there:
            write_key(path, pem, 0o644)
        outcome = run(options, check_mode)
        assert outcome.results["failed"] and not outcome.results.get("changed"), outcome
        assert outcome.message.startswith(f"{option}: ") and f"can't be set for {path}: " in outcome.message
        assert f"Correct {option}." in outcome.message and "mounted" not in outcome.message
        assert path.exists() is is_there and os.listdir(tmp_path) == ["key.p8"] * is_there
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("mode", "meant"),
    [
        (600, "'0600'"),
        (640, "'0640'"),
        (999, "'0600'"),
        (1600, "'1600'"),
        # Both could be meant.
        (400, "'0400' or '0620'"),
        (0o777, "'0511' or '0777'"),
    ],
)
def test_digits_without_quotes_are_told_as_what_they_mean(tmp_path: Path, pem: str, mode: int, meant: str) -> None:
    options = {"private_key_path": str(tmp_path / "key.p8"), "private_key_content": pem, "mode": mode}
    message = run(options).message
    assert f"means the mode {mode:04o}" in message and f"in quotes: {meant}" in message
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o644, 0o660])
def test_what_yaml_reads_as_octal_is_a_mode(tmp_path: Path, pem: str, mode: int) -> None:
    path = tmp_path / "key.p8"
    assert not run({"private_key_path": str(path), "private_key_content": pem, "mode": mode}).results.get("failed")
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_entry_of_a_list_is_refused_alone(tmp_path: Path, pem: str, check_mode: bool) -> None:
    keys = [
        {"key": "bad", "private_key_path": str(tmp_path / "a.p8"), "private_key_content": pem, "mode": "abc"},
        {"key": "good", "private_key_path": str(tmp_path / "b.p8"), "private_key_content": pem},
    ]
    results = run({"keys": keys}, check_mode).results
    assert [key["failed"] for key in results["iap_keys"]] == [True, False]
    assert [key["changed"] for key in results["iap_keys"]] == [False, True]
    assert os.listdir(tmp_path) == ([] if check_mode else ["b.p8"])


@pytest.mark.parametrize(("option", "value"), RIGHT)
def test_what_can_be_set_is_predicted_and_set(tmp_path: Path, pem: str, option: str, value: t.Any) -> None:
    path = tmp_path / "key.p8"
    options = {"private_key_path": str(path), "private_key_content": pem, option: value}
    for check_mode in (True, False):
        results = run(options, check_mode).results
        assert results["changed"] and not results.get("failed"), results
    assert not run(options).results["changed"] and path.stat().st_mode & 0o177 == 0


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("option", ["owner", "group"])
def test_only_root_gives_a_file_away(
    tmp_path: Path, pem: str, monkeypatch: pytest.MonkeyPatch, option: str, check_mode: bool
) -> None:
    """As who runs this test, but for what may be given away."""
    other = next(entry for entry in pwd.getpwall() if entry.pw_uid not in (0, os.getuid()))
    monkeypatch.setattr(attributes.os, "geteuid", lambda: os.getuid() or 4711)
    monkeypatch.setattr(attributes.os, "getgroups", lambda: [])
    path = tmp_path / "key.p8"
    value = other.pw_name if option == "owner" else str(os.getgid() + 4711)
    options = {"private_key_path": str(path), "private_key_content": pem, option: value}
    outcome = run(options, check_mode)
    assert outcome.results["failed"] and not path.exists(), outcome
    assert outcome.message.startswith(f"{option}: ") and str(path) in outcome.message
    assert ("only root can" if option == "owner" else "isn't in that group") in outcome.message


@pytest.mark.parametrize("is_replaced", [True, False])
def test_what_fails_after_the_write_was_a_change(
    tmp_path: Path, pem: str, other_pem: str, monkeypatch: pytest.MonkeyPatch, is_replaced: bool
) -> None:
    path = tmp_path / "key.p8"
    if is_replaced:
        write_key(path, other_pem)

    def refuse(*_given: t.Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    options = {"private_key_path": str(path), "private_key_content": pem, "mode": "0400" if not is_replaced else "0600"}
    monkeypatch.setattr(_file_attributes.Raising, "set_attributes_if_different", refuse)
    outcome = run({**options, "attributes": "+d"})
    results = outcome.results
    assert results["failed"] and results["changed"] and path.read_text() == pem, outcome
    assert results["iap_key"]["key_fingerprint"] == results["diff"]["after"]["key_fingerprint"] == fingerprint_of(pem)
    assert f"attributes: '+d' can't be set for {path}" in outcome.message
    assert f"The key lies at {path} all the same." in outcome.message
    assert ("backup_file" in results) is is_replaced
    entry = {"key": "a", **options, "private_key_path": str(tmp_path / "b.p8")}
    (told,) = run({"keys": [entry], "attributes": "+d"}).results["iap_keys"]
    assert told["failed"] and told["changed"] and told["key_fingerprint"] == fingerprint_of(pem)


def test_a_trial_leaves_nothing_that_lasts(tmp_path: Path) -> None:
    """An immutable file could not be removed."""
    tried: list[t.Container[str]] = []
    monkey = _file_attributes.in_process({"mode": "0600", "attributes": "+i"}, False, [])
    writing.try_writing(
        str(tmp_path / "key.p8"), lambda path: tried.append([path, monkey.apply(path, {}, attributes.LASTING)])
    )
    assert tried and os.listdir(tmp_path) == []


def test_unsafe_writes_has_no_effect(tmp_path: Path, pem: str, other_pem: str) -> None:
    """As the page says: a name that another program holds gets a file of its own, and the old one stays whole."""
    path, held = write_key(tmp_path / "key.p8", pem), tmp_path / "held"
    os.link(path, held)
    done = run({"private_key_path": str(path), "private_key_content": other_pem, "unsafe_writes": True})
    assert done.results["changed"], done.results
    assert (path.read_text(), held.read_text()) == (other_pem, pem)
    page = yaml.safe_load(appstore_iap_key.DOCUMENTATION)["options"]["unsafe_writes"]
    assert page["description"] == "Has no effect. A key is never written in place."
