# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done about a key of a name: a table of what lies here, what App Store Connect shows, and what is allowed."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import RemoteKey, Team
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import KeyProblem
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.key_file import Found
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.remote_key_plan import (
    Job,
    decide,
    refuse_other_name,
)

NOTHING = Found(False)
A_KEY = Found(True, key=t.cast(t.Any, object()))
UNREADABLE = Found(True, problem=KeyProblem("key_unreadable", "It is damaged.", "Look."))
TEAM = Team(1, "57246542-96fe-1a63-e053-0824d011072a", "Studio")


def remote(can_download: bool | None, name: str | None = "studio", key_id: str = "2X9R4HXF34") -> RemoteKey:
    """A key at App Store Connect."""
    return RemoteKey(key_id, name, True, can_download)


def job(found: Found, regenerate: t.Any, *active: RemoteKey, path: str = "/nowhere/studio.p8") -> Job:
    """One run for one key."""
    nothing = t.cast(t.Any, None)
    return Job(nothing, TEAM, "studio", path, found, active, regenerate, nothing, nothing)


@pytest.mark.parametrize(
    ("found", "can_download", "regenerate", "wanted"),
    [
        (A_KEY, False, "never", "keep"),
        (A_KEY, False, "if_lost", "keep"),
        (A_KEY, None, "never", "keep"),
        (A_KEY, None, "if_lost", "keep"),
        (A_KEY, True, "never", "key_id_mismatch"),
        (A_KEY, True, "if_lost", "download"),
        (NOTHING, True, "never", "download"),
        (NOTHING, True, "if_lost", "download"),
        # An answer that leaves it out says nothing: asking costs nothing, revoking would cost the key.
        (NOTHING, None, "never", "download"),
        (NOTHING, None, "if_lost", "download"),
        (NOTHING, False, "never", "key_unreadable"),
        (NOTHING, False, "if_lost", "replace"),
        *((found, can, "always", "replace") for found in (A_KEY, NOTHING) for can in (True, False, None)),
        *((UNREADABLE, can, how, "key_unreadable") for can in (True, False, None) for how in ("never", "if_lost")),
        (UNREADABLE, False, "always", "key_unreadable"),
    ],
)
def test_a_key_that_is_there(found: Found, can_download: bool | None, regenerate: str, wanted: str) -> None:
    key = remote(can_download)
    if not wanted.startswith("key_"):
        assert decide(key, job(found, regenerate, key)) == wanted
        return
    with pytest.raises(KeyProblem) as caught:
        decide(key, job(found, regenerate, key))
    assert caught.value.cause == wanted


@pytest.mark.parametrize(
    ("found", "regenerate", "wanted"),
    [
        (NOTHING, "never", "create"),
        (NOTHING, "if_lost", "create"),
        (NOTHING, "always", "create"),
        (A_KEY, "never", "key_id_mismatch"),
        (A_KEY, "if_lost", "create"),
        (A_KEY, "always", "create"),
        (UNREADABLE, "if_lost", "key_unreadable"),
        (UNREADABLE, "always", "key_unreadable"),
    ],
)
def test_no_key_of_that_name(found: Found, regenerate: str, wanted: str) -> None:
    if wanted == "create":
        assert decide(None, job(found, regenerate)) == "create"
        return
    with pytest.raises(KeyProblem) as caught:
        decide(None, job(found, regenerate))
    assert caught.value.cause == wanted


@pytest.mark.parametrize("regenerate", ["if_lost", "always"])
def test_a_new_key_never_goes_under_the_name_of_another(regenerate: str) -> None:
    path = "/nowhere/SubscriptionKey_OTHERKEY01.p8"
    with pytest.raises(KeyProblem, match="OTHERKEY01"):
        decide(None, job(NOTHING, regenerate, path=path))
    key = remote(False)
    with pytest.raises(KeyProblem):
        decide(key, job(NOTHING, regenerate, key, path="/nowhere/SubscriptionKey_2X9R4HXF34.p8"))


def test_a_name_that_two_keys_have_is_not_replaced() -> None:
    key, twin = remote(False), remote(False, key_id="TWIN000001")
    with pytest.raises(RefundsError, match="TWIN000001"):
        decide(key, job(NOTHING, "if_lost", key, twin))
    nameless = remote(False, None, "NAMELESS01")
    with pytest.raises(RefundsError, match="names of all keys"):
        decide(key, job(NOTHING, "if_lost", key, nameless))


def test_two_names_for_one_key() -> None:
    refuse_other_name(remote(True), "studio")
    refuse_other_name(remote(True), None)
    refuse_other_name(remote(True, None), "other")
    with pytest.raises(KeyProblem, match="other"):
        refuse_other_name(remote(True), "other")
