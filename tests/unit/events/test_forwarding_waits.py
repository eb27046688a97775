# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Further URLs that are silent or gone: Apple isn't kept waiting for each of them, and the operator is told."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t

import pytest
from unit_ports import free_port

from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.forwarding import Forwarder

BODY = b'{"signedPayload": "secret-payload"}'


def test_all_urls_are_asked_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is answered only once all have been asked: one after the other, the first would wait for ever."""
    asked = threading.Barrier(5)

    def post(_forwarder: Forwarder, _url: str, _body: bytes) -> bool:
        asked.wait(60)
        return True

    monkeypatch.setattr(Forwarder, "_post", post)
    urls = tuple(f"https://hooks.example.com/{number}" for number in range(5))
    assert Forwarder(urls, HttpSettings(), t.cast("t.Any", pytest.fail)).forward(BODY)


@pytest.mark.parametrize("count", [1, 5])
def test_silent_urls_are_told(count: int) -> None:
    with contextlib.ExitStack() as stack:
        # Connections are taken, and nobody answers.
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _number in range(count)]
        urls = [f"http://127.0.0.1:{one.getsockname()[1]}/apple?token=of-theirs" for one in silent]
        warnings: list[str] = []
        settings = HttpSettings(request_timeout=0.2, deadline=0.2, attempts=1)
        gone = f"http://127.0.0.1:{free_port()}/"
        assert not Forwarder((*urls, gone), settings, warnings.append).forward(BODY)
    assert len(warnings) == count + 1 and all("Apple gets 503 and tries again" in text for text in warnings)
    hosts = [url.partition("://")[2].partition("/")[0] for url in urls]
    assert all(any(host in text for text in warnings) for host in hosts)
    assert not [text for text in warnings if "of-theirs" in text or "secret-payload" in text]
