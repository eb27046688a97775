# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that others wrote reaches a terminal as a command to it."""

from __future__ import annotations

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError, RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.text import printable


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\x00", "\r", "\x7f", "\x9b", "\u202e", "\u2066", "\u2028", "\ud800"])
def test_what_a_terminal_acts_on(char: str) -> None:
    assert printable(f"a{char}b") == "a\N{REPLACEMENT CHARACTER}b"
    for error in (RefundsError(f"a{char}b.", f"c{char}d."), InputError("x", f"a{char}b.")):
        assert char not in f"{error}" and char not in error.message + error.next_step


def test_all_else_stays() -> None:
    text = "Статус: ✓ 状态 naïve\n\tsecond line 👩\u200d💻"
    assert printable(text) == text
