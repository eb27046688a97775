# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs app_store_notification_url in-process where it can."""

from __future__ import annotations

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.apps.notification_url import TASK
from ansible_collections.storeops.refunds.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    definition = TASK
