# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of keys at App Store Connect, and a task that revokes one of them, without a process."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from unit_support import ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import RemoteKey, Team
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.irreversible import Gate
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.meant_key import MeantKey
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    RefundsError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permit
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.remote_revocation import Revoked, revoke_key
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.request import KeyRequest

NOW = "2026-11-28T00:00:00Z"
ONE, TWO = "ONE1234567", "TWO1234567"
GONE = RemoteKey(ONE, "one", False, False, revoked_at=NOW)
UNLISTED = (
    "App Store Connect lists no key {} in the team 'Studio' (issuer_id " + ISSUER + "): nothing was revoked. That is "
    "right only if it was revoked more than 30 days ago."
)
Error = t.Callable[[], RefundsError]


def key(key_id: str = ONE, name: str | None = "one", is_active: bool | None = True) -> RemoteKey:
    """A key of the list."""
    return RemoteKey(key_id, name, is_active, False)


@dataclass
class Connect:
    """Lists ``before``, and ``after`` a revocation; an error instead is raised. Notes what it is asked.

    ``lag``: how many lists after a revocation still show what was before.
    """

    before: list[RemoteKey] = field(default_factory=lambda: [key()])
    after: list[RemoteKey] | RefundsError = field(default_factory=lambda: [GONE])
    failure: RefundsError | None = None
    revoked: list[tuple[str, Permit]] = field(default_factory=list)
    asked: list[tuple[int | None, str | None]] = field(default_factory=list)
    foreseen: list[RemoteKey] = field(default_factory=list)
    lag: int = 0

    def open(self) -> Connect:
        """Be the connection, too."""
        return self

    def team(self, team_id: int | None, issuer_id: str | None) -> Team:
        """Name the only one."""
        self.asked.append((team_id, issuer_id))
        return Team(1, ISSUER, "Studio")

    def list_keys(self) -> list[RemoteKey]:
        """List."""
        found = self.after if self.revoked and not self.lag else self.before
        self.lag -= bool(self.revoked and self.lag)
        if isinstance(found, RefundsError):
            raise found
        return found

    def foresee(self, *keys: RemoteKey) -> None:
        """Note what check mode says."""
        self.foreseen += keys

    def revoke(self, key_id: str, permit: Permit) -> None:
        """Revoke."""
        self.revoked.append((key_id, permit))
        if self.failure:
            raise self.failure


@dataclass
class Run:
    """One task."""

    connect: Connect
    check_mode: bool = False
    said: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    remaining: float = 100.0

    def __post_init__(self) -> None:
        self.gate = Gate(lambda: NOW, self.said.append, self.check_mode)

    def revoke(
        self,
        key_id: str | None = ONE,
        name: str | None = None,
        path: str = "",
        proven: str = "",
        staying: tuple[MeantKey, ...] = (),
    ) -> Revoked:
        """Do it."""
        source = KeySource(ISSUER, key_id, path or None, None, "strict")
        asked = KeyRequest(source, name, team_id=7, state="absent", revoke=True, staying=staying)
        transport = SimpleNamespace(remaining=lambda: self.remaining, pause=self.pauses.append)
        context: t.Any = SimpleNamespace(warn=self.warnings.append, check_mode=self.check_mode, transport=transport)
        return revoke_key(asked, context, t.cast(t.Any, self.connect), self.gate, proven)

    def refused(self, **how: t.Any) -> str:
        """Do it; give the error."""
        with pytest.raises(RefundsError) as caught:
            self.revoke(**how)
        return str(caught.value)
