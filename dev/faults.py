# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What failed, in few lines found in a part's log: a long run's last lines must be enough to know where to look."""

from __future__ import annotations

import re

MOST = 12
WIDTH = 300
# Ours, pytest's summary, and what sanity prints of a file.
NAMED = re.compile(r"^(?:FAILED|ERROR)[: ].*$", re.MULTILINE)
LISTED = re.compile(r"^\w+: The \d+ (?:integration|sanity) test\(s\) listed below.*\n((?:\S+\n)*)", re.MULTILINE)
MESSAGE = re.compile(r'"msg": ("(?:[^"\\]|\\.)*")')
TARGET = "Running {} integration test "


def _where(log: str, target: str) -> list[str]:
    """The task of an integration target that ended it, and what it said."""
    section = log.partition(TARGET.format(target))[2].partition("\nRunning ")[0]
    task, said = "", ""
    for line in section.splitlines():
        if line.startswith("TASK ["):
            task = line.rstrip(" *")
        elif line.startswith(("fatal:", "failed:")):
            message = MESSAGE.search(line)
            said = f"{target}: {task}: {message[1] if message else line}"
        elif line == "...ignoring":
            said = ""
    return [said or f"{target}: see its log"]


def found(log: str) -> list[str]:
    """The lines that name what failed, each cut to ``WIDTH``, at most ``MOST`` of them."""
    lines = [line for line in NAMED.findall(log) if " test(s) listed below " not in line]
    for block in LISTED.findall(log):
        for name in block.split():
            lines += _where(log, name) if TARGET.format(name) in log else [name]
    distinct = list(dict.fromkeys(line[:WIDTH] for line in lines))
    more = len(distinct) - MOST
    return distinct[:MOST] + ([f"and {more} more"] if more > 0 else [])
