# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""appstore_iap_key with a list: every entry is tried, and one failure at the end names the bad ones."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
import yaml
from unit_support import ISSUER, KEY_ID, OTHER_ISSUER, Attributes, Outcome, fingerprint_of, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import one_key
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.iap_key import TASK
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.request import _INHERITED
from ansible_collections.storeops.refunds.plugins.modules import appstore_iap_key


class Mode(Attributes):
    """Ansible's file attributes with nothing but the mode, each entry's own."""

    def __init__(self, check_mode: bool, wanted: object = "0600") -> None:
        self.check_mode = check_mode
        self.wanted = int(str(wanted), 8)

    def of_entry(self, mode: str | int | None, owner: str | None, group: str | None) -> Mode:
        """Take over an entry's mode."""
        return Mode(self.check_mode, mode)

    def apply(self, path: str, diff: dict[str, t.Any], without: t.Container[str] = ()) -> bool:
        """Set the mode if it differs."""
        held = os.stat(path).st_mode & 0o777 if os.path.exists(path) else None
        if held is not None and held != self.wanted:
            diff.setdefault("before", {})["mode"] = f"{held:04o}"
            diff.setdefault("after", {})["mode"] = f"{self.wanted:04o}"
            if not self.check_mode:
                os.chmod(path, self.wanted)
        return held != self.wanted


def run(*keys: dict[str, t.Any], check_mode: bool = False, **options: t.Any) -> Outcome:
    """Run the task on a list."""
    return run_task(TASK, {"keys": list(keys), **options}, check_mode, attributes=Mode(check_mode))


def test_the_page_says_what_an_entry_takes_from_the_task() -> None:
    said = yaml.safe_load(appstore_iap_key.DOCUMENTATION)["options"]["keys"]["description"][0]
    taken = "What an entry doesn't set, O(issuer_id) and O(team_id) too, is the task's, except names, Key IDs, "
    assert f"{taken}paths and contents." in said
    own = {"key", "name", "key_id", "private_key_path", "private_key_content"}
    options = set(TASK.argument_spec["keys"]["options"]) - {"apps"}
    assert set(_INHERITED) == options - own and {"issuer_id", "team_id"} <= set(_INHERITED)


def test_each_is_checked_written_or_mended_in_one_task(tmp_path: Path, pem: str, other_pem: str) -> None:
    fine, wide = write_key(tmp_path / f"SubscriptionKey_{KEY_ID}.p8", pem), write_key(tmp_path / "wide.p8", pem, 0o644)
    entries: list[dict[str, t.Any]] = [
        {"key": "fine", "private_key_path": str(fine)},
        {"key": "new", "private_key_path": str(tmp_path / "new.p8"), "private_key_content": other_pem, "mode": "0640"},
        {"key": "wide", "private_key_path": str(wide), "issuer_id": OTHER_ISSUER, "apps": ["com.example.one"]},
        {"key": "text", "private_key_content": pem, "key_id": "TEXT000001"},
    ]
    expected = [fingerprint_of(pem), fingerprint_of(other_pem), fingerprint_of(pem), fingerprint_of(pem)]
    for check_mode in (True, False):
        results = run(*entries, check_mode=check_mode, issuer_id=ISSUER).results
        assert results["changed"] and not results.get("failed"), results
        keys = {key["key"]: key for key in results["iap_keys"]}
        assert list(keys) == ["fine", "new", "wide", "text"]
        assert [key["key_fingerprint"] for key in keys.values()] == expected, "known before it is written or mended"
        assert [key["changed"] for key in keys.values()] == [False, True, True, False]
        assert [key["predicted"] for key in keys.values()] == [False, check_mode, check_mode, False]
        assert [key["issuer_id"] for key in keys.values()] == [ISSUER, ISSUER, OTHER_ISSUER, ISSUER]
        assert (keys["fine"]["key_id"], keys["text"]["private_key_path"]) == (KEY_ID, None)
        assert set(results["diff"]["before"]) == set(results["diff"]["after"]) == {"new", "wide"}
        assert results["diff"]["after"]["wide"]["mode"] == "0600"
        assert (tmp_path / "new.p8").exists() is not check_mode
    assert [os.stat(tmp_path / name).st_mode & 0o777 for name in ("new.p8", "wide.p8")] == [0o640, 0o600]
    again = run(*entries, issuer_id=ISSUER).results
    assert not again["changed"] and again["diff"] == {"before": {}, "after": {}}
    assert run(*entries, state="absent", backup=False).results["failed"], "a key without a path has nothing to remove"
    assert os.listdir(tmp_path) == []


def test_every_entry_is_tried_and_the_bad_ones_are_named_once(tmp_path: Path, pem: str) -> None:
    lost = str(tmp_path / "lost.p8")
    bad: list[dict[str, t.Any]] = [
        {"key": "lost", "private_key_path": lost},
        {"key": "damaged", "private_key_content": pem[:100]},
        {"key": "no_id", "private_key_content": pem, "issuer_id": "nonsense"},
        {"key": "nothing", "private_key_content": ""},
        {"key": "session", "private_key_path": lost + "2", "name": "a"},
        {"key": "twin", "private_key_path": lost},
    ]
    new = {"key": "new", "private_key_path": str(tmp_path / "new.p8"), "private_key_content": pem}
    for check_mode in (True, False):
        outcome = run(*bad, new, {**new, "private_key_path": lost + "3"}, check_mode=check_mode)
        results = outcome.results
        assert results["failed"] and results["changed"], "the last but one was written"
        assert [key["failed"] for key in results["iap_keys"]] == [True] * 6 + [False, True]
        assert outcome.message.startswith("7 of 8 keys need attention. 'lost': ")
        assert outcome.message.endswith(" And 2 more: see iap_keys.")
        told = {key["key"]: key["msg"] for key in results["iap_keys"][:6]}
        assert "does not exist" in told["lost"] and "truncated" in told["damaged"]
        assert told["no_id"].startswith("issuer_id: 'nonsense'") and "is given but empty" in told["nothing"]
        assert "session" in told["session"] and "keys[0] (lost)" in told["twin"]
        assert "keys[6] has the same key, 'new'" in results["iap_keys"][7]["msg"]
        causes = [key.get("cause") for key in results["iap_keys"][:3]]
        assert causes == ["key_unreadable", "key_unreadable", None]
        assert (tmp_path / "new.p8").exists() is not check_mode


def test_a_fault_of_ours_stops_no_other_entry(tmp_path: Path, pem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_args: object) -> t.NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(one_key, "warn_about_name", stumble)
    entries = [{"key": name, "private_key_content": pem} for name in ("one", "two")]
    outcome = run(*entries)
    assert outcome.message.count("This is a fault of storeops.refunds") == 2


def test_nothing_to_do() -> None:
    assert run().results["iap_keys"] == [] and not run().results["changed"]
