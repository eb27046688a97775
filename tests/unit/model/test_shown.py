# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a message shows of a value: enough to recognise it, and no piece of a secret."""

from __future__ import annotations

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import shown

# Capitals, small letters and digits in quick change, as a key or a token has them.
RANDOM = "aB3dE6gH9" * 4
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("com.example.one", "'com.example.one'"),
        ("x\u00e9\x1b", r"'x\xe9\x1b'"),
        (f"a {RANDOM} b", "'a aB3dE6... (36 characters) b'"),
        (RANDOM[:32], "'aB3dE6... (32 characters)'"),
        (RANDOM[:31], "'aB3dE6... (31 characters)'"),
        (RANDOM[:16], "'aB3dE6... (16 characters)'"),
        (RANDOM[:15], f"'{RANDOM[:15]}'"),
        (f"sk_{RANDOM[:31]}", "'sk_aB3... (34 characters)'"),
        (f"hvs.{RANDOM[:24]}", "'hvs.aB... (28 characters)'"),
        ("glpat-abcdefghijklmnopqrst", "'glpat-... (26 characters)'"),
        (JWT, f"'eyJhbG... ({len(JWT)} characters)'"),
        (f"https://a.example/hooks/{RANDOM}/v1", "'https://a.example/hooks/aB3dE6... (36 characters)/v1'"),
        # A person's own words may be long.
        ("averylongnameofone" * 2, f"'{'averylongnameofone' * 2}'"),
        ("a" * 80, f"'{'a' * 80}'"),
        ("a" * 81, f"'{'a' * 77}...'"),
        ("-----BEGIN PRIVATE KEY-----", "'********'"),
    ],
)
def test_what_is_shown_of_a_value(text: str, wanted: str) -> None:
    assert shown(text) == wanted
