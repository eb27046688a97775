# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine with what it needs: opened trackers, and the credential check."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace

from ..._context import Context
from ..._declaration.apps import App
from ..shared.few_warnings import FewWarnings
from ..shared.services import credential_check
from ..shared.trackers import Trackers, open_ledger
from .engine import Engine
from .request import Services


def is_gone_by_the_ledger(app: App) -> bool:
    """Tell whether an app is to be absent at a tracker of which the ledger alone tells, as of what is done by hand."""
    return app.is_absent and any(one.tracker in ("ledger", "devtodev") for one in app.settings)


@contextlib.contextmanager
def open_engine(
    services: Services, context: Context, name: str, removes: bool, is_strict: bool = True, *, tells_steps: bool = False
) -> t.Iterator[Engine]:
    """Yield the engine of a task, which ends with its browsers and its ledger closed.

    ``removes``: an app is to be absent of which the ledger alone tells: one without any app would be good news. Where
    the task isn't ``is_strict``, as in an audit, each of these apps fails, which says more than a warning.
    ``tells_steps``: the results have what a person has to do for each app, so that few warnings of a tracker will do.
    """
    check = credential_check(services.app_store_server_url, context)
    ledger = open_ledger(services.ledger_url, context, for_writing=True)
    lack = ledger.lack() if removes else ""
    if lack:
        lack = f"{ledger.place.where} {lack}"
        # Where there can't be one, a disk isn't mounted, or the folder is misspelt.
        ledger.check_place()
    if lack and is_strict:
        context.warn(f"{lack}. If another ledger has what is to go, correct ledger.url.")
    warnings, of_trackers = FewWarnings(context.warn), FewWarnings(context.warn)
    of_tracker = replace(context, warn=of_trackers.warn) if tells_steps else context
    with Trackers(of_tracker, ledger, services.times) as trackers:
        yield Engine(context, trackers, check, warnings.warn, name, is_strict, lack)
    of_trackers.end()
    warnings.end()
