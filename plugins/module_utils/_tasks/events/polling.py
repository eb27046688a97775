# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads Apple's Notification History of all declared apps: refunds as refund_ledger does, and consumption requests."""

from __future__ import annotations

import functools
import os
import typing as t
from collections import Counter
from dataclasses import dataclass, replace

from ..._apple.app_store_server import AppStoreServer, Hosts
from ..._apple.notification_history import NoNotificationUrl, NotificationHistory, TooLong
from ..._apple.pace import CALLS_A_SECOND, Pace
from ..._context import Context
from ..._declaration.keys import KeySource
from ..._http import Transport
from ..._ledger.refunds import App
from ..._model.coverage import Window
from ..._model.errors import RefundsError
from ..._model.event import ANSWER_WITHIN_MS, ConsumptionRequest
from ..._model.integration import Credentials, Integration
from ..._model.private_key import KeyProblem
from ..._model.quarantine import advice, counted
from ..._model.refund import Rejected
from ..._model.secret import Secret
from ..._model.text import few
from ..refunds.ledger_request import LedgerRequest, Wanted
from ..refunds.refund_ledger import update
from ..refunds.refund_windows import equal
from ..shared.concurrent import each
from ..shared.options import load_key
from ..shared.stored_key import stored_credentials
from .declared import Declared, NoAppleId
from .settings import Settings
from .storing import store

# A request that came late may still be answered for a while, and a poll takes its time.
_MORE_MS = 3_600_000
_NO_KEY = (
    "the key's file can't be found on this machine, so Apple isn't asked for their refunds. Declare private_key_path, "
    "run storeops.refunds.site, and have the file there on this machine; or use mode: listen."
)


def _is_gone(path: str) -> bool:
    """Tell whether nothing lies there, as against what this process may not look at."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


@dataclass(frozen=True)
class Poller:
    """``context`` gives clock, environment and warnings; each poll has a transport of its own."""

    settings: Settings
    declared: Declared
    context: Context

    def poll(self) -> None:
        """Read everything once. One app's trouble is a warning and stops no other."""
        declared = self.declared.all()
        apps = [entry for entry in declared if entry.status == "Active"]
        others = [
            f"{one.identity.bundle_id} ({one.identity.environment})" for one in declared if one.status != "Active"
        ]
        if others:
            self.context.warn(
                f"{few(others)}: not Active in the ledger, so Apple isn't asked for their refunds. "
                "refund_tracking_integration_info names the cause."
            )
        if not apps:
            self.context.warn(
                "No integration in the ledger is Active, so nothing is polled. Apply refund_tracking_integration first "
                "(tracker: ledger), with the same ledger.url."
            )
            return
        keys = self._keys(apps)
        if not keys:
            return
        http = replace(self.context.transport.settings, deadline=max(120.0, self.settings.interval))
        context = replace(self.context, transport=Transport(http))
        try:
            update(self._request([entry for entry, _key in keys]), context)
        except RefundsError as failure:
            self.context.warn(str(failure))

        def requests(asked: tuple[Integration, Credentials]) -> tuple[App, list[ConsumptionRequest]] | None:
            entry, _key = asked
            try:
                return self._requests(*asked, context)
            except RefundsError as error:
                self.context.warn(f"{entry.identity.bundle_id} ({entry.identity.environment}): {error}")
                return None

        found = dict(filter(None, each(keys, requests, context.transport.flow)))
        store(self.declared.ledger, found, context.timestamp())

    def _keys(self, entries: t.Iterable[Integration]) -> list[tuple[Integration, Credentials]]:
        """Return the apps whose key is at hand, with it. Warns of all others, by cause: nothing else would know them.

        The steps that a module tells are no help here: no key can be given to this source.
        """
        loaded = functools.cache(load_key)
        found: list[tuple[Integration, Credentials]] = []
        faults: dict[str, list[str]] = {}
        for entry in entries:
            path, where, credentials = entry.private_key_path, entry.identity.environment, None
            text, about = _NO_KEY, f"; {path or 'no path is stored'}"
            try:
                if path and not _is_gone(path):
                    credentials = stored_credentials(entry, self._source, loaded)
            except KeyProblem as problem:
                text, about = f"{problem}", ""
            if credentials is None:
                faults.setdefault(text, []).append(f"{entry.identity.bundle_id} ({where}{about})")
            else:
                found.append((entry, credentials))
        for text, names in faults.items():
            self.context.warn(f"{few(names)}: {text}")
        return found

    def _request(self, apps: t.Iterable[Integration]) -> LedgerRequest:
        url = self.settings.ledger_url
        return LedgerRequest(
            apps=tuple(Wanted(entry.identity, None, self._source) for entry in apps),
            is_list=True,
            retention_days=None,
            ledger_url=None if url is None else Secret(url),
            app_store_server_url=self.settings.app_store_server_url,
            root=self.declared.root,
            connect_api=None,
        )

    @property
    def _look_back_ms(self) -> int:
        """As long as a request can be answered, and never less than since the last poll."""
        return max(ANSWER_WITHIN_MS, int(self.settings.interval * 1000)) + _MORE_MS

    @property
    def _source(self) -> KeySource:
        """No key is given: each app's lies at the path that is stored with its integration."""
        return KeySource(None, None, None, None, self.settings.private_key_file_policy)

    def _requests(
        self, entry: Integration, credentials: Credentials, context: Context
    ) -> tuple[App, list[ConsumptionRequest]] | None:
        """Return the requests that can still be answered, if there are any; the outbox tells which are new."""
        server = AppStoreServer(context.transport, Hosts(self.settings.app_store_server_url), context.now)
        identity = entry.identity
        pace = Pace(context.transport, CALLS_A_SECOND[identity.environment])
        history = NotificationHistory(server, credentials, identity.bundle_id, identity.environment, pace)
        now = int(context.now() * 1000)
        try:
            payloads = _payloads(history, Window(now - self._look_back_ms, now))
            verifier = self.declared.verifier(entry)
        except (NoNotificationUrl, NoAppleId):
            return None
        told = [verifier.told(payload) for payload in payloads]
        rejected = Counter(one.reason for one in told if isinstance(one, Rejected))
        if rejected:
            said = (
                f"{identity.bundle_id} ({identity.environment}): {sum(rejected.values())} of Apple's requests for "
                f"consumption information can't be used ({counted(rejected)}), and Apple waits for an answer for 12 "
                "hours only."
            )
            self.context.warn(" ".join([said, *advice(rejected)]))
        asked = [one for one in told if isinstance(one, ConsumptionRequest)]
        app = App(self.declared.root.source, identity.environment, identity.bundle_id)
        return (app, asked) if asked else None


def _payloads(history: NotificationHistory, window: Window) -> list[t.Any]:
    """Return the requests of a window, of parts of it where its list is too long; what lies at an edge, twice."""
    kind: t.Any = "CONSUMPTION_REQUEST"
    try:
        return history.signed_payloads(kind, window, lambda found: 1)
    except TooLong as error:
        return [payload for part in equal(window, error.parts) for payload in _payloads(history, part)]
