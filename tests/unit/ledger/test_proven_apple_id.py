# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Apple ID that verified notifications name: no other number is taken for the app any more."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps, outcomes
from ledger_support import NOW, ledger_at
from refund_support import APPLE_ID, DAY, TODAY, URL_V2, Desk
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_record import AppRecord
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.coverage import (
    find_coverage,
    proven_apple_ids,
    put_coverage,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Coverage
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import Environment
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._report.entries import apps_of, with_faults
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_sources import apple_id

TWO = "com.example.two"
NAMES = f"and verified notifications of this app name {APPLE_ID}."
SAID = f"app_apple_id is 7, {NAMES} See that {APPLE_ID} is what is declared, and run storeops.refunds.site."


@pytest.fixture
def desk(sim: Simulator, tmp_path: Path) -> Desk:
    """An app whose only refund was read, and is older than what a run reads again."""
    made = Desk(sim, tmp_path, f"sqlite:///{tmp_path}/ledger.db")
    made.prepare()
    made.refund(-40)
    assert not made.run().message
    return made


def proofs(url: str) -> tuple[t.Mapping[str, set[int]], t.Mapping[str, set[int]]]:
    """Give which numbers a ledger has proofs of, of Apple's and of other roots."""
    ledger = ledger_at(url)
    found = proven_apple_ids(ledger)
    ledger.close()
    return found.by_apple, found.by_others


def prove(bulk: Bulk, bundle_id: str, number: int | None, source: str = "apple") -> None:
    """Let the ledger have read an app."""
    ledger = ledger_at(f"sqlite:///{bulk.ledger}")
    with ledger.writing() as connection:
        put_coverage(connection, App(source, "production", bundle_id), Coverage(1, 1, 1, 1, app_apple_id=number), NOW)
    ledger.close()


@pytest.mark.parametrize("check_mode", [True, False])
def test_refunds_fails_though_nothing_new_was_reported(desk: Desk, check_mode: bool) -> None:
    assert proofs(desk.url) == ({}, {BUNDLE_ID: {APPLE_ID}})
    wrong = desk.run(check_mode=check_mode, app_apple_id=7)
    assert wrong.results["failed"] and SAID in wrong.message
    assert proofs(desk.url) == ({}, {BUNDLE_ID: {APPLE_ID}}) and not desk.run().message


def test_the_audit_has_it_as_a_fault_of_the_declaration(desk: Desk) -> None:
    question = {"ledger": {"url": desk.url}, "root_certificate_path": str(desk.folder / "root.pem"), "last_days": 30}
    assert run_task(refund_info.TASK, question).results["declaration_faults"] == []
    desk.put_integration(app_apple_id=7)
    (fault,) = run_task(refund_info.TASK, question).results["declaration_faults"]
    assert (fault["bundle_id"], fault["environment"]) == (
        BUNDLE_ID,
        "production",
    ) and f"is 7 in the ledger, {NAMES}" in fault["msg"]
    # What another tracker was last given verifies nothing.
    ledger = ledger_at(desk.url)
    elsewhere = Identity("revenuecat", "p", "production", BUNDLE_ID)
    put_integration(ledger, Integration(elsewhere, None, None, None, "Active", None, 8), NOW)
    ledger.close()
    desk.put_integration()
    assert run_task(refund_info.TASK, question).results["declaration_faults"] == []


@pytest.mark.parametrize(
    ("given", "stored", "said"),
    [(7, None, 7), (None, 7, 7), (7, APPLE_ID, 7), (APPLE_ID, 7, ""), (None, APPLE_ID, ""), (None, None, "")],
)
@pytest.mark.parametrize("environment", ["production", "sandbox"])
def test_app_store_connect_contradicts_a_number_before_any_payload(
    environment: Environment, given: int | None, stored: int | None, said: int | str
) -> None:
    held = Integration(Identity("ledger", "", environment, BUNDLE_ID), None, None, None, "Active", None, stored)
    record = AppRecord(APPLE_ID, BUNDLE_ID, "One", None, None, None, None)
    if said and environment == "production":
        with pytest.raises(InputError) as refused:
            apple_id(given, held, record)
        assert f"app_apple_id: is 7, and App Store Connect names {APPLE_ID} for {BUNDLE_ID}." in str(refused.value)
    else:
        assert apple_id(given, held, record) == (given or stored or APPLE_ID)


def test_a_number_that_was_corrected_waits_for_refunds(desk: Desk) -> None:
    desk.refund(-1, "2000000000000002")
    desk.put_integration(app_apple_id=7)
    assert f"(the payload names {APPLE_ID}, declared is 7)" in desk.run().message
    desk.put_integration()
    question = {"ledger": {"url": desk.url}, "root_certificate_path": str(desk.folder / "root.pem"), "last_days": 30}
    (fault,) = run_task(refund_info.TASK, question).results["declaration_faults"]
    assert (
        fault["msg"].startswith(f"app_apple_id is {APPLE_ID} in the ledger, as in Apple's payloads")
        and "site" not in fault["msg"]
    )
    assert not desk.run().message and run_task(refund_info.TASK, question).results["declaration_faults"] == []


def test_site_refuses_another_number_for_that_app_alone(sim: Simulator, tmp_path: Path) -> None:
    bulk = Bulk(sim, tmp_path)
    one, two = apps(BUNDLE_ID, app_apple_id=APPLE_ID), apps(TWO, app_apple_id=2)
    assert outcomes(bulk.run([*one, *two])) == [(BUNDLE_ID, "create", "changed"), (TWO, "create", "changed")]
    prove(bulk, BUNDLE_ID, APPLE_ID)
    prove(bulk, TWO, None)
    swapped = bulk.both([*apps(BUNDLE_ID, app_apple_id=7), *apps(TWO, app_apple_id=8)])
    assert outcomes(swapped) == [(BUNDLE_ID, "unchanged", "failed"), (TWO, "update", "changed")]
    assert f"{BUNDLE_ID}: {SAID}" in swapped.message
    left_out = bulk.both([*apps(BUNDLE_ID), *apps(BUNDLE_ID, app_apple_id=7, environment="sandbox")])
    assert not left_out.message and left_out.results["integrations"][0]["outcome"] == "unchanged"


def test_a_wrong_number_that_is_held_already_keeps_no_new_key_from_the_app(sim: Simulator, tmp_path: Path) -> None:
    """A rotation must be able to go on."""
    bulk = Bulk(sim, tmp_path)
    (wrong,) = apps(BUNDLE_ID, app_apple_id=7)
    bulk.run([wrong])
    prove(bulk, BUNDLE_ID, APPLE_ID)
    moved = bulk.both([wrong], keys=[{**bulk.keys[0], "private_key_path": str(write_key(tmp_path / "b.p8", sim.pem))}])
    assert outcomes(moved) == [(BUNDLE_ID, "update", "changed")]
    assert bulk.both([{**wrong, "app_apple_id": 8}]).message
    assert outcomes(bulk.both([{**wrong, "app_apple_id": APPLE_ID}])) == [(BUNDLE_ID, "update", "changed")]


def test_a_number_that_is_left_out_of_the_declaration_is_no_new_one(sim: Simulator, tmp_path: Path) -> None:
    bulk = Bulk(sim, tmp_path)
    bulk.run(apps(BUNDLE_ID, app_apple_id=7))
    prove(bulk, BUNDLE_ID, APPLE_ID)
    assert outcomes(bulk.both(apps(BUNDLE_ID))) == [(BUNDLE_ID, "unchanged", "unchanged")]


@pytest.mark.parametrize("is_apples", [True, False])
def test_another_root_allows_a_number_and_refuses_none(sim: Simulator, tmp_path: Path, is_apples: bool) -> None:
    """A ledger may hold the readings of a test service, which Apple never signed."""
    bulk = Bulk(sim, tmp_path)
    prove(bulk, BUNDLE_ID, 7, "other:0123")
    if is_apples:
        prove(bulk, BUNDLE_ID, APPLE_ID)
    for number in (APPLE_ID,) if is_apples else (7,):
        done = bulk.both(apps(BUNDLE_ID, app_apple_id=number))
        assert not done.message and not [text for text in done.warnings if "app_apple_id" in text]
    if is_apples:
        assert bulk.both(apps(BUNDLE_ID, app_apple_id=7)).message, "Apple's own word counts"
    other = bulk.both(apps(BUNDLE_ID, app_apple_id=8))
    assert bool(other.message) is is_apples
    said = f"Another app_apple_id than in their notifications: {BUNDLE_ID} (declared 8, notifications 7). These were "
    told = [text for text in other.warnings if text.startswith(said)]
    assert len(told) == (0 if is_apples else 1)
    # Once it is stored, nothing else tells it, so each run does.
    for again in [] if is_apples else [apps(BUNDLE_ID, app_apple_id=8), apps(BUNDLE_ID)]:
        later = bulk.both(again)
        assert (later.message, later.results["changed"], later.results["integrations"][0]["finding"]) == (
            "",
            False,
            None,
        )
        assert [text for text in later.warnings if "app_apple_id" in text] == told
    (app,) = apps_of([bulk.run(apps(BUNDLE_ID, app_apple_id=9), check_mode=True).results])
    assert next(problem.cause for problem in app.problems) == "wrong_apple_id"


def test_the_numbers_of_another_root_are_told_together(sim: Simulator, tmp_path: Path) -> None:
    """They leave the few warnings of a task to what is worse."""
    names = [f"com.example.n{number}" for number in range(12)]
    bulk = Bulk(sim, tmp_path)
    for name in names:
        prove(bulk, name, 7, "other:0123")
    entries = [apps(name, app_apple_id=100 + place, credential_check="skip")[0] for place, name in enumerate(names)]
    done = bulk.both(entries)
    (told,) = [text for text in done.warnings if "app_apple_id" in text]
    assert f" {names[0]} (declared 100, notifications 7), " in told
    assert f" {names[4]} (declared 104, notifications 7) and 7 more. These" in told


def test_the_audit_calls_it_what_it_is(sim: Simulator, tmp_path: Path) -> None:
    bulk = Bulk(sim, tmp_path)
    bulk.run(apps(BUNDLE_ID, app_apple_id=APPLE_ID))
    prove(bulk, BUNDLE_ID, APPLE_ID)
    given = bulk.run(apps(BUNDLE_ID, app_apple_id=7), check_mode=True).results
    assert given["integrations"][0]["finding"] == "wrong_apple_id"
    fault = {"bundle_id": BUNDLE_ID, "environment": "production", "msg": "The same, as refunds say it."}
    for refunds in ([], [{"declaration_faults": [fault]}]):
        (app,) = with_faults(apps_of([given]), refunds)
        assert [(one.kind, one.cause) for one in app.problems] == [("drift", "wrong_apple_id")]
        assert SAID in app.problems[0].hint


@pytest.mark.parametrize(("environment", "number"), [("production", APPLE_ID), ("sandbox", None)])
def test_only_production_names_the_number(
    sim: Simulator, tmp_path: Path, environment: Environment, number: int | None
) -> None:
    desk = Desk(sim, tmp_path, f"sqlite:///{tmp_path}/ledger.db")
    desk.prepare()
    ledger = ledger_at(desk.url)
    identity = Identity("ledger", "", "sandbox", BUNDLE_ID)
    held = Integration(identity, ISSUER, KEY_ID, None, "Active", str(tmp_path / "key.p8"), APPLE_ID)
    put_integration(ledger, held, NOW)
    refunds = {
        "issuer_id": ISSUER,
        "bundle_ids": [BUNDLE_ID],
        "days": 9,
        "refunds_per_app": 20,
        "start": TODAY - 9 * DAY,
    }
    share = {"production": 0, "sandbox": 100}[environment]
    own = {f"{name}_for_sandbox": value for name, value in URL_V2.items()}
    app = {"bundle_id": BUNDLE_ID, "apple_id": APPLE_ID, **URL_V2, **own}
    desk.world({"generated_refunds": {**refunds, "sandbox_percent": share}}, [app])
    desk.move_to(TODAY)
    assert not desk.run(environment=environment).message
    with ledger.reading() as connection:
        found = find_coverage(connection, App(desk.rows("refund_coverage")[0]["source"], environment, BUNDLE_ID))
    ledger.close()
    assert found is not None and found.last_notification_at and found.app_apple_id == number
