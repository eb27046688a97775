# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a message shows of a value: enough to recognise it, and no piece of a secret."""

from __future__ import annotations

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import shown

# Capitals, small letters and digits in quick change, as a key or a token has them.
RANDOM = "aB3dE6gH9" * 4


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("com.example.one", "'com.example.one'"),
        ("x\u00e9\x1b", r"'x\xe9\x1b'"),
        (f"a {RANDOM} b", "'a aB3dE6... (36 characters) b'"),
        (RANDOM[:32], "'aB3dE6... (32 characters)'"),
        (RANDOM[:31], f"'{RANDOM[:31]}'"),
        # A person's own words may be long.
        ("averylongnameofone" * 2, f"'{'averylongnameofone' * 2}'"),
        ("a" * 80, f"'{'a' * 80}'"),
        ("a" * 81, f"'{'a' * 77}...'"),
        ("-----BEGIN PRIVATE KEY-----", "'********'"),
    ],
)
def test_what_is_shown_of_a_value(text: str, wanted: str) -> None:
    assert shown(text) == wanted
