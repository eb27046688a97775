# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the parts of a world that the refund trackers need, and counting by the minute."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from sim_support import ISSUER, KEY_ID, KeyPair
from storeops_simulator.fields import InputError
from storeops_simulator.rate_limits import MinuteLimiter
from storeops_simulator.world_input import read_world, write_world
from tracker_support import devtodev_world, fingerprint, new_secret, revenuecat_world

Change = Callable[[dict[str, Any]], object]


def whole_world(pair: KeyPair) -> dict[str, Any]:
    """Make a world with something of everything."""
    stored = {"key_id": KEY_ID, "issuer_id": ISSUER, "key_fingerprint": fingerprint(pair)}
    world = revenuecat_world(
        pair, new_secret(), accepts_key_on_update=False, unique_app_names=True, requests_per_minute=7, largest_page=3
    )
    app = world["revenuecat"]["projects"][0]["apps"][0]["app_store"]
    app |= {"subscription_key": dict(stored), "app_store_connect_vendor_number": "8"}
    world["revenuecat"]["projects"][1]["apps"] = [{"id": "appstripe", "name": "Web", "type": "stripe"}]
    world["qonversion"] = {
        "projects": [{"name": "One", "secret_key": new_secret("test_sk_"), "apple": {"iap_key": dict(stored)}}]
    }
    integration = {"bundle_id": "com.example.one", **stored, "status": "pending", "saved_at": 1700000000}
    projects = [{"id": "1", "name": "One", "integration": integration, "activates": False}]
    page = {"labels": {"key_id": "ID"}, "texts": {"submit": "Go"}, "leave_out": ["key_id"], "wrong_page": True}
    world |= devtodev_world(pair, secrets.token_hex(8), projects=projects, page=page, activation_s=2.5)
    return world


BAD: dict[str, tuple[Change, str]] = {
    "unknown name": (lambda w: w["revenuecat"].update(project=[]), "revenuecat.project: unknown key; did you mean"),
    "no secret": (lambda w: w["revenuecat"]["api_keys"].append({}), "revenuecat.api_keys[1].secret: is missing"),
    "unknown scope": (
        lambda w: w["revenuecat"]["api_keys"][0].update(scopes=["all"]),
        "revenuecat.api_keys[0].scopes[0]: must be one of project_configuration:projects:read",
    ),
    "unknown project of a key": (
        lambda w: w["revenuecat"]["api_keys"][0].update(projects=["x"]),
        "revenuecat.api_keys[0].projects[0]: must be the id of a project",
    ),
    "version 3": (
        lambda w: w["revenuecat"]["api_keys"][0].update(api_version=3),
        "revenuecat.api_keys[0].api_version: must be from 1 to 2",
    ),
    "two projects of one ID": (
        lambda w: w["revenuecat"]["projects"].append({"id": "proj1a2b3c4d", "name": "x"}),
        "revenuecat.projects[2].id: 'proj1a2b3c4d' is already at revenuecat.projects[0].id",
    ),
    "two apps of one ID": (
        lambda w: w["revenuecat"]["projects"][0]["apps"][1].update(id="app1a2b3c4d5e"),
        "revenuecat.projects[0].apps[1].id: 'app1a2b3c4d5e' is already at revenuecat.projects[0].apps[0].id",
    ),
    "unknown type": (
        lambda w: w["revenuecat"]["projects"][0]["apps"][0].update(type="ios"),
        "revenuecat.projects[0].apps[0].type: must be one of app_store",
    ),
    "details of another type": (
        lambda w: w["revenuecat"]["projects"][0]["apps"][1].update(app_store={}),
        "revenuecat.projects[0].apps[1].app_store: unknown key",
    ),
    "no details": (
        lambda w: w["revenuecat"]["projects"][0]["apps"][0].pop("app_store"),
        "revenuecat.projects[0].apps[0].app_store: must be a mapping",
    ),
    "bad fingerprint": (
        lambda w: w["qonversion"]["projects"][0]["apple"]["iap_key"].update(key_fingerprint="x"),
        "qonversion.projects[0].apple.iap_key.key_fingerprint: must be a SHA-256",
    ),
    "status that is no error": (
        lambda w: w["qonversion"].update(idempotency_conflict_status=200),
        "qonversion.idempotency_conflict_status: must be from 400 to 499",
    ),
    "two projects of one name": (
        lambda w: w["qonversion"]["projects"].append({"name": "One", "secret_key": new_secret()}),
        "qonversion.projects[1].name: 'One' is already at",
    ),
    "unknown label": (
        lambda w: w["devtodev"]["page"].update(labels={"bundel_id": "x"}),
        "devtodev.page.labels.bundel_id: unknown key; did you mean bundle_id?",
    ),
    "unknown field": (
        lambda w: w["devtodev"]["page"].update(leave_out=["x"]),
        "devtodev.page.leave_out[0]: must be one of bundle_id, issuer_id, key_id, private_key",
    ),
    "unknown role": (
        lambda w: w["devtodev"]["sessions"][0].update(role="king"),
        "devtodev.sessions[0].role: must be one of owner, admin, manager",
    ),
    "unknown status": (
        lambda w: w["devtodev"]["projects"][0]["integration"].update(status="Active"),
        "devtodev.projects[0].integration.status: must be one of pending, active, error",
    ),
    "two projects of one number": (
        lambda w: w["devtodev"]["projects"].append({"id": "1", "name": "x"}),
        "devtodev.projects[1].id: '1' is already at devtodev.projects[0].id",
    ),
    "never is not a time": (
        lambda w: w["devtodev"].update(activation_s="never"),
        "devtodev.activation_s: must be a number",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_worlds_are_refused(pair: KeyPair, case: str) -> None:
    change, message = BAD[case]
    world = whole_world(pair)
    change(world)
    with pytest.raises(InputError) as caught:
        read_world(world)
    assert str(caught.value).startswith(message)


def secret_members(world: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Give where the secrets are."""
    return [
        (world["revenuecat"]["api_keys"][0], "secret"),
        (world["qonversion"]["projects"][0], "secret_key"),
        (world["devtodev"]["sessions"][0], "cookie"),
    ]


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("ending", [" ", "é", ";", "\n"])
def test_bad_secrets_are_refused_but_not_quoted(pair: KeyPair, place: int, ending: str) -> None:
    world = whole_world(pair)
    member, name = secret_members(world)[place]
    value = member[name]
    member[name] = value + ending
    with pytest.raises(InputError) as caught:
        read_world(world)
    assert f".{name}: must " in str(caught.value) and value not in str(caught.value)


@pytest.mark.parametrize("place", range(3))
def test_double_secrets_are_refused_but_not_quoted(pair: KeyPair, place: int) -> None:
    world = whole_world(pair)
    member, name = secret_members(world)[place]
    lists = (world["revenuecat"]["api_keys"], world["qonversion"]["projects"], world["devtodev"]["sessions"])
    lists[place].append({**member, "name": "Two"} if place == 1 else member)
    with pytest.raises(InputError) as caught:
        read_world(world)
    assert "is already at" in str(caught.value) and member[name] not in str(caught.value)


def test_secrets_do_not_show_in_a_repr(pair: KeyPair) -> None:
    world = whole_world(pair)
    text = repr(read_world(world))
    assert not [name for member, name in secret_members(world) if member[name] in text]


def test_everything_can_be_written_and_read_again(pair: KeyPair) -> None:
    world = whole_world(pair)
    written = write_world(read_world(world).world)
    assert write_world(read_world(json.loads(json.dumps(written))).world) == written
    document: dict[str, Any] = json.loads(json.dumps(written))
    first, second = document["revenuecat"]["projects"]
    assert first["apps"][0]["app_store"]["subscription_key"]["has_private_key"] is True
    assert second["apps"] == [{"id": "appstripe", "name": "Web", "created_at": 0, "type": "stripe"}]
    assert document["devtodev"]["page"]["labels"]["issuer_id"] == "Issuer ID"
    assert document["devtodev"]["projects"][0]["integration"]["saved_at"] == 1700000000


def test_an_empty_world_has_empty_trackers() -> None:
    written: dict[str, Any] = write_world(read_world(None).world)
    assert written["revenuecat"]["projects"] == []
    assert written["qonversion"] == {"idempotency_conflict_status": 409, "projects": []}
    assert written["devtodev"]["sessions"] == []


def test_a_minute_starts_with_the_first_request() -> None:
    limiter = MinuteLimiter()
    assert [limiter.admit(("a",), 2, now) for now in (100.0, 130.0, 130.0)] == [(1, 0), (2, 0), (2, 30)]
    assert limiter.admit(("a",), 2, 159.9) == (2, 1)
    assert limiter.admit(("b",), 2, 159.9) == (1, 0)
    assert limiter.admit(("a",), 2, 160.0) == (1, 0)
    assert [limiter.admit(("c",), 0, 5.0)[1] for _each in range(9)] == [0] * 9
