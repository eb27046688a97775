# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds as CSV that a spreadsheet can open without running anything in it."""

from __future__ import annotations

import re
import typing as t

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: refunds_csv
short_description: Write refunds as CSV
version_added: 0.1.0
author:
  - storeops.refunds contributors (@storeops)
description:
  - Turns RV(storeops.refunds.refund_info#module:refunds) into CSV with a fixed order of columns, commas between them
    and LF at the end of every line. The columns are listed in the guide
    R(Refunds, ansible_collections.storeops.refunds.docsite.refunds_guide).
  - A text that a spreadsheet could take for a formula, because it begins with C(=), C(+), C(-) or C(@), white space
    before it or not, or with a tabulator or a line end, gets an apostrophe in front. Numbers are left alone.
  - Import the columns of transaction IDs as text. A spreadsheet that takes them for numbers keeps 15 of their digits.
  - Unknown values are empty.
positional: _input
options:
  _input:
    description: The refunds.
    type: list
    elements: dict
    required: true
  header:
    description: Whether the first line names the columns.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: The refunds of an app as a table
  ansible.builtin.copy:
    dest: /srv/reports/refunds.csv
    content: "{{ refunded.refunds | storeops.refunds.refunds_csv }}"
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The text of a CSV file.
  type: str
"""

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
# White space and what nobody sees is skipped by some spreadsheets, and full-width signs are read as the plain ones.
_FORMULA = re.compile(r"[\s\x00-\x1f\x7f\u200b-\u200f\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def refunds_csv(refunds: t.Any, header: bool = True) -> str:
    """Return CSV. ``amount_units`` is ``amount`` in whole units of the currency with three decimals."""
    if not isinstance(refunds, list) or not all(isinstance(row, dict) for row in refunds):
        raise AnsibleFilterError("refunds_csv: give the list refunds of a registered result of refund_info.")
    lines = [",".join(COLUMNS)] if header else []
    for row in refunds:
        known = {**row, "amount_units": _units(row.get("amount"))}
        lines.append(",".join(_quoted(_cell(known.get(name), name)) for name in COLUMNS))
    return "".join(f"{line}\n" for line in lines)


def _quoted(text: str) -> str:
    """Quote as RFC 4180 says. Python's own writer leaves a lone CR unquoted when lines end with LF."""
    return '"' + text.replace('"', '""') + '"' if any(char in text for char in ',"\r\n') else text


def _cell(value: t.Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    is_number = isinstance(value, int) or name == "amount_units"
    return f"'{text}" if _FORMULA.match(text) and not is_number else text


def _units(amount: int | None) -> str | None:
    """Return milliunits as a decimal number. Not through a float: it would not be exact."""
    if amount is None:
        return None
    whole, thousandths = divmod(abs(amount), 1000)
    return f"{'-' if amount < 0 else ''}{whole}.{thousandths:03}"


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"refunds_csv": refunds_csv}
