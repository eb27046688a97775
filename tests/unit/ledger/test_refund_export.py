# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_export: the files, whole or not at all, the same for the same ledger."""

from __future__ import annotations

import csv
import errno
import json
import os
import stat
import typing as t
from pathlib import Path
from unittest import mock

import pytest
import unit_support
from ledger_support import ledger_at
from refund_rows_support import DAY, START, Placed, fill, refund
from unit_support import Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._files import text
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.notification_urls import hear
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import MASK
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_export, refund_info

MINE = App("apple", "production", "com.example.a")
THEIRS = App("apple", "sandbox", "com.example.a")
NAMES = ["refunds-sums.csv", "refunds.csv", "refunds.jsonl"]


@pytest.fixture
def ledger(tmp_path: Path) -> t.Iterator[Ledger]:
    """Refunds of two months."""
    made = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    given = [
        refund(1, START, product_id="=coins"),
        refund(2, START + DAY, reversed_at=START + 2 * DAY),
        refund(3, START + 35 * DAY, currency="JPY", price=1_200_000),
        refund(4, START + 36 * DAY, price=None),
    ]
    fill(made, [*(Placed(MINE, one) for one in given), Placed(THEIRS, refund(5))])
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "new" / "reports"


def export(ledger: Ledger, folder: Path | str, check_mode: bool = False, **options: t.Any) -> Outcome:
    given = {"ledger": {"url": f"sqlite:///{ledger.place.path}"}, "path": str(folder), **options}
    return run_task(refund_export.TASK, given, check_mode)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("wrong", ["none", "empty", "unread", "heard", "source", "app"])
def test_files_are_not_replaced_by_empty_ones(ledger: Ledger, folder: Path, tmp_path: Path, wrong: str) -> None:
    """No refunds known is not the same as no refunds, and who reads the files can't tell."""
    assert export(ledger, folder).message == ""
    before = {name: (folder / name).read_bytes() for name in NAMES}
    path = tmp_path / "wrong.db"
    used = ledger_at(f"sqlite:///{path}")
    options: dict[str, t.Any] = {}
    if wrong == "empty":
        path.touch()
    if wrong == "unread":
        fill(used, [])
    if wrong == "heard":
        fill(used, [])
        hear(used, MINE, ["V2"], DAY, START, "2026-11-01T00:00:00Z")
    if wrong in ("source", "app"):
        used, path = ledger, Path(str(ledger.place.path))
        options = {"source": "other:0123456789abcdef"} if wrong == "source" else {"bundle_id": "com.example.c"}
    was_there = path.exists()
    told = export(used, folder, check_mode=True, **options)
    assert told.message == "" and any("A run would fail" in text for text in told.warnings)
    assert not told.results["changed"] and told.results["diff"]["before"] == told.results["diff"]["after"]
    done = export(used, folder, **options)
    assert f"ledger.url: {path} " in done.message and str(folder) in done.message, done.message
    assert {name: (folder / name).read_bytes() for name in NAMES} == before and path.exists() == was_there
    known = run_task(refund_info.TASK, {"ledger": {"url": f"sqlite:///{path}"}, **options})
    assert not known.results["complete"] and known.warnings


def test_refunds_and_sums_are_written(ledger: Ledger, folder: Path) -> None:
    told = export(ledger, folder, check_mode=True)
    assert told.results["changed"] and not folder.parent.exists()
    done = export(ledger, folder)
    assert done.results == told.results
    assert sorted(os.listdir(folder)) == NAMES
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in NAMES} == {0o600}
    assert export(ledger, folder).results["changed"] is False
    known = run_task(refund_info.TASK, {"ledger": {"url": f"sqlite:///{ledger.place.path}"}}).results
    lines = [json.loads(line) for line in (folder / "refunds.jsonl").read_text().splitlines()]
    assert lines == known["refunds"] and done.results["coverage"] == known["coverage"]
    assert [row["transaction_id"] for row in rows(folder / "refunds.csv")] == ["1", "2", "3", "4"]
    assert rows(folder / "refunds.csv")[0]["product_id"] == "'=coins"
    first = {"bundle_id": "com.example.a", "month": "2026-11", "currency": "EUR", "count": "1"}
    assert rows(folder / "refunds-sums.csv") == [
        {**first, "amount": "-4990", "amount_units": "-4.99", "amount_unknown_count": "0"},
        {**first, "month": "2026-12", "amount": "", "amount_units": "", "amount_unknown_count": "1"},
        {**first, "month": "2026-12", "currency": "JPY", "amount": "-1200000", "amount_units": "-1200"}
        | {"amount_unknown_count": "0"},
    ]
    assert done.results["export"]["refunds"] == 4 and done.results["export"]["not_in_sums"]["reversed"] == 1
    assert done.results["complete"] is False and any("com.example.a" in text for text in done.warnings)


def test_what_is_asked_for_is_exported(ledger: Ledger, folder: Path) -> None:
    export(ledger, folder, since="2026-12-01", sums_by=["day"], currencies=["JPY"])
    assert [row["transaction_id"] for row in rows(folder / "refunds.csv")] == ["3"]
    assert [row["day"] for row in rows(folder / "refunds-sums.csv")] == ["2026-12-06"]
    export(ledger, folder, environment="sandbox", sums_by=[])
    assert [row["transaction_id"] for row in rows(folder / "refunds.csv")] == ["5"]
    assert (folder / "refunds-sums.csv").read_text().splitlines()[0].startswith("currency,count,")


def test_pages_meet(ledger: Ledger, folder: Path) -> None:
    with mock.patch.object(refund_export, "_PAGE", 1):
        export(ledger, folder / "small")
    export(ledger, folder)
    for name in NAMES:
        assert (folder / "small" / name).read_bytes() == (folder / name).read_bytes()


def test_files_keep_their_mode_and_links_are_not_followed(ledger: Ledger, folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "refunds.csv").write_text("old")
    (folder / "refunds.csv").chmod(0o640)
    (tmp_path / "elsewhere").write_text("theirs")
    (folder / "refunds.jsonl").symlink_to(tmp_path / "elsewhere")
    export(ledger, folder)
    assert stat.S_IMODE((folder / "refunds.csv").stat().st_mode) == 0o640
    assert (tmp_path / "elsewhere").read_text() == "theirs" and not (folder / "refunds.jsonl").is_symlink()


def test_a_full_disk_leaves_the_old_files(ledger: Ledger, folder: Path) -> None:
    export(ledger, folder)
    before = {name: (folder / name).read_bytes() for name in NAMES}
    with ledger.writing() as connection:
        connection.exec_driver_sql("DELETE FROM refund_tracking_refunds WHERE transaction_id = '1'")
    full = OSError(errno.ENOSPC, "No space left on device")
    with mock.patch.object(text.os, "fsync", side_effect=full):
        outcome = export(ledger, folder)
    assert outcome.results["failed"] and "path: " in outcome.message and "No space left" in outcome.message
    assert {name: (folder / name).read_bytes() for name in NAMES} == before
    assert sorted(os.listdir(folder)) == NAMES


@pytest.mark.parametrize(
    ("path", "said"),
    [("reports", "path: 'reports' is relative"), ("", "path: is given but empty"), ("/dev/null/x", "isn't a folder")],
)
def test_places_that_are_none(ledger: Ledger, path: str, said: str) -> None:
    for check_mode in (True, False):
        outcome = export(ledger, path, check_mode)
        assert outcome.results["failed"] and said in outcome.message


@pytest.mark.parametrize("password", ["example", "com.example.a", "coins", "JPY", "production", "2026-11", "apple"])
def test_a_password_that_is_a_word_of_the_data_rewrites_neither_files_nor_results(
    password: str, ledger: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(ledger, folder)
    before = export(ledger, folder).results
    written = {name: (folder / name).read_bytes() for name in NAMES}
    url = f"postgresql://app:{password}@db.example.com/ledger"
    monkeypatch.setattr(unit_support, "secret_values", lambda spec, params: {url, password})
    again = export(ledger, folder).results
    assert again == before
    assert {name: (folder / name).read_bytes() for name in NAMES} == written
    assert MASK not in str(again)
