# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that kill or interrupt themselves at the n-th point where something has just happened, or is about to."""

from __future__ import annotations

import os
import signal
import threading
import typing as t
from dataclasses import dataclass, field
from unittest import mock

import sqlalchemy

from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import absent_key, kept_key, key_file

MOST_POINTS = 200
# As Ctrl-C does it, which runs what stands behind a "finally".
INTERRUPTED = 128 + signal.SIGINT


@dataclass
class _Killer:
    at: int
    pipe: int
    how: signal.Signals
    before_calls: bool = False
    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def point(self, name: str) -> None:
        """Note a point in the pipe, and die there if it is the one."""
        # Tasks have threads: one point at a time, and none after the last.
        with self.lock:
            os.write(self.pipe, f"{name}\n".encode())
            self.count += 1
            if self.count == self.at + 1:
                os.kill(os.getpid(), self.how)

    def around(self, owner: t.Any, name: str) -> t.Any:
        """Replace a function by one with a point before and a point after it."""
        original = getattr(owner, name)

        def wrapped(*arguments: t.Any, **more: t.Any) -> t.Any:
            self.point(f"before {name}")
            result = original(*arguments, **more)
            self.point(f"after {name}")
            return result

        return mock.patch.object(owner, name, wrapped)

    def answers(self) -> t.Any:
        """Give the transport a point after every answer, and if wanted one before every call that changes something."""
        once = Transport._once

        def wrapped(transport: Transport, call: Call) -> t.Any:
            if self.before_calls and call.method != "GET":
                self.point(f"before {call.method}")
            reply = once(transport, call)
            self.point(
                f"answer {call.method} {call.url.partition('subscriptionKeys')[2] or call.url.rpartition('/')[2]}"
            )
            return reply

        return mock.patch.object(Transport, "_once", wrapped)


def run_and_die(
    function: t.Callable[[], object], at: int, how: signal.Signals = signal.SIGKILL, before_calls: bool = False
) -> list[str]:
    """Call a function in a child that dies at point ``at`` (never: -1). Give the points that it came to."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _run(function, _Killer(at, writer, how, before_calls))
            code = 0
        except KeyboardInterrupt:
            code = INTERRUPTED
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        points = pipe.read().splitlines()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    died = INTERRUPTED if how == signal.SIGINT else -how
    assert code == (0 if at < 0 or at >= len(points) else died), points
    return points


def _run(function: t.Callable[[], object], killer: _Killer) -> None:
    sqlalchemy.event.listen(sqlalchemy.Engine, "commit", lambda _connection: killer.point("before commit"))
    places = [(key_file, "write_key_file"), (kept_key, "keep_somewhere"), (absent_key, "remove_key_file")]
    patches = [killer.around(owner, name) for owner, name in [*places, (os, "replace"), (os, "link")]]
    for patch in [*patches, killer.answers()]:
        patch.start()
    function()


def each_point(
    prepare: t.Callable[[], t.Callable[[], object]], how: signal.Signals = signal.SIGKILL, before_calls: bool = False
) -> t.Iterator[list[str]]:
    """Kill at every point there is, each time in a world made anew; yield the points up to the kill."""
    for at in range(MOST_POINTS):
        points = run_and_die(prepare(), at, how, before_calls)
        yield points
        if len(points) <= at:
            assert at > 3, "nothing was ever killed"
            return
    raise AssertionError("this has no end")
