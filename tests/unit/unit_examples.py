# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of Hypothesis: the same on every machine and in every order, so that a red test is red for everybody.

EXAMPLES=random makes up others each time, as "make deep" does.
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.conjecture import providers

_ROOT = Path(__file__).resolve().parents[2]


def settle_examples() -> None:
    """Load the profile. Call it before a module with properties is imported."""
    is_random = os.environ.get("EXAMPLES") == "random"
    set_hypothesis_home_dir(_ROOT / ".cache" / "hypothesis")
    settings.register_profile(
        "storeops",
        derandomize=not is_random,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    settings.load_profile("storeops")
    if not is_random:
        # Else it takes constants from the modules that happen to be imported by then, whatever derandomize says.
        nothing = providers.Constants()
        providers._get_local_constants = lambda: nothing
