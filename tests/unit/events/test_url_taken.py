# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that is set up later takes the notification URL and tells nobody: the next reading notices."""

from __future__ import annotations

import typing as t

import pytest
from test_notification_url import API_KEY_ID, OTHER, URL, Place, place, with_url
from unit_support import BUNDLE_ID, ISSUER, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info, refund_ledger

__all__ = ["place"]


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
    found = place.sim.session.get(f"{place.sim.announced['control']}/root_certificate?format=pem", timeout=10)
    (place.folder / "root.pem").write_bytes(found.content)
    options = {
        "bundle_id": BUNDLE_ID,
        "ledger": {"url": place.ledger_url},
        "root_certificate_path": str(place.folder / "root.pem"),
        "app_store_server_url": place.sim.url,
    }
    api = {"api_issuer_id": ISSUER, "api_key_id": API_KEY_ID, "api_private_key_path": str(place.api_key)}
    api["app_store_connect_api_url"] = place.sim.announced["app_store_connect_api"]
    outcome = run_task(refund_ledger.TASK, {**options, **api}, check_mode)
    assert not outcome.results.get("failed"), outcome.message
    asked = {name: options[name] for name in ("ledger", "bundle_id", "root_certificate_path")}
    (coverage,) = run_task(refund_info.TASK, asked).results["coverage"]
    url = coverage["notification_url"]
    expected = ("proven", "refunds.example.com") if check_mode else told
    assert (url["state"], url["host"]) == expected
