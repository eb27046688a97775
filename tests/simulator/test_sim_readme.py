# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's README tells the truth where a machine can tell."""

from __future__ import annotations

import json
import re

import yaml
from sim_support import SIMULATOR
from storeops_simulator.faults import KINDS, read_faults
from storeops_simulator.world_input import read_world

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
