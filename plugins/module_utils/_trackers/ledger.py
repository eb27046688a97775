# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The built-in tracker: the integration is a row of the ledger."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._ledger.integrations import (
    find_integration,
    list_integrations,
    put_integration,
    put_integrations,
    remove_integration,
    remove_integrations,
)
from .._ledger.ledger import Ledger
from .._model.identifiers import Environment
from .._model.integration import Credentials, Identity, Integration, Observation
from .._model.permit import Permit
from .protocol import OnUnknown


@dataclass
class LedgerTracker:
    """``timestamp`` gives UTC now in ISO 8601. The ledger has no projects and knows all that it holds."""

    ledger: Ledger
    timestamp: t.Callable[[], str]
    name: str = "ledger"
    project: str = ""
    on_unknown: OnUnknown = "replace"
    is_listable: bool = True
    has_no_api: bool = False

    def find(self, identity: Identity) -> Integration | None:
        return find_integration(self.ledger, identity)

    def list(self, environment: Environment) -> list[Integration]:
        return list_integrations(self.ledger, self.name, self.project, environment)

    def observe(self, desired: Integration, current: Integration | None, changed: bool) -> Observation:
        if changed:
            self.ledger.check_place()
        return Observation(desired.status)

    def save(self, integration: Integration, credentials: Credentials) -> Integration:
        self.note(integration)
        return integration

    def note(self, integration: Integration) -> None:
        put_integration(self.ledger, integration, self.timestamp())

    def check_place(self) -> None:
        self.ledger.check_place()

    def note_all(self, entries: t.Sequence[Integration]) -> None:
        """Save many in one transaction: all of them, or none."""
        put_integrations(self.ledger, entries, self.timestamp())

    def remove_all(self, identities: t.Sequence[Identity]) -> None:
        """Remove many in one transaction: all of them, or none."""
        remove_integrations(self.ledger, identities)

    def purge(self, identities: t.Sequence[Identity], target: str, permit: Permit) -> None:
        """Remove what is not listed, in one transaction."""
        permit.require("purge", target)
        self.remove_all(identities)

    def doubt(self, identity: Identity) -> str:
        return ""

    def irremovable(self, identity: Identity) -> str:
        return ""

    def foretell_removal(self, identity: Identity) -> None:
        pass

    def remove(self, identity: Identity) -> None:
        remove_integration(self.ledger, identity)
