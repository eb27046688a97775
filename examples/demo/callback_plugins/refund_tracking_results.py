# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the result of every module of this collection to the file that DEMO_RESULTS names, one JSON line each."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: refund_tracking_results
type: aggregate
short_description: Collect the results of the modules of storeops.refunds
description:
  - Writes each result as a line of JSON to the file that E(DEMO_RESULTS) names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "refund_tracking_results"

    def _write(self, result: t.Any, failed: bool) -> None:
        # The result of a loop comes after those of its items, and says nothing more.
        if not result.task.action.startswith("storeops.refunds.") or "results" in result.result:
            return
        names = ("changed", "iap_keys", "integrations", "msg", "sums", "coverage")
        kept = {name: result.result.get(name) for name in names}
        with open(os.environ["DEMO_RESULTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps({**kept, "failed": failed}) + "\n")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._write(result, False)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._write(result, True)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        self._write(result, False)

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        self._write(result, True)
