# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of others, made fit for a terminal and a log."""

from __future__ import annotations

import re

# Control characters but tab and line feed (a terminal acts on ESC and on 0x9b), halves of surrogate pairs, and what
# turns the direction of writing (Unicode TR 36: a line may then read as another one).
_ACTED_ON = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return ``text`` with a replacement character for each one that a terminal would act on."""
    return _ACTED_ON.sub("\N{REPLACEMENT CHARACTER}", text)
