# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs iap_key_rotation in-process where it can. Refuses a hook that isn't there, and to revoke for some apps only."""

from __future__ import annotations

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.rotation import TASK
from ansible_collections.storeops.refunds.plugins.plugin_utils._hook import refusal_of_hook
from ansible_collections.storeops.refunds.plugins.plugin_utils._in_process import InProcessAction, Json
from ansible_collections.storeops.refunds.plugins.plugin_utils._partial_play import refusal_of_rotation


class ActionModule(InProcessAction):
    definition = TASK

    def _refusal(self, task_vars: Json) -> str:
        return refusal_of_rotation(task_vars, self._task) or refusal_of_hook(self._task.args.get("hook"))
