# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which key is revoked, and what proves that it is: every answer that App Store Connect can give. It is a stand-in."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from revocation_support import GONE, NOW, ONE, TWO, UNLISTED, Connect, Error, Run, key
from unit_support import ISSUER, OTHER_ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import RemoteKey
from ansible_collections.storeops.refunds.plugins.module_utils._apple.web_errors import NoAnswer
from ansible_collections.storeops.refunds.plugins.module_utils._context import TaskFailed
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.meant_key import MeantKey
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    InputError,
    RefundsError,
    TransportError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.remote_revocation import Revoked


@pytest.mark.parametrize("how", [{"key_id": ONE}, {"key_id": None, "name": "one"}, {"key_id": ONE, "name": "one"}])
def test_the_key_that_is_named_is_revoked_and_no_other(how: dict[str, t.Any]) -> None:
    run = Run(Connect([key(TWO, "two"), key()]))
    assert run.revoke(**how) == Revoked(ONE, True)
    ((target, permit),) = run.connect.revoked
    assert (target, permit.step, permit.target) == (ONE, "revoke_key", ONE) and run.connect.asked == [(7, ISSUER)]
    (record,) = run.gate.records
    by = "key_id" if how["key_id"] else "name"
    assert record == {
        "step": "revoke_key",
        "target": ONE,
        "asked_by": "revoke: true",
        "outcome": "done; App Store Connect's list of keys confirms it",
        "proven": f"it is the key that {by} says, and active in the team 'Studio'",
        "answer": "App Store Connect's list of keys",
        "proven_at": NOW,
    }
    assert run.warnings == []


def test_what_else_speaks_for_it_is_part_of_the_proof() -> None:
    run = Run(Connect())
    run.revoke(proven="nobody uses it")
    assert run.gate.records[0]["proven"].startswith("nobody uses it; it is the key that")


BY_ID: dict[str, t.Any] = {"key_id": ONE}
BY_NAME: dict[str, t.Any] = {"key_id": None, "name": "one"}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("how", "listed", "other", "told"),
    [
        (BY_ID, key(), (ONE, None), "is the same key"),
        (BY_ID, key(), (None, "one"), "may be the same key"),
        (BY_ID, key(), (None, "one", ISSUER), "is the same key"),
        (BY_ID, key(), (None, "one", None, "1"), "is the same key"),
        (BY_ID, key(), (None, "one", OTHER_ISSUER), ""),
        (BY_ID, key(), (None, "one", None, "2"), ""),
        (BY_ID, key(), (None, None, OTHER_ISSUER), ""),
        (BY_ID, key(), (ONE, "one", OTHER_ISSUER), "is the same key"),
        (BY_ID, key(), (None, " o\u200bne", ISSUER), "is the same key"),
        (BY_ID, key(), (TWO, "one"), ""),
        (BY_ID, key(), (None, "two"), ""),
        (BY_ID, key(), (None, None), "may be the same key"),
        (BY_ID, key(name=None), (None, "two"), "may be the same key"),
        (BY_NAME, key(), (ONE, None), "is the same key"),
        (BY_NAME, key(), (TWO, None), ""),
        (BY_NAME, key(), (None, "two"), ""),
        # Of a file alone, nobody knows whose it is.
        (BY_NAME, key(), (None, None), "may be the same key"),
        # What is revoked already is no key that is to be there, though it had its name.
        (BY_ID, GONE, (None, "one"), ""),
    ],
)
def test_a_key_that_another_entry_wants_to_be_there_is_not_revoked(
    how: dict[str, t.Any], listed: RemoteKey, other: tuple[str | None, ...], told: str, check_mode: bool
) -> None:
    run = Run(Connect([listed]), check_mode)
    asked = {**how, "staying": (MeantKey("keys[1] (new)", *other),)}
    if not told:
        assert run.revoke(**asked).key_id == ONE
        return
    step = "Nothing was revoked. Correct one of the two entries, or give key_id in both."
    assert run.refused(**asked) == f"{ONE} is to be absent, and keys[1] (new) {told}. {step}"
    assert run.connect.revoked == [] and run.gate.records == []


def test_check_mode_revokes_nothing_and_tells_it() -> None:
    run = Run(Connect(), check_mode=True)
    assert run.revoke() == Revoked(ONE, True) and run.connect.revoked == []
    assert [one["outcome"] for one in run.gate.records] == ["would be done"]
    assert run.connect.foreseen == [key(is_active=False)], "for the next entry of the list"


@pytest.mark.parametrize("how", [{"key_id": ONE}, {"key_id": None, "name": "one"}])
@pytest.mark.parametrize("gone", [GONE, key(is_active=False), RemoteKey(ONE, "one", None, None, revoked_at=NOW)])
def test_a_key_that_is_revoked_already_needs_nothing(gone: RemoteKey, how: dict[str, t.Any]) -> None:
    run = Run(Connect([gone, key(TWO, "two")]))
    assert run.revoke(**how) == Revoked(ONE, False) and run.connect.revoked == [] and run.gate.records == []


def test_of_a_name_that_was_given_again_the_active_key_is_meant() -> None:
    run = Run(Connect([GONE, key(TWO, "one")], [GONE, key(TWO, "one", False)]))
    assert run.revoke(key_id=None, name=" one ") == Revoked(TWO, True) and run.connect.revoked[0][0] == TWO


def test_a_name_that_two_active_keys_have_says_nothing() -> None:
    run = Run(Connect([key(TWO), key()]))
    assert run.refused(key_id=None, name="one").startswith(f"name: there are 2 active keys named 'one': {ONE}, {TWO}.")
    assert run.connect.revoked == []


def test_a_name_and_a_key_id_of_two_keys_say_nothing() -> None:
    run = Run(Connect([key(), key(TWO, "two")]))
    assert run.refused(name="two").startswith(f"key_id is {ONE}, whose name is 'one', but name is 'two'.")
    assert run.connect.revoked == []


@pytest.mark.parametrize("how", [{"key_id": None}, {"key_id": "", "name": ""}])
def test_a_key_has_to_be_named(how: dict[str, t.Any]) -> None:
    run = Run(Connect())
    with pytest.raises(InputError) as caught:
        run.revoke(**how)
    assert str(caught.value) == "key_id: this or name is required with revoke. Say which key to revoke."
    assert run.connect.asked == []


@pytest.mark.parametrize(
    ("how", "named"), [({"key_id": TWO}, TWO), ({"key_id": None, "name": "two"}, "'two'"), ({"name": "two"}, "")]
)
def test_a_key_that_is_not_listed(how: dict[str, t.Any], named: str, tmp_path: Path) -> None:
    run = Run(Connect())
    if not named:
        assert run.refused(**how)
        return
    assert run.revoke(**how, path=f"{tmp_path}/none.p8") == Revoked(None, False)
    assert run.warnings == [UNLISTED.format(named)] and run.connect.revoked == []
    path = tmp_path / "key.p8"
    path.touch()
    message = UNLISTED.format(named).split(": nothing")[0]
    assert run.refused(**how, path=str(path)) == (
        f"{message}: nothing was revoked, and {path} was not removed. Correct key_id, name, team_id or the session; or "
        "remove the file without revoke."
    )
    assert len(run.warnings) == 1


def test_a_file_that_is_named_after_another_key_stops_it() -> None:
    run = Run(Connect([key(), key(TWO, "two")]))
    said = run.refused(key_id=None, name="one", path=f"/keys/SubscriptionKey_{TWO}.p8")
    # The Key ID of the file name is the key that is meant.
    assert said.startswith(f"key_id is {TWO}, whose name is 'two', but name is 'one'.") and run.connect.revoked == []
    run = Run(Connect([key(TWO, None), key()]))
    assert Run(Connect()).revoke(path=f"/keys/SubscriptionKey_{ONE}.p8") == Revoked(ONE, True)


def refusal() -> RefundsError:
    """App Store Connect says no."""
    return RefundsError("Not entitled.")


def cut() -> RefundsError:
    """The connection broke after the request."""
    return TransportError("broken", "Broken off.")


def unanswered() -> RefundsError:
    """HTTP 500."""
    return NoAnswer("HTTP 500.")


def never_sent() -> RefundsError:
    """No connection."""
    return TransportError("tcp", "No route.")


STILL = "the team 'Studio' still lists it as active. If that stays so, revoke it in the browser."
AGAIN = " Run again: a key that is revoked already is left as it is."
NO_LIST = "App Store Connect's list of keys can't be read to confirm it: Not listed."
UNTOLD = "its list of keys doesn't tell which keys are active"
SO = f"{UNTOLD}."
MISSING = "the list of keys no longer has it, which doesn't show whether it was revoked."


@pytest.mark.parametrize("failure", [None, refusal, cut, unanswered])
@pytest.mark.parametrize("after", [[GONE], [key(is_active=False)], [key(TWO, "two"), GONE]])
def test_the_list_proves_it_whatever_the_answer_was(failure: Error | None, after: list[RemoteKey]) -> None:
    run = Run(Connect(after=after, failure=failure() if failure else None))
    assert run.revoke() == Revoked(ONE, True)
    assert [one["outcome"] for one in run.gate.records] == ["done; App Store Connect's list of keys confirms it"]


@pytest.mark.parametrize(
    ("failure", "after", "said", "may_have_changed"),
    [
        (None, [key()], f"App Store Connect took the revocation of {ONE}, but {STILL}{AGAIN}", True),
        (refusal, [key(is_active=None)], "Not entitled.", False),
        (cut, [key(is_active=None)], f"Whether {ONE} is revoked is unknown: Broken off. After it, {SO}{AGAIN}", True),
        (refusal, [key()], "Not entitled.", False),
        (cut, [key()], "Broken off.", None),
        (unanswered, [key()], "HTTP 500.", None),
        (refusal, [], "Not entitled.", False),
        (cut, [], f"Whether {ONE} is revoked is unknown: Broken off. After it, {MISSING}{AGAIN}", True),
        (unanswered, [key(TWO)], f"Whether {ONE} is revoked is unknown: HTTP 500. After it, {MISSING}{AGAIN}", True),
        (None, "error", f"App Store Connect took the revocation of {ONE}, but {NO_LIST}{AGAIN}", True),
        (cut, "error", f"Whether {ONE} is revoked is unknown: Broken off. After it, {NO_LIST}{AGAIN}", True),
        (refusal, "error", "Not entitled.", False),
        (never_sent, [GONE], "No route.", None),
    ],
)
def test_what_the_list_does_not_prove_is_no_revocation(
    failure: Error | None, after: t.Any, said: str, may_have_changed: bool | None
) -> None:
    run = Run(
        Connect(
            after=RefundsError("Not listed.") if after == "error" else after, failure=failure() if failure else None
        )
    )
    with pytest.raises(RefundsError) as caught:
        run.revoke()
    assert str(caught.value) == said and [one["outcome"] for one in run.gate.records] == ["begun"]
    if may_have_changed is not None:
        assert isinstance(caught.value, TaskFailed) is may_have_changed
    if may_have_changed:
        assert t.cast(TaskFailed, caught.value).results == {"changed": True}


@pytest.mark.parametrize("remaining", [100.0, 1.0])
@pytest.mark.parametrize("failure", [None, refusal, cut, unanswered])
@pytest.mark.parametrize("lag", range(6))
def test_a_list_that_lags_behind_is_read_again(lag: int, failure: Error | None, remaining: float) -> None:
    """Not for what Apple refused, and not beyond the deadline."""
    run = Run(Connect(lag=lag, failure=failure() if failure else None), remaining=remaining)
    if lag < (1 if failure is refusal or remaining < 2 else 4):
        assert run.revoke() == Revoked(ONE, True) and run.pauses == [2.0] * lag
        return
    with pytest.raises(RefundsError) as caught:
        run.revoke()
    assert isinstance(caught.value, TaskFailed) is (failure is None)
    assert len(run.pauses) == (0 if failure is refusal or remaining < 2 else 3)


def test_a_key_that_left_the_list_after_it_was_taken_is_revoked_and_the_record_says_what_was_seen() -> None:
    run = Run(Connect(after=[key(TWO, "two")]))
    assert run.revoke() == Revoked(ONE, True)
    seen = "App Store Connect took it, and its list of keys no longer has the key"
    assert [one["outcome"] for one in run.gate.records] == [f"done; {seen}"]
    assert run.said[-1] == f"Done: revoked the key {ONE}; {seen}."


@pytest.mark.parametrize("before", [True, None])
def test_a_list_that_does_not_tell_which_keys_are_active_proves_nothing(before: bool | None) -> None:
    run = Run(Connect([key(is_active=before)], [key(is_active=None)]))
    assert run.revoke() == Revoked(ONE, True, is_proven=False)
    (warning,) = run.warnings
    assert warning.startswith(f"App Store Connect took the revocation of {ONE}, but {UNTOLD}, so nothing proves")
    (record,) = run.gate.records
    assert record["outcome"] == f"done; App Store Connect took it, but {UNTOLD}"
    assert ("and active in" in record["proven"]) is (before is True)
    # Check mode foretells what the list of now can prove.
    planned = Run(Connect([key(is_active=before)]), check_mode=True)
    assert planned.revoke() == Revoked(ONE, True, is_proven=before is True)
