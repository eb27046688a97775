# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit found, as frozen values: the renderers turn it into text and know nothing else."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from .._model.undeclared import Undeclared

if t.TYPE_CHECKING:
    from .compared import Changes
    from .refunds import Refunds

Kind = t.Literal["refused", "unknown", "drift", "pending", "ok", "waived"]
# The worst first: an app that has problems of several kinds counts as the first of them.
KINDS: tuple[Kind, ...] = ("refused", "unknown", "drift", "pending", "ok", "waived")
FAILING: tuple[Kind, ...] = ("refused", "drift", "unknown")
SCHEMA_VERSION = 1
DEFAULT_TITLE = "Refund tracking audit"
KEY_FIELDS = ("issuer_id", "key_id", "key_fingerprint")


@dataclass(frozen=True)
class Problem:
    """One thing about an app. ``cause``: a verdict's, or one of ``OWN_CAUSES``. ``waiver``: its number, if any."""

    kind: Kind
    cause: str
    hint: str
    waiver: int | None = None


@dataclass(frozen=True)
class Difference:
    """A compared field as it is held and as it is declared; None where there is nothing, or nobody knows."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Key:
    """Which key it is, never the key itself; None for what nobody knows."""

    issuer_id: str | None
    key_id: str | None
    key_fingerprint: str | None

    @property
    def is_known(self) -> bool:
        return bool(self.key_id or self.key_fingerprint)


@dataclass(frozen=True)
class BadKey:
    """A declared key with a problem of which no app tells. ``name`` is empty for an entry without one."""

    name: str
    kind: Kind
    cause: str
    hint: str

    @property
    def label(self) -> str:
        return self.name or "a key without a name"


@dataclass(frozen=True)
class App:
    """One app at one tracker.

    ``kind`` is what it counts as. ``held`` is the key that the tracker holds, or would hold after a run. ``declared``
    is the one that was asked for, None when none was or nobody says; ``key_name`` is its short name. ``is_of_key``:
    what is wrong is the key, not this app. ``action`` is what a run would do, empty when nobody compared. ``cause`` is
    that of the credential check, empty without one. ``is_confirmed_by_hand``: ``status`` rests on a person's word.
    ``label``: its name among the others, with tracker and project where it has several. Times are UTC in ISO 8601.
    """

    bundle_id: str
    name: str
    environment: str
    tracker: str
    status: str | None
    held: Key
    declared: Key | None
    action: str
    cause: str
    hint: str
    http_status: int | None
    error_code: int | None
    checked_at: str | None
    request_id: str | None
    problems: tuple[Problem, ...] = ()
    differences: tuple[Difference, ...] = ()
    kind: Kind = "ok"
    key_name: str = ""
    is_of_key: bool = False
    is_confirmed_by_hand: bool = False
    label: str = ""

    @property
    def tried(self) -> Key:
        """The key that the verdict is about, with what only the tracker knows of it: else it would count as another."""
        asked, held = self.declared, self.held
        if asked is None or not asked.is_known:
            return held
        if asked.key_id is None or asked.key_id != held.key_id:
            return asked
        return Key(asked.issuer_id or held.issuer_id, asked.key_id, asked.key_fingerprint or held.key_fingerprint)

    @property
    def contrasts(self) -> tuple[Difference, ...]:
        """The fields of the key that are held otherwise than declared, as in an app that Apple refused."""
        asked = self.declared or self.held
        pairs = ((name, getattr(self.held, name), getattr(asked, name)) for name in KEY_FIELDS)
        return tuple(Difference(*found) for found in pairs if None not in found and found[1] != found[2])

    @property
    def is_absent(self) -> bool:
        """True for an app that is declared absent and held nowhere: Apple has no say in that."""
        return self.kind == "ok" and self.cause == "not_checked" and self.status == "Absent"

    @property
    def told_cause(self) -> str:
        """The cause that a list of apps shows."""
        deciding = self.deciding
        return deciding.cause if deciding else "absent" if self.is_absent else self.cause

    @property
    def other_causes(self) -> list[str]:
        """The causes of the open problems beside the deciding one."""
        deciding = self.deciding
        return [found.cause for found in self.problems if found.waiver is None and found is not deciding]

    @property
    def told_hint(self) -> str:
        deciding = self.deciding
        return deciding.hint if deciding else "Absent, as declared." if self.is_absent else self.hint

    @property
    def deciding(self) -> Problem | None:
        """The problem that the app counts as; the first waived one for a waived app; None when all is well."""
        open_ones = [problem for problem in self.problems if problem.waiver is None]
        return worst(open_ones) or worst(self.problems)

    @property
    def would_change(self) -> bool:
        return self.action in ("create", "update", "delete")


def count_apps(targets: t.Sequence[App]) -> int:
    """Return how many apps these are, each at one tracker or at several."""
    return len({(app.bundle_id, app.environment) for app in targets})


def noun_of(targets: t.Sequence[App]) -> str:
    """Return what the length of ``targets`` counts."""
    return "app" if count_apps(targets) == len(targets) else "integration"


def worst(problems: t.Sequence[Problem]) -> Problem | None:
    return min(problems, key=lambda problem: KINDS.index(problem.kind), default=None)


@dataclass(frozen=True)
class Waiver:
    """An accepted problem: ``until`` is the last day (UTC) on which it holds."""

    bundle_id: str
    cause: str
    reason: str
    until: date
    is_expired: bool = False
    used: int = 0

    @property
    def state(self) -> str:
        """``expired`` (counts no more), ``unused`` (nothing to waive) or ``active``."""
        if self.is_expired:
            return "expired"
        return "active" if self.used else "unused"


@dataclass(frozen=True)
class Report:
    """Everything that is rendered. ``generated_at`` is UTC in ISO 8601. ``unread``: why refunds could not be read.

    ``undeclared``: what is set up and nobody declares. ``bad_keys``: keys beside the apps'.
    ``never_read``: the bundle IDs in production whose refunds the ledger never read.
    """

    title: str
    generated_at: str
    apps: tuple[App, ...]
    waivers: tuple[Waiver, ...] = ()
    refunds: Refunds | None = None
    fail_on: tuple[Kind, ...] = FAILING
    changes: Changes | None = None
    undeclared: tuple[Undeclared, ...] = ()
    bad_keys: tuple[BadKey, ...] = ()
    unread: tuple[str, ...] = ()
    never_read: frozenset[str] = frozenset()
    counts: t.Mapping[Kind, int] = field(init=False)

    def __post_init__(self) -> None:
        found = Counter(app.kind for app in self.apps)
        object.__setattr__(self, "counts", {kind: found[kind] for kind in KINDS})

    def reason(self, app: App) -> Problem | None:
        """Return the worst open problem of an app that ``fail_on`` names: it need not be what the app counts as."""
        return next(iter(self.reasons(app)), None)

    def reasons(self, app: App) -> list[Problem]:
        """Return the first of these of each kind, the worst first: who mends one is to know of the next."""
        found = [one for one in app.problems if one.waiver is None and one.kind in self.fail_on]
        return sorted({one.kind: one for one in reversed(found)}.values(), key=lambda one: KINDS.index(one.kind))

    @property
    def failing(self) -> tuple[tuple[App, Problem], ...]:
        """The apps that make the task fail, each with the reason, the worst first."""
        found = [(app, reason) for app in self.apps if (reason := self.reason(app))]
        return tuple(sorted(found, key=lambda pair: KINDS.index(pair[1].kind)))

    @property
    def failing_keys(self) -> tuple[BadKey, ...]:
        """The keys that make the task fail; no waiver is about a key."""
        return tuple(key for key in self.bad_keys if key.kind in self.fail_on)

    @property
    def needing_attention(self) -> int:
        """The number of apps with an open failure; pending and waived ones don't need attention."""
        return count_apps([app for app in self.apps if app.kind in FAILING])

    @property
    def noun(self) -> str:
        """Return what ``counts`` counts: an app at several trackers is several integrations."""
        return noun_of(self.apps)

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing was audited although something was to be found: that is no success."""
        return not self.apps and not self.failing_keys and bool(self.fail_on)

    @property
    def has_failed(self) -> bool:
        return self.is_idle or self.fails_unread or bool(self.failing or self.failing_keys)

    @property
    def fails_unread(self) -> bool:
        """Tell whether the task fails because refunds could not be read; no waiver is about them."""
        return bool(self.unread) and "unknown" in self.fail_on

    @property
    def refundless(self) -> list[str]:
        """The apps that are Active in the ledger and whose refunds were never read, whatever other trackers have."""
        mine = [app for app in self.apps if app.tracker == "ledger" and app.environment == "production"]
        return sorted({app.bundle_id for app in mine if app.status == "Active"} & self.never_read)

    @property
    def undeclared_shown(self) -> tuple[Undeclared, ...]:
        """What is said of ``undeclared``: where nobody could be asked, what to remove is no matter."""
        was_asked = any(app.kind != "unknown" for app in self.apps) or not self.has_failed
        return self.undeclared if was_asked else ()

    @property
    def environments(self) -> list[str]:
        return sorted({app.environment for app in self.apps})

    @property
    def trackers(self) -> list[str]:
        return sorted({app.tracker for app in self.apps if app.tracker})
