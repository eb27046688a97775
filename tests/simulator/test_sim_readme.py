# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's README tells the truth where a machine can tell."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from sim_support import SIMULATOR
from storeops_simulator.faults import KINDS, read_faults
from storeops_simulator.world_input import read_world, write_world

README = (SIMULATOR / "README.md").read_text()
VENDORS = SIMULATOR / "storeops_simulator" / "vendors"
TOKEN_CHECKS = VENDORS / "app_store_server" / "token_checks.py"


def _block(language: str, number: int = 0) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)[number])


def test_the_world_can_be_read() -> None:
    read = read_world(yaml.safe_load(_block("yaml")))
    assert sorted(read.private_keys) == ["2X9R4HXF34", "D383SF7391"]


def test_the_world_with_sessions_can_be_read() -> None:
    world = read_world(yaml.safe_load(_block("yaml", 1))).world
    (session,) = world.sessions
    assert (session.role, session.team, len(session.des)) == ("ADMIN", world.teams[0].issuer_id, 1)


@pytest.mark.parametrize("name", ["revenuecat", "qonversion", "devtodev"])
def test_the_worlds_of_the_trackers_can_be_read(name: str) -> None:
    (block,) = (each for each in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if each.startswith(f"{name}:"))
    world = read_world(yaml.safe_load(block)).world
    assert getattr(world, name).projects
    # Every member that can be given is in the example, but for those that only a running simulator writes.
    written = json.dumps(write_world(world)[name])
    named = set(re.findall(r'"([a-z_]+)":', written)) - {"key_fingerprint", "saved_at"}
    assert not [member for member in named if member not in block]


@pytest.mark.parametrize("vendor", ["revenuecat", "qonversion", "devtodev"])
def test_every_refusal_and_endpoint_of_the_trackers_is_listed(vendor: str) -> None:
    makers = r"refused|bad_parameter|not_found|invalid|Refused|Problem"
    # Answered without a refusal in the log.
    named = {"authorization_missing", "not_bearer"} if vendor != "devtodev" else {"bad_key_id", "missing_key_id"}
    for source in (VENDORS / vendor).glob("*.py"):
        text = source.read_text()
        named |= set(re.findall(rf'(?:{makers})\(\s*"([a-z_0-9]+)"', text))
        named |= set(re.findall(r'reason = (?:reason or )?"([a-z_0-9]+)"', text))
        named |= set(re.findall(r'Endpoint\(\s*"([a-z_]+)"', text))
    named -= {"unknown_path", "wrong_method"}
    assert len(named) > 10
    assert not [name for name in named if f"`{name}`" not in README]


def test_the_faults_are_accepted_and_of_every_kind() -> None:
    assert {fault.kind for fault in read_faults(json.loads(_block("json")))} == set(KINDS)


def test_every_refusal_is_listed() -> None:
    reasons = re.findall(r'"([a-z_]+)"(?: if known else "([a-z_]+)")?\)', TOKEN_CHECKS.read_text())
    named = {name for pair in reasons for name in pair if "_" in name}
    assert len(named) > 15
    assert not [name for name in named if f"`{name}`" not in README]


def test_every_refusal_of_app_store_connect_is_listed() -> None:
    makers = "refused|unauthenticated|_forbidden|_bad|_not_found"
    named = {"cookie_missing"}
    for source in (VENDORS / "app_store_connect").glob("*.py"):
        named |= set(re.findall(rf'(?:{makers})\(\s*"([a-z_]+)"', source.read_text()))
    assert len(named) > 25
    assert not [name for name in named if f"`{name}`" not in README]
