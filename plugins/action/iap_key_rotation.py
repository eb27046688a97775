# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs iap_key_rotation in-process where it can, and refuses a hook that isn't there."""

from __future__ import annotations

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.rotation import TASK
from ansible_collections.storeops.refunds.plugins.plugin_utils._hook import refusal_of_hook
from ansible_collections.storeops.refunds.plugins.plugin_utils._in_process import InProcessAction, Json


class ActionModule(InProcessAction):
    definition = TASK

    def _refusal(self, task_vars: Json) -> str:
        return refusal_of_hook(self._task.args.get("hook"))
