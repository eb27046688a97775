# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that others wrote reaches a terminal as a command to it, or a database that can't take it."""

from __future__ import annotations

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError, RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import is_storable
from ansible_collections.storeops.refunds.plugins.module_utils._model.text import (
    every,
    few,
    printable,
    shortened,
    told_once,
)


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\x00", "\r", "\x7f", "\x9b", "\u202e", "\u2066", "\u2028", "\ud800"])
def test_what_a_terminal_acts_on(char: str) -> None:
    assert printable(f"a{char}b") == "a\N{REPLACEMENT CHARACTER}b"
    for error in (RefundsError(f"a{char}b.", f"c{char}d."), InputError("x", f"a{char}b.")):
        assert char not in f"{error}" and char not in error.message + error.next_step


def test_all_else_stays() -> None:
    text = "Статус: ✓ 状态 naïve\n\tsecond line 👩\u200d💻"
    assert printable(text) == text


@pytest.mark.parametrize("char", ["\0", "\ud800", "\udbff", "\udfff"])
def test_what_a_database_can_not_hold(char: str) -> None:
    assert not is_storable(f"a{char}b") and not is_storable(char)


@pytest.mark.parametrize("text", ["", "a", "\x01", "\ud7ff\ue000", "\U0001f468"])
def test_what_every_database_holds(text: str) -> None:
    assert is_storable(text)


def test_a_long_value_is_shown_by_its_beginning() -> None:
    assert (
        shortened("x" * 40) == "x" * 40
        and shortened("abcdefghijklm" + "x" * 28) == "abcdefghijkl\N{HORIZONTAL ELLIPSIS}"
    )


def test_of_many_names_a_few_are_told() -> None:
    names = [f"a{number}" for number in range(1006)]
    assert few(names[:5]) == "a0, a1, a2, a3, a4" and few(names[:6]) == "a0, a1, a2, a3, a4 and 1 more"
    assert few(names) == "a0, a1, a2, a3, a4 and 1,001 more" and few([]) == ""


def test_a_sentence_that_was_told_is_not_repeated() -> None:
    long, other = "This sentence is long enough to be worth a look.", "Another sentence is long enough as well, too."
    assert told_once([f"a: {long} {other}", f"b: {long} Short.", f"c: {other} Short."]) == [
        f"a: {long} {other}",
        "b: as above. Short.",
        "c: as above. Short.",
    ]
    assert told_once([f"a: {long}", f"b: Short. {long}", "Short.", "Short."]) == [
        f"a: {long}",
        "b: Short.",
        "Short.",
        "Short.",
    ]
    at, below = "x" * 39 + ".", "x" * 38 + "."
    assert told_once([at, at]) == [at, "as above."] and told_once([below, below]) == [below, below]


def test_all_apps_are_called_by_their_number() -> None:
    assert [every(count) for count in (1, 2, 3, 1234)] == ["its app", "both apps", "all 3 apps", "all 1,234 apps"]
