# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_ledger for apps that other trackers have: site stores them in no ledger, however often it runs."""

from __future__ import annotations

import typing as t

import pytest
from ledger_support import ledger_at
from refund_support import Desk
from test_refund_list import NAMES, declare, desk, run
from unit_support import ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration

__all__ = ["desk"]
ONE, TWO, THREE = (f"com.example.elsewhere{number}" for number in range(3))
STEP = "If you want them in the ledger, too, add ledger to {} trackers (trackers: [ledger, {}]), then run"


def applied(desk: Desk, name: str, tracker: str) -> None:
    """Note what site applied at another tracker, as the default of a task can have it."""
    ledger = ledger_at(desk.url)
    entry = Integration(Identity(tracker, "game", "production", name), ISSUER, KEY_ID, None, "Active")
    put_integrations(ledger, [entry], "2026-01-01T00:00:00Z")
    ledger.close()


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("is_default", [True, False])
def test_where_no_app_is_declared_for_the_ledger_nothing_is_read_and_nothing_fails(
    desk: Desk, is_default: bool, check_mode: bool
) -> None:
    """Nothing that was to be read is missing, and the line at the end must not look as if all was read."""
    for name in (ONE, TWO):
        applied(desk, name, "devtodev")
    wanted: list[t.Any] = [ONE, {"bundle_id": TWO, "trackers": ["devtodev"]}]
    wanted += [{"bundle_id": THREE, "state": "absent", "trackers": ["ledger"]}]
    if not is_default:
        wanted[0] = {"bundle_id": ONE, "trackers": ["devtodev"]}
    done = run(desk, wanted, check_mode=check_mode, **({"default_tracker": "devtodev"} if is_default else {}))
    assert not done.message and done.results["summary"] == "No refunds were read: no app is declared for the ledger"
    assert done.warnings == [
        f"{ONE}, {TWO} are tracked by devtodev and not by the built-in ledger, so no refunds were read. Look for their "
        f"refunds at devtodev. {STEP.format('their', 'devtodev')} storeops.refunds.site."
    ]


@pytest.mark.parametrize("default", [None, "ledger"])
def test_apps_that_the_ledger_may_be_meant_to_have_fail(desk: Desk, default: str | None) -> None:
    for name in (ONE, TWO):
        applied(desk, name, "devtodev")
    done, told = (run(desk, [ONE, TWO], check_mode=mode, default_tracker=default) for mode in (False, True))
    # It may be declared for the ledger by now, and for devtodev no longer.
    said = (
        f"{ONE}, {TWO} were last applied at devtodev and are not in the built-in ledger, so no refunds were read. "
        "If you want refunds in the ledger, check that ledger is among their trackers, then run storeops.refunds.site."
    )
    if default:
        said = f"No refunds were read of {ONE}, {TWO}. Apple keeps refunds for 180 days"
    assert done.message.startswith(f"{done.results['summary']}. ") and not told.message
    assert said in done.message and said in told.warnings[0]


def test_apps_with_and_without_the_ledger(desk: Desk) -> None:
    declare(desk, NAMES[:1], 1)
    applied(desk, TWO, "devtodev")
    apart = {"bundle_id": ONE, "trackers": ["revenuecat", "devtodev"]}
    # It was at devtodev alone, and is now declared for the ledger, which site has yet to write.
    lacking = {"bundle_id": TWO, "trackers": ["ledger", "devtodev"]}
    step = STEP.format("its", "revenuecat, devtodev")
    started = run(desk, [apart, NAMES[0], THREE, lacking])
    assert len(started.warnings) == 1, started
    assert started.warnings[0].startswith(f"{ONE} is tracked by revenuecat and devtodev and not by the built-in ledger")
    assert step in started.warnings[0] and f". {THREE}, {TWO} aren't in this ledger, so their" in started.message
    starts = (f"{ONE} is tracked by", "", f"{THREE} isn't in this ledger", f"{TWO} isn't in this ledger")
    told = [one["msg"] for one in started.results["apps"]]
    assert all(text.startswith(start) for text, start in zip(told, starts, strict=True)) and told[1] == ""
    # Where nobody says that it is declared for another tracker alone, it is one that the ledger may be meant to have.
    alike = run(desk, [NAMES[0], TWO])
    assert f". {TWO} was last applied at devtodev and is not in the built-in ledger" in alike.message
    for mode in (True, False):
        nothing = run(desk, [apart, THREE], check_mode=mode)
        said = " ".join([nothing.message, *nothing.warnings])
        assert f"No refunds were read of {THREE}. Apple keeps" in said and f"{step} storeops.refunds.site." in said
        assert ("(Check mode: site --check stores nothing.)" in said) is mode


def test_apps_of_different_trackers_keep_their_own(desk: Desk) -> None:
    """A list of all of them would have each app set up, and its key handed over, where it never was."""
    applied(desk, NAMES[0], "devtodev")
    wanted: list[t.Any] = [{"bundle_id": ONE, "trackers": ["devtodev"]}, NAMES[0]]
    wanted += [{"bundle_id": TWO, "trackers": ["revenuecat"]}, {"bundle_id": NAMES[1], "trackers": ["devtodev"]}]
    told = run(desk, wanted).message
    assert f"{ONE}, {NAMES[1]} are tracked by devtodev and not" in told and STEP.format("their", "devtodev") in told
    assert f"{TWO} is tracked by revenuecat and not" in told and STEP.format("its", "revenuecat") in told
    assert f"{NAMES[0]} was last applied at devtodev and is not in the built-in ledger" in told
