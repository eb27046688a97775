# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records batches of notifications: each together with the time that it covers."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field, fields, replace

from ..._ledger.coverage import (
    Quarantined,
    find_coverage,
    list_quarantined,
    put_coverage,
    quarantine,
    release,
)
from ..._ledger.events import count_events_before, remove_events_before
from ..._ledger.ledger import Ledger
from ..._ledger.refunds import App, compare, count_before, put, remove_before
from ..._model.coverage import (
    Coverage,
    NotificationUrl,
    Window,
    advanced,
    begun,
    forgotten,
    heard,
    judged,
    lost,
    proven,
)
from ..._model.refund import Notification
from .refund_reading import Batch
from .refund_removal import Removal
from .refund_tally import Tally

if t.TYPE_CHECKING:
    import sqlalchemy

State = dict[str, t.Any]


@dataclass
class Recorder:
    """Records for one app. ``keep_from`` (UNIX milliseconds): what is dated earlier is not kept; None keeps all.
    ``removal`` asks before what is older is removed; without it, nothing is.

    ``app_apple_id``: what the notifications were verified against; None in the sandbox, where Apple names none.
    ``now`` is UTC in ISO 8601 and ``at`` the same in UNIX milliseconds. One object is for one run. ``tally``,
    ``coverage``, ``quarantined`` and its ``reasons`` tell how things stand after the last call.
    """

    ledger: Ledger
    app: App
    url: NotificationUrl
    keep_from: int | None
    now: str
    at: int
    app_apple_id: int | None = None
    tally: Tally = field(default_factory=Tally)
    coverage: Coverage | None = None
    quarantined: int = 0
    reasons: t.Mapping[str, int] = field(default_factory=dict)
    removal: Removal | None = None
    has_removed: bool = field(default=False, init=False)
    _has_begun: bool = field(default=False, init=False)
    _has_trouble: bool = field(default=False, init=False)
    _seen: set[str] = field(default_factory=set, init=False)

    @property
    def read_until(self) -> int:
        """Until when (UNIX milliseconds) the history was read, whatever was found; 0 when it never was."""
        return self.coverage.read_until if self.coverage else 0

    def resume(self, connection: sqlalchemy.Connection) -> int | None:
        """Return from when on (UNIX milliseconds) the history has to be read; None when it never was.

        Everything earlier is settled, and nothing earlier waits in quarantine.
        """
        self.coverage = find_coverage(connection, self.app)
        held = self._held(connection)
        self.quarantined = len(held)
        if self.coverage is None:
            return None
        return min(self.coverage.settled_until, *(one.window.start for one in held.values()), self.at)

    def take(self, connection: sqlalchemy.Connection, batch: Batch, read: Window | None) -> None:
        """Write what a batch adds, and its coverage; the caller commits, and holds the app's lock.

        With the last batch, ``read`` is all that the run read: what the history no longer holds leaves quarantine, and
        what is too old is removed.
        """
        held = self._take(connection, [batch], writes=True)
        if read is not None:
            self._tidy(connection, self.coverage, held, read, writes=True)

    def predict(self, batches: t.Sequence[Batch], read: Window | None) -> None:
        """Tell what ``take`` for every batch would do; without ``read``, the last one is missing."""
        before = self.state()
        try:
            with self.ledger.reading() as connection:
                held = self._take(connection, batches, writes=False)
                if read is not None:
                    self._tidy(connection, self.coverage, held, read, writes=False)
        except BaseException:
            self.restore(before)
            raise

    def state(self) -> State:
        """Return what ``restore`` puts back when a transaction was not committed."""
        # Not vars(): a field that still has its default isn't there.
        every = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**every, "tally": self.tally.copied(), "_seen": set(self._seen)}

    def restore(self, state: State) -> None:
        vars(self).update({**state, "tally": state["tally"].copied(), "_seen": set(state["_seen"])})

    def recognise(self, before: State, lost: State) -> None:
        """Tell what an earlier attempt did, where this one had nothing to do: the answer to its commit was lost.

        ``before``: the state in which both began. ``lost``: that in which the other ended.
        """
        if self.tally.changes == before["tally"].changes:
            self.tally, self.has_removed = lost["tally"].copied(), lost["has_removed"]

    def _take(
        self, connection: sqlalchemy.Connection, batches: t.Sequence[Batch], writes: bool
    ) -> dict[str, Quarantined]:
        coverage = find_coverage(connection, self.app)
        told = (one for batch in batches for one in batch.notifications)
        read = [one for one in map(self._of_kept_refunds, told) if one.refunds or self._is_kept(one.date)]
        changes = compare(connection, self.app, read)
        if writes:
            put(connection, self.app, changes, self.now)
        held = self._held(connection)
        for batch in batches:
            is_clean = self._sort_out(connection, batch, held, writes)
            self._has_trouble = self._has_trouble or not is_clean
            coverage = self._after(coverage, batch)
        self.tally.add(changes, read, (one for batch in batches for one in batch.rejected))
        self._cover(connection, coverage, held, writes)
        return held

    def _after(self, coverage: Coverage | None, batch: Batch) -> Coverage:
        """Return the coverage with a batch."""
        # Only the first window of a run tells how far back Apple's history reaches.
        if coverage is None or not self._has_begun:
            coverage = begun(coverage, batch.window.start)
            self._has_begun = True
        coverage = advanced(coverage, batch.window, self.at, not self._has_trouble)
        coverage = proven(coverage, [one.signed_date for one in batch.notifications])
        if batch.notifications and self.app_apple_id is not None:
            coverage = replace(coverage, app_apple_id=self.app_apple_id)
        if not batch.has_url:
            self.url = "none"
        # A URL counts from the end of a run, when the notifications have had their say; that there is none, at once.
        if self.url in ("none", "V1") and not coverage.is_without_url:
            coverage = heard(coverage, self.url, self.at)
        return coverage if self.keep_from is None else forgotten(coverage, self.keep_from)

    def _sort_out(
        self, connection: sqlalchemy.Connection, batch: Batch, held: dict[str, Quarantined], writes: bool
    ) -> bool:
        """Bring the quarantine (``held``) up to date with a batch; tell whether the batch put nothing there."""
        uuids = {one.uuid for one in batch.notifications}
        # Of a notification that is there as it should be, a damaged copy is no loss.
        is_clean = True
        for piece in batch.pieces:
            rejected = [one for one in piece.rejected if one.notification_uuid not in uuids]
            is_clean = is_clean and not rejected
            self.tally.put_in_quarantine(
                {one.payload_sha256: one.told for one in rejected if one.payload_sha256 not in held}
            )
            for one in rejected:
                sha256 = one.payload_sha256
                held[sha256] = Quarantined(sha256, one.notification_uuid, one.told, piece.window)
                self._seen.add(sha256)
            if writes:
                quarantine(connection, self.app, rejected, piece.window, self.now)
        verified = batch.verified
        sound = [one for one in held.values() if one.payload_sha256 in verified or one.notification_uuid in uuids]
        self._let_go(connection, held, sound, writes)
        return is_clean

    def _tidy(
        self,
        connection: sqlalchemy.Connection,
        coverage: Coverage | None,
        held: dict[str, Quarantined],
        read: Window,
        writes: bool,
    ) -> None:
        unseen = [one for one in held.values() if one.payload_sha256 not in self._seen and one.window.end <= read.end]
        gone = unseen + [one for one in held.values() if one not in unseen and not self._is_kept(one.window.end)]
        self._let_go(connection, held, gone, writes)
        if coverage is not None:
            coverage = heard(coverage, self.url, self.at)
            for one in unseen:
                # What has left Apple's reach unverified can't be known any more.
                coverage = lost(coverage, Window(one.window.start, min(one.window.end, read.start)))
        if self.keep_from is not None and self.removal is not None:
            self._forget(connection, self.keep_from, self.removal, writes)
        self._cover(connection, coverage, held, writes)

    def _forget(self, connection: sqlalchemy.Connection, before: int, removal: Removal, writes: bool) -> None:
        old = count_before(connection, self.app, before)
        self.tally.removed, self.tally.told = old
        self.tally.events = count_events_before(connection, self.app.values(), before)
        if any(old):
            permit = removal.ask(old, before)
            if permit is not None and writes:
                remove_before(connection, self.app, before, permit)
                self.has_removed = True
        if writes:
            remove_events_before(connection, self.app.values(), before)

    def _let_go(
        self,
        connection: sqlalchemy.Connection,
        held: dict[str, Quarantined],
        gone: t.Sequence[Quarantined],
        writes: bool,
    ) -> None:
        for one in gone:
            del held[one.payload_sha256]
        self.tally.release({one.payload_sha256: one.reason for one in gone})
        if writes:
            release(connection, self.app, [one.payload_sha256 for one in gone])

    def _cover(
        self,
        connection: sqlalchemy.Connection,
        coverage: Coverage | None,
        held: t.Mapping[str, Quarantined],
        writes: bool,
    ) -> None:
        self.quarantined = len(held)
        self.reasons = Counter(one.reason for one in held.values())
        if coverage is None:
            return
        if self.keep_from is not None:
            coverage = forgotten(coverage, self.keep_from)
        self.coverage = judged(coverage, self.reasons)
        if writes:
            put_coverage(connection, self.app, self.coverage, self.now)

    def _held(self, connection: sqlalchemy.Connection) -> dict[str, Quarantined]:
        return {one.payload_sha256: one for one in list_quarantined(connection, self.app)}

    def _of_kept_refunds(self, one: Notification) -> Notification:
        """Return a notification without refunds that are too old; others of its transaction may be younger."""
        return replace(one, refunds=tuple(refund for refund in one.refunds if self._is_kept(refund.revocation_date)))

    def _is_kept(self, date: int) -> bool:
        return self.keep_from is None or date >= self.keep_from
