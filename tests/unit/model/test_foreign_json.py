# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON of others: deep nesting is as malformed as any other fault."""

from __future__ import annotations

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.foreign_json import DEEPEST, parse_json


@pytest.mark.parametrize("depth", [1, DEEPEST])
def test_what_can_be_read(depth: int) -> None:
    assert parse_json("[" * depth + "]" * depth) is not None
    assert parse_json('{"a": ' * depth + "1" + "}" * depth)["a"]


@pytest.mark.parametrize("depth", [DEEPEST + 1, 900, 100_000])
@pytest.mark.parametrize("pair", [("[", "]"), ('{"a": ', "}")])
def test_what_is_nested_too_deeply(depth: int, pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(pair[0] * depth + "1" + pair[1] * depth)


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[1,]"])
def test_what_is_none(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|decode|trailing comma"):
        parse_json(text)
