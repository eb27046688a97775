# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name of an In-App Purchase key at App Store Connect: what counts when two of them are compared."""

from __future__ import annotations

import unicodedata


def plain_name(text: str) -> str:
    """Return a name as it is compared: what nobody sees (kind and number of blanks, Unicode's Cf) makes no other key.

    Capitals count.
    """
    visible = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return " ".join(unicodedata.normalize("NFC", visible).split())


def is_same_name(one: str | None, other: str | None) -> bool:
    """Tell whether two names mean the same key; one that isn't known means none."""
    return one is not None and other is not None and plain_name(one) == plain_name(other)


def differ_in_capitals(one: str, other: str) -> bool:
    """Tell whether two names look like a slip of each other."""
    first, second = plain_name(one), plain_name(other)
    return first != second and first.casefold() == second.casefold()
