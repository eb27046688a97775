# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of events are those of the newest migration."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy
from events_support import ledger_at

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import event_schema


@pytest.mark.parametrize("name", ["events", "consumers", "notification_urls"])
def test_the_tables_are_those_of_the_schema(tmp_path: Path, name: str) -> None:
    ledger = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    declared = getattr(event_schema, name)()
    with ledger.writing() as connection:
        held = sqlalchemy.Table(declared.name, sqlalchemy.MetaData(), autoload_with=connection)
    ledger.close()
    assert [(c.name, str(c.type), c.nullable, c.primary_key) for c in held.columns] == [
        (c.name, str(c.type.compile()), c.nullable, c.primary_key) for c in declared.columns
    ]
