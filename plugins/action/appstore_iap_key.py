# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs appstore_iap_key in-process where it can."""

from __future__ import annotations

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.iap_key import TASK
from ansible_collections.storeops.refunds.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    definition = TASK
