# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The marks by which a wrapped key or session is known: they are in whatever base64 makes of it, wherever it stands."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model import secret_marks


def test_the_marks_are_made_by_this_code() -> None:
    assert secret_marks._marks() == secret_marks._ENCODED and len(secret_marks._ENCODED) > 20


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("code", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("word", ["PRIVATE KEY", "myacinfo"])
@pytest.mark.parametrize("before", range(6))
def test_a_word_is_known_behind_base64(word: str, code: str, layers: int, before: int) -> None:
    data = b"x" * before + word.encode(code) + b"yz" * 20
    for _layer in range(layers):
        data = base64.b64encode(data)
    text = data.decode()
    assert secret_marks.is_wrapped(text) and any(mark in text for mark in secret_marks._marks())
    assert any(mark in text for mark in secret_marks._ENCODED)


@pytest.mark.parametrize("before", range(6))
def test_the_curve_of_a_key_is_known_behind_base64(before: int) -> None:
    text = base64.b64encode(b"\xff" * before + bytes.fromhex("06082a8648ce3d030107") + b"\xff" * 9).decode()
    assert secret_marks.is_wrapped(text)
    pieces = secret_marks._pieces(bytes.fromhex("06082a8648ce3d030107"))
    assert len(pieces) == 3 and sum(piece in text for piece in pieces) == 1 and min(map(len, pieces)) >= 11
