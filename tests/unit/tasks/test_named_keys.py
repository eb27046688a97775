# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of apps that share keys by name."""

from __future__ import annotations

import os
import sys
import typing as t
from pathlib import Path

import pytest
from unit_servers import FOREIGN, FOREIGN_KEY_ID, UNRELEASED, Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, Outcome, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._http_flow import MOST
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.credential_check_info import TASK

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
    def named(self) -> dict[str, t.Any]:
        """Give the keys by name."""
        return {
            "studio_a": {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": self.mine},
            "studio_b": {"issuer_id": OTHER_ISSUER, "key_id": FOREIGN_KEY_ID, "private_key_path": self.foreign},
        }

    def run(self, apps: list[dict[str, t.Any]], **options: t.Any) -> Outcome:
        """Check a list of apps."""
        given = {"keys": self.named, "apps": apps, "app_store_server_url": self.url, **options}
        return run_task(TASK, given)

    def causes(self, apps: list[dict[str, t.Any]], **options: t.Any) -> list[str]:
        """Check a list of apps; give the causes."""
        outcome = self.run(apps, **options)
        assert not outcome.message
        return [result["cause"] for result in outcome.results["credential_checks"]]


@pytest.fixture
def keys(sim: Simulator, tmp_path: Path) -> Keys:
    """The key files of both teams."""
    mine = write_key(tmp_path / "mine.p8", sim.pem)
    return Keys(str(mine), str(write_key(tmp_path / "foreign.p8", sim.other_pem)), sim.url)


def test_apps_with_named_keys_in_their_order(keys: Keys) -> None:
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


def test_what_an_app_inherits(keys: Keys, sim: Simulator) -> None:
    own = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": keys.mine}
    assert keys.causes([{"bundle_id": BUNDLE_ID}], **own) == ["accepted"]
    assert keys.causes([{"bundle_id": BUNDLE_ID, **own}], key_id="WRONG00001") == ["accepted"]
    assert keys.causes([{"bundle_id": BUNDLE_ID, "key": "studio_a"}], private_key_content="hunter2") == ["accepted"]
    assert keys.causes([{"bundle_id": BUNDLE_ID, "key": "studio_a", "key_id": "WRONG00001"}]) == ["unauthenticated"]
    content = [{"bundle_id": BUNDLE_ID, "private_key_path": keys.mine}]
    given = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_content": sim.other_pem}
    assert keys.causes(content, **given) == ["accepted"], "an app's own path replaces the task's content"
    no_issuer = {"a": {"key_id": KEY_ID, "private_key_path": keys.mine}}
    assert keys.causes([{"bundle_id": BUNDLE_ID, "key": "a"}], keys=no_issuer, issuer_id=ISSUER) == ["accepted"]


@pytest.mark.parametrize("path", ["~/mine.p8", "$STOREOPS_TEST_KEYS/mine.p8", "${STOREOPS_TEST_KEYS}/mine.p8"])
def test_paths_of_named_keys_are_expanded(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """As Ansible does for the same option outside ``keys``."""
    monkeypatch.setenv("STOREOPS_TEST_KEYS", str(tmp_path))
    assert keys.mine == str(tmp_path / "mine.p8") and os.environ["HOME"] == str(tmp_path)
    own = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": path}
    assert keys.causes([{"bundle_id": BUNDLE_ID}], **own) == ["accepted"]
    assert keys.causes([{"bundle_id": BUNDLE_ID, "key": "a"}], keys={"a": own}) == ["accepted"]


def test_a_named_key_never_takes_the_tasks_key_id(keys: Keys) -> None:
    half = {"a": {"issuer_id": ISSUER, "private_key_path": keys.mine}}
    outcome = keys.run([{"bundle_id": BUNDLE_ID, "key": "a"}], keys=half, key_id=KEY_ID)
    assert outcome.message.startswith(f"apps[0] ({BUNDLE_ID}): key_id") or outcome.message.startswith("key_id")


def test_an_apps_own_content_replaces_an_inherited_path(keys: Keys, sim: Simulator, tmp_path: Path) -> None:
    named = write_key(tmp_path / "SubscriptionKey_OTHER00001.p8", sim.other_pem)
    app = {"bundle_id": BUNDLE_ID, "key_id": KEY_ID, "private_key_content": sim.pem}
    assert keys.causes([app], issuer_id=ISSUER, private_key_path=str(named)) == ["accepted"]


def test_a_broken_key_stops_nobody_else(keys: Keys) -> None:
    os.truncate(keys.foreign, 99)
    apps = [{"bundle_id": FOREIGN, "key": "studio_b"}, {"bundle_id": BUNDLE_ID, "key": "studio_a"}]
    assert keys.causes(apps) == ["key_unreadable", "accepted"]


@pytest.mark.parametrize("there", ["open", "another key", "damaged"])
def test_a_predicted_named_key_is_not_read(keys: Keys, sim: Simulator, tmp_path: Path, there: str) -> None:
    text = {"open": sim.pem, "another key": sim.other_pem, "damaged": "damaged"}[there]
    path = write_key(tmp_path / "there.p8", text, 0o644 if there == "open" else 0o600)
    named = {"a": {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": str(path), "key_predicted": True}}
    given = {"keys": named, "apps": [{"bundle_id": BUNDLE_ID, "key": "a"}], "app_store_server_url": sim.url}
    results = run_task(TASK, given, check_mode=True).results
    assert [one["cause"] for one in results["credential_checks"]] == ["key_not_yet_created"]
    assert sim.calls()["total"] == 0
    assert keys.causes(given["apps"], keys=named) != ["key_not_yet_created"], "check mode only"


KNOWN = "issuer_id, key_id, private_key_path, private_key_content, private_key_file_policy, key_predicted"
NOT_SHOWN = f"a field with a name that is not shown here is unknown (known: {KNOWN})."
BAD_KEYS: list[tuple[t.Any, str]] = [
    ({"a": "hunter2"}, f"keys.a: isn't a mapping. Its fields are {KNOWN}."),
    ({"a": None}, "keys (entry 0): isn't a mapping"),
    ({"a": ["x"]}, "keys.a: isn't a mapping"),
    (
        {"a": {"private_key": "hunter2"}},
        "keys.a: unknown field private_key; did you mean private_key_path or private_key_content?",
    ),
    ({"a": {"privat-key-path": "/x"}}, "keys.a: unknown field privat-key-path; did you mean private_key_path?"),
    ({"Acme Games 2": {"keyId": "X"}}, "keys.Acme Games 2: unknown field keyId; did you mean key_id?"),
    ({"a": {"bundle_id": BUNDLE_ID}}, f"keys.a: unknown field bundle_id (known: {KNOWN})."),
    ({"a": {"key_id": 5}}, "keys.a: key_id isn't text; put it in quotes."),
    ({"a": {"private_key_content": ["hunter2"]}}, "keys.a: private_key_content isn't text"),
    ({"a": {"key_predicted": "hunter2"}}, "keys.a: key_predicted is neither true nor false."),
    ({"a": {"private_key_file_policy": "hunter2"}}, "keys.a: private_key_file_policy is none of strict, mounted."),
    (
        {"a": {"key_id": 5, "pem": "hunter2"}, "b": {}, "c": None},
        "2 entries of keys can't be used; nothing was done. "
        f"keys.a: unknown field pem (known: {KNOWN}). key_id isn't text; put it in quotes. "
        "keys (entry 2): isn't a mapping.",
    ),
    # A secret in the place of a name.
    ({"a": {"hunter2": None}}, f"keys.a: {NOT_SHOWN}"),
    ({"a": {"hunter2": "x"}}, f"keys.a: {NOT_SHOWN}"),
    ({"a": {"postgresql://me:hunter2@host/db": None}}, f"keys.a: {NOT_SHOWN}"),
    ({"hunter2": None}, "keys (entry 0): isn't a mapping."),
    ({"hunter": None}, "keys (entry 0): isn't a mapping."),
    ({"a": {}, "https://me:hunter2@host": {"x": 1}}, f"keys (entry 1): unknown field x (known: {KNOWN})."),
]


@pytest.mark.parametrize(("bad", "expected"), BAD_KEYS)
def test_misshapen_keys(keys: Keys, sim: Simulator, bad: t.Any, expected: str) -> None:
    outcome = keys.run([{"bundle_id": BUNDLE_ID}], keys=bad)
    assert outcome.results["failed"] and outcome.message.startswith(expected), outcome.message
    assert "hunter2" not in repr(outcome)
    assert sim.calls()["total"] == 0


def test_a_private_key_in_the_place_of_a_name_is_not_shown(keys: Keys, sim: Simulator) -> None:
    for bad in ({sim.pem: None}, {sim.pem: {"x": 1}}, {"a": {sim.pem: None}}, {"a": {sim.pem: "x"}}, {"a": sim.pem}):
        outcome = keys.run([{"bundle_id": BUNDLE_ID}], keys=bad)
        assert outcome.message.startswith("keys") and "BEGIN" not in outcome.message
        assert not [line for line in sim.pem.splitlines() if line in repr(outcome)]
    outcome = keys.run([{"bundle_id": BUNDLE_ID, "key": "b"}], keys={sim.pem: {}, "a": {}})
    assert outcome.message == f"apps[0] ({BUNDLE_ID}): key: 'b' isn't an entry of keys (there are: a)."


BAD_APPS: list[tuple[list[dict[str, t.Any]], str]] = [
    (
        [{"bundle_id": BUNDLE_ID, "key": "studio_c"}],
        f"apps[0] ({BUNDLE_ID}): key: 'studio_c' isn't an entry of keys (there are: studio_a, studio_b)",
    ),
    (
        [{"bundle_id": "com.a", "key": "studio_a"}, {"bundle_id": "com..b"}],
        "apps[1].bundle_id: 'com..b' isn't a bundle ID",
    ),
    (
        [{"bundle_id": name, "key": "studio_a"} for name in ("com.a", "com.b", " com.a\n")],
        "apps[2] (com.a): stands in apps[0] already, for production as well.",
    ),
    (
        [{"bundle_id": BUNDLE_ID, "issuer_id": "x", "key": "studio_a"}],
        f"apps[0] ({BUNDLE_ID}): issuer_id: 'x' isn't an Issuer ID",
    ),
    ([{"bundle_id": BUNDLE_ID}], f"apps[0] ({BUNDLE_ID}): private_key_path: or private_key_content is required"),
]


@pytest.mark.parametrize(("apps", "expected"), BAD_APPS)
def test_bad_lists(keys: Keys, sim: Simulator, apps: list[dict[str, t.Any]], expected: str) -> None:
    outcome = keys.run(apps)
    assert outcome.results["failed"] and outcome.message.startswith(expected)
    assert sim.calls()["total"] == 0


def test_an_app_in_both_environments_is_no_double(keys: Keys) -> None:
    apps = [{"bundle_id": BUNDLE_ID, "key": "studio_a", "environment": place} for place in ("production", "sandbox")]
    assert keys.causes(apps) == ["accepted", "accepted"]


def test_an_empty_list(keys: Keys) -> None:
    assert keys.causes([]) == []


def test_keys_and_apps_show_no_secret(keys: Keys, sim: Simulator) -> None:
    named = {"a": {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_content": sim.pem.replace("\n", "\\n")}}
    outcome = keys.run([{"bundle_id": BUNDLE_ID, "key": "a"}], keys=named)
    assert outcome.results["credential_checks"][0]["cause"] == "accepted"
    assert not [line for line in sim.pem.splitlines() if line in repr(outcome)]
    assert ISSUER in repr(outcome) and KEY_ID in repr(outcome)
