# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads an app's Notification History, several windows at a time, and verifies what it gets.

It begins with one question for each type about the whole time, and splits only what is long. Windows may end in any
order; what they hold is handed on from the oldest on, without a gap.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import typing as t
from dataclasses import dataclass, field, replace

from ..._apple.notification_history import SHRINK_STEP, NoNotificationUrl, NotificationHistory, StartTooFar, TooLong
from ..._apple.signed_data import SignedData, payload_sha256
from ..._model.coverage import Window
from ..._model.identifiers import Environment
from ..._model.refund import NOTIFICATION_TYPES, Notification, NotificationType, Rejected
from ..shared.concurrent import Job
from .refund_windows import around, equal, parts_of

# With answers after 0.2 s, so many use up the 50 calls a second that Apple allows an app (5 in the sandbox).
AT_ONCE: t.Final[t.Mapping[Environment, int]] = {"production": 12, "sandbox": 3}
# More payloads that can't be verified are no single damage: their time is not looked for one by one.
_FEW = 4


@dataclass(frozen=True)
class Piece:
    """What one window holds of one type. ``verified`` are the SHA-256 of the payloads of ``notifications``."""

    window: Window
    notifications: tuple[Notification, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    verified: frozenset[str] = frozenset()
    has_url: bool = True


@dataclass(frozen=True)
class Batch:
    """What one window holds of all types. A piece may be of a longer window that begins with this one."""

    window: Window
    pieces: tuple[Piece, ...]

    @property
    def notifications(self) -> list[Notification]:
        return [one for piece in self.pieces for one in piece.notifications]

    @property
    def rejected(self) -> list[Rejected]:
        return [one for piece in self.pieces for one in piece.rejected]

    @property
    def verified(self) -> set[str]:
        return {one for piece in self.pieces for one in piece.verified}

    @property
    def has_url(self) -> bool:
        return all(piece.has_url for piece in self.pieces)


@dataclass
class _Node:
    """A window that is asked for. ``pieces``: what is known of it already."""

    window: Window
    kinds: tuple[NotificationType, ...]
    pieces: list[Piece]
    is_cut: bool = False
    left: int = 0
    found: dict[NotificationType, Piece] = field(default_factory=dict)
    parts: dict[NotificationType, int] = field(default_factory=dict)
    too_far: StartTooFar | None = None

    def __post_init__(self) -> None:
        self.left = len(self.kinds)


Record = t.Callable[[Batch, bool], None]


class Reading:
    """One app's history. ``record`` gets the batches and whether one is the last, from any thread, one at a time.

    The first batch may begin later than ``wanted``, where Apple's reach ends. ``error``: what broke the reading off;
    what was recorded before it stands.
    """

    def __init__(self, history: NotificationHistory, signed: SignedData, wanted: Window, record: Record) -> None:
        self.error: Exception | None = None
        self._history = history
        self._signed = signed
        self._wanted = wanted
        self._record = record
        self._lock = threading.Lock()
        # The oldest first, so that a run that is broken off leaves less to the next one.
        self._waiting: list[tuple[int, int, _Node, NotificationType]] = []
        self._count = itertools.count()
        self._open: list[_Node] = []
        self._done: dict[int, Batch] = {}
        self._promised = 0
        self._running = 0
        self._has_recorded = False
        self._begin([_Node(wanted, NOTIFICATION_TYPES, [])])

    def jobs(self) -> list[Job]:
        """Return what can be begun at once; each job returns what follows."""
        with self._lock:
            return self._more()

    def _more(self) -> list[Job]:
        jobs: list[Job] = []
        most = AT_ONCE[self._history.environment] - self._running
        while self._promised < min(most, len(self._waiting)) and self.error is None:
            self._promised += 1
            jobs.append(self._job)
        return jobs

    def _job(self) -> list[Job]:
        with self._lock:
            self._promised -= 1
            if not self._waiting or self.error is not None:
                return []
            self._running += 1
            # Only now, since an older window may have been split meanwhile.
            _start, _number, node, kind = heapq.heappop(self._waiting)
        try:
            if self.error is None:
                self._ask(node, kind)
        except Exception as error:
            with self._lock:
                self.error = self.error or error
        with self._lock:
            self._running -= 1
            node.left -= 1
            try:
                if node.left == 0 and self.error is None:
                    self._ended(node)
            except Exception as error:
                self.error = self.error or error
            return self._more()

    def _ask(self, node: _Node, kind: NotificationType) -> None:
        try:
            payloads = self._history.signed_payloads(kind, node.window, lambda found: parts_of(node.window, found))
        except TooLong as error:
            node.parts[kind] = error.parts
        except StartTooFar as error:
            node.too_far = error
        except NoNotificationUrl:
            # It is about the app, not about the window.
            node.found[kind] = Piece(node.window, has_url=False)
        else:
            node.found[kind] = self._piece(node.window, kind, payloads)

    def _piece(self, window: Window, kind: NotificationType, payloads: t.Sequence[t.Any]) -> Piece:
        found: list[Notification] = []
        rejected: dict[str, Rejected] = {}
        verified: set[str] = set()
        for payload in payloads:
            # Each takes half a millisecond or more.
            self._history.check_deadline()
            said = self._signed.notification(payload, kind)
            if isinstance(said, Rejected):
                rejected[said.payload_sha256] = said
            else:
                found.append(said)
                verified.add(payload_sha256(payload))
        return Piece(window, tuple(found), tuple(rejected.values()), frozenset(verified))

    def _ended(self, node: _Node) -> None:
        """Split a window whose types were all asked for, or keep what it holds; the lock is held."""
        self._open.remove(node)
        pieces = [*node.pieces, *node.found.values()]
        damaged = [kind for kind, piece in node.found.items() if piece.rejected]
        cuts = () if node.is_cut else _cuts(node)
        if node.too_far is not None:
            self._begin([self._shortened(node, node.too_far)])
        elif node.parts:
            self._split(node, equal(node.window, max(node.parts.values())), tuple(node.parts), pieces, node.is_cut)
        elif cuts:
            sound = [*node.pieces, *(piece for piece in node.found.values() if not piece.rejected)]
            self._split(node, cuts, tuple(damaged), sound, is_cut=True)
        else:
            self._done[node.window.start] = Batch(node.window, tuple(pieces))
        while self._done and min(self._done) < min((one.window.start for one in self._open), default=self._wanted.end):
            batch = self._done.pop(min(self._done))
            self._record(batch, not self._open and not self._done)
            self._has_recorded = True

    def _shortened(self, node: _Node, error: StartTooFar) -> _Node:
        """Return the window from a later start on. Raises StartTooFar where that is no help."""
        start = node.window.start + SHRINK_STEP[self._history.environment]
        is_first = node.window.start <= min((one.window.start for one in self._open), default=start)
        if self._has_recorded or not is_first or start >= node.window.end:
            raise error
        # What was read of a longer window that began with this one isn't asked for again.
        known = [replace(piece, window=Window(start, piece.window.end)) for piece in node.pieces]
        return _Node(Window(start, node.window.end), node.kinds, known, node.is_cut)

    def _split(
        self,
        node: _Node,
        windows: t.Sequence[Window],
        kinds: tuple[NotificationType, ...],
        known: list[Piece],
        is_cut: bool,
    ) -> None:
        # What is known of the whole is recorded with its first part: rows may come before the time that they cover.
        self._begin([_Node(one, kinds, known if one is windows[0] else [], is_cut) for one in windows])

    def _begin(self, nodes: t.Sequence[_Node]) -> None:
        self._open += nodes
        for node in nodes:
            for kind in node.kinds:
                heapq.heappush(self._waiting, (node.window.start, next(self._count), node, kind))


def _cuts(node: _Node) -> tuple[Window, ...]:
    """Return windows that keep apart the time of a few payloads that can't be verified, so that the rest counts."""
    rejected = [one for piece in node.found.values() for one in piece.rejected]
    dates = [one.claimed_date for one in rejected]
    if not 0 < len(rejected) <= _FEW or None in dates:
        return ()
    return around(node.window, [date for date in dates if date is not None])
