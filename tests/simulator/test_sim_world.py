# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading worlds: what is refused, and that the message names the entry."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_support import KEY_ID, PRODUCTION_ID, KeyPair, new_key_pair, new_world
from storeops_simulator.fields import InputError
from storeops_simulator.world_file import load_world_file
from storeops_simulator.world_input import read_world, write_world

Change = Callable[[dict[str, Any]], object]


def _team(world: dict[str, Any]) -> dict[str, Any]:
    team: dict[str, Any] = world["teams"][0]
    return team


def _transaction(world: dict[str, Any]) -> dict[str, Any]:
    transaction: dict[str, Any] = _team(world)["apps"][0]["transactions"][1]
    return transaction


_APP = "teams[0].apps[0]"
_TRANSACTION = f"{_APP}.transactions[1]"

BAD: dict[str, tuple[Change, str]] = {
    "unknown key at the top": (
        lambda w: w.update(team=[]),
        "team: unknown key; did you mean teams?",
    ),
    "unknown key of an app": (
        lambda w: _team(w)["apps"][0].update(bundel_id="x"),
        f"{_APP}.bundel_id: unknown key; did you mean bundle_id?",
    ),
    "teams not a list": (lambda w: w.update(teams={}), "teams: must be a list"),
    "app not a mapping": (lambda w: _team(w)["apps"].append("x"), "teams[0].apps[2]: must be a"),
    "issuer ID missing": (lambda w: _team(w).pop("issuer_id"), "teams[0].issuer_id: is missing"),
    "issuer ID not a UUID": (
        lambda w: _team(w).update(issuer_id="studio-a"),
        "teams[0].issuer_id: must be a UUID",
    ),
    "key ID a number": (
        lambda w: _team(w)["iap_keys"][0].update(key_id=1234567890),
        "teams[0].iap_keys[0].key_id: must be text (put it in quotes)",
    ),
    "double issuer ID": (
        lambda w: w["teams"][1].update(issuer_id=_team(w)["issuer_id"].upper()),
        "teams[1].issuer_id: '57246542-96fe-1a63-e053-0824d011072a' is already at teams[0].issuer",
    ),
    "double key ID, other kind and team": (
        lambda w: w["teams"][1].update(app_store_connect_keys=[{"key_id": KEY_ID}]),
        f"teams[1].app_store_connect_keys[0].key_id: '{KEY_ID}' is already at teams[0].iap_keys[0]",
    ),
    "double bundle ID": (
        lambda w: w["teams"][1]["apps"][0].update(bundle_id="com.example.one"),
        "teams[1].apps[0].bundle_id: 'com.example.one' is already at teams[0].apps[0].bundle_id",
    ),
    "double Apple ID": (
        lambda w: w["teams"][1]["apps"][0].update(apple_id=1234567890),
        "teams[1].apps[0].apple_id",
    ),
    "double transaction": (
        lambda w: _transaction(w).update(transaction_id=PRODUCTION_ID, environment="Production"),
        f"{_TRANSACTION}.transaction_id",
    ),
    "public key not a PEM": (
        lambda w: _team(w)["iap_keys"][0].update(public_key="nonsense"),
        "teams[0].iap_keys[0].public_key: is not a PEM public key",
    ),
    "public key on another curve": (
        lambda w: _team(w)["iap_keys"][0].update(public_key=new_key_pair(ec.SECP384R1()).public_pem),
        "teams[0].iap_keys[0].public_key: is on curve secp384r1",
    ),
    "a private key as public key": (
        lambda w: _team(w)["iap_keys"][0].update(public_key=new_key_pair().private_pem),
        "teams[0].iap_keys[0].public_key: is not a PEM public key",
    ),
    "both forms of a key": (
        lambda w: _team(w)["iap_keys"][0].update(private_key_path="key.p8"),
        "teams[0].iap_keys[0].private_key_path: stands beside public_key",
    ),
    "a path outside a file": (
        lambda w: _team(w)["iap_keys"].append({"key_id": "NEWKEY0001", "private_key_path": "a.p8"}),
        "teams[0].iap_keys[2].private_key_path: works in a world file only",
    ),
    "released as text": (
        lambda w: _team(w)["apps"][0].update(released="yes"),
        f"{_APP}.released: must be true or false",
    ),
    "date in seconds": (
        lambda w: _transaction(w).update(purchase_date=1700000000),
        f"{_TRANSACTION}.purchase_date: must be UNIX milliseconds",
    ),
    "transaction ID a number": (
        lambda w: _transaction(w).update(transaction_id=2000000999999999),
        f"{_TRANSACTION}.transaction_id: must be text",
    ),
    "environment in small letters": (
        lambda w: _transaction(w).update(environment="sandbox"),
        f"{_TRANSACTION}.environment: must be one of Production, Sandbox",
    ),
    "reason without a date": (
        lambda w: _transaction(w).update(revocation_reason=1),
        f"{_TRANSACTION}.revocation_reason: needs revocation_date",
    ),
    "more than all": (
        lambda w: _transaction(w).update(revocation_date=1700003600000, revocation_percentage=100001),
        f"{_TRANSACTION}.revocation_percentage: must be from 0 to 100000",
    ),
    "limit of an unknown endpoint": (
        lambda w: w.update(rate_limits={"get_everything": 1}),
        "rate_limits.get_everything: unknown key",
    ),
    "negative limit": (
        lambda w: w.update(rate_limits={"get_transaction_info": -1}),
        "rate_limits.get_transaction_info: must be from 0",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_worlds_are_refused(pair: KeyPair, case: str) -> None:
    change, message = BAD[case]
    world = new_world(pair)
    change(world)
    with pytest.raises(InputError) as caught:
        read_world(world)
    assert str(caught.value).startswith(message)


def test_nothing_is_an_empty_world() -> None:
    assert read_world(None).world.teams == ()


def test_a_written_world_can_be_read_again(pair: KeyPair) -> None:
    written = write_world(read_world(new_world(pair)).world)
    assert write_world(read_world(written).world) == written
    assert json.loads(json.dumps(written)) == written
    assert "PRIVATE KEY" not in json.dumps(written)


def test_subscription_fields_are_signed_under_apples_names(pair: KeyPair) -> None:
    world = new_world(pair)
    _transaction(world).update(
        type="Auto-Renewable Subscription",
        original_transaction_id="2000000000000001",
        original_purchase_date=1690000000000,
        subscription_group_id="20611111",
        expires_date=1702592000000,
        transaction_reason="RENEWAL",
        storefront="DEU",
        storefront_id="143443",
    )
    transaction = read_world(world).world.find_transaction("com.example.one", "Sandbox", "2000000999999999")
    assert transaction is not None
    assert transaction.fields["originalTransactionId"] == "2000000000000001"
    assert transaction.fields["subscriptionGroupIdentifier"] == "20611111"
    assert transaction.fields["expiresDate"] == 1702592000000
    assert transaction.fields["originalPurchaseDate"] == 1690000000000
    assert transaction.fields["storefront"] == "DEU"


def test_a_key_file_beside_the_world_file(tmp_path: Path, pair: KeyPair) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "one.p8").write_text(pair.private_pem)
    world = _one_key(tmp_path, "private_key_path: keys/one.p8")
    read = load_world_file(world)
    written = json.dumps(write_world(read.world))
    assert json.dumps(pair.public_pem) in written
    assert read.private_keys == {}


@pytest.mark.parametrize(("content", "problem"), [(None, "cannot read"), ("nonsense", "is not an unencrypted .p8")])
def test_a_bad_key_file(tmp_path: Path, content: str | None, problem: str) -> None:
    if content is not None:
        (tmp_path / "one.p8").write_text(content)
    with pytest.raises(InputError, match=problem) as caught:
        load_world_file(_one_key(tmp_path, "private_key_path: one.p8"))
    assert str(caught.value).startswith("teams[0].iap_keys[0].private_key_path: ")


def test_a_key_without_a_public_part_is_generated(tmp_path: Path) -> None:
    read = load_world_file(_one_key(tmp_path, "name: made here"))
    assert read.private_keys[KEY_ID].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert "PRIVATE" not in repr(read)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("world.yml", "teams: [", "is not YAML: .*line \\d"),
        ("world.yml", "teams: []\nteams: []\n", "line 2: 'teams' is given twice"),
        ("world.yml", "- teams", "must be a mapping"),
        ("world.json", "{,}", "is not JSON: line 1"),
        ("world.yml", "teams: !!python/object:os.system []", "is not YAML"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, content: str, problem: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=problem) as caught:
        load_world_file(path)
    assert "\n" not in str(caught.value)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["teams", "apps", "iap_keys", "bundle_id", "rate_limits", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(_VALUES)
def test_no_document_does_worse_than_a_refusal(document: object) -> None:
    try:
        read_world(document)
    except InputError as error:
        assert str(error)


def _one_key(folder: Path, line: str) -> Path:
    path = folder / "world.yml"
    path.write_text(
        "teams:\n"
        "  - issuer_id: 57246542-96fe-1a63-e053-0824d011072a\n"
        "    iap_keys:\n"
        f"      - key_id: {KEY_ID}\n"
        f"        {line}\n"
    )
    return path


def test_a_file_that_is_nested_too_deeply(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text('{"teams": ' + "[" * 20_000 + "]" * 20_000 + "}")
    with pytest.raises(InputError, match="nested too deeply"):
        load_world_file(path)
