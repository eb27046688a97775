# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and apps of any shape, as a survey or a template may give them: refused in words, never by a fault of ours."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_examples import examples
from unit_support import run_task

from ansible_collections.storeops.refunds.plugins.module_utils._declared_spec import APP, KEY_ENTRY
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import declaration_info, integrations

NAMES = st.sampled_from(sorted({*APP, *KEY_ENTRY, "failed", "msg", "cause", "key_fingerprint", "predicted", "x"}))
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
LEAF |= st.sampled_from(["a", "com.example.one", "present", "absent", "ledger", "sandbox"])
ANY = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=10
)
ENTRIES = st.lists(st.dictionaries(NAMES, ANY, max_size=6) | ANY, max_size=3)
MADE = st.lists(st.dictionaries(NAMES, LEAF, max_size=4), max_size=2)
# Nobody listens there, and nothing lies there.
NOWHERE = {"app_store_server_url": "http://127.0.0.1:1", "request_timeout": 0.2, "deadline": 0.3}
LEDGER = {"url": "sqlite:////nowhere/a.db"}


@pytest.mark.parametrize("on_faulty_app", ["refuse", "report"])
@settings(max_examples=examples(100), deadline=None)
@given(keys=ENTRIES, apps=ENTRIES, made=MADE)
def test_any_declaration(on_faulty_app: str, keys: t.Any, apps: t.Any, made: t.Any) -> None:
    given_lists = {"keys": keys, "apps": apps, "on_faulty_app": on_faulty_app}
    told = run_task(declaration_info.TASK, given_lists, True)
    done = run_task(integrations.TASK, {**given_lists, "iap_keys": made, "ledger": LEDGER, **NOWHERE}, True)
    assert "fault of storeops" not in repr((told.results, done.results))
