# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs refund_tracking_declaration_info in-process where it can, and refuses to do all work on each app's host."""

from __future__ import annotations

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.declaration_info import TASK
from ansible_collections.storeops.refunds.plugins.plugin_utils._in_process import InProcessAction, Json
from ansible_collections.storeops.refunds.plugins.plugin_utils._partial_play import refusal_to_repeat


class ActionModule(InProcessAction):
    definition = TASK

    def _refusal(self, task_vars: Json) -> str:
        return refusal_to_repeat(task_vars)
