# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Further URLs that are silent or gone: Apple isn't kept waiting for each of them, and the operator is told."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest
from unit_servers import free_port

from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.forwarding import Forwarder

SECONDS = 1.0


def forwarded(urls: list[str]) -> tuple[bool, list[str], float]:
    """Forward something; give whether all took it, what was said, and how long it took."""
    warnings: list[str] = []
    settings = HttpSettings(request_timeout=SECONDS, deadline=SECONDS, attempts=1)
    began = time.monotonic()
    taken = Forwarder(tuple(urls), settings, warnings.append).forward(b'{"signedPayload": "secret-payload"}')
    return taken, warnings, time.monotonic() - began


@pytest.mark.parametrize("count", [1, 5])
def test_silent_urls_are_waited_for_once(count: int) -> None:
    with contextlib.ExitStack() as stack:
        # Connections are taken, and nobody answers.
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _number in range(count)]
        urls = [f"http://127.0.0.1:{one.getsockname()[1]}/apple?token=of-theirs" for one in silent]
        taken, warnings, seconds = forwarded([*urls, f"http://127.0.0.1:{free_port()}/"])
    assert not taken and seconds < 3 * SECONDS
    assert len(warnings) == count + 1 and all("Apple gets 503 and tries again" in text for text in warnings)
    hosts = [url.partition("://")[2].partition("/")[0] for url in urls]
    assert all(any(host in text for text in warnings) for host in hosts)
    assert not [text for text in warnings if "of-theirs" in text or "secret-payload" in text]
