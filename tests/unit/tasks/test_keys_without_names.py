# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key that is looked for by its name in a list in which a name is missing."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from revocation_support import GONE, ONE, TWO, Connect, Run, key
from unit_support import ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import RemoteKey
from ansible_collections.storeops.refunds.plugins.module_utils._context import TaskFailed
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    RefundsError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key_info, remote_key
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.remote_revocation import Revoked
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.request import InfoRequest


def test_a_list_without_names_does_not_say_that_a_name_is_not_in_it() -> None:
    for listed in ([key(name=None)], [key(TWO, None), GONE], [key(TWO, None), key()]):
        run = Run(Connect(listed))
        assert run.refused(key_id=None, name="one") == (
            "App Store Connect did not tell the names of all keys. Say which one with key_id."
        )
        assert run.connect.revoked == [] and run.warnings == []
    # An ID is enough, and so is a name beside keys that are revoked.
    assert Run(Connect([key(name=None)])).revoke(name="one") == Revoked(ONE, True)
    assert Run(Connect([key(TWO, None, False), key()])).revoke(key_id=None, name="one") == Revoked(ONE, True)


@pytest.mark.parametrize(
    ("key_id", "name", "shown"),
    [
        (None, None, [TWO, ONE, "GONE123456"]),
        (TWO, None, [TWO]),
        (TWO, "two", [TWO]),
        (ONE, "two", []),
        # Without a name it is known by its ID alone.
        (None, "one", None),
        (None, "two", None),
    ],
)
def test_what_is_shown_of_a_list_in_which_a_name_is_missing(
    key_id: str | None, name: str | None, shown: list[str] | None
) -> None:
    nameless = RemoteKey("GONE123456", None, False, False)
    connection: t.Any = Connect([nameless, key(TWO, None), key()])
    request = InfoRequest(KeySource(ISSUER, key_id, None, None, "strict"), t.cast(t.Any, None), name, 7)
    if shown is None:
        with pytest.raises(RefundsError, match="did not tell the names of all keys"):
            iap_key_info._team_keys(request, connection)
        # What is revoked is not in the way.
        connection.before = [nameless, key(TWO, "two"), key()]
        shown = [ONE if name == "one" else TWO]
    assert [one["key_id"] for one in iap_key_info._team_keys(request, connection)] == shown


@pytest.mark.parametrize(
    ("listed", "warnings", "said"),
    [
        ([key(), key(TWO, "two"), RemoteKey("GONE123456", "one", False, False)], 0, ""),
        ([key(), key(TWO)], 0, f"name: there are 2 active keys named 'one': {ONE}, {TWO}."),
        (
            [key(is_active=None), key(TWO, is_active=None)],
            0,
            f"name: there are 2 keys named 'one', and App Store Connect doesn't tell which of them are active: {ONE}, ",
        ),
        ([key(), key(TWO, None)], 1, ""),
    ],
)
def test_another_key_that_may_have_been_made_meanwhile_is_told(
    listed: list[RemoteKey], warnings: int, said: str
) -> None:
    warned: list[str] = []
    job: t.Any = SimpleNamespace(
        connect=Connect(listed), name="one", path="/keys/one.p8", context=SimpleNamespace(warn=warned.append)
    )
    if said:
        with pytest.raises(TaskFailed) as caught:
            remote_key._refuse_twins(ONE, None, {"changed": True}, job)
        assert str(caught.value).startswith(said) and caught.value.results == {"changed": True}
    else:
        remote_key._refuse_twins(ONE, None, {}, job)
    assert [one.startswith("Whether another key named 'one' was made meanwhile is unknown: ") for one in warned] == [
        True
    ] * warnings
