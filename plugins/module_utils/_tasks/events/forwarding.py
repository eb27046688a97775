# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passes a notification on to further URLs, untouched, so that taking Apple's URL takes nothing from others."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..._http import Call, HttpSettings, Transport
from ..._http_errors import place_of
from ..._model.errors import TransportError

_THEN = "Apple gets 503 and tries again, but not in the sandbox."
# What Apple itself takes for a delivery.
_DELIVERED = range(200, 207)


@dataclass(frozen=True)
class Forwarder:
    """``settings``: how long one URL may take, and the way to it."""

    urls: tuple[str, ...]
    settings: HttpSettings
    warn: t.Callable[[str], None]

    def forward(self, body: bytes) -> bool:
        """Post ``body`` to every URL; tell whether all have taken it. Whatever fails, Apple's next attempt repeats.

        All at the same time: however many are silent, Apple waits as long as for one.
        """
        with ThreadPoolExecutor(len(self.urls)) as pool:
            taken = list(pool.map(lambda url: self._post(url, body), self.urls))
        return all(taken)

    def _post(self, url: str, body: bytes) -> bool:
        host = place_of(url)
        call = Call("POST", url, lambda: {"Content-Type": "application/json"}, body, is_repeatable=False)
        try:
            status = Transport(self.settings).send(call).status
        except TransportError as error:
            self.warn(f"A notification was not taken by {host}: {error} {_THEN}")
            return False
        if status not in _DELIVERED:
            self.warn(f"A notification was not taken by {host}: HTTP {status}. {_THEN}")
        return status in _DELIVERED
