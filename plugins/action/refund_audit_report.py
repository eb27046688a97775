# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs refund_audit_report in-process where it can, and refuses to write one report from each host of a play."""

from __future__ import annotations

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit.audit_report import TASK
from ansible_collections.storeops.refunds.plugins.plugin_utils._in_process import InProcessAction, Json
from ansible_collections.storeops.refunds.plugins.plugin_utils._partial_play import refusal_to_report

_AUDITED = "storeops_refunds_audited_hosts"


class ActionModule(InProcessAction):
    definition = TASK

    def _refusal(self, task_vars: Json) -> str:
        # It touches only what says that an audit began, and then tells why it stopped.
        if self._task.args.get("stage") == "stopped":
            return ""
        play = self._task.get_play()
        # The playbook keeps the last report aside in a play before that of the audit.
        audited = self._templar.template(task_vars.get(_AUDITED)) or play.hosts
        return refusal_to_report(task_vars, bool(self._task.run_once), str(play.strategy), audited)
