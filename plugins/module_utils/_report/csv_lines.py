# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds and sums as CSV that a spreadsheet can open without running anything in it."""

from __future__ import annotations

import re
import typing as t

# The fields of `_model.refund_rows.row_of`, in their order.
COLUMNS = (
    "refund_date",
    "bundle_id",
    "environment",
    "source",
    "transaction_id",
    "original_transaction_id",
    "product_id",
    "product_type",
    "quantity",
    "purchase_date",
    "storefront",
    "currency",
    "price",
    "percentage",
    "is_assumed_full",
    "amount",
    "amount_units",
    "reason",
    "revocation_type",
    "is_family_shared",
    "is_reversed",
    "reversed_at",
    "recorded_at",
)
SUM_COLUMNS = ("currency", "count", "amount", "amount_units", "amount_unknown_count")
_NUMBERS = ("amount_units",)
# White space and what nobody sees is skipped by some spreadsheets, and full-width signs are read as the plain ones.
_FORMULA = re.compile(r"[\s\x00-\x1f\x7f\u200b-\u200f\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def header(columns: t.Sequence[str]) -> str:
    return ",".join(columns) + "\n"


def line(row: t.Mapping[str, t.Any], columns: t.Sequence[str]) -> str:
    """Return a line, its LF included. What is unknown is empty; what may pass for a formula gets an apostrophe."""
    return ",".join(_quoted(_cell(row.get(name), name)) for name in columns) + "\n"


def _quoted(text: str) -> str:
    """Quote as RFC 4180 says. Python's own writer leaves a lone CR unquoted when lines end with LF."""
    return '"' + text.replace('"', '""') + '"' if any(char in text for char in ',"\r\n') else text


def _cell(value: t.Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    is_number = isinstance(value, int) or name in _NUMBERS
    return f"'{text}" if _FORMULA.match(text) and not is_number else text
