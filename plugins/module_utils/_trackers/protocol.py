# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every tracker offers. The modules, the plan and the results are the same for all of them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._model.errors import RefundsError
from .._model.identifiers import Environment
from .._model.integration import Credentials, Identity, Integration, Observation

OnUnknown = t.Literal["keep", "replace", "fail"]


@dataclass(frozen=True)
class Times:
    """Seconds: for one request or one action on a page, and to wait for Active."""

    request: float
    wait: float


class NotActive(RefundsError):
    """The integration was saved, but the tracker does not show it as Active. ``integration`` is as it is held."""

    def __init__(self, message: str, integration: Integration, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.integration = integration


class Tracker(t.Protocol):
    """A service that holds integrations. All methods raise a RefundsError that names the app and the next step.

    ``on_unknown`` says what to do where the tracker can't show what it holds: keep it, replace it, or fail.
    ``is_listable``: whether `list` knows all that `find` would tell of each app. ``has_no_api``: it can't be asked at
    all, and knows what a person was asked for and confirmed.
    """

    name: str
    project: str
    on_unknown: OnUnknown
    is_listable: bool
    has_no_api: bool

    def find(self, identity: Identity) -> Integration | None:
        """Return what the tracker holds for one app; fields that it can't show are None.

        An entry of the app that holds no key has the status Absent and is outdated.
        """

    def list(self, environment: Environment) -> list[Integration]:
        """Return everything that it holds in one environment, by bundle ID."""

    def observe(self, desired: Integration, current: Integration | None, changed: bool) -> Observation:
        """Return the status to show and store. ``desired.status`` is what Apple's verdict allows at best.

        Failed and Unknown with a word are the tracker's own verdict, whatever Apple says.

        ``changed`` tells that the entry is (or in check mode would be) written by this run. Raises what `save` would
        raise that can be known without writing, so that check mode fails where the run does.
        """

    def save(self, integration: Integration, credentials: Credentials) -> Integration:
        """Create or update one integration and return it as it is held then. May raise NotActive."""

    def note(self, integration: Integration) -> None:
        """Keep what was seen of an integration that needs no change: its status, its key's path."""

    def check_place(self) -> None:
        """Raise LedgerError where the ledger could not take what `note` and `remove` write. Writes nothing."""

    def doubt(self, identity: Identity) -> str:
        """Return why nobody knows whether an app that `find` didn't find is gone, with the next step, or nothing."""

    def irremovable(self, identity: Identity) -> str:
        """Return why an integration can't be removed here and what a person can do, or nothing when it can."""

    def foretell_removal(self, identity: Identity) -> None:
        """Record what `remove` would do that can't be undone, and raise what is known before; for check mode."""

    def remove(self, identity: Identity) -> None:
        """Remove one integration; none there is no error."""
