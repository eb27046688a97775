# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs refund_tracking_integrations in-process where it can, and refuses to purge where apps may be missing."""

from __future__ import annotations

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.integrations import TASK
from ansible_collections.storeops.refunds.plugins.plugin_utils._in_process import InProcessAction, Json
from ansible_collections.storeops.refunds.plugins.plugin_utils._partial_play import refusal_to_purge


class ActionModule(InProcessAction):
    definition = TASK

    def _refusal(self, task_vars: Json) -> str:
        strategy = str(self._task.get_play().strategy)
        return refusal_to_purge(task_vars, self._task.args.get("purge", False), bool(self._task.run_once), strategy)
