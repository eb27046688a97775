# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every tracker offers. The modules, the plan and the results are the same for all of them."""

from __future__ import annotations

import typing as t

from .._model.identifiers import Environment
from .._model.integration import Credentials, Identity, Integration


class Tracker(t.Protocol):
    """A service that holds integrations. All methods raise a RefundsError that names the app and the next step."""

    name: str
    project: str

    def find(self, identity: Identity) -> Integration | None:
        """Return what the tracker holds for one app; fields that it can't show are None."""

    def list(self, environment: Environment) -> list[Integration]:
        """Return everything that it holds in one environment, by bundle ID."""

    def save(self, integration: Integration, credentials: Credentials) -> Integration:
        """Create or update one integration and return it as it is held then."""

    def remove(self, identity: Identity) -> None:
        """Remove one integration; none there is no error."""

    def __enter__(self) -> Tracker: ...

    def __exit__(self, *exc_info: object) -> None:
        """Let go of connections and processes."""
