# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes every result of a task of this collection to the file that CAPTURED_RESULTS names, one JSON line each."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: captured_results
type: aggregate
short_description: Collect the results of this collection's tasks
description:
  - Writes each result, of each item where there is a loop, to the file that E(CAPTURED_RESULTS) names.
"""
PREFIX = "storeops.refunds."


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "captured_results"

    def _write(self, result: t.Any, failed: bool) -> None:
        if not result.task.action.startswith(PREFIX):
            return
        line = {
            "module": result.task.action.removeprefix(PREFIX),
            "task": result.task.name,
            "failed": failed,
            "result": result.result,
        }
        with open(os.environ["CAPTURED_RESULTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        if not result.task.loop:
            self._write(result, False)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        if not result.task.loop:
            self._write(result, True)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        self._write(result, False)

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        self._write(result, True)
