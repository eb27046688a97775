# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was last applied at a tracker that can't show it: rows of the ledger under that tracker's name."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._ledger.integrations import find_integration, list_integrations, put_integration, remove_integration
from .._ledger.ledger import Ledger
from .._model.identifiers import Environment
from .._model.integration import Identity, Integration


@dataclass
class LastApplied:
    """``timestamp`` gives UTC now in ISO 8601."""

    ledger: Ledger
    timestamp: t.Callable[[], str]

    def find(self, identity: Identity) -> Integration | None:
        return find_integration(self.ledger, identity)

    def list(self, tracker: str, project: str, environment: Environment) -> list[Integration]:
        return list_integrations(self.ledger, tracker, project, environment)

    def note(self, integration: Integration) -> None:
        put_integration(self.ledger, integration, self.timestamp())

    def forget(self, identity: Identity) -> None:
        remove_integration(self.ledger, identity)

    def check_place(self) -> None:
        """Raise LedgerError when a change could not be noted. Writes nothing."""
        self.ledger.check_place()

    def begin(self, integration: Integration) -> None:
        """Note that a save is about to be sent: should its end stay unknown, nothing is taken for applied."""
        self.note(replace(integration, issuer_id=None, key_id=None, key_fingerprint=None, status="Pending"))

    def undo(self, identity: Identity, before: Integration | None) -> None:
        """Put back what was noted before a save that is known not to have happened."""
        if before is None:
            self.forget(identity)
        else:
            self.note(before)
