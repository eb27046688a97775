# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Days and times are those of UTC, wherever the machine stands."""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import day, iso_time
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_period import Period, parse_period

# 2023-11-14T22:13:20Z
NOW = 1_700_000_000_000


@pytest.fixture(params=["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def _zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_zone")
def test_the_machines_time_zone_has_no_say() -> None:
    assert (day(NOW), iso_time(NOW)) == ("2023-11-14", "2023-11-14T22:13:20Z")
    assert (day(-1), iso_time(-1)) == ("1969-12-31", "1969-12-31T23:59:59Z")
    assert (day(-55_640_000_000_000), iso_time(-62_135_596_800_000)) == ("0206-11-03", "0001-01-01T00:00:00Z")
    for text in ("2023-11-14T22:13:20", "2023-11-14T22:13:20Z", "2023-11-14 23:13:20+01:00"):
        assert parse_period(text, None) == Period(NOW)
    assert parse_period("1970-01-01", "1970-01-02") == Period(0, 86_400_000)
