# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts made fit for a terminal, a log and a sentence."""

from __future__ import annotations

import difflib
import re
import typing as t

# Control characters but tab and line feed (a terminal acts on ESC and on 0x9b), halves of surrogate pairs, and what
# turns the direction of writing (Unicode TR 36: a line may then read as another one).
_ACTED_ON = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
MOST_NAMED = 5
# How alike two names are of which one is a slip: one letter of ten.
_SLIP = 0.9
# A shorter sentence is read over. What stands before it says whom it is about.
_WORTH_A_LOOK = 40
_SENTENCE_END = re.compile(r"(?<=[.?!]) +")
_LABELS = re.compile(r"(?:[\w.\[\]'()*, -]{1,60}: )*")
_LONGEST_VALUE = 40


def printable(text: str) -> str:
    """Return ``text`` with a replacement character for each one that a terminal would act on."""
    return _ACTED_ON.sub("\N{REPLACEMENT CHARACTER}", text)


def few(names: t.Sequence[str]) -> str:
    """Return up to five names and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def every(count: int) -> str:
    """Return how all apps of a key are called."""
    return {1: "its app", 2: "both apps"}.get(count, f"all {count:,} apps")


def told_once(lines: t.Iterable[str]) -> list[str]:
    """Return lines that are told together, each without the sentences that one before it has."""
    seen = set[str]()
    return [_news(line, seen) for line in lines]


def _news(line: str, seen: set[str]) -> str:
    told = []
    for number, sentence in enumerate(_SENTENCE_END.split(line)):
        labels = t.cast("re.Match[str]", _LABELS.match(sentence))[0]
        fact = sentence.removeprefix(labels)
        if len(fact) < _WORTH_A_LOOK or fact not in seen:
            told.append(sentence)
        elif number == 0:
            told.append(f"{labels}as above.")
        seen.add(fact)
    return " ".join(told)


def other_capitals(names: t.Iterable[str], declared: t.Iterable[str]) -> dict[str, str]:
    """Return, by name, the declared bundle ID from which a name that isn't declared differs in its capitals alone."""
    exact = list(declared)
    folded = {name.casefold(): name for name in reversed(exact)}
    return {name: folded[name.casefold()] for name in names if name.casefold() in folded and name not in exact}


def nearest(name: str, names: t.Sequence[str]) -> str:
    """Return the one of ``names`` that is most likely meant, empty for none: a slip of the pen, or other capitals."""
    folded = {one.casefold(): one for one in reversed(names)}
    found = difflib.get_close_matches(name.casefold(), folded, 1, _SLIP)
    return folded[found[0]] if found else ""


def shortened(value: str) -> str:
    """Return a value as a sentence shows it: the beginning of one that is longer than an ID, such as a fingerprint."""
    return f"{value[:12]}…" if len(value) > _LONGEST_VALUE else value
