# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory plugin says when something is wrong: a clear line, no traceback, nothing of the key."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from test_inventory_apps import API_KEY_ID, CORES, Fleet, fleet
from unit_support import new_pem, write_key

# A fixture, used by its name alone.
__all__ = ["fleet"]

BAD: list[tuple[dict[str, t.Any], str]] = [
    ({"api_private_key_path": None}, "api_private_key_path: this or api_private_key_content is required"),
    ({"api_private_key_path": "nowhere.p8", "api_key_id": API_KEY_ID}, "nowhere.p8 does not exist"),
    ({"api_key_id": "OTHER00001"}, "api_key_id: is OTHER00001, but the file name"),
    ({"api_issuer_id": "studio"}, "api_issuer_id: 'studio' isn't an Issuer ID"),
    (
        {"app_store_connect_api_url": "http://api.example.com"},
        "app_store_connect_api_url: credentials are sent over https",
    ),
    ({"bundle_ids": []}, "bundle_ids: is empty"),
    ({"bundle_ids": ["a,b"]}, "bundle_ids[0]: 'a,b' isn't a bundle ID"),
    ({"hostname_prefix": "a b"}, "hostname_prefix: use letters"),
    ({"deadline": 0}, "deadline"),
    ({"environment": "staging"}, "environment"),
    ({"query_relesed": True}, "unknown option 'query_relesed'. Did you mean query_released?"),
    ({"zzz": True}, "unknown option 'zzz'. Known: api_issuer_id,"),
    ({"strict": True, "compose": {"x": "nothing_there"}}, "Could not set x for host"),
    ({"strict": True, "groups": {"x": "1 / 0"}}, "to group x"),
]


@pytest.mark.parametrize(("options", "words"), BAD, ids=[words for _options, words in BAD])
def test_a_wrong_option_is_named(fleet: Fleet, options: dict[str, t.Any], words: str) -> None:
    run = fleet.list(**options)
    assert words in run.everything
    assert "Traceback" not in run.everything and "fault of storeops.refunds" not in run.everything


def test_no_inventory_takes_the_hosts_of_another(fleet: Fleet) -> None:
    folder = fleet.folder / "both"
    folder.mkdir()
    key = str(fleet.folder / f"AuthKey_{API_KEY_ID}.p8")
    for name, options in {"1": {}, "2": {"environment": "sandbox"}}.items():
        path = fleet.write(api_private_key_path=key, **options)
        path.rename(folder / f"{name}.{path.name}")
    run = fleet.run(folder, "--list")
    assert (
        "has app_environment: production from another inventory already, and is to have sandbox now." in run.everything
    )
    assert "Set hostname_prefix, such as sandbox., in one of them." in run.everything
    # What is refused leaves nothing behind, whichever app is the first.
    path = fleet.write(api_private_key_path=key, bundle_ids=["com.example.two"])
    path.rename(folder / f"1.{path.name}")
    fleet.environ["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "false"
    assert fleet.run(folder, "--list").group("ungrouped") == ["com.example.two"]
    path = fleet.write(api_private_key_path=key)
    path.rename(folder / f"1.{path.name}")
    path = fleet.write(api_private_key_path=key, environment="sandbox", hostname_prefix="sandbox.")
    path.rename(folder / f"2.{path.name}")
    both = fleet.run(folder, "--list")
    assert both.variables("com.example.one")["app_environment"] == "production"
    assert both.variables("sandbox.com.example.one")["app_environment"] == "sandbox"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bundle_ids": ["a_" + "a" * 100]}, "aaa...' isn't a bundle ID"),
        ({"api_private_key_path": "Schl\u00fcssel.p8", "api_key_id": API_KEY_ID}, "Schl\\xfcssel.p8 does not exist"),
        ({"api_private_key_path": f"SubscriptionKey_{API_KEY_ID}.p8"}, "(SubscriptionKey_...)"),
        ({"api_private_key_path": f"SubscriptionKey_{API_KEY_ID}.p8"}, "(AuthKey_..., no In-App Purchase key)"),
    ],
)
def test_messages_are_ascii(fleet: Fleet, options: dict[str, t.Any], words: str) -> None:
    write_key(fleet.folder / f"SubscriptionKey_{API_KEY_ID}.p8", new_pem())
    fleet.environ["ANSIBLE_INVENTORY_ENABLED"] = "storeops.refunds.app_store_connect"
    fleet.environ["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "false"
    run = fleet.list(**options)
    assert words in run.everything and run.everything.isascii() and "u2026" not in run.everything


@pytest.mark.parametrize("core", CORES, ids=[core.parts[-3] for core in CORES])
def test_what_the_notes_say_about_failures(fleet: Fleet, core: Path) -> None:
    bad = fleet.write(api_private_key_path="nowhere.p8", api_key_id=API_KEY_ID)
    usual = fleet.run(bad, "--list", core=core).everything
    assert "'auto' plugin: storeops.refunds.app_store_connect: api_private_key_path: " in usual, usual
    assert "with 'ini' plugin" in usual and "Completely failed to parse inventory source" in usual
    fleet.environ["ANSIBLE_INVENTORY_ENABLED"] = "storeops.refunds.app_store_connect"
    alone = fleet.run(bad, "--list", core=core).everything
    assert "app_store_connect: api_private_key_path: " in alone, alone
    assert not [name for name in ("auto", "yaml", "ini", "host_list") if f"'{name}' plugin" in alone]
    fleet.environ["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "false"
    assert "only implicit localhost is available" in fleet.run(bad, "--list", core=core).everything
    assert len(fleet.run(fleet.write(), "--list", core=core).group("ungrouped")) == 3


def test_no_error_shows_the_key_or_a_token(fleet: Fleet) -> None:
    foreign = new_pem()
    content = {"api_private_key_path": None, "api_key_id": API_KEY_ID}
    wrong: list[dict[str, t.Any]] = [
        {**content, "api_private_key_content": foreign},
        {**content, "api_private_key_content": foreign[:100]},
        {**content, "api_private_key_path": foreign},
        {**content, "api_private_key_content": foreign, "api_key_id": foreign},
        {**content, "api_private_key_content": [foreign]},
        {**content, "api_private_key_content": {"pem": foreign}},
    ]
    lines = [line for line in foreign.splitlines() if "-----" not in line]
    for options in wrong:
        run = fleet.run(fleet.write(**options), "--list", "-vvvv")
        assert "api_" in run.everything
        assert not [line for line in lines if line[:30] in run.everything], options.keys()
        assert "Bearer" not in run.everything and "eyJ" not in run.everything


def test_a_key_with_the_other_kinds_name_is_warned_of(fleet: Fleet) -> None:
    path = fleet.folder / f"AuthKey_{API_KEY_ID}.p8"
    path.rename(fleet.folder / f"SubscriptionKey_{API_KEY_ID}.p8")
    run = fleet.list(api_private_key_path=f"SubscriptionKey_{API_KEY_ID}.p8")
    assert len(run.group("ungrouped")) == 3
    assert "is named like an In-App Purchase key" in run.everything


def test_a_file_of_another_name_is_left_alone(fleet: Fleet) -> None:
    run = fleet.run(fleet.write(name="apps.yml"), "--list")
    assert fleet.asked() == 0
    assert "com.example" not in run.output
    assert len(fleet.run(fleet.write(name="storeops.yaml"), "--list").group("ungrouped")) == 3
