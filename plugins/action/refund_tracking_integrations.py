# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs refund_tracking_integrations in-process where it can; where apps may be missing, nothing is purged or let go."""

from __future__ import annotations

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.integrations import TASK
from ansible_collections.storeops.refunds.plugins.plugin_utils import _partial_play as play
from ansible_collections.storeops.refunds.plugins.plugin_utils._in_process import InProcessAction, Json


class ActionModule(InProcessAction):
    definition = TASK

    def _refusal(self, task_vars: Json) -> str:
        return play.refusal_to_purge(play.missing_of(task_vars, self._task), self._task.args.get("purge", False))

    def _result(self, tmp: str | None, known: Json) -> Json:
        return play.keep_keys(super()._result(tmp, known), play.missing_of(known, self._task), self._task.check_mode)
