# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of apps that share declared keys, as the credential check reads them."""

from __future__ import annotations

import os
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from unit_servers import FOREIGN, FOREIGN_KEY_ID, UNRELEASED, Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, Outcome, fingerprint_of, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._declared_spec import KEY_ENTRY
from ansible_collections.storeops.refunds.plugins.module_utils._http_flow import MOST
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.credential_check_info import TASK
from ansible_collections.storeops.refunds.plugins.modules import appstore_credential_check_info

Json = dict[str, t.Any]
TWO = "com.example.two"
_opened: list[str] = []
_recording = False


def _note(event: str, arguments: tuple[t.Any, ...]) -> None:
    if _recording and event == "open" and isinstance(arguments[0], str):
        _opened.append(arguments[0])


sys.addaudithook(_note)


class Keys(t.NamedTuple):
    """Two key files and the options that name them."""

    mine: str
    foreign: str
    url: str

    @property
    def declared(self) -> list[Json]:
        """Give the keys of both teams."""
        return [self.key("studio_a"), self.key("studio_b", OTHER_ISSUER, FOREIGN_KEY_ID, self.foreign)]

    def key(self, name: str, issuer_id: str = ISSUER, key_id: str = KEY_ID, path: str = "") -> Json:
        """Give one entry of ``keys``."""
        return {"key": name, "issuer_id": issuer_id, "key_id": key_id, "private_key_path": path or self.mine}

    def run(self, apps: t.Any, check_mode: bool = False, **options: t.Any) -> Outcome:
        """Check a list of apps."""
        given = {"keys": self.declared, "apps": apps, "app_store_server_url": self.url, **options}
        return run_task(TASK, given, check_mode)

    def causes(self, apps: t.Any, check_mode: bool = False, **options: t.Any) -> list[str]:
        """Check a list of apps; give the causes."""
        outcome = self.run(apps, check_mode, **options)
        assert not outcome.message
        return [result["cause"] for result in outcome.results["credential_checks"]]


@pytest.fixture
def keys(sim: Simulator, tmp_path: Path) -> Keys:
    """The key files of both teams."""
    mine = write_key(tmp_path / "mine.p8", sim.pem)
    return Keys(str(mine), str(write_key(tmp_path / "foreign.p8", sim.other_pem)), sim.url)


def test_apps_with_declared_keys_in_their_order(keys: Keys) -> None:
    apps = [{"bundle_id": FOREIGN, "key": "studio_b"}, {"bundle_id": UNRELEASED, "key": "studio_a"}]
    apps.append({"bundle_id": BUNDLE_ID, "key": "studio_b"})
    apps.append({"bundle_id": BUNDLE_ID, "key": "studio_a", "environment": "sandbox"})
    outcome = keys.run(apps)
    found = outcome.results["credential_checks"]
    assert [(one["bundle_id"], one["environment"], one["cause"]) for one in found] == [
        (FOREIGN, "production", "accepted"),
        (UNRELEASED, "production", "app_not_released"),
        (BUNDLE_ID, "production", "unauthenticated"),
        (BUNDLE_ID, "sandbox", "accepted"),
    ]
    assert "works for 1 of 2 apps" in found[2]["hint"]
    assert found[0]["issuer_id"] == OTHER_ISSUER and found[0]["key_id"] == FOREIGN_KEY_ID
    assert outcome.results["changed"] is False and outcome.results["http"]["calls"] == 1 + 3 + 3 + 1


def test_apps_below_their_keys_come_after_those_beside_them(keys: Keys) -> None:
    mine, foreign = keys.declared
    below = [
        {**mine, "apps": [TWO, {"bundle_id": BUNDLE_ID, "environment": "sandbox"}]},
        {**foreign, "apps": [FOREIGN]},
    ]
    found = keys.run([{"bundle_id": BUNDLE_ID, "key": "studio_a"}], keys=below).results["credential_checks"]
    assert [(one["bundle_id"], one["environment"], one["key_id"], one["cause"]) for one in found] == [
        (BUNDLE_ID, "production", KEY_ID, "accepted"),
        (TWO, "production", KEY_ID, "accepted"),
        (BUNDLE_ID, "sandbox", KEY_ID, "accepted"),
        (FOREIGN, "production", FOREIGN_KEY_ID, "accepted"),
    ]
    assert keys.causes(None, keys=below) == ["accepted"] * 3, "apps beside the keys are not needed"


def test_there_is_one_entry_for_each_app_environment_and_key(keys: Keys) -> None:
    """As the page of the module says."""
    mine, foreign = keys.declared
    below = [{**mine, "apps": [UNRELEASED, TWO]}, {**foreign, "apps": [FOREIGN]}]
    again = {"bundle_id": BUNDLE_ID, "key": "studio_a"}
    apps = [
        {"bundle_id": "com.example.gone", "key": "studio_a", "state": "absent"},
        {**again, "trackers": ["ledger"]},
        {**again, "environment": "sandbox"},
        {**again, "trackers": ["devtodev"], "devtodev": {"mode": "handoff", "project": "p1"}},
    ]
    found = keys.run(apps, keys=below).results["credential_checks"]
    assert [(one["bundle_id"], one["environment"], one["key_id"]) for one in found] == [
        (BUNDLE_ID, "production", KEY_ID),
        (BUNDLE_ID, "sandbox", KEY_ID),
        (UNRELEASED, "production", KEY_ID),
        (TWO, "production", KEY_ID),
        (FOREIGN, "production", FOREIGN_KEY_ID),
    ]
    said = yaml.safe_load(appstore_credential_check_info.RETURN)["credential_checks"]["description"][0]
    assert "for each app, environment and key, without absent ones." in said
    assert "Those of O(apps) come first, then those below O(keys)." in said


def test_the_order_of_many_apps_is_kept(keys: Keys, sim: Simulator) -> None:
    apps = [{"bundle_id": f"com.example.app{number}", "key": "studio_a"} for number in range(60)]
    results = keys.run(apps, environment="sandbox").results["credential_checks"]
    assert [one["bundle_id"] for one in results] == [app["bundle_id"] for app in apps]
    assert {one["cause"] for one in results} == {"unauthenticated"}
    assert all("refused for all 60 apps" in one["hint"] for one in results)
    assert sim.calls()["connections"] <= MOST + 1


def test_each_key_is_read_once(keys: Keys) -> None:
    global _recording
    apps = [{"bundle_id": f"com.example.app{number}", "key": "studio_a"} for number in range(20)]
    _opened.clear()
    _recording = True
    try:
        keys.run([*apps, {"bundle_id": FOREIGN, "key": "studio_b"}], credential_check="skip")
    finally:
        _recording = False
    assert (_opened.count(keys.mine), _opened.count(keys.foreign)) == (1, 1)


def test_the_tasks_own_key_is_that_of_apps_that_name_none(keys: Keys) -> None:
    own = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": keys.mine}
    assert keys.causes([BUNDLE_ID, {"bundle_id": FOREIGN, "key": "studio_b"}], **own) == ["accepted"] * 2
    assert keys.causes([{"bundle_id": BUNDLE_ID, "key": "studio_a"}], private_key_content="hunter2") == ["accepted"]
    told = keys.run([BUNDLE_ID, FOREIGN]).message
    for number, name in enumerate((BUNDLE_ID, FOREIGN)):
        assert f"apps[{number}] ({name}): has no key (declared keys: studio_a, studio_b)." in told


def test_a_key_takes_the_tasks_issuer_and_never_its_key_id(keys: Keys) -> None:
    bare = {"key": "a", "key_id": KEY_ID, "private_key_path": keys.mine, "apps": [BUNDLE_ID]}
    assert keys.causes(None, keys=[bare], issuer_id=ISSUER) == ["accepted"]
    half = {**bare, "key_id": None, "issuer_id": ISSUER}
    assert keys.run(None, keys=[half], key_id=KEY_ID).message.startswith("keys[0] (a): key_id")


@pytest.mark.parametrize("path", ["~/mine.p8", "$STOREOPS_TEST_KEYS/mine.p8", "${STOREOPS_TEST_KEYS}/mine.p8"])
def test_paths_of_keys_are_expanded(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """As Ansible does for the same option outside ``keys``."""
    monkeypatch.setenv("STOREOPS_TEST_KEYS", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert keys.mine == str(tmp_path / "mine.p8")
    own = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": path}
    assert keys.causes([BUNDLE_ID], **own) == ["accepted"]
    assert keys.causes(None, keys=[{**keys.key("a", path=path), "apps": [BUNDLE_ID]}]) == ["accepted"]


def test_a_broken_key_stops_nobody_else(keys: Keys) -> None:
    os.truncate(keys.foreign, 99)
    apps = [{"bundle_id": FOREIGN, "key": "studio_b"}, {"bundle_id": BUNDLE_ID, "key": "studio_a"}]
    assert keys.causes(apps) == ["key_unreadable", "accepted"]


def test_what_is_to_go_needs_no_key_and_no_check(keys: Keys, sim: Simulator) -> None:
    below = {**keys.key("a", path="/none/key.p8"), "apps": [{"bundle_id": TWO, "state": "absent"}]}
    assert keys.causes([{"bundle_id": FOREIGN, "state": "absent"}], keys=[below]) == []
    assert sim.calls()["total"] == 0


@pytest.mark.parametrize("there", ["mended", "another key", "damaged", "nothing"])
def test_a_predicted_key(keys: Keys, sim: Simulator, tmp_path: Path, there: str) -> None:
    """In check mode the file that would be mended is read as it will be; any other one is judged by nobody."""
    path = tmp_path / "there.p8"
    text = {"mended": sim.pem, "another key": sim.other_pem, "damaged": "damaged"}.get(there)
    if text is not None:
        write_key(path, text, 0o644)
    key = {**keys.key("a", path=str(path)), "apps": [BUNDLE_ID]}
    made = [{"key": "a", "predicted": True, "failed": False, "key_fingerprint": fingerprint_of(sim.pem)}]
    expected = "accepted" if there == "mended" else "key_not_yet_created"
    assert keys.causes(None, True, keys=[key], iap_keys=made) == [expected]
    assert sim.calls()["total"] == (1 if there == "mended" else 0)
    assert keys.causes(None, keys=[key], iap_keys=made) == ["key_unreadable"], "check mode only"
    unknown = [{**made[0], "key_fingerprint": None}]
    assert keys.causes(None, True, keys=[key], iap_keys=unknown) == ["key_not_yet_created"]


FIELDS = ", ".join(KEY_ENTRY)
NOT_SHOWN = f"a field with a name that is not shown here is unknown (known: {FIELDS})."
BAD_KEYS: list[tuple[t.Any, str]] = [
    (["hunter2"], f"keys[0]: isn't a mapping. Its fields are {FIELDS}."),
    ([None], "keys[0]: isn't a mapping."),
    ([["x"]], "keys[0]: isn't a mapping."),
    ("hunter2", "keys: is text, not a list."),
    ({"a": {"key_id": KEY_ID}}, "keys: isn't a list. Write each entry as an item with the fields key, "),
    ([{}], "keys[0]: key is missing."),
    ([{"key_id": KEY_ID}], "keys[0]: key is missing."),
    ([{"key": " "}], "keys[0]: key is empty. Give the key a short name, such as studio_a."),
    ([{"key": "a", "keyId": "hunter2"}], "keys[0] (a): unknown field keyId; did you mean key_id?"),
    ([{"key": "Acme Games 2", "keyId": "X"}], "keys[0] (Acme Games 2): unknown field keyId; did you mean key_id?"),
    (
        [{"key": "a", "private_key": "hunter2"}],
        "keys[0] (a): unknown field private_key; did you mean private_key_path or private_key_content?",
    ),
    ([{"key": "a", "privat-key-path": "/x"}], "keys[0] (a): unknown field privat-key-path; did you mean private_key_"),
    ([{"key": "a", "bundle_id": BUNDLE_ID}], f"keys[0] (a): unknown field bundle_id (known: {FIELDS})."),
    ([{"key": "a", "private_key_content": ["hunter2"]}], "keys[0] (a): private_key_content isn't text"),
    ([{"key": "a", "revoke": "hunter2"}], "keys[0] (a): revoke is neither true nor false."),
    (
        [{"key": "a", "private_key_file_policy": "x9"}],
        "keys[0] (a): private_key_file_policy is none of strict, mounted",
    ),
    ([{"key": "a", "private_key_file_policy": "lax"}], "keys[0] (a): private_key_file_policy is lax; write strict or"),
    (
        [{"key": "a", "revoke": 5, "pem": "hunter2"}, {"key": "b"}, None],
        "2 entries of keys and apps can't be used; nothing was done. "
        f"keys[0] (a): unknown field pem (known: {FIELDS}). revoke is neither true nor false. "
        "keys[2]: isn't a mapping.",
    ),
    # A secret in the place of a name.
    ([{"key": "a", "hunter2": None}], f"keys[0] (a): {NOT_SHOWN}"),
    ([{"key": "a", "hunter2": "x"}], f"keys[0] (a): {NOT_SHOWN}"),
    ([{"key": "a", "postgresql://me:hunter2@host/db": None}], f"keys[0] (a): {NOT_SHOWN}"),
    ([{"key": "https://me:hunter2@host", "x": 1}], f"keys[0]: unknown field x (known: {FIELDS})."),
]


@pytest.mark.parametrize(("bad", "expected"), BAD_KEYS)
def test_misshapen_keys(keys: Keys, sim: Simulator, bad: t.Any, expected: str) -> None:
    outcome = keys.run([], keys=bad)
    assert outcome.results["failed"] and outcome.message.startswith(expected), outcome.message
    assert "hunter2" not in repr(outcome)
    assert sim.calls()["total"] == 0


def test_a_private_key_in_the_place_of_a_name_is_not_shown(keys: Keys, sim: Simulator) -> None:
    pem = sim.pem
    for bad in ([{pem: None}], [{"key": pem, "x": 1}], [{"key": "a", pem: None}], [{"key": "a", pem: "x"}], [pem], pem):
        outcome = keys.run([], keys=bad)
        assert outcome.message.startswith("keys") and "BEGIN" not in outcome.message
        assert not [line for line in pem.splitlines() if line in repr(outcome)]
    outcome = keys.run([{"bundle_id": BUNDLE_ID, "key": "b"}], keys=[{"key": pem}, {"key": "a"}])
    assert outcome.message == f"apps[0] ({BUNDLE_ID}): key: 'b' isn't an entry of keys (there are: a)."


BAD_APPS: list[tuple[list[t.Any], str]] = [
    (
        [{"bundle_id": BUNDLE_ID, "key": "studio_c"}],
        f"apps[0] ({BUNDLE_ID}): key: 'studio_c' isn't an entry of keys (there are: studio_a, studio_b)",
    ),
    (
        [{"bundle_id": "com.a", "key": "studio_a"}, {"bundle_id": "com..b", "key": "studio_a"}],
        "apps[1]: bundle_id: 'com..b' isn't a bundle ID",
    ),
    (
        [{"bundle_id": name, "key": "studio_a"} for name in ("com.a", "com.b", " com.a\n")],
        "apps[2] (com.a): stands in apps[0] (com.a) already, for production as well.",
    ),
    ([BUNDLE_ID], f"apps[0] ({BUNDLE_ID}): has no key (declared keys: studio_a, studio_b). Write key: with the name"),
    (
        [{"bundle_id": BUNDLE_ID, "key_id": KEY_ID}],
        f"apps[0] ({BUNDLE_ID}): unknown field key_id (known: bundle_id, key, name, app",
    ),
]


@pytest.mark.parametrize(("apps", "expected"), BAD_APPS)
def test_bad_lists(keys: Keys, sim: Simulator, apps: list[t.Any], expected: str) -> None:
    outcome = keys.run(apps)
    assert outcome.results["failed"] and outcome.message.startswith(expected), outcome.message
    assert sim.calls()["total"] == 0


def test_an_app_in_both_environments_is_no_double(keys: Keys) -> None:
    apps = [{"bundle_id": BUNDLE_ID, "key": "studio_a", "environment": place} for place in ("production", "sandbox")]
    assert keys.causes(apps) == ["accepted", "accepted"]


def test_an_empty_list(keys: Keys) -> None:
    assert keys.causes([]) == []


def test_the_trackers_of_a_declaration_are_none_of_this_tasks_business(keys: Keys) -> None:
    """One declaration serves all tasks; this one has no tracker's options, and asks for none."""
    app = {"bundle_id": BUNDLE_ID, "key": "studio_a", "trackers": ["ledger", "devtodev", "qonversion", "revenuecat"]}
    assert keys.causes([app, {**app, "bundle_id": TWO}]) == ["accepted"] * 2


def test_keys_and_apps_show_no_secret(keys: Keys, sim: Simulator) -> None:
    inline = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_content": sim.pem.replace("\n", "\\n")}
    outcome = keys.run([{"bundle_id": BUNDLE_ID, "key": "a"}], keys=[{"key": "a", **inline}])
    assert outcome.results["credential_checks"][0]["cause"] == "accepted"
    assert not [line for line in sim.pem.splitlines() if line in repr(outcome)]
    assert ISSUER in repr(outcome) and KEY_ID in repr(outcome)
