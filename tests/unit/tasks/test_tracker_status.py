# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tracker that isn't Active is a finding, whatever Apple says."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.integration import (
    Rules,
    Wanted,
    decide_present,
)
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    Identity,
    Integration,
    Observation,
    Status,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Verdict

IDENTITY = Identity("devtodev", "p1", "production", "com.example.one")
SOURCE = KeySource("57246542-96fe-1a63-e053-0824d011072a", "2X9R4HXF34", None, None, "strict")
HELD = Integration(IDENTITY, SOURCE.issuer_id, SOURCE.key_id, None, "Active")


class Page:
    """A tracker that shows what it is told to."""

    name, on_unknown = "devtodev", "keep"

    def __init__(self, observation: Observation) -> None:
        self.observation = observation

    def observe(self, *_arguments: t.Any) -> Observation:
        """Give what is seen."""
        return self.observation


@pytest.mark.parametrize(
    ("status", "word", "is_finding"),
    [
        ("Active", "Active", False),
        ("Pending", "In review", False),
        ("Unknown", "On hold", True),
        ("Unknown", "", True),
        ("Failed", "Expired", True),
    ],
)
def test_what_a_tracker_shows(status: Status, word: str, is_finding: bool) -> None:
    seen = Observation(status, word)
    rules = Rules(t.cast(t.Any, Page(seen)), "required", True, lambda _text: None)
    verdict = Verdict("accepted", "", "production", 404, 4040010)
    decision = decide_present(Wanted(IDENTITY, SOURCE, None, None), HELD, verdict, rules)
    assert bool(decision.error) is is_finding and not decision.step.changed
    assert (decision.held.status, decision.held.word) == (status, word)
    assert not is_finding or ("com.example.one" in decision.error and word in decision.error)
