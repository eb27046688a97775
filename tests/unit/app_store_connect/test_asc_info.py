# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""appstore_iap_key_info: the keys of a team, and what a file is."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from asc_support import LIST, NAME, OTHER_TEAM_ID, TEAM_ID, Person, key
from cryptography.hazmat.primitives.asymmetric import ec
from unit_support import ISSUER, KEY_ID, OTHER_ISSUER, fingerprint_of, new_pem, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key_info

Enter = t.Callable[..., Person]


def info(person: Person, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
    """Run it; it never changes anything."""
    results = person.run(check_mode, task=iap_key_info.TASK, **options).results
    assert not results.get("changed") and person.changes() in ([], ["switch_team"])
    return results


def test_the_keys_of_a_team(world: Enter) -> None:
    gone = key("REVOKED001", active=False, revoked_at=1790000000, created_at=1780000000)
    used = key("USEDKEY001", "another", downloadable=False, last_used_at=1790000000)
    person = world(keys=[gone, used, key(KEY_ID)], other_keys=[key("OTHERTEAM1")])
    keys = {entry["key_id"]: entry for entry in info(person)["iap_keys"]}
    assert "OTHERTEAM1" not in keys and list(keys)[:2] == ["USEDKEY001", KEY_ID]
    assert keys[KEY_ID] == {
        "name": NAME,
        "key_id": KEY_ID,
        "issuer_id": ISSUER,
        "team_id": TEAM_ID,
        "active": True,
        "downloadable": True,
        "last_used": None,
        "revoked_at": None,
    }
    assert keys["USEDKEY001"]["downloadable"] is False and keys["USEDKEY001"]["last_used"].startswith("2026-")
    if "REVOKED001" in keys:
        assert keys["REVOKED001"]["active"] is False and keys["REVOKED001"]["revoked_at"].startswith("2026-")
    assert [entry["key_id"] for entry in info(person, name="another")["iap_keys"]] == ["USEDKEY001"]
    assert [entry["key_id"] for entry in info(person, key_id=KEY_ID)["iap_keys"]] == [KEY_ID]
    assert info(person, name="nobody's")["iap_keys"] == []
    assert info(person, True)["iap_keys"] == info(person)["iap_keys"] and info(person)["file"] is None


def test_another_team(world: Enter) -> None:
    person = world(teams=(ISSUER, OTHER_ISSUER), other_keys=[key("OTHERTEAM1")])
    (entry,) = info(person, team_id=OTHER_TEAM_ID)["iap_keys"]
    assert (entry["key_id"], entry["issuer_id"], entry["team_id"]) == ("OTHERTEAM1", OTHER_ISSUER, OTHER_TEAM_ID)
    assert info(person)["failed"]


def test_attributes_that_are_not_told(world: Enter) -> None:
    person = world(keys=[key(KEY_ID)], connect={"key_attributes": []})
    (entry,) = info(person)["iap_keys"]
    assert entry["active"] is True and entry["downloadable"] is None and entry["last_used"] is None


def test_many_pages(world: Enter) -> None:
    keys = [key(f"KEYNUMBER{n:02}", f"key {n}", active=n < 10) for n in range(11)]
    person = world(keys=keys, connect={"largest_page": 2})
    assert len(info(person)["iap_keys"]) == 11 and person.endpoints().count(LIST) == 6


def test_it_needs_something(person: Person) -> None:
    results = info(person, session=None)
    assert results["failed"] and "session" in results["msg"] and "private_key_path" in results["msg"]


def test_a_broken_session_fails(person: Person) -> None:
    person.change(expired=True)
    assert "Sign in again" in info(person)["msg"]


FILES: dict[str, tuple[str, bool, str | None]] = {
    "sound": ("studio.p8", True, None),
    "named": (f"SubscriptionKey_{KEY_ID}.p8", True, None),
    "api": (f"AuthKey_{KEY_ID}.p8", True, None),
    "damaged": ("damaged.p8", False, "key_unreadable"),
    "open": ("open.p8", False, "key_unreadable"),
    "other kind": ("kind.p8", False, "key_wrong_kind"),
    "missing": ("missing.p8", False, "key_unreadable"),
    "mismatch": ("SubscriptionKey_MISMATCH01.p8", False, "key_id_mismatch"),
}


@pytest.mark.parametrize("kind", FILES)
def test_what_a_file_is(person: Person, kind: str) -> None:
    name, sound, cause = FILES[kind]
    pem = new_pem(ec.SECP384R1()) if kind == "other kind" else new_pem()
    path = person.folder / name
    if kind != "missing":
        write_key(path, pem[:100] if kind == "damaged" else pem, 0o644 if kind == "open" else 0o600)
    options = {"key_id": KEY_ID} if kind == "mismatch" else {}
    results = info(person, session=None, private_key_path=str(path), **options)
    file = results["file"]
    assert results["iap_keys"] == [] and results["http"]["calls"] == 0 and person.endpoints() == []
    assert file["sound"] is sound and file["cause"] == cause and file["private_key_path"] == str(path)
    assert bool(file["hint"]) is not sound
    assert file["named_as_api_key"] is (kind == "api")
    expected = {"named": KEY_ID, "api": KEY_ID, "mismatch": "MISMATCH01"}.get(kind)
    assert file["key_id"] == expected
    is_readable = kind not in ("damaged", "missing", "other kind")
    assert file["key_fingerprint"] == (fingerprint_of(pem) if is_readable else None)


def test_a_mounted_file_under_another_keys_name(person: Person, pem: str) -> None:
    path = person.folder / "SubscriptionKey_MISMATCH01.p8"
    path.symlink_to(write_key(person.folder / "..data", pem, 0o644))
    options = {"private_key_path": str(path), "key_id": KEY_ID, "private_key_file_policy": "mounted"}
    file = info(person, session=None, **options)["file"]
    assert (file["cause"], file["key_fingerprint"]) == ("key_id_mismatch", fingerprint_of(pem))


def test_content_and_both(world: Enter, pem: str, tmp_path: Path) -> None:
    person = world(keys=[key(KEY_ID)])
    results = info(person, private_key_content=pem)
    assert results["file"]["sound"] and results["file"]["key_fingerprint"] == fingerprint_of(pem)
    assert len(results["iap_keys"]) == 1
    assert not info(person, session=None, private_key_content="nonsense")["file"]["sound"]


@pytest.mark.parametrize("with_session", [True, False])
def test_a_file_with_another_key_s_name_is_a_result_with_and_without_a_session(
    world: Enter, tmp_path: Path, with_session: bool
) -> None:
    person = world(keys=[key(KEY_ID)])
    path = write_key(tmp_path / "SubscriptionKey_OTHERKEY01.p8", new_pem())
    own = {} if with_session else {"session": None}
    found = info(person, key_id=KEY_ID, private_key_path=str(path), **own)
    assert (found["file"]["sound"], found["file"]["cause"]) == (False, "key_id_mismatch")
    assert [entry["key_id"] for entry in found["iap_keys"]] == ([KEY_ID] if with_session else [])


def test_the_key_that_a_file_is_named_after_is_the_one_that_is_shown(world: Enter, tmp_path: Path) -> None:
    person = world(keys=[key(KEY_ID), key("OTHERKEY01", "another")])
    path = write_key(tmp_path / "SubscriptionKey_OTHERKEY01.p8", new_pem())
    assert [entry["key_id"] for entry in info(person, private_key_path=str(path))["iap_keys"]] == ["OTHERKEY01"]
