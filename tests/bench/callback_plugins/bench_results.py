# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes what came out of the collection's tasks, counted, to the file that BENCH_RESULTS names."""

from __future__ import annotations

import json
import os
import typing as t
from collections import Counter

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: bench_results
type: aggregate
short_description: Count results
description:
  - Counts the results of this collection's tasks, item by item in a loop, into the file of E(BENCH_RESULTS).
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "bench_results"
    # Otherwise it's loaded whenever its folder is named, and takes its time where time is measured.
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._statuses: Counter[str] = Counter()
        self._http: Counter[str] = Counter()
        self._changed = 0
        self._failed = 0
        self._messages: list[str] = []
        self._rows: Counter[str] = Counter()

    def _note(self, result: t.Any, failed: bool) -> None:
        if not result.task.action.startswith("storeops.refunds."):
            return
        values = result.result
        one = [values["integration"]] if values.get("integration") else []
        self._statuses.update(item["status"] for item in values.get("integrations", one))
        self._http.update(values.get("http") or {})
        for name in ("refunds", "sums"):
            rows = values.get(name) or []
            self._rows[name] += rows["new"] if isinstance(rows, dict) else len(rows)
        self._changed += bool(values.get("changed"))
        self._failed += failed
        if failed:
            self._messages.append(str(values.get("msg"))[:500])

    def v2_runner_on_ok(self, result: t.Any) -> None:
        if not result.task.loop:
            self._note(result, False)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        if not result.task.loop:
            self._note(result, True)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        self._note(result, False)

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        self._note(result, True)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        counted = {
            "statuses": self._statuses,
            "http": self._http,
            "changed": self._changed,
            "failed": self._failed,
            "messages": self._messages[:3],
            "rows": self._rows,
        }
        with open(os.environ["BENCH_RESULTS"], "w", encoding="utf-8") as file:
            json.dump(counted, file)
