# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The built-in tracker: the integration is a row of the ledger."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass

from .._ledger.coverage import proven_apple_ids
from .._ledger.integrations import (
    find_integration,
    list_integrations,
    put_integration,
    put_integrations,
    remove_integration,
    remove_integrations,
)
from .._ledger.ledger import Ledger
from .._model.errors import RefundsError
from .._model.identifiers import Environment
from .._model.integration import Credentials, Identity, Integration, Observation
from .._model.permit import Permit
from .._model.refund import contradicted
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

    def find(self, identity: Identity) -> Integration | None:
        return find_integration(self.ledger, identity)

    def list(self, environment: Environment) -> list[Integration]:
        return list_integrations(self.ledger, self.name, self.project, environment)

    def observe(self, desired: Integration, current: Integration | None, changed: bool) -> Observation:
        # What is held already, refunds and the audit tell of: it must not keep a new key from the app.
        if current is None or current.app_apple_id != desired.app_apple_id:
            self._refuse_another_app(desired)
        if changed:
            self.ledger.check_place()
        return Observation(desired.status)

    def _refuse_another_app(self, desired: Integration) -> None:
        """Raise RefundsError for an Apple ID under which no payload of the app would be verified any more."""
        if desired.identity.environment == "production" and desired.app_apple_id is not None:
            known = self._proven_apple_ids.get(desired.identity.bundle_id, set())
            if known and desired.app_apple_id not in known:
                raise RefundsError(contradicted(desired.app_apple_id, max(known)))

    @functools.cached_property
    def _proven_apple_ids(self) -> dict[str, set[int]]:
        return proven_apple_ids(self.ledger)

    def save(self, integration: Integration, credentials: Credentials) -> Integration:
        self.note(integration)
        return integration

    def note(self, integration: Integration) -> None:
        put_integration(self.ledger, integration, self.timestamp())

    def foretell_note(self) -> None:
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

    def irremovable(self, identity: Identity) -> str:
        return ""

    def foretell_removal(self, identity: Identity) -> None:
        pass

    def remove(self, identity: Identity) -> None:
        remove_integration(self.ledger, identity)
