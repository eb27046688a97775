# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the part of a world that App Store Connect needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from connect_support import connect_world, new_cookie
from sim_support import OTHER_ISSUER, KeyPair
from storeops_simulator.fields import InputError
from storeops_simulator.web_sessions import ConnectSettings
from storeops_simulator.world_input import read_world, write_world

Change = Callable[[dict[str, Any]], object]


def _session(world: dict[str, Any]) -> dict[str, Any]:
    session: dict[str, Any] = world["app_store_connect_sessions"][0]
    return session


def _key(world: dict[str, Any], number: int = 0) -> dict[str, Any]:
    key: dict[str, Any] = world["teams"][0]["iap_keys"][number]
    return key


_AT = "app_store_connect_sessions[0]"
_KEY_AT = "teams[0].iap_keys[0]"
_COOKIE = "must be a cookie value"

BAD: dict[str, tuple[Change, str]] = {
    "unknown name": (
        lambda w: _session(w).update(myacinf="x"),
        f"{_AT}.myacinf: unknown key; did you mean myacinfo?",
    ),
    "no cookie": (lambda w: _session(w).pop("myacinfo"), f"{_AT}.myacinfo: is missing"),
    "no e-mail": (lambda w: _session(w).pop("email"), f"{_AT}.email: is missing"),
    "no teams": (lambda w: _session(w).pop("teams"), f"{_AT}.teams: must name at least one"),
    "unknown team": (
        lambda w: _session(w)["teams"].append("x"),
        f"{_AT}.teams[2]: must be the issuer ID of a team of this world",
    ),
    "current team not its own": (
        lambda w: _session(w).update(teams=_session(w)["teams"][:1], team=OTHER_ISSUER),
        f"{_AT}.team: must be one of ",
    ),
    "role in small letters": (
        lambda w: _session(w).update(role="admin"),
        f"{_AT}.role: must be a role like ADMIN",
    ),
    "end in milliseconds": (
        lambda w: _session(w).update(expires_at=1700000000000),
        f"{_AT}.expires_at: must be UNIX seconds, not milliseconds",
    ),
    "expired as text": (
        lambda w: _session(w).update(expired="yes"),
        f"{_AT}.expired: must be true or false",
    ),
    "DES as a list": (lambda w: _session(w).update(des=["x"]), f"{_AT}.des: must be a mapping"),
    "DES of another name": (
        lambda w: _session(w).update(des={"itctx": "x"}),
        f"{_AT}.des.name: must be a cookie name like DES",
    ),
    "two with one cookie": (
        lambda w: w["app_store_connect_sessions"].append(_session(w)),
        "app_store_connect_sessions[1].myacinfo: is already another session's",
    ),
    "unknown setting": (
        lambda w: w.update(app_store_connect={"active_keys_limit": 1}),
        "app_store_connect.active_keys_limit: unknown key; did you mean active_key_limit?",
    ),
    "unknown attribute": (
        lambda w: w.update(app_store_connect={"key_attributes": ["isActive", "roles"]}),
        "app_store_connect.key_attributes[1]: must be one of isActive, canDownload",
    ),
    "unknown encoding": (
        lambda w: w.update(app_store_connect={"private_key_encoding": "der"}),
        "app_store_connect.private_key_encoding: must be one of pem, base64_pem, base64_json_pem",
    ),
    "unknown encoding of a key": (
        lambda w: _key(w).update(private_key_encoding="der"),
        f"{_KEY_AT}.private_key_encoding: must be one of",
    ),
    "a status that is no error": (
        lambda w: w.update(app_store_connect={"limit_status": 200}),
        "app_store_connect.limit_status: must be from 400 to 599",
    ),
    "negative propagation": (
        lambda w: w.update(key_propagation_s=-1),
        "key_propagation_s: must be from 0",
    ),
    "double provider ID": (
        lambda w: [team.update(provider_id=7) for team in w["teams"]],
        "teams[1].provider_id: '7' is already at teams[0].provider_id",
    ),
    "created in milliseconds": (
        lambda w: _key(w).update(created_at=1700000000000),
        f"{_KEY_AT}.created_at: must be UNIX seconds, not milliseconds",
    ),
    "revoked but active": (
        lambda w: _key(w).update(revoked_at=1700000000),
        f"{_KEY_AT}.revoked_at: needs active: false",
    ),
    "downloadable without a private key": (
        lambda w: _key(w).update(downloadable=True),
        f"{_KEY_AT}.downloadable: is for generated keys, without public_key",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_worlds_are_refused(pair: KeyPair, case: str) -> None:
    change, message = BAD[case]
    world = connect_world(pair)
    change(world)
    with pytest.raises(InputError) as caught:
        read_world(world)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("ending", [" ", ";", '"', ",", "\\", "\n", "é"])
@pytest.mark.parametrize("name", ["myacinfo", "dqsid", "DES0a"])
def test_bad_cookies_are_refused_but_not_quoted(pair: KeyPair, name: str, ending: str) -> None:
    world = connect_world(pair)
    value = new_cookie()
    changed = {"des": {name: value + ending}} if name == "DES0a" else {name: value + ending}
    _session(world).update(changed)
    with pytest.raises(InputError, match=_COOKIE) as caught:
        read_world(world)
    assert value not in str(caught.value)


def test_cookies_do_not_show_in_a_repr(pair: KeyPair) -> None:
    world = connect_world(pair, dqsid=new_cookie(), des={"DES0a": new_cookie()})
    text = repr(read_world(world))
    session = _session(world)
    cookies = (session["myacinfo"], session["dqsid"], session["des"]["DES0a"])
    assert not any(value in text for value in cookies)


def test_everything_can_be_written_and_read_again(pair: KeyPair) -> None:
    world = connect_world(
        pair,
        dqsid=new_cookie(),
        des={"DES0a": new_cookie()},
        team=OTHER_ISSUER,
        expires_at=1900000000,
        foreign=True,
        agreement_pending=True,
        refreshes_cookie=True,
    )
    _key(world).update(created_at=1700000000, last_used_at=1700000001)
    _key(world, 1).update(revoked_at=1700000002.5)
    world["key_propagation_s"] = 1.5
    world["app_store_connect"] = {
        "private_key_encoding": "base64_pem",
        "key_attributes": ["isActive"],
        "active_key_limit": 50,
        "limit_status": 403,
        "created_status": 200,
        "largest_page": 3,
    }
    written = write_world(read_world(world).world)
    assert write_world(read_world(json.loads(json.dumps(written))).world) == written
    assert written["app_store_connect"] == world["app_store_connect"]
    assert written["key_propagation_s"] == 1.5
    (session,) = read_world(written).world.sessions
    assert session == read_world(world).world.sessions[0]
    assert read_world(written).world.keys["REVOKED001"].key.revoked_at == 1700000002.5


def test_nothing_given_is_the_usual(pair: KeyPair) -> None:
    world = connect_world(pair)
    read = read_world(world).world
    assert (read.connect, read.key_propagation_s) == (ConnectSettings(), 0.0)
    assert [team.provider_id for team in read.teams] == [120000001, 120000002]
