# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proves notification URLs by Apple's test notification, with each app's In-App Purchase key."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..._apple.app_store_server import AppStoreServer
from ..._apple.test_notification import TestNotifications
from ..._context import Context
from ..._ledger.integrations import find_integration
from ..._ledger.ledger import Ledger
from ..._model.errors import RefundsError
from ..._model.identifiers import ENVIRONMENTS
from ..._model.integration import Credentials, Identity
from ..._model.private_key import KeyProblem
from ..shared.options import load_credentials
from ..shared.services import app_store_server
from ..shared.stored_key import stored_credentials
from .request import ProofRequest
from .url_item import Item


@dataclass
class Prover:
    """Asks for test notifications. The key is the one stored with the app's integration, else the task's."""

    request: ProofRequest
    context: Context
    ledger: Ledger
    _server: AppStoreServer = field(init=False)

    def __post_init__(self) -> None:
        self._server = app_store_server(self.request.app_store_server_url, self.context)

    def prove(self, item: Item) -> None:
        """Note in ``item`` what became of a test notification, or why none could be asked for."""
        try:
            credentials = self._credentials(item)
            tests = TestNotifications(self._server, credentials, item.bundle_id, item.environment)
            item.delivery = tests.deliver(self.request.wait_timeout)
        except KeyProblem as problem:
            item.fail(f"No test notification was asked for: {problem}", "")
        except RefundsError as error:
            item.fail(error.message, error.next_step)
        else:
            if item.delivery.is_proof:
                item.proven_at = self.context.timestamp()

    def _credentials(self, item: Item) -> Credentials:
        source = self.request.source
        # One key serves both environments of an app.
        environments = sorted(ENVIRONMENTS, key=lambda one: one != item.environment)
        entries = (find_integration(self.ledger, Identity("ledger", "", one, item.bundle_id)) for one in environments)
        held = next((entry for entry in entries if entry), None)
        found = stored_credentials(held, source) if held else None
        if found is None and source.is_given:
            found = load_credentials(source, self.context.check_mode)
        if found is None:
            raise RefundsError(
                f"No In-App Purchase key is at hand for {item.bundle_id}, so no test notification was asked for."
                + (" Its integration in the ledger has no path: its key was given as text." if held else ""),
                "Declare the key with a private_key_path, or give app_store_notification_url private_key_content."
                if held
                else "Apply refund_tracking_integration for it first, or give private_key_path.",
            )
        return found
