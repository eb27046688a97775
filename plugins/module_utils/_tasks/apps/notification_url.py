# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""app_store_notification_url: apps' notification URLs at App Store Connect are as declared, and proven."""

from __future__ import annotations

import contextlib
import typing as t

from ..._apple.app_record import URL_ATTRIBUTES, AppRecord
from ..._apple.app_store_connect_api import AppStoreConnectApi
from ..._context import Context, Params, Results, Task, TaskFailed
from ..._ledger.notification_urls import known_urls
from ..._model.errors import LedgerError, RefundsError, TransportError
from ..._model.notification_url import choose
from ..shared.concurrent import each
from ..shared.connect_api import open_connect_api
from ..shared.services import CALL_LIBRARIES
from ..shared.trackers import LEDGER_LIBRARIES, open_ledger
from .request import UrlRequest, request_of
from .url_item import Item, WantedApp, diff_of, failure, warn_of_kept, warn_of_late
from .url_knowledge import Knowledge
from .url_options import notification_url
from .url_proof import Prover


def run(params: Params, context: Context) -> Results:
    request = request_of(params)
    wanted = request.apps
    api = open_connect_api(request.connect_api, context)
    with contextlib.closing(open_ledger(request.ledger_url, context, for_writing=True)) as ledger:
        # Before anything is set: the ledger has to be there for what is learnt.
        ledger.check_place()
        known = known_urls(ledger, {app.bundle_id for app in wanted})
        records = {record.bundle_id: record for record in api.apps([app.bundle_id for app in wanted])}
        items = [item for app in wanted for item in _decided(app, records.get(app.bundle_id), request)]
        if not context.check_mode:
            _set(api, items)
        if request.proof and not context.check_mode:
            prover = Prover(request.proof, context, ledger)
            each([item for item in items if item.may_be_tested], prover.prove, context.transport.flow)
            warn_of_late(items, context)
        trouble = ""
        try:
            Knowledge(request.root_source, context, ledger, known).update(items)
        except LedgerError as error:
            # What was set before is told all the same.
            trouble = f"{error}"
    results = {
        "changed": any(item.changed for item in items),
        "diff": diff_of(items),
        "notification_urls": [item.as_result() for item in items],
        "http": context.transport.counters.as_result(),
    }
    warn_of_kept(items, context)
    message = " ".join(filter(None, (failure(items), trouble)))
    if message:
        raise TaskFailed(message, results)
    return results


def _decided(app: WantedApp, record: AppRecord | None, request: UrlRequest) -> list[Item]:
    items = []
    for environment, url in app.urls.items():
        item = Item(app.bundle_id, environment, url, record)
        if record is None:
            item.fail(
                f"App Store Connect shows this API key no app {app.bundle_id}.",
                "Check the capitals, the team, and the apps that the key may see.",
            )
        else:
            item.held = record.url(environment)
            if item.held is None:
                item.inherited = record.in_effect(environment)
            ours = app.urls.get("production")
            item.choice = choose(item.held, url, request.on_other_url, request.on_version_1, item.inherited, ours)
        items.append(item)
    return items


def _set(api: AppStoreConnectApi, items: t.Sequence[Item]) -> None:
    """Set what is to be set, one update for each app, and read back what App Store Connect holds then."""
    by_app: dict[int, list[Item]] = {}
    for item in items:
        if item.record is not None and item.changed:
            by_app.setdefault(item.record.apple_id, []).append(item)

    def update(apple_id: int) -> None:
        mine = by_app[apple_id]
        attributes: dict[str, str] = {}
        for item in mine:
            url, version = URL_ATTRIBUTES[item.environment]
            attributes |= {url: item.wanted.text, version: "V2"}
        lost = None
        try:
            api.set_notification_urls(apple_id, attributes)
        except RefundsError as error:
            lost = error
        # An answer that is lost says nothing: the update may have been made.
        is_unsent = isinstance(lost, TransportError) and not lost.may_have_arrived
        after = None if is_unsent else _read(api, apple_id)
        for item in mine:
            item.settle(after, lost)

    each(list(by_app), update, api.transport.flow)


def _read(api: AppStoreConnectApi, apple_id: int) -> AppRecord | RefundsError:
    try:
        return api.app(apple_id)
    except RefundsError as error:
        return error


TASK = Task(notification_url(), run, CALL_LIBRARIES + LEDGER_LIBRARIES)
