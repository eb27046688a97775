# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a tracker shows now: an app that production accepted once was released, and its refusal is a refusal."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._trackers import qonversion, revenuecat
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat_apps import AppEntry

BUNDLE, AT = "com.example.one", "2026-10-01T00:00:00Z"
Shown = t.Callable[[Integration | None], Integration]


def noted(tracker: str, **fields: t.Any) -> Integration:
    identity = Identity(tracker, "proj1", "production", BUNDLE)
    return Integration(
        identity, **{"issuer_id": "i", "key_id": "K1", "key_fingerprint": "f", "status": "Active", **fields}
    )


NOTES = {
    "applied": {"accepted_at": AT},
    "a save that broke off": {"issuer_id": None, "key_id": None, "key_fingerprint": None, "accepted_at": AT},
}


def at_qonversion(key_id: str | None, has_key: bool | None) -> Shown:
    config = qonversion.Config(BUNDLE, key_id, "i" if key_id else None, has_key, ())
    return lambda row: qonversion._held(Identity("qonversion", "proj1", "production", BUNDLE), config, row)


def at_revenuecat(has_key: bool | None) -> Shown:
    entry = AppEntry("app1", BUNDLE, has_key)
    return lambda row: revenuecat._held(Identity("revenuecat", "proj1", "production", BUNDLE), entry, row)


SHOWN: dict[str, Shown] = {
    "qonversion: as applied": at_qonversion("K1", True),
    "qonversion: another key": at_qonversion("K2", True),
    "qonversion: no key": at_qonversion(None, False),
    "qonversion: not told": at_qonversion(None, None),
    "revenuecat: a key": at_revenuecat(True),
    "revenuecat: no key": at_revenuecat(False),
    "revenuecat: not told": at_revenuecat(None),
}


@pytest.mark.parametrize("note", NOTES)
@pytest.mark.parametrize("name", SHOWN)
def test_that_it_was_released_is_never_forgotten(name: str, note: str) -> None:
    row = noted(name.partition(":")[0], **NOTES[note])
    assert SHOWN[name](row).was_accepted
    # Nor made up.
    assert not SHOWN[name](None).was_accepted
