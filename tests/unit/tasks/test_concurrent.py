# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs at the same time: as many threads as the flow allows, jobs that follow from jobs, and what breaks them off."""

from __future__ import annotations

import itertools
import signal
import threading
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._http_flow import FIRST, Flow
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared.concurrent import Job, each, work_off


class Peak:
    """Counts who is inside, and can keep them there until a number have met."""

    def __init__(self, flow: Flow, answers: bool = True) -> None:
        self.flow, self.answers = flow, answers
        self.inside = self.highest = 0
        self.changed = threading.Condition()

    def call(self, wait_for: int = 0) -> None:
        """Pretend to call; return when ``wait_for`` calls have been on their way at a time."""
        begun = self.flow.begins()
        with self.changed:
            self.inside += 1
            self.highest = max(self.highest, self.inside)
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.highest >= wait_for, timeout=300)
            self.inside -= 1
        self.flow.answered(begun, 200 if self.answers else 429)


def test_threads_grow_with_the_answers() -> None:
    flow = Flow(20)
    peak = Peak(flow)
    # Each waits until there are as many as there should be.
    each(range(500), lambda _number: peak.call(flow.limit), flow)
    assert peak.highest == 20


def test_never_more_than_the_limit() -> None:
    flow = Flow(3)
    peak = Peak(flow)
    each(range(200), lambda _number: peak.call(3), flow)
    assert peak.highest == 3


def test_threads_leave_when_the_service_is_overloaded() -> None:
    flow = Flow()
    peak = Peak(flow, answers=False)
    each(range(8), lambda _number: peak.call(FIRST), flow)
    assert flow.limit == 4
    peak.highest = 0
    each(range(200), lambda _number: peak.call(), flow)
    assert peak.highest <= 4


def test_jobs_follow_from_jobs() -> None:
    seen: list[str] = []

    def job(name: str, depth: int) -> Job:
        def work() -> t.Sequence[Job]:
            seen.append(name)
            return [job(f"{name}{number}", depth - 1) for number in range(3)] if depth else []

        return work

    work_off([job("a", 3), job("b", 0)], Flow())
    assert len(seen) == len(set(seen)) == 1 + 3 + 9 + 27 + 1
    seen.clear()
    work_off([job("a", 2)], Flow(1))
    assert seen == ["a", "a0", "a00", "a01", "a02", "a1", "a10", "a11", "a12", "a2", "a20", "a21", "a22"]


def test_an_error_ends_it() -> None:
    begun: list[int] = []

    def job(number: int) -> t.Sequence[Job]:
        begun.append(number)
        if number == 2:
            raise ValueError("two")
        return ()

    with pytest.raises(ValueError, match="two"):
        work_off([lambda number=number: job(number) for number in range(100)], Flow(1))  # type: ignore[misc]
    assert begun == [0, 1, 2]


def test_a_signal_that_a_thread_gets_is_heeded_while_all_wait_for_answers() -> None:
    """The system may give Ctrl-C to any thread; Python's own handler waits for the main one to do anything."""
    answered, ended = threading.Event(), []

    class Interrupted(BaseException):
        pass

    def interrupt(_number: int, _frame: object) -> t.NoReturn:
        raise Interrupted

    def job() -> t.Sequence[Job]:
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        ended.append(answered.wait(300))
        return ()

    def other() -> t.Sequence[Job]:
        ended.append(answered.wait(300))
        return ()

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Interrupted):
            work_off([job, other], Flow())
        assert not ended
    finally:
        answered.set()
        signal.signal(signal.SIGUSR1, before)


Begin = t.Callable[[threading.Thread], None]


def _scarce(monkeypatch: pytest.MonkeyPatch, is_had: t.Callable[[int], bool], error: BaseException) -> Begin:
    """Let threads begin as ``is_had`` says of their number, from 1, and raise ``error`` else; give what always does."""
    begin, numbers = threading.Thread.start, itertools.count(1)

    def start(thread: threading.Thread) -> None:
        if not is_had(next(numbers)):
            raise error
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    return begin


SCARCE: dict[str, t.Callable[[int, int], bool]] = {
    "all but one": lambda number, missing: number != missing,
    "only so many": lambda number, missing: number < missing,
}


@pytest.mark.parametrize("missing", range(1, 21))
@pytest.mark.parametrize("kind", SCARCE)
def test_all_is_done_by_the_threads_that_are_had(monkeypatch: pytest.MonkeyPatch, kind: str, missing: int) -> None:
    done: list[int] = []
    ended: list[int] = []
    following = [lambda number=number: done.append(number) or () for number in range(20)]

    def work() -> None:
        # The first two threads are begun by the caller, the others by these two.
        work_off([lambda: following, lambda: following], Flow())
        ended.extend(sorted(done))

    begin = _scarce(monkeypatch, lambda number: SCARCE[kind](number, missing), RuntimeError("can't start new thread"))
    # Whoever waits for a thread that never was waits for ever.
    watched = threading.Thread(target=work, daemon=True)
    begin(watched)
    watched.join(300)
    assert ended == sorted([*range(20), *range(20)])


def test_what_breaks_off_the_beginning_of_threads_ends_those_that_began(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(BaseException):
        pass

    begun: list[threading.Thread] = []
    returned = threading.Event()

    def work(_number: int) -> None:
        begun.append(threading.current_thread())
        assert returned.wait(300)

    _scarce(monkeypatch, lambda number: number != 4, Interrupted())
    before = set(threading.enumerate())
    with pytest.raises(Interrupted):
        each(range(100), work, Flow())
    returned.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(300)
    # Each may have begun one before it could know.
    assert len(begun) == len(set(begun)) <= 3


def test_nothing_to_do() -> None:
    work_off([], Flow())
    assert each([], lambda item: item, Flow()) == []


def test_a_single_job_needs_no_thread() -> None:
    assert each([1], lambda _item: threading.current_thread(), Flow()) == [threading.current_thread()]
