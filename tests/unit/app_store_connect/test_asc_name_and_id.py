# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``name`` and ``key_id`` that mean two different keys: neither is touched."""

from __future__ import annotations

import typing as t

import pytest
from asc_support import NAME, READ, REVOKE, Person, key
from unit_support import KEY_ID, Outcome, write_key

Enter = t.Callable[..., Person]
OTHER = "OTHERNAME1"


@pytest.fixture
def person(world: Enter) -> Person:
    """Someone with two keys whose downloads were used."""
    return world(keys=[key(KEY_ID, downloadable=False), key(OTHER, "another", downloadable=False)])


def refused(person: Person, outcome: Outcome) -> None:
    """The message names both; nothing was done."""
    assert outcome.results["failed"] and outcome.results["cause"] == "key_id_mismatch", outcome
    assert KEY_ID in outcome.message and NAME in outcome.message and "another" in outcome.message
    assert person.changes() == [] and person.active() == [KEY_ID] and person.active("another") == [OTHER]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("regenerate", ["never", "if_lost", "always"])
def test_present(person: Person, regenerate: str, check_mode: bool) -> None:
    refused(person, person.run(check_mode, name="another", key_id=KEY_ID, regenerate=regenerate))
    assert not person.path.exists()


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("with_file", [True, False])
def test_revoked(person: Person, with_file: bool, check_mode: bool, pem: str) -> None:
    write_key(person.path, pem)
    options = {"name": "another", "key_id": KEY_ID, "state": "absent", "revoke": True}
    more = {} if with_file else {"private_key_path": None}
    refused(person, person.run(check_mode, **options, **more))
    assert person.path.read_text() == pem


def test_a_download_is_not_spent(world: Enter) -> None:
    person = world(keys=[key(KEY_ID), key(OTHER, "another")])
    refused(person, person.run(name="another", key_id=KEY_ID))
    assert not person.run(key_id=KEY_ID).results.get("failed") and person.changes() == [READ]


def test_both_may_be_given_when_they_agree(person: Person, pem: str) -> None:
    write_key(person.path, pem)
    assert not person.run(key_id=KEY_ID).results["changed"]
    done = person.run(name=f" {NAME}", key_id=KEY_ID, state="absent", revoke=True).results
    assert done["changed"] and person.changes() == [REVOKE] and person.active() == []
