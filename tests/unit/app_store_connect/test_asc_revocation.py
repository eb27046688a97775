# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""state: absent revokes only when told to, proves it, and touches nothing of another key."""

from __future__ import annotations

import json
import typing as t

import pytest
from asc_support import LIST, NAME, REVOKE, Person, key
from unit_support import ISSUER, KEY_ID, new_pem, write_key

Enter = t.Callable[..., Person]
KEEP = key("OTHERNAME1", "another")


@pytest.fixture
def owner(world: Enter, pem: str) -> Person:
    """Someone with a key and its file."""
    person = world(keys=[key(KEY_ID), KEEP])
    write_key(person.path, pem)
    return person


def test_without_revoke_only_the_file_goes(owner: Person) -> None:
    done = owner.run(state="absent").results
    assert done["changed"] and not owner.path.exists() and owner.endpoints() == []


@pytest.mark.parametrize("by", ["name", "key_id"])
def test_revoked(owner: Person, by: str) -> None:
    options: dict[str, t.Any] = {"state": "absent", "revoke": True}
    options |= {"name": NAME} if by == "name" else {"name": None, "key_id": KEY_ID}
    predicted = owner.run(True, **options).results
    assert predicted["changed"] and owner.path.exists() and owner.changes() == []
    done = owner.run(**options).results
    assert done["changed"] and done["diff"] == predicted["diff"] and done["diff"]["before"]["key_id"] == KEY_ID
    assert not owner.path.exists() and owner.active() == [] and owner.active("another") == ["OTHERNAME1"]
    assert owner.endpoints()[-2:] == [REVOKE, LIST], "the list proves it"
    for check_mode in (True, False):
        again = owner.run(check_mode, **options).results
        assert not again["changed"] and again["diff"] == {"before": {}, "after": {}}
    assert owner.changes() == [REVOKE]


def test_without_a_path(owner: Person) -> None:
    done = owner.run(state="absent", revoke=True, private_key_path=None, name=None, key_id=KEY_ID).results
    assert done["changed"] and owner.active() == [] and owner.path.exists()


def test_nothing_to_go_by(owner: Person) -> None:
    outcome = owner.run(state="absent", revoke=True, name=None)
    assert outcome.results["failed"] and "key_id" in outcome.message and owner.endpoints() == []
    outcome = owner.run(state="absent", revoke=True, session=None)
    assert outcome.results["failed"] and "session" in outcome.message and owner.path.exists()


def test_two_of_one_name(world: Enter) -> None:
    person = world(keys=[key("TWINAAAAA1"), key("TWINBBBBB2")])
    outcome = person.run(state="absent", revoke=True)
    assert outcome.results["failed"] and "TWINAAAAA1, TWINBBBBB2" in outcome.message and person.changes() == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_file_of_another_key_stays(owner: Person, check_mode: bool) -> None:
    """The name says one key and the file another: neither may go."""
    other = write_key(owner.folder / "SubscriptionKey_OTHERNAME1.p8", new_pem())
    outcome = owner.run(check_mode, state="absent", revoke=True, private_key_path=str(other))
    assert outcome.results["failed"] and outcome.results["cause"] == "key_id_mismatch"
    assert other.exists() and owner.changes() == [] and owner.active() == [KEY_ID]


def test_a_revocation_whose_answer_got_lost(owner: Person) -> None:
    owner.sim.fault(kind="reset", match={"endpoint": REVOKE}, times=1)
    done = owner.run(state="absent", revoke=True).results
    assert done["changed"] and owner.active() == [] and done["http"]["retries"] == 1


@pytest.mark.parametrize("lost", ["reset", "status"])
def test_a_revocation_that_was_done_without_an_answer(owner: Person, lost: str) -> None:
    """Whatever was answered, the list of keys says that it is revoked."""
    owner.sim.fault(kind="reset", match={"endpoint": REVOKE}, times=1)
    more = {"status": 503, "body": "{}"} if lost == "status" else {}
    owner.sim.fault(kind=lost, match={"endpoint": REVOKE}, **more)
    done = owner.run(state="absent", revoke=True).results
    assert done["changed"] and not done.get("failed") and owner.active() == [] and not owner.path.exists()
    assert done["diff"]["before"]["key_id"] == KEY_ID


@pytest.mark.parametrize(
    ("revoked", "status", "told", "changed"),
    [
        (True, 503, f"Whether {KEY_ID} is revoked is unknown: ", True),
        (False, 503, f"Whether {KEY_ID} is revoked is unknown: ", True),
        (False, 409, "App Store Connect refused the request (HTTP 409)", False),
        (True, 200, f"App Store Connect took the revocation of {KEY_ID}, but ", True),
    ],
)
def test_a_revocation_that_nothing_proves(owner: Person, revoked: bool, status: int, told: str, changed: bool) -> None:
    if revoked:
        owner.sim.fault(kind="reset", match={"endpoint": REVOKE}, times=1)
    if status != 200:
        owner.sim.fault(kind="status", status=status, body="{}", match={"endpoint": REVOKE})
    owner.sim.fault(kind="delay", seconds=0.01, match={"endpoint": LIST}, times=1)
    owner.sim.fault(kind="status", status=503, body="{}", match={"endpoint": LIST})
    outcome = owner.run(state="absent", revoke=True, deadline=6)
    assert outcome.results["failed"] and told in outcome.message and owner.path.exists()
    assert outcome.results.get("changed", False) is changed and ("Run again" in outcome.message) is changed
    assert owner.active() == ([] if revoked else [KEY_ID])
    owner.sim.control("DELETE", "/faults")
    again = owner.run(state="absent", revoke=True).results
    assert again["changed"] and not again.get("failed") and owner.active() == [] and not owner.path.exists()


def test_a_lost_key_whose_revocation_got_no_answer(world: Enter) -> None:
    """No second key of this name is made before it is known that the first one is revoked."""
    person = world(keys=[key(KEY_ID, downloadable=False)])
    person.sim.fault(kind="status", status=503, body="{}", match={"endpoint": REVOKE})
    outcome = person.run(regenerate="if_lost", deadline=7)
    assert outcome.results["failed"] and outcome.results["changed"], outcome
    assert f"Whether {KEY_ID} is revoked is unknown, and no new key was made: " in outcome.message
    assert person.active() == [KEY_ID]


def test_a_revocation_without_effect(owner: Person) -> None:
    owner.sim.fault(kind="status", status=200, body="{}", match={"endpoint": REVOKE})
    outcome = owner.run(state="absent", revoke=True)
    assert outcome.results["failed"] and "still active" in outcome.message and owner.path.exists()


@pytest.mark.parametrize("status", [403, 404, 409, 500])
def test_a_revocation_that_is_refused(owner: Person, status: int) -> None:
    body = json.dumps({"errors": [{"title": "No", "detail": "This key is not yours."}]})
    owner.sim.fault(kind="status", status=status, body=body, match={"endpoint": REVOKE})
    outcome = owner.run(state="absent", revoke=True, deadline=1)
    assert outcome.results["failed"] and "This key is not yours" in outcome.message and owner.path.exists()
    # A 500 that used the time up leaves none to look.
    assert outcome.results.get("changed", False) is ("is unknown" in outcome.message) and owner.active() == [KEY_ID]
    assert status == 500 or not outcome.results.get("changed")


def test_the_result(owner: Person) -> None:
    done = owner.run(state="absent", revoke=True, issuer_id=ISSUER).results
    assert done["iap_key"]["key_id"] == KEY_ID and done["iap_key"]["key_fingerprint"] is None
    assert done["iap_key"]["issuer_id"] == ISSUER


TYPOS: list[dict[str, t.Any]] = [
    {"name": NAME.lower()},
    {"name": None, "key_id": "2X9R4HXF35"},
    {"key_id": "NEVERSEEN1"},
]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("typo", TYPOS)
def test_a_typo_never_passes_for_a_revoked_key(
    owner: Person, typo: dict[str, t.Any], check_mode: bool, pem: str
) -> None:
    outcome = owner.run(check_mode, state="absent", revoke=True, **typo)
    assert outcome.results["failed"] and "nothing was revoked" in outcome.message
    assert str(owner.path) in outcome.message and "Studio A" in outcome.message
    assert owner.path.read_text() == pem and owner.changes() == [] and owner.active() == [KEY_ID]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("path", ["none given", "nothing there"])
@pytest.mark.parametrize("typo", TYPOS)
def test_a_key_that_is_not_listed_is_warned_of(
    owner: Person, typo: dict[str, t.Any], path: str, check_mode: bool
) -> None:
    """Apple lists revoked keys for a month only, so the run after that must not fail."""
    place = None if path == "none given" else str(owner.folder / "gone.p8")
    outcome = owner.run(check_mode, state="absent", revoke=True, private_key_path=place, **typo)
    assert not outcome.results.get("failed") and outcome.results["changed"] is False
    (warning,) = outcome.warnings
    assert "Studio A" in warning and ISSUER in warning and "nothing was revoked" in warning
    assert str(typo.get("key_id") or typo["name"]) in warning
    assert owner.changes() == [] and owner.active() == [KEY_ID]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("by", [{"name": NAME}, {"name": None, "key_id": KEY_ID}, {"name": NAME, "key_id": KEY_ID}])
def test_a_key_that_is_listed_as_revoked(world: Enter, by: dict[str, t.Any], check_mode: bool, pem: str) -> None:
    person = world(keys=[key(KEY_ID, active=False)])
    outcome = person.run(check_mode, state="absent", revoke=True, **by)
    assert not outcome.results.get("failed") and not outcome.results["changed"] and outcome.warnings == []
    assert outcome.results["iap_key"]["key_id"] == KEY_ID and person.changes() == []
    write_key(person.path, pem)
    outcome = person.run(check_mode, state="absent", revoke=True, **by)
    assert outcome.results["changed"] and "active" not in outcome.results["diff"]["before"]
    assert person.path.exists() is check_mode and person.changes() == []
