# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The apps whose events count: those that have an integration in the ledger."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._apple.root_certificate import Root
from ..._apple.signed_data import SignedData
from ..._ledger.integrations import list_integrations
from ..._ledger.ledger import Ledger
from ..._ledger.refunds import App
from ..._model.errors import LedgerError
from ..._model.identifiers import ENVIRONMENTS, Environment
from ..._model.integration import Integration

# What another process declares or removes is known after so long; an unknown app is looked up again sooner.
_AGE_S = 60.0
_AGE_OF_UNKNOWN_S = 5.0
# Between two tries to read a ledger that can't be read.
_PAUSE_S = 30.0
Place = tuple[str, str]


class NoAppleId(Exception):
    """Production payloads are verified against the app's Apple ID, and the ledger has none."""


@dataclass
class Declared:
    """Declared apps by environment and bundle ID. ``monotonic`` gives seconds."""

    ledger: Ledger
    root: Root
    monotonic: t.Callable[[], float]
    _held: dict[Place, Integration] = field(default_factory=dict, init=False)
    _verifiers: dict[tuple[Place, int | None], SignedData] = field(default_factory=dict, init=False)
    _read_at: float | None = field(default=None, init=False)
    # The last reading, where it failed. Each may take long, and all notifications wait for it.
    _failure: LedgerError | None = field(default=None, init=False)
    _failed_at: float = field(default=0.0, init=False)

    def all(self) -> list[Integration]:
        """Return the integrations as the ledger has them now."""
        self._held = {
            (environment, entry.identity.bundle_id): entry
            for environment in ENVIRONMENTS
            for entry in list_integrations(self.ledger, "ledger", "", environment)
        }
        self._read_at, self._failure = self.monotonic(), None
        return list(self._held.values())

    @property
    def failure(self) -> LedgerError | None:
        """Why the ledger couldn't be read, while what is known is of before."""
        return self._failure

    def find(self, environment: Environment, bundle_id: str) -> Integration | None:
        """Return an app's integration, None when nobody declares it.

        While the ledger can't be read (``failure``), what was read before counts for apps that it had, in whatever
        environment: their notifications can be verified, and further URLs get them. None then says nothing.
        """
        age = float("inf") if self._read_at is None else self.monotonic() - self._read_at
        if age > _AGE_S or ((environment, bundle_id) not in self._held and age > _AGE_OF_UNKNOWN_S):
            self._read_again()
        if self._failure is not None and all(bundle_id != held for _environment, held in self._held):
            # Not with what the raises before hung on it: each has a request's body.
            raise self._failure.with_traceback(None)
        return self._held.get((environment, bundle_id))

    def _read_again(self) -> None:
        if self._failure is not None and self.monotonic() - self._failed_at <= _PAUSE_S:
            return
        try:
            self.all()
        except LedgerError as error:
            self._failure, self._failed_at = error, self.monotonic()

    def app(self, entry: Integration) -> App:
        return App(self.root.source, entry.identity.environment, entry.identity.bundle_id)

    def verifier(self, entry: Integration, environment: Environment | None = None) -> SignedData:
        """Return what verifies an app's payloads: those of its environment, or of the other one. Raises NoAppleId."""
        bundle_id, number = entry.identity.bundle_id, entry.app_apple_id
        place = environment or entry.identity.environment
        if number is None and place == "production":
            raise NoAppleId
        key = ((place, bundle_id), number)
        if key not in self._verifiers:
            self._verifiers[key] = SignedData(self.root, place, bundle_id, number)
        return self._verifiers[key]
