# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An app may have an entry for each of its trackers: what one task takes of a declaration, every task takes."""

from __future__ import annotations

import typing as t

import pytest
from test_requests import params
from unit_support import ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import ledger_request, refund_ledger
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import (
    credential_check_info,
    declaration_info,
    integrations,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import request as tracking

pytestmark = pytest.mark.ansible

Json = dict[str, t.Any]
ONE = "com.example.one"
GONE: t.Final = {"state": "absent"}


def entry(*trackers: str, **more: t.Any) -> Json:
    return {"bundle_id": ONE, **({"trackers": list(trackers)} if trackers else {}), **more}


def by_hand(project: str, **more: t.Any) -> Json:
    return entry("devtodev", devtodev={"mode": "handoff", "project": project}, **more)


REVENUECAT: t.Final = {"revenuecat": {"api_key": "sk_x", "project_id": "proj1"}}
# Entries; whether refunds of the app are read, and the trackers that it is declared for.
SOUND: t.Final[dict[str, tuple[list[Json], bool, tuple[str, ...]]]] = {
    "alone": ([entry()], True, ("ledger",)),
    "removed from a tracker": ([entry(), entry("revenuecat", **REVENUECAT, **GONE)], True, ("ledger",)),
    "removed from it first": ([entry("revenuecat", **REVENUECAT, **GONE), entry()], True, ("ledger",)),
    "removed from the ledger": ([entry("ledger", **GONE), by_hand("p1")], False, ("devtodev",)),
    "two projects": ([by_hand("p1"), by_hand("p2"), entry("ledger")], True, ("devtodev", "ledger")),
    "elsewhere alone": ([by_hand("p1"), by_hand("p2", **GONE)], True, ("devtodev",)),
    "gone everywhere": ([entry(**GONE), by_hand("p1", **GONE)], False, ()),
}
TWINS: t.Final[dict[str, list[Json]]] = {
    "the default and its name": [entry(), entry("ledger")],
    "present and absent": [entry("ledger"), entry("ledger", **GONE)],
    "one project": [by_hand("p1"), entry(), by_hand("p1", **GONE)],
}


def keys(entries: t.Sequence[Json]) -> Json:
    given = {"key": "a", "issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": "/k/SubscriptionKey.p8"}
    return {"keys": [{**given, "apps": list(entries)}]}


def ledger(entries: t.Sequence[Json]) -> tuple[ledger_request.Wanted, ...]:
    return ledger_request.request_of(params(refund_ledger.TASK, **keys(entries), default_tracker="ledger")).apps


DOORS: t.Final[dict[str, t.Callable[[t.Sequence[Json]], t.Any]]] = {
    "integrations": lambda entries: tracking.list_request(params(integrations.TASK, **keys(entries))),
    "declaration": lambda entries: tracking.declaration_request(
        params(declaration_info.TASK, **keys(entries))
    ).declaration.require(),
    "check": lambda entries: tracking.check_request(params(credential_check_info.TASK, **keys(entries))),
    "ledger": ledger,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", SOUND)
def test_every_task_takes_what_one_takes(door: str, name: str) -> None:
    DOORS[door](SOUND[name][0])


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", TWINS)
def test_every_task_refuses_what_one_refuses(door: str, name: str) -> None:
    with pytest.raises(RefundsError, match=r"stands in .* already"):
        DOORS[door](TWINS[name])


@pytest.mark.parametrize("name", SOUND)
def test_the_entry_for_the_ledger_decides_whether_refunds_are_read(name: str) -> None:
    entries, is_read, trackers = SOUND[name]
    (wanted,) = ledger(entries)
    assert (not wanted.is_absent, wanted.trackers) == (is_read, trackers)


def test_the_apple_id_of_either_entry_counts() -> None:
    (wanted,) = ledger([entry("ledger"), by_hand("p1", app_apple_id=42)])
    assert wanted.app_apple_id == 42


def test_apple_is_asked_once_for_an_app_and_key() -> None:
    asked = tracking.check_request(params(credential_check_info.TASK, **keys([by_hand("p1"), by_hand("p2"), entry()])))

    class Reader:
        def load(self, source: t.Any) -> t.Any:
            return type("Loaded", (), {"fault": None})

    found = credential_check_info._apps(asked.declaration, t.cast("t.Any", Reader()))
    assert [app.bundle_id for app, _key in found] == [ONE]
