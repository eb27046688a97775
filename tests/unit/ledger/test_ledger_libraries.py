# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A library that only some ledgers need is asked for when it is needed, with a message that names it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import migrate as migrate_module
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError

NO_ALEMBIC = (
    "ledger.url: this ledger's tables are missing or old, and the Python library alembic is not installed. "
    "Install alembic for the Python that runs the task."
)


def ledger(url: str) -> Ledger:
    return Ledger(find_place(url, {}), read_only=False, warn=lambda text: None, lock_timeout=1.0)


def test_postgresql_without_psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with (
        pytest.raises(LedgerError, match="psycopg") as caught,
        ledger("postgresql://u:pass-word@127.0.0.1/x").reading(),
    ):
        pass
    assert "pass-word" not in str(caught.value)


def test_sqlite_needs_no_psycopg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with ledger(f"sqlite:///{tmp_path}/ledger.db").writing():
        assert (tmp_path / "ledger.db").exists()


def test_a_new_ledger_needs_alembic_and_one_that_is_up_to_date_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    monkeypatch.setattr(migrate_module, "HAS_ALEMBIC", False)
    with pytest.raises(LedgerError) as caught, ledger(url).writing():
        pass
    assert str(caught.value) == NO_ALEMBIC
    monkeypatch.undo()
    with ledger(url).writing():
        pass
    monkeypatch.setattr(migrate_module, "HAS_ALEMBIC", False)
    with ledger(url).writing():
        pass
