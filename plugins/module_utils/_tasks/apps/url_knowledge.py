# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is learnt of notification URLs goes into the ledger: for the audit, and for the coverage of refunds."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._apple.notification_history import REACH
from ..._apple.test_notification import SUCCESS
from ..._context import Context
from ..._ledger.integrations import find_integration
from ..._ledger.ledger import Ledger
from ..._ledger.notification_urls import KnownUrl, hear, put_urls
from ..._ledger.refunds import App
from ..._model.identifiers import Environment
from ..._model.integration import Identity
from ..._model.notification_url import Url, known_as
from .url_item import Item


@dataclass(frozen=True)
class Knowledge:
    """``root_source``: the ledger's name of the root certificate.

    ``known``: what the ledger knew before, by environment and bundle ID.
    """

    root_source: str
    context: Context
    ledger: Ledger
    known: t.Mapping[tuple[str, str], KnownUrl]

    def update(self, items: t.Sequence[Item]) -> None:
        """Complete ``items`` with earlier proofs, and store what is known now (not in check mode).

        Of a URL of which it isn't known whether it was set, only what App Store Connect showed is stored.
        """
        learnt = [self._known_now(item) for item in items if item.record is not None and not item.is_unknown]
        if self.context.check_mode:
            return
        seen = [item for item in items if item.record is not None]
        declared = [item for item in seen if self._is_held(item.environment, item.bundle_id)]
        # A ledger without these apps is not made for them.
        if declared:
            named = {(item.environment, item.bundle_id) for item in declared}
            put_urls(self.ledger, [one for one in learnt if (one.environment, one.bundle_id) in named])
        for item in declared:
            self._hear(item, item.environment, item.before, item.in_effect)
        told = {(item.environment, item.bundle_id) for item in items}
        for item in seen:
            # A sandbox without a URL of its own had, and has, that of production.
            if ("sandbox", item.bundle_id) not in told and self._is_held("sandbox", item.bundle_id):
                own = item.record.url("sandbox") if item.record else None
                self._hear(item, "sandbox", own or item.before, own or item.in_effect)

    def _hear(self, item: Item, environment: Environment, before: Url | None, after: Url | None) -> None:
        app, at = App(self.root_source, environment, item.bundle_id), int(self.context.now() * 1000)
        # The URL before tells of a break that the one set by now hides.
        urls = (known_as(before), known_as(after))
        hear(self.ledger, app, urls, REACH[environment], at, self.context.timestamp())

    def _known_now(self, item: Item) -> KnownUrl:
        now, url = self.context.timestamp(), item.current
        before = self.known.get((item.environment, item.bundle_id))
        test_result, tested_at = None, None
        if item.delivery is not None:
            test_result, tested_at = item.delivery.result, now
        elif not item.may_be_late and before is not None and url is not None and before.url_sha256 == url.sha256:
            test_result, tested_at = before.test_result, before.tested_at
        if test_result == SUCCESS:
            item.proven_at = tested_at
        state = "as_declared" if item.state == "proven" else item.state
        return KnownUrl(
            item.environment,
            item.bundle_id,
            state,
            url.host if url else None,
            url.sha256 if url else None,
            now,
            test_result,
            tested_at,
        )

    def _is_held(self, environment: Environment, bundle_id: str) -> bool:
        return find_integration(self.ledger, Identity("ledger", "", environment, bundle_id)) is not None
