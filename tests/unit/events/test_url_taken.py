# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that is set up later takes the notification URL and tells nobody: the next reading notices."""

from __future__ import annotations

import typing as t

import pytest
from test_notification_url import API_KEY_ID, OTHER, URL, Place, place, with_url
from unit_support import BUNDLE_ID, ISSUER, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import (
    refund_info,
    refund_ledger,
    refund_sources,
)

__all__ = ["place"]


def options_at(place: Place) -> dict[str, t.Any]:
    """Give what refund_ledger is given, with an API key."""
    found = place.sim.session.get(f"{place.sim.announced['control']}/root_certificate?format=pem", timeout=120)
    (place.folder / "root.pem").write_bytes(found.content)
    return {
        "bundle_id": BUNDLE_ID,
        "ledger": {"url": place.ledger_url},
        "root_certificate_path": str(place.folder / "root.pem"),
        "app_store_server_url": place.sim.url,
        "api_issuer_id": ISSUER,
        "api_key_id": API_KEY_ID,
        "api_private_key_path": str(place.api_key),
        "app_store_connect_api_url": place.sim.announced["app_store_connect_api"],
    }


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("now", "told"),
    [
        (with_url(OTHER), ("other_host", "api.revenuecat.com")),
        (with_url(f"{URL}/elsewhere"), ("as_declared", "refunds.example.com")),
        (with_url(URL, "V1"), ("version_1", None)),
        ({}, ("none", None)),
        (with_url(URL), ("proven", "refunds.example.com")),
    ],
)
def test_what_was_proven_is_not_proven_of_another_url(
    place: Place, now: dict[str, t.Any], told: tuple[str, str | None], check_mode: bool
) -> None:
    place.integrate()
    assert place.run(verify=True).results["notification_urls"][0]["state"] == "proven"
    place.world(now)
    options = options_at(place)
    outcome = run_task(refund_ledger.TASK, options, check_mode)
    assert not outcome.results.get("failed"), outcome.message
    asked = {name: options[name] for name in ("ledger", "bundle_id", "root_certificate_path")}
    (coverage,) = run_task(refund_info.TASK, asked).results["coverage"]
    url = coverage["notification_url"]
    expected = ("proven", "refunds.example.com") if check_mode else told
    assert (url["state"], url["host"]) == expected


@pytest.mark.parametrize("name", ["put_urls", "known_urls"])
def test_a_url_that_cannot_be_noted_stops_no_reading(place: Place, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    place.integrate()
    place.run()
    place.world(with_url(OTHER))
    options = options_at(place)

    def full(*_arguments: object) -> None:
        raise LedgerError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(refund_sources, name, full)
        outcome = run_task(refund_ledger.TASK, options)
    assert not outcome.results.get("failed"), outcome.message
    (warning,) = [text for text in outcome.warnings if "The disk is full." in text]
    assert "notification URL" in warning and "next run" in warning
    assert outcome.results["coverage"]["covered_until"] is not None
    assert place.knowledge()[0].state == "as_declared"
    # The next run notes it.
    assert not [text for text in run_task(refund_ledger.TASK, options).warnings if "disk" in text]
    assert place.knowledge()[0].state == "other_host"


def test_a_ledger_that_is_of_no_use_fails_the_task(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.integrate()
    place.run()
    place.world(with_url(OTHER))
    options = options_at(place)

    def gone(_ledger: Ledger) -> t.NoReturn:
        raise LedgerError("The ledger is gone.")

    original = refund_sources.notice_urls

    def noticed(*arguments: t.Any) -> None:
        monkeypatch.setattr(Ledger, "reading", gone)
        monkeypatch.setattr(Ledger, "writing", gone)
        original(*arguments)

    monkeypatch.setattr(refund_ledger, "notice_urls", noticed)
    outcome = run_task(refund_ledger.TASK, options)
    assert outcome.results["failed"] and "The ledger is gone." in outcome.message
