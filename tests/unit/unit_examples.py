# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of Hypothesis: the same on every machine and in every order, so that a red test is red for everybody.

EXAMPLES=random makes up others each time, and three times as many, as "make deep" does. To find what a change broke,
a third of them will do.
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.conjecture import providers

_ROOT = Path(__file__).resolve().parents[2]
_IS_RANDOM = os.environ.get("EXAMPLES") == "random"


def examples(number: int) -> int:
    """Return how many examples a property is tried with: ``number`` that are made up anew, else a third of it."""
    return number if _IS_RANDOM else -(-number // 3)


def settle_examples() -> None:
    """Load the profile. Call it before a module with properties is imported."""
    set_hypothesis_home_dir(_ROOT / ".cache" / "hypothesis")
    settings.register_profile(
        "storeops",
        max_examples=examples(100),
        derandomize=not _IS_RANDOM,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    settings.load_profile("storeops")
    if not _IS_RANDOM:
        # Else it takes constants from the modules that happen to be imported by then, whatever derandomize says.
        nothing = providers.Constants()
        providers._get_local_constants = lambda: nothing
