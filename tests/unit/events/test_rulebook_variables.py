# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide names every variable of the rulebooks, and each goes to the option of its name, in all of them."""

from __future__ import annotations

import re

import pytest
import yaml
from unit_support import ROOT

pytestmark = pytest.mark.once
GUIDE = (ROOT / "docs/guides/events.md").read_text()
# Of one of them alone.
OWN = {"account_token"}


def test_every_variable_is_in_the_guide_and_in_every_rulebook() -> None:
    named = set(re.findall(r"`refund_events_(\w+)`", GUIDE))
    rulebooks = sorted((ROOT / "extensions/eda/rulebooks").glob("*.yml"))
    assert len(rulebooks) == 3
    for rulebook in rulebooks:
        source = yaml.safe_load(rulebook.read_text())[0]["sources"][0]["storeops.refunds.refund_events"]
        taken = {name: re.findall(r"{{ refund_events_(\w+)", value) for name, value in source.items()}
        assert taken == {name: [name] for name in source}, rulebook.name
        assert source.keys() - OWN == named - OWN, rulebook.name
