# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of apps at trackers other than the ledger."""

from __future__ import annotations

import contextlib
import sqlite3
import typing as t
from pathlib import Path

import pytest
from json_tracker_support import PROJECT, Place, store_app
from unit_servers import Simulator
from unit_support import BUNDLE_ID, KEY_ID, Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integrations

TWO = "com.example.two"
Json = dict[str, t.Any]


def bulk(place: Place, names: t.Sequence[str], check_mode: bool = False, **changes: t.Any) -> Outcome:
    """Run the task once."""
    options = place.options(bundle_id=None, apps=[{"bundle_id": name} for name in names], **changes)
    done = run_task(integrations.TASK, options, check_mode)
    place.check_secrets(done)
    return done


def there(place: Place, *entries: Json) -> None:
    """Have a project of RevenueCat with these apps."""
    project = {"id": PROJECT, "name": "Studio", "apps": list(entries)}
    keys = [{"secret": place.secret}]
    place.world(revenuecat={"projects": [project], "api_keys": keys, "requests_per_minute": 0})


def found(outcome: Outcome) -> list[tuple[str, str, str]]:
    """Give action, outcome and status of each item."""
    return [(one["action"], one["outcome"], one["status"]) for one in outcome.results["integrations"]]


def test_revenuecat_lists_once_and_one_app_stops_no_other(sim: Simulator, tmp_path: Path) -> None:
    place = Place(sim, tmp_path, "revenuecat", own={"project_id": PROJECT})
    entries = [store_app("app1", BUNDLE_ID), store_app("app2", TWO), store_app("app3", "com.double")]
    entries.append(store_app("app4", "com.double"))
    project = {"id": PROJECT, "name": "Studio", "apps": entries}
    keys = [{"secret": place.secret}]
    place.world(revenuecat={"projects": [project], "api_keys": keys, "requests_per_minute": 0})
    names = [TWO, "com.example.none", "com.double", BUNDLE_ID]
    predicted = bulk(place, names, check_mode=True, credential_check="skip")
    expected = [
        ("update", "changed", "Pending"),
        ("unchanged", "failed", "Absent"),
        ("unchanged", "failed", "Unknown"),
        ("update", "changed", "Pending"),
    ]
    assert found(predicted) == expected and place.endpoints("revenuecat") == ["list_apps"]
    done = bulk(place, names, credential_check="skip")
    assert found(done) == expected and done.message == predicted.message
    said = ("com.example.none: revenuecat.create_app", "isn't an App Store app of project")
    assert any(text in done.message for text in said)
    assert "has 2 App Store apps with this bundle ID" in done.message
    assert [name for name in place.endpoints("revenuecat") if name == "list_apps"] == ["list_apps"] * 2
    again = bulk(place, [TWO, BUNDLE_ID])
    assert found(again) == [("unchanged", "unchanged", "Active")] * 2


def test_what_is_gone_at_revenuecat_is_forgotten_where_it_is_declared_absent(sim: Simulator, tmp_path: Path) -> None:
    """Else the ledger would go on to name it as left there."""
    place = Place(sim, tmp_path, "revenuecat", own={"project_id": PROJECT})

    def noted() -> list[str]:
        url = place.options()["ledger"]["url"].removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(url)) as ledger:
            return [row[0] for row in ledger.execute("SELECT bundle_id FROM refund_tracking_integrations ORDER BY 1")]

    there(place, store_app("app1", BUNDLE_ID), store_app("app2", TWO))
    bulk(place, [BUNDLE_ID, TWO])
    assert noted() == [BUNDLE_ID, TWO]
    there(place, store_app("app1", BUNDLE_ID), store_app("app2", TWO))
    gone = [{"bundle_id": name, "state": "absent"} for name in (BUNDLE_ID, TWO)]
    for check_mode, left in ((True, [BUNDLE_ID, TWO]), (False, [])):
        done = run_task(integrations.TASK, place.options(bundle_id=None, apps=gone), check_mode)
        assert found(done) == [("unchanged", "unchanged", "Absent")] * 2 and noted() == left


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("names", [(BUNDLE_ID,), (BUNDLE_ID, TWO)], ids=len)
def test_an_app_that_is_listed_and_that_nobody_declares_keeps_an_absent_key(
    sim: Simulator, tmp_path: Path, check_mode: bool, names: tuple[str, ...]
) -> None:
    """It was set up by hand, so no ledger knows of it, and RevenueCat doesn't show with which key."""
    place = Place(sim, tmp_path, "revenuecat", own={"project_id": PROJECT})
    given = {name: place.options()[name] for name in ("issuer_id", "key_id", "private_key_path")}
    old = {**given, "key": "old", "key_id": "OLDKEY0001", "private_key_path": "/none/o.p8", "state": "absent"}
    apps = [{"bundle_id": name, "key": "new"} for name in names]
    own = {"bundle_id": None, **dict.fromkeys(given), "apps": apps, "keys": [{**given, "key": "new"}, old]}
    declared = [store_app(f"app{number}", name) for number, name in enumerate(names)]
    by_hand = {"key_id": "OLDKEY0001", "issuer_id": given["issuer_id"], "has_private_key": True}
    there(place, *declared, store_app("app3", "com.example.hand"))
    run_task(integrations.TASK, place.options(**own))
    # An entry without a key uses none.
    assert run_task(integrations.TASK, place.options(**own), check_mode).results["removable_keys"] == ["old"]
    there(place, *declared, store_app("app3", "com.example.hand", subscription_key=by_hand))
    kept = run_task(integrations.TASK, place.options(**own), check_mode).results
    told = f"com.example.hand at revenuecat (project {PROJECT}) may still use it and isn't declared."
    assert kept["removable_keys"] == [] and told in kept["summary"]


def test_qonversion_has_one_app(sim: Simulator, tmp_path: Path) -> None:
    place = Place(sim, tmp_path, "qonversion")
    done = bulk(place, [BUNDLE_ID, TWO])
    assert done.message.startswith(
        f"apps[1] ({TWO}): shares its Qonversion project with {BUNDLE_ID}, and a project has one app. Give each app its"
    )
    assert sim.calls()["total"] == 0


def test_one_environment_at_other_trackers(sim: Simulator, tmp_path: Path) -> None:
    place = Place(sim, tmp_path, "revenuecat", own={"project_id": PROJECT})
    entries = [{"bundle_id": BUNDLE_ID}, {"bundle_id": TWO, "environment": "sandbox"}]
    done = run_task(integrations.TASK, place.options(bundle_id=None, apps=entries))
    assert done.message.startswith(f"apps[1] ({TWO}): environment: revenuecat has one key for an app")


def test_devtodev_by_hand(sim: Simulator, tmp_path: Path) -> None:
    place = Place(sim, tmp_path, "devtodev")
    hand = {"devtodev": {"mode": "handoff", "project": "p1"}}
    predicted = bulk(place, [BUNDLE_ID, TWO], check_mode=True, **hand)
    done = bulk(place, [BUNDLE_ID, TWO], **hand)
    assert found(predicted) == found(done) == [("create", "changed", "Pending")] * 2
    assert all(any(f"{name}: enter this at" in text for text in done.warnings) for name in (BUNDLE_ID, TWO))
    confirmed = {"devtodev": {**hand["devtodev"], "confirmed": True}}
    # A run in which Apple refuses the key names what was confirmed as any other, and forgets it as little.
    sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    refused = bulk(place, [BUNDLE_ID], **confirmed)
    assert f"Confirmed by hand: {BUNDLE_ID} at devtodev (project p1)." in refused.message
    assert not bulk(place, [BUNDLE_ID], **hand).message.count("Confirmed by hand")
    sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": True})
    assert found(bulk(place, [BUNDLE_ID], **hand)) == [("unchanged", "unchanged", "Active")]
    assert found(bulk(place, [BUNDLE_ID, TWO], **confirmed)) == [("unchanged", "unchanged", "Active")] * 2
