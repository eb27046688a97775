# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amounts in units of their currency: exact, and with its decimals."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.storeops.refunds.plugins.module_utils._model.money import units


@pytest.mark.parametrize(
    ("milliunits", "currency", "expected"),
    [
        (-4990, "EUR", "-4.99"),
        (-5000, "USD", "-5.00"),
        (-3335, "EUR", "-3.335"),
        (0, "EUR", "0.00"),
        (-1, "EUR", "-0.001"),
        (-1_200_000, "JPY", "-1200"),
        (0, "KRW", "0"),
        (-399_600, "JPY", "-399.6"),
        (-1_500, "KWD", "-1.500"),
        (-1_500, None, "-1.50"),
        (-(10**20) - 1, "USD", "-100000000000000000.001"),
    ],
)
def test_units(milliunits: int, currency: str | None, expected: str) -> None:
    assert units(milliunits, currency) == expected


@given(st.integers(-(10**25), 10**25), st.sampled_from([None, "EUR", "JPY", "KWD"]))
def test_no_milliunit_is_lost(milliunits: int, currency: str | None) -> None:
    assert Decimal(units(milliunits, currency)) * 1000 == milliunits
