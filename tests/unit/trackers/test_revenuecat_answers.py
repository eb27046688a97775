# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of an integration at RevenueCat, and what is made of every answer. No call is made."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from tracker_answers_support import (
    APPS,
    KEY,
    PEM,
    Noted,
    entry,
    identity,
    page,
    qonversion,
    revenuecat,
)
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    InputError,
    RefundsError,
    TransportError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    Integration,
    Observation,
    Status,
)
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.json_api import Refused
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.protocol import NotActive
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat_settings import (
    not_found_step,
    parse_project_id,
)

AT_RC = identity("revenuecat")
NOTED = Integration(AT_RC, ISSUER, KEY_ID, "f1", "Active")
BEGUN = replace(NOTED, issuer_id=None, key_id=None, key_fingerprint=None, status="Pending")


@pytest.mark.parametrize(
    ("has_key", "noted", "wanted"),
    [
        (True, NOTED, NOTED),
        (None, NOTED, NOTED),
        (True, BEGUN, replace(BEGUN, is_outdated=True)),
        (True, None, Integration(AT_RC, None, None, None, "Unknown")),
        (False, NOTED, Integration(AT_RC, None, None, None, "Absent", is_outdated=True)),
        (False, None, Integration(AT_RC, None, None, None, "Absent", is_outdated=True)),
    ],
)
def test_what_is_known_of_an_entry(has_key: bool | None, noted: Integration | None, wanted: Integration) -> None:
    rows = Noted(*([noted] if noted else []))
    made, _api = revenuecat(rows, page(entry(has_key=has_key), entry(2, "a.first")))
    found = made.find(AT_RC)
    assert found == wanted and found is not None and found.is_outdated is wanted.is_outdated
    first, second = made.list("production")
    assert first.identity.bundle_id == "a.first" and first.status == "Unknown"
    assert second == wanted and second.is_outdated is wanted.is_outdated
    assert made.find(replace(AT_RC, bundle_id="none")) is None
    assert (made.project, made.on_unknown, made.is_listable, made.name) == ("game", "keep", True, "revenuecat")


@pytest.mark.parametrize(
    ("current", "changed", "status", "wanted", "steps"),
    [
        (NOTED, False, "Active", "Active", []),
        (NOTED, True, "Active", "Active", ["check"]),
        (BEGUN, True, "Active", "Active", ["check"]),
        (BEGUN, False, "Active", "Unknown", []),
        (BEGUN, False, "Failed", "Failed", []),
        (None, True, "Pending", "Pending", ["check"]),
    ],
)
def test_who_does_not_see_the_key_does_not_call_it_active(
    current: Integration | None, changed: bool, status: Status, wanted: str, steps: list[str]
) -> None:
    for made, rows in (
        (lambda rows: revenuecat(rows, create_app=True)[0], Noted()),
        (lambda rows: qonversion(rows, {})[0], Noted()),
    ):
        tracker = made(rows)
        found = tracker.observe(replace(NOTED, status=status), current, changed)
        assert found == Observation(t.cast(t.Any, wanted)) and rows.steps == steps


@pytest.mark.parametrize(("other", "hint"), [("COM.Example.One", True), ("com.example.two", False)])
def test_an_entry_is_made_only_where_that_is_allowed(other: str, hint: bool) -> None:
    made, _api = revenuecat(Noted(), page(entry(1, other)))
    with pytest.raises(InputError) as caught:
        made.observe(NOTED, None, True)
    assert caught.value.option == "revenuecat.create_app"
    start = f"revenuecat.create_app: {BUNDLE_ID} isn't an App Store app of project 'game', so nothing was changed."
    assert caught.value.message == start + (f" It has {other!r}, which differs only in capitals." if hint else "")
    assert "or set revenuecat.create_app: true" in caught.value.next_step


FIELDS = {"subscription_private_key": "made-up", "subscription_key_id": KEY_ID, "subscription_key_issuer": ISSUER}


@pytest.mark.parametrize(("app_name", "name"), [("", BUNDLE_ID), ("My app", "My app")])
def test_a_key_is_put_into_an_entry_that_is_made(app_name: str, name: str) -> None:
    rows = Noted()
    made, api = revenuecat(rows, page(), entry(), create_app=True, app_name=app_name)
    assert made.save(NOTED, KEY) == NOTED and rows.steps == ["begin", "note"]
    body = {"name": name, "type": "app_store", "app_store": {"bundle_id": BUNDLE_ID, **FIELDS}}
    assert api.sent[1] == ("POST", APPS, body) and api.more[1]["secrets"] == (PEM,)


def test_a_key_is_put_into_an_entry_that_is_there() -> None:
    rows = Noted()
    made, api = revenuecat(rows, page(entry()), entry())
    assert made.save(NOTED, KEY) == NOTED and rows.steps == ["begin", "note"]
    assert api.sent[1] == ("POST", f"{APPS}/app1", {"app_store": FIELDS}) and api.more[1]["secrets"] == (PEM,)


def test_a_key_that_is_not_shown_is_not_active() -> None:
    rows = Noted()
    made, _api = revenuecat(rows, page(entry()), entry(has_key=False))
    with pytest.raises(NotActive, match="still shows subscription_key_configured: false") as caught:
        made.save(NOTED, KEY)
    held = replace(NOTED, issuer_id=None, key_id=None, key_fingerprint=None, status="Failed")
    assert caught.value.integration == held and rows.steps == ["begin"] and caught.value.next_step


@pytest.mark.parametrize(("status", "is_explained"), [(400, True), (422, False), (403, False)])
def test_an_update_that_is_refused_says_what_to_do(status: int, is_explained: bool) -> None:
    rows = Noted(NOTED)
    made, _api = revenuecat(rows, page(entry()), Refused(status, "No.", "Step."))
    with pytest.raises(Refused, match=r"^No\.") as caught:
        made.save(NOTED, KEY)
    assert (caught.value.status, rows.steps) == (status, ["begin", "undo"])
    assert ("upload the key in RevenueCat's dashboard" in caught.value.next_step) is is_explained


def test_a_refusal_after_a_lost_try_may_have_been_done() -> None:
    error, rows = Refused(400, "No."), Noted()
    error.may_have_changed = True
    made, _api = revenuecat(rows, page(entry()), error)
    with pytest.raises(Refused) as caught:
        made.save(NOTED, KEY)
    assert caught.value.may_have_changed and rows.steps == ["begin"]


def lost(kind: str) -> TransportError:
    """No answer."""
    return TransportError(kind, "No answer.", "Step.")


@pytest.mark.parametrize(
    ("outcome", "later", "calls"),
    [
        (Refused(409, "Conflict."), [page(entry()), entry()], 4),
        (Refused(500, "Broken."), [page(entry()), entry()], 4),
        (lost("timeout"), [page(entry()), entry()], 4),
    ],
)
def test_after_a_lost_answer_it_is_looked_for_and_never_made_twice(
    outcome: Exception, later: list[t.Any], calls: int
) -> None:
    rows = Noted()
    made, api = revenuecat(rows, page(), outcome, *later, create_app=True)
    assert made.save(NOTED, KEY) == NOTED and rows.steps == ["begin", "note"]
    assert [method for method, _path, _body in api.sent] == ["GET", "POST", "GET", "POST"][:calls]
    assert api.sent[3][1:] == (f"{APPS}/app1", {"app_store": FIELDS}) and api.more[3]["secrets"] == (PEM,)


@pytest.mark.parametrize("later", [page(), lost("timeout"), Refused(500, "Broken.")])
def test_an_entry_that_nobody_finds_may_be_there(later: t.Any) -> None:
    rows = Noted()
    made, _api = revenuecat(rows, page(), lost("broken"), later, create_app=True)
    with pytest.raises(RefundsError, match=r"No answer\. The next run reads the list of apps first") as caught:
        made.save(NOTED, KEY)
    assert caught.value.may_have_changed and rows.steps == ["begin"]


@pytest.mark.parametrize("outcome", [Refused(422, "No."), lost("dns"), lost("tcp")])
def test_what_was_certainly_not_made_is_not_looked_for(outcome: Exception) -> None:
    rows = Noted()
    made, api = revenuecat(rows, page(), outcome, create_app=True)
    with pytest.raises(RefundsError):
        made.save(NOTED, KEY)
    assert len(api.sent) == 2


def test_an_entry_goes_only_where_that_is_allowed() -> None:
    steps: list[t.Any] = []
    rows = Noted(NOTED)
    made, api = revenuecat(rows, page(entry()), {}, steps=steps, delete_app=True)
    assert made.irremovable(AT_RC) == ""
    made.foretell_removal(AT_RC)
    assert len(api.sent) == 1 and len(steps) == 1 and rows.steps == []
    made.remove(AT_RC)
    assert api.sent[-1][0] == "DELETE" and rows.steps == ["forget"] and steps[-1] == BUNDLE_ID and rows.rows == {}
    assert "set revenuecat.delete_app: true" in revenuecat(rows)[0].irremovable(AT_RC)
    made.note(NOTED)
    assert rows.steps == ["forget", "note"]


@pytest.mark.parametrize("text", ["proj1ab2", "a-b_C", "x" * 255])
def test_ids_of_projects(text: str) -> None:
    assert parse_project_id(text, "o") == text
    assert (f"revenuecat.project_id: proj{text}," in not_found_step(text)) is not text.startswith("proj")
    assert ("Compare revenuecat.project_id" in not_found_step(text)) is text.startswith("proj")


@pytest.mark.parametrize(("text", "told"), [("", "is required"), ("a/b", "isn't a project ID"), ("x" * 256, "isn't a")])
def test_no_ids_of_projects(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        parse_project_id(text, "o")
    assert caught.value.option == "o" and "without proj in front" in caught.value.next_step
