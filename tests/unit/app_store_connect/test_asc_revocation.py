# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""state: absent revokes only when told to, proves it, and touches nothing of another key."""

from __future__ import annotations

import json
import os
import typing as t

import pytest
from asc_support import LIST, NAME, REVOKE, Person, key
from unit_support import ISSUER, KEY_ID, new_pem, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import AppStoreConnect
from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Reply, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._http_errors import NotSent
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import TransportError

Enter = t.Callable[..., Person]


def cut_off(monkeypatch: pytest.MonkeyPatch, method: str, kind: str) -> None:
    """Let no request of this method out, and none after it: the way a deadline or a lost network does."""
    send, is_cut = Transport.send, []

    def cut(self: Transport, call: Call) -> Reply:
        if call.method != method and not is_cut:
            return send(self, call)
        is_cut.append(call)
        if kind == "not sent":
            raise NotSent("deadline", "Cut off.")
        self.counters.called()
        raise TransportError(kind, "Cut off.")

    monkeypatch.setattr(Transport, "send", cut)


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


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("only_state", ["absent", None])
def test_of_a_list_no_key_goes_that_another_entry_wants(
    owner: Person, only_state: str | None, check_mode: bool
) -> None:
    """One entry has its name, the other one its ID: App Store Connect alone tells that they are the same."""
    new = {"key": "new", "name": NAME, "private_key_path": str(owner.path)}
    gone = {"key": "gone", "key_id": KEY_ID, "private_key_path": str(owner.folder / "o.p8")}
    gone |= {"state": "absent", "revoke": True}
    for keys in ([new, gone], [gone, new]):
        outcome = owner.run(check_mode, name=None, private_key_path=None, keys=keys, only_state=only_state)
        place = f"keys[{keys.index(new)}] (new)"
        assert f"{KEY_ID} is to be absent, and {place} may be the same key. Nothing was revoked." in outcome.message
    assert owner.active() == [KEY_ID] and owner.path.exists() and owner.changes() == []


@pytest.mark.parametrize("regenerate", ["never", "if_lost", "always"])
def test_two_key_ids_are_two_keys_whatever_their_name(world: Enter, regenerate: str) -> None:
    """As a person is told to do who has two keys of one name."""
    person = world(keys=[key("TWINAAAAA1"), key("TWINBBBBB2")])
    new = {"key": "new", "name": NAME, "key_id": "TWINAAAAA1", "private_key_path": str(person.folder / "new.p8")}
    old = {"key": "old", "key_id": "TWINBBBBB2", "private_key_path": str(person.folder / "old.p8")}
    old |= {"state": "absent", "revoke": True}
    keys = [{**new, "regenerate": regenerate}, old]
    for check_mode in (True, False):
        outcome = person.run(check_mode, name=None, private_key_path=None, keys=keys, only_state="absent")
        assert "TWINBBBBB2 is to be absent" not in outcome.message, outcome.message
    assert person.active() == ["TWINAAAAA1"]


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
    assert outcome.results["failed"] and not outcome.results.get("changed"), "the list shows it as active still"
    assert person.active() == [KEY_ID] and set(person.changes()) == {REVOKE}
    person.sim.fault(kind="delay", seconds=0.01, match={"endpoint": LIST}, times=1)
    person.sim.fault(kind="status", status=503, body="{}", match={"endpoint": LIST})
    outcome = person.run(regenerate="if_lost", deadline=7)
    assert outcome.results["failed"] and outcome.results["changed"], outcome
    assert f"Whether {KEY_ID} is revoked is unknown: " in outcome.message and "No new key was made" in outcome.message
    assert person.active() == [KEY_ID]


def test_a_revocation_without_a_yes_is_not_proven_by_a_shorter_list(owner: Person) -> None:
    """A list that no longer has the key doesn't show whether it was revoked."""
    owner.sim.fault(kind="status", status=500, body="{}", match={"endpoint": REVOKE})
    owner.sim.fault(kind="delay", seconds=0.01, match={"endpoint": LIST}, times=1)
    owner.sim.fault(kind="content_type", match={"endpoint": LIST}, body='{"data": []}')
    outcome = owner.run(state="absent", revoke=True, deadline=7)
    assert outcome.results["failed"] and outcome.results["changed"] and owner.path.exists()
    assert f"Whether {KEY_ID} is revoked is unknown" in outcome.message


@pytest.mark.parametrize("kind", ["not sent", "dns", "tcp"])
@pytest.mark.parametrize("step", ["revoke", "replace"])
def test_a_revocation_that_never_went_out(
    world: Enter, monkeypatch: pytest.MonkeyPatch, step: str, kind: str, pem: str
) -> None:
    person = world(keys=[key(KEY_ID, downloadable=False)])
    if step == "revoke":
        write_key(person.path, pem)
    cut_off(monkeypatch, "PATCH", kind)
    options = {"state": "absent", "revoke": True} if step == "revoke" else {"regenerate": "if_lost"}
    outcome = person.run(**options)
    assert outcome.results["failed"] and not outcome.results.get("changed"), outcome
    assert outcome.message == "Cut off." and person.active() == [KEY_ID] and person.changes() == []
    assert person.path.exists() is (step == "revoke")


@pytest.mark.parametrize("kind", ["not sent", "dns", "tcp"])
def test_a_creation_that_never_went_out(world: Enter, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    person = world(keys=[])
    old = new_pem()
    write_key(person.path, old)
    cut_off(monkeypatch, "POST", kind)
    outcome = person.run(regenerate="if_lost")
    assert outcome.results["failed"] and not outcome.results.get("changed") and outcome.message == "Cut off."
    assert person.path.read_text() == old and os.listdir(person.folder) == [person.path.name], "it is back in its place"


def test_a_revocation_without_effect(owner: Person) -> None:
    owner.sim.fault(kind="status", status=200, body="{}", match={"endpoint": REVOKE})
    outcome = owner.run(state="absent", revoke=True)
    assert outcome.results["failed"] and "still lists it as active" in outcome.message and owner.path.exists()
    assert outcome.results["changed"], "App Store Connect took it"


def test_the_file_stays_where_nothing_proves_the_revocation(world: Enter, pem: str) -> None:
    """The list doesn't tell which keys are active: what can't be undone needs more than a yes."""
    person = world(keys=[key(KEY_ID)], connect={"key_attributes": ["canDownload"]})
    write_key(person.path, pem)
    predicted = person.run(True, state="absent", revoke=True)
    assert "would stay" in predicted.results["summary"] and person.changes() == []
    done = person.run(state="absent", revoke=True)
    assert not done.results.get("failed") and done.results["changed"], done.message
    assert done.results["diff"] == predicted.results["diff"] and person.active() == []
    assert person.path.read_text() == pem and f"So {person.path} stays. Once the browser" in done.results["summary"]
    (warning,) = done.warnings
    assert "nothing proves that it is revoked" in warning
    assert [one["step"] for one in done.results["irreversible"]] == ["revoke_key"]
    assert person.run(state="absent").results["changed"] and not person.path.exists()


@pytest.mark.parametrize("status", [403, 404, 409, 500])
def test_a_revocation_that_is_refused(owner: Person, status: int) -> None:
    body = json.dumps({"errors": [{"title": "No", "detail": "This key is not yours."}]})
    owner.sim.fault(kind="status", status=status, body=body, match={"endpoint": REVOKE})
    # Long enough that a 500, which is asked again, leaves time to look.
    outcome = owner.run(state="absent", revoke=True, deadline=30)
    assert outcome.results["failed"] and "This key is not yours" in outcome.message and owner.path.exists()
    # The list of keys says that it was not done.
    assert not outcome.results.get("changed") and "is unknown" not in outcome.message and owner.active() == [KEY_ID]


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


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_record_of_what_cannot_be_undone(owner: Person, check_mode: bool) -> None:
    owner.path.rename(owner.path.with_name(f"SubscriptionKey_{KEY_ID}.p8"))
    path = str(owner.path.with_name(f"SubscriptionKey_{KEY_ID}.p8"))
    records = owner.run(check_mode, state="absent", revoke=True, private_key_path=path).results["irreversible"]
    assert [record["step"] for record in records] == ["revoke_key", "remove_key_file"]
    assert [record["target"] for record in records] == [KEY_ID, path]
    assert [record["asked_by"] for record in records] == ["revoke: true", "state: absent"]
    assert all(record["outcome"].startswith("would be done" if check_mode else "done") for record in records)
    assert all(record["proven"] and record["answer"] and record["proven_at"] for record in records)


def test_the_record_of_a_replacement_that_stopped_halfway(world: Enter) -> None:
    person = world(keys=[key(KEY_ID, downloadable=False)])
    person.sim.fault(kind="status", status=500, body="{}", match={"endpoint": "create_subscription_key"}, times=1)
    (record,) = person.run(regenerate="if_lost").results["irreversible"]
    assert (record["target"], record["asked_by"]) == (KEY_ID, "regenerate: if_lost")
    assert f"there is no file {person.path}" in record["proven"] and record["outcome"].startswith("done")


@pytest.mark.parametrize("content", [True, False])
def test_a_new_key_that_comes_while_apple_is_asked_stays(
    owner: Person, monkeypatch: pytest.MonkeyPatch, pem: str, content: bool
) -> None:
    """The proof was about the old one."""
    revoke, new = AppStoreConnect.revoke, new_pem()

    def late(connect: AppStoreConnect, key_id: str, permit: t.Any) -> t.Any:
        assert owner.run(True, session=None, private_key_content=new).results["changed"], "check mode waits for nobody"
        write_key(owner.path, new)
        return revoke(connect, key_id, permit)

    monkeypatch.setattr(AppStoreConnect, "revoke", late)
    outcome = owner.run(state="absent", revoke=True, key_id=KEY_ID, backup=content)
    assert outcome.results["failed"] and outcome.results["changed"] and owner.active() == []
    assert "was changed meanwhile" in outcome.message and owner.path.read_text() == new
    assert os.listdir(owner.folder) == [owner.path.name]
    assert not owner.run(session=None, private_key_content=pem, deadline=0.2).message, "its lock ends with it"


def test_a_file_that_is_put_back_while_apple_is_asked_is_not_lost(
    world: Enter, monkeypatch: pytest.MonkeyPatch, pem: str
) -> None:
    person = world(keys=[key(KEY_ID, downloadable=False)])
    list_keys = AppStoreConnect.list_keys

    def late(connect: AppStoreConnect) -> t.Any:
        write_key(person.path, pem)
        return list_keys(connect)

    monkeypatch.setattr(AppStoreConnect, "list_keys", late)
    assert not person.run(regenerate="if_lost").results["changed"] and person.active() == [KEY_ID]
