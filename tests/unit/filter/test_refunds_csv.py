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
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.filter.refunds_csv import COLUMNS, refunds_csv
from ansible_collections.storeops.refunds.plugins.modules import refund_info

FIELDS = yaml.safe_load(refund_info.RETURN)["refunds"]["contains"]


def read(text: str) -> list[dict[str, str]]:
    """Read CSV as other programs do."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_columns_are_the_documented_fields_and_those_of_the_guide() -> None:
    assert [name for name in COLUMNS if name != "amount_units"] == list(FIELDS)
    guide = (ROOT / "docs/docsite/rst/refunds_guide.rst").read_text()
    assert tuple(re.findall(r"^``([a-z_]+)`` +", guide.partition("Column  ")[2], re.MULTILINE)) == COLUMNS


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


@pytest.mark.parametrize(
    ("amount", "units"),
    [(-4990, "-4.990"), (0, "0.000"), (-1, "-0.001"), (-(10**20) - 1, "-100000000000000000.001"), (None, "")],
)
def test_amounts_are_exact_in_both_columns(amount: int | None, units: str) -> None:
    (row,) = read(refunds_csv([{"amount": amount}]))
    assert row["amount"] == ("" if amount is None else str(amount)) and row["amount_units"] == units


def test_lines_end_with_lf_and_the_header_can_be_left_out() -> None:
    rows: list[dict[str, t.Any]] = [{"is_reversed": True, "reason": 0}, {"is_reversed": False, "product_id": 'a,"b"'}]
    text = refunds_csv(rows)
    assert "\r" not in text and text.endswith("\n") and text.count("\n") == 3
    assert text == refunds_csv([]) + refunds_csv(rows, header=False)
    assert [(row["is_reversed"], row["reason"]) for row in read(text)] == [("true", "0"), ("false", "")]


@pytest.mark.parametrize("wrong", [None, "text", {"refunds": []}, [1]])
def test_what_is_no_list_of_refunds(wrong: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="give the list refunds"):
        refunds_csv(wrong)
