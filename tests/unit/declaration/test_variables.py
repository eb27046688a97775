# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of variables: those that are read are known, and one that resembles them is told."""

from __future__ import annotations

import re

import pytest
import yaml
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._declaration.variables import _PREFIXES, KNOWN, misspelt


def test_every_variable_of_roles_and_playbooks_is_known() -> None:
    found: set[str] = set()
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        found |= set(yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"])
    for path in (*ROOT.glob("playbooks/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")):
        text = path.read_text()
        found |= set(re.findall(r"^#\s+(\w+):", text, re.MULTILINE)) | set(re.findall(r"register: (\w+)", text))
    ours = {name for name in found if name.startswith(_PREFIXES)}
    assert len(ours) > 30 and ours <= KNOWN, ours - KNOWN


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_no_known_variable_is_misspelt(name: str) -> None:
    assert misspelt([name]) == []
    # A name of the user's own that begins like one of ours.
    assert misspelt([f"{name}_of_mine"]) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("refund_tracking_app", "refund_tracking_apps"),
        ("refund_tracking_default", "refund_tracking_defaults"),
        ("refund_audit_pth", "refund_audit_path"),
        ("iap_key_rotation_wiat", "iap_key_rotation_wait"),
    ],
)
def test_a_slip_is_told(name: str, meant: str) -> None:
    assert misspelt([name, "unrelated"]) == [f"{name}: no such variable is read. Did you mean {meant}?"]
