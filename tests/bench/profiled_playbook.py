# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook under cProfile: the parent, and each worker process, into files of the folder in BENCH_PROFILES.

The threads of the bulk task work one after the other in the worker's main thread: cProfile sees one thread only.
"""

from __future__ import annotations

import cProfile
import os
import sys
import typing as t
from pathlib import Path

from ansible.cli.playbook import main
from ansible.executor.task_executor import TaskExecutor

FOLDER = Path(os.environ["BENCH_PROFILES"])
parent = cProfile.Profile()
run_task = TaskExecutor.run


def one_thread(
    items: t.Sequence[t.Any],
    work: t.Callable[..., t.Any],
    flow: object,
    ended: t.Callable[..., None] = lambda result: None,
) -> list[t.Any]:
    results = []
    for item in items:
        results.append(work(item))
        ended(results[-1])
    return results


def profiled(executor: TaskExecutor) -> t.Any:
    """Run a task; the profile is written before the parent gets the result, as it then may end the worker."""
    parent.disable()
    for name, module in list(sys.modules.items()):
        if ".module_utils._tasks." in name and "each" in module.__dict__:
            module.__dict__["each"] = one_thread
    profile = cProfile.Profile()
    try:
        return profile.runcall(run_task, executor)
    finally:
        profile.dump_stats(FOLDER / f"worker_{os.getpid()}.prof")


TaskExecutor.run = profiled  # type: ignore[method-assign]
try:
    sys.exit(parent.runcall(main))
finally:
    parent.dump_stats(FOLDER / "parent.prof")
