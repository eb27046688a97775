# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A property has the same examples whatever was imported before it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers


def examples() -> list[str]:
    """Give what a property is tried with."""
    found: list[str] = []

    @settings(max_examples=120)
    @given(st.text())
    def collect(text: str) -> None:
        found.append(text)

    collect()
    return found


def test_a_module_that_was_imported_before_changes_no_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = examples()
    assert examples() == before and len(set(before)) > 20
    (tmp_path / "words_of_mine.py").write_text("WORDS = ('aardvark', 'bandicoot', 'capybara', 'dugong')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(providers, "is_local_module_file", lambda path: path.startswith(str(tmp_path)))
    importlib.import_module("words_of_mine")
    try:
        assert examples() == before
    finally:
        del sys.modules["words_of_mine"]
