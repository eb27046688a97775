# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a task for a plugin that has options instead of module parameters: same settings, masking and messages."""

from __future__ import annotations

import typing as t

from ansible_collections.storeops.refunds.plugins.module_utils._context import Results, Task
from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import Masker
from ansible_collections.storeops.refunds.plugins.module_utils._run import execute, plain
from ansible_collections.storeops.refunds.plugins.module_utils._secrets import secret_values


def run_with_options(
    task: Task, options: t.Mapping[str, t.Any], warn: t.Callable[[str], None], environ: t.Mapping[str, str]
) -> Results:
    """Return the results. ``options`` that the plugin does not have take their defaults. Never raises."""
    defaults = {name: option.get("default") for name, option in task.argument_spec.items()}
    params = plain({**defaults, **options})
    masker = Masker(secret_values(task.argument_spec, params))
    return execute(task, params, False, warn, environ, masker)
