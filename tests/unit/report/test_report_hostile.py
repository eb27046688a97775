# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any results at all: a report in every format, or a sentence that names the place."""

from __future__ import annotations

import json
import re
import typing as t
from xml.etree import ElementTree

from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit_examples import examples

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._report.entries import apps_of, undeclared_of
from ansible_collections.storeops.refunds.plugins.module_utils._report.model import Report, count_apps
from ansible_collections.storeops.refunds.plugins.module_utils._report.refunds import refunds_of
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit.audit_report import FILES

NAMES = re.findall(
    r"\w+",
    """bundle_id environment tracker status action outcome msg failed changed skipped diff before after credential_check
    cause hint http_status checked_at integration integrations results declared key_id issuer_id key_fingerprint
    coverage sums period since until source count amount currency day state reason notification_url host tested_at
    undeclared label""",
)
TEXTS = st.text(max_size=6) | st.sampled_from(
    ["production", "apple", "Active", "2026-11-01", "complete", "proven", "EUR"]
)
VALUES: st.SearchStrategy[t.Any] = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=25,
)

# So near to what is right that most of it is taken.
RESULTS = st.fixed_dictionaries(
    {"bundle_id": st.text(min_size=1, max_size=8)}, optional=dict.fromkeys(NAMES[1:], VALUES)
)
COVERAGE = st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6), max_size=2)
REFUNDS = st.fixed_dictionaries(
    {
        "coverage": COVERAGE,
        "sums": COVERAGE,
        "environment": st.sampled_from(["production", "sandbox"]),
        "source": st.just("apple"),
    },
    optional={"period": VALUES},
)

# Where nobody could be asked, nothing is said of what nobody declares.
FINE = {"bundle_id": "0", "credential_check": {"cause": "accepted"}}


@settings(max_examples=examples(40))
@example([{"bundle_id": "0"}, {"bundle_id": "0"}], [])
@example([{**FINE, "undeclared": [{"bundle_id": "1", "environment": "staging"}]}], [])
@given(st.lists(RESULTS | VALUES, max_size=3), st.lists(REFUNDS | VALUES, max_size=2))
def test_any_results_are_a_report_or_an_input_error(results: list[t.Any], refunds: list[t.Any]) -> None:
    try:
        apps = tuple(apps_of(results))
        left = undeclared_of(results, apps)
        report = Report("Audit", "2026-11-21T00:00:00Z", apps, refunds=refunds_of(refunds), undeclared=left)
    except InputError as refused:
        assert str(refused).startswith(("results[", "refunds["))
        return
    texts = {name: render(report) for name, (_file, render) in FILES.items()}
    totals = json.loads(texts["json"])["totals"]
    assert totals["integrations"] == len(report.apps) >= totals["apps"] == count_apps(report.apps)
    assert ElementTree.fromstring(texts["junit"]).tag == "testsuites"
    assert texts["html"].count("<script") == 2
