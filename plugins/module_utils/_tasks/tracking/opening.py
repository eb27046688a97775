# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task's parameters say of the engine's surroundings: opened trackers, and the credential check."""

from __future__ import annotations

import contextlib
import typing as t

from ..._context import Context, Params
from ..._trackers.protocol import Times
from ..shared.few_warnings import FewWarnings
from ..shared.services import credential_check
from ..shared.trackers import Trackers, open_ledger
from .engine import Engine


@contextlib.contextmanager
def open_engine(
    params: Params, context: Context, name: str, removes: bool, is_strict: bool = True
) -> t.Iterator[Engine]:
    """Yield the engine of a task, which ends with its browsers and its ledger closed.

    ``removes``: integrations may go, of which nothing is observed before, so that the ledger's place is checked first.
    """
    check = credential_check(params, context)
    ledger = open_ledger(params, context, for_writing=True)
    if removes:
        ledger.check_place()
    warnings = FewWarnings(context.warn)
    times = Times(float(params["request_timeout"]), float(params["wait_timeout"]))
    with Trackers(context, ledger, times) as trackers:
        yield Engine(context, trackers, check, warnings.warn, name, is_strict)
    warnings.end()
