# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs refund_audit_report in-process where it can, and refuses a report that would leave out hosts of a play."""

from __future__ import annotations

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit.audit_report import TASK
from ansible_collections.storeops.refunds.plugins.plugin_utils._in_process import InProcessAction, Json
from ansible_collections.storeops.refunds.plugins.plugin_utils._partial_play import refusal_of_report


class ActionModule(InProcessAction):
    definition = TASK

    def _refusal(self, task_vars: Json) -> str:
        return refusal_of_report(task_vars, self._task, self._templar.template)
