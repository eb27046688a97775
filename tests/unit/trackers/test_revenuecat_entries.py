# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What RevenueCat is told about its apps, and what is made of every answer. No call is made."""

from __future__ import annotations

import typing as t

import pytest
from tracker_answers_support import (
    APPS,
    PEM,
    apps,
    entry,
    page,
    permission,
)
from unit_support import BUNDLE_ID, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    RefundsError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.json_api import Refused
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat_apps import AppEntry


def test_entries_are_read_once_to_the_last_page() -> None:
    odd = {"id": "app9", "type": "play_store", "play_store": {"package_name": "x"}}
    made, api = apps(
        page(entry(1, "a"), odd, following="/v2/x?starting_after=c%2F1&limit=5"),
        page(entry(2, "b", None), 7, following="https://elsewhere.example/?starting_after=c2"),
        page(entry(3, "c", "yes")),
    )
    wanted = [AppEntry("app1", "a", True), AppEntry("app2", "b", None), AppEntry("app3", "c", None)]
    assert made.entries() == wanted == made.entries()
    assert api.sent == [
        ("GET", f"{APPS}?limit=100", None),
        ("GET", f"{APPS}?limit=100&starting_after=c%2F1", None),
        ("GET", f"{APPS}?limit=100&starting_after=c2", None),
    ]
    assert made.find("b") == wanted[1] and made.find("B") is None
    assert {one["doing"] for one in api.more} == {"listing the apps of revenuecat.project_id"}


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([{"next_page": None}], "a list without items"),
        ([{"items": {}}], "a list without items"),
        ([page(entry(app=t.cast(t.Any, None)))], "an App Store app without ID or bundle ID"),
        ([page({"type": "app_store", "app_store": {"bundle_id": "a"}})], "an App Store app without ID or bundle ID"),
        ([page({"id": "x", "type": "app_store", "app_store": 7})], "an App Store app without ID or bundle ID"),
        ([page(following="?starting_after=a"), page(following="?starting_after=a")], "a next page that repeats itself"),
        ([page(following="?after=a")], "a next page that repeats itself"),
        ([page(following=7)], "a next page that repeats itself"),
        ([page(following="http://[")], "a next page that repeats itself"),
        ([page(following=f"?starting_after={number}") for number in range(500)], "a list that has no end"),
    ],
)
def test_a_strange_list_is_an_error(answers: list[t.Any], told: str) -> None:
    made, api = apps(*answers)
    with pytest.raises(RefundsError) as caught:
        made.entries()
    assert caught.value.message == f"listing the apps of revenuecat.project_id: answered with {told}."
    assert len(api.sent) == len(answers)


def test_a_list_that_failed_is_asked_for_again_only_when_it_is_forgotten() -> None:
    made, api = apps(Refused(503, "Busy."), page(entry(1)))
    for _number in range(3):
        with pytest.raises(Refused, match="Busy"):
            made.entries()
    assert len(api.sent) == 1
    made.forget()
    assert len(made.entries()) == 1 and len(api.sent) == 2


def test_two_entries_of_one_app_are_nobodys_to_choose() -> None:
    made, _api = apps(page(entry(1), entry(2), entry(3, "other")))
    with pytest.raises(RefundsError, match=r"has 2 App Store apps with this bundle ID \('?app1'?, '?app2'?\)\. Delete"):
        made.find(BUNDLE_ID)
    assert made.find("other") is not None


def test_an_entry_is_created_and_updated() -> None:
    made, api = apps(page(entry(2, "other")), entry(1, has_key=True), entry(1, has_key=False), page())
    assert made.find(BUNDLE_ID) is None
    fields = {"bundle_id": BUNDLE_ID, "subscription_key_id": KEY_ID}
    assert made.create("My app", fields, (PEM,)) == AppEntry("app1", BUNDLE_ID, True)
    assert api.sent[1] == ("POST", APPS, {"name": "My app", "type": "app_store", "app_store": fields})
    assert api.more[1] == {
        "doing": f"{BUNDLE_ID}: creating its app entry",
        "secrets": (PEM,),
        "is_repeatable": False,
    }
    found = made.find(BUNDLE_ID)
    assert found is not None and len(made.entries()) == 2
    assert made.update(found, {"x": 1}, (PEM,)) == AppEntry("app1", BUNDLE_ID, False)
    assert api.sent[2] == ("POST", f"{APPS}/app1", {"app_store": {"x": 1}})
    assert api.more[2] == {"doing": f"{BUNDLE_ID}: updating the key of its app entry", "secrets": (PEM,)}
    assert [one.has_key for one in made.entries()] == [True, False]
    made.forget()
    assert made.entries() == []


@pytest.mark.parametrize("answer", [{}, entry(1, "other"), {"id": "app1", "type": "play_store"}])
def test_another_app_than_was_sent_is_no_success(answer: dict[str, t.Any]) -> None:
    made, _api = apps(answer)
    with pytest.raises(RefundsError, match="creating its app entry: answered with another app than") as caught:
        made.create("x", {"bundle_id": BUNDLE_ID}, ())
    assert caught.value.may_have_changed
    made, _api = apps(answer)
    with pytest.raises(RefundsError, match="updating the key of its app entry: answered with another app than"):
        made.update(AppEntry("app1", BUNDLE_ID, True), {}, ())


@pytest.mark.parametrize("status", [None, 404])
def test_an_entry_is_deleted_with_a_permit(status: int | None) -> None:
    steps: list[t.Any] = []
    answer: t.Any = {} if status is None else Refused(status, "gone")
    made, api = apps(page({**entry(1), "id": "app/1"}), answer, page())
    made.delete(BUNDLE_ID, permission(True, steps))
    assert api.sent[1] == ("DELETE", f"{APPS}/app%2F1", None)
    assert api.more[1]["doing"] == f"{BUNDLE_ID}: deleting its app entry"
    assert steps == [(BUNDLE_ID, "the app app/1 has this bundle ID"), BUNDLE_ID]
    assert made.entries() == []


def test_what_is_not_deleted() -> None:
    steps: list[t.Any] = []
    made, api = apps(page(entry()))
    made.delete(BUNDLE_ID, permission(False, steps))
    made.delete("other", permission(True, steps))
    assert len(api.sent) == 1 and steps == [(BUNDLE_ID, "the app app1 has this bundle ID")]
    assert made.ask_to_delete("other", permission(True, steps)) == (None, None)
    made, api = apps(page(entry()), Refused(403, "no"))
    with pytest.raises(Refused):
        made.delete(BUNDLE_ID, permission(True, steps))
    assert steps[-1] == (BUNDLE_ID, "the app app1 has this bundle ID")
