# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting until Apple accepts the new key: a key that was just made may need minutes."""

from __future__ import annotations

import typing as t

from ..._apple.credential_check import CredentialCheck
from ..._context import Context
from ..._decisions.refusal import infer_across_apps, of_new_key
from ..._decisions.rotation import is_accepted, judged
from ..._model.identifiers import Environment
from ..._model.verdict import Verdict
from ..shared.concurrent import each
from ..tracking.loaded_keys import LoadedKey

# Bundle ID and environment.
Asked = tuple[str, Environment]
PAUSE_S = 5.0


def wait_for_apple(
    key: LoadedKey,
    apps: t.Iterable[Asked],
    released: t.Container[str],
    check: CredentialCheck,
    context: Context,
    seconds: float,
) -> dict[Asked, Verdict]:
    """Return Apple's verdicts once all are good, else the last ones after ``seconds``.

    ``released``: bundle IDs that production accepted before. At most half of the task's deadline is waited: the move
    needs the rest.
    """
    transport = context.transport
    ends = transport.elapsed() + min(seconds, transport.remaining() / 2)
    found: dict[Asked, Verdict] = {}
    waiting = list(dict.fromkeys(apps))
    while waiting:
        for app, verdict in zip(
            waiting, each(waiting, lambda app: key.check(check, *app), transport.flow), strict=True
        ):
            found[app] = judged(verdict, app[1] == "production" and app[0] in released)
        waiting = [app for app in waiting if not is_accepted(found[app])]
        left = ends - transport.elapsed()
        if left <= 0:
            break
        if waiting:
            transport.pause(min(PAUSE_S, left))
    told = infer_across_apps([(key.id(app[0]), verdict) for app, verdict in found.items()])
    return dict(zip(found, map(of_new_key, told), strict=True))
