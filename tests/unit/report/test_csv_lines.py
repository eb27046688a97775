# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""CSV that is read back as it was, with columns as documented, and nothing in it that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
import re
import typing as t

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._report.csv_lines import COLUMNS, header, line
from ansible_collections.storeops.refunds.plugins.modules import refund_info

REFUNDS = yaml.safe_load(refund_info.RETURN)["refunds"]


def refunds_csv(rows: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """Make a file of them."""
    return header(COLUMNS) + "".join(line(row, COLUMNS) for row in rows)


def read(text: str) -> list[dict[str, str]]:
    """Read CSV as other programs do."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_columns_are_the_documented_fields_and_those_of_the_guide() -> None:
    assert list(COLUMNS) == list(REFUNDS["sample"][0])
    described = " ".join(REFUNDS["description"])
    assert not [name for name in COLUMNS if f"C({name})" not in described]
    guide = (ROOT / "docs/guides/refunds.md").read_text()
    assert tuple(re.findall(r"^\| `([a-z_]+)` \|", guide.partition("| Column |")[2], re.MULTILINE)) == COLUMNS


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")))
def test_every_text_comes_back_and_none_is_a_formula(text: str) -> None:
    (row,) = read(refunds_csv([{"product_id": text, "amount": -1}]))
    assert row["product_id"].removeprefix("'") == text.removeprefix("'")
    assert not row["product_id"].lstrip().startswith(("=", "+", "-", "@"))
    assert not row["product_id"].startswith(("\t", "\r", "\n"))


@pytest.mark.parametrize("before", ["", " ", "\u00a0", "\u3000", " \t", "\ufeff", "\u200b", "\x01"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff20"])
def test_what_stands_before_a_formula_hides_it_from_nobody_else(before: str, sign: str) -> None:
    (row,) = read(refunds_csv([{"product_id": f"{before}{sign}1+1"}]))
    assert row["product_id"] == f"'{before}{sign}1+1"
    assert read(refunds_csv([{"product_id": f"{before}a{sign}1"}]))[0]["product_id"] == f"{before}a{sign}1"


def test_numbers_are_no_formulas() -> None:
    (row,) = read(refunds_csv([{"amount": -4990, "amount_units": "-4.99"}]))
    assert (row["amount"], row["amount_units"]) == ("-4990", "-4.99")


def test_lines_end_with_lf() -> None:
    rows: list[dict[str, t.Any]] = [{"is_reversed": True, "reason": 0}, {"is_reversed": False, "product_id": 'a,"b"'}]
    text = refunds_csv(rows)
    assert "\r" not in text and text.endswith("\n") and text.count("\n") == 3
    assert [(row["is_reversed"], row["reason"]) for row in read(text)] == [("true", "0"), ("false", "")]
