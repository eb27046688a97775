# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forwarding to real servers: the body as it came, to all of them, and no secret of a URL in the log."""

from __future__ import annotations

import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.forwarding import Forwarder

BODY = b'{"signedPayload" :  "\xc3\xa9.b.c"}\n'


class Target(ThreadingHTTPServer):
    """Answers with ``status`` (0: hangs up once ``ended``), and keeps what was posted."""

    daemon_threads = True

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.posted: list[tuple[str, str, bytes]] = []
        self.ended = threading.Event()
        self.then = threading.Event()  # is set once it was posted to
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """A URL whose path is a secret."""
        return f"http://127.0.0.1:{self.server_port}/SECRET"


class _Handler(BaseHTTPRequestHandler):
    server: Target

    def do_POST(self) -> None:
        """Keep it, and answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, self.headers["Content-Type"], body))
        self.server.then.set()
        if not self.server.status:
            self.server.ended.wait(60)
            return
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def target() -> t.Iterator[t.Callable[[int], Target]]:
    """Make targets."""
    made: list[Target] = []

    def make(status: int) -> Target:
        made.append(Target(status))
        return made[-1]

    yield make
    for one in made:
        one.ended.set()
        one.shutdown()
        one.server_close()


def forwarded(*urls: str) -> tuple[bool, list[str]]:
    """Forward the body; give whether all took it, and the warnings."""
    warnings: list[str] = []
    settings = HttpSettings(None, {}, request_timeout=60.0, deadline=60.0, attempts=1)
    return Forwarder(urls, settings, warnings.append).forward(BODY), warnings


def test_every_url_gets_the_very_bytes(target: t.Callable[[int], Target]) -> None:
    targets = [target(200), target(206)]
    assert forwarded(*(one.url for one in targets)) == (True, [])
    assert [one.posted for one in targets] == [[("/SECRET", "application/json", BODY)]] * 2


@pytest.mark.parametrize(
    ("status", "word"), [(500, "HTTP 500"), (404, "HTTP 404"), (302, "HTTP 302"), (207, "HTTP 207"), (0, "")]
)
def test_one_that_does_not_take_it_is_named_and_the_others_get_it(
    target: t.Callable[[int], Target], status: int, word: str
) -> None:
    bad, good = target(status), target(200)
    # The silent one hangs up once the other was served; that nobody is waited for is in test_forwarding_waits.py.
    good.then = bad.ended
    is_taken, (warning,) = forwarded(bad.url, good.url)
    assert not is_taken and len(good.posted) == 1
    # Once: Apple's next attempt repeats it, and a redirect is no delivery.
    assert [path for path, _kind, _body in bad.posted] == ["/SECRET"]
    assert f"127.0.0.1:{bad.server_port}" in warning and word in warning and "SECRET" not in warning


def test_one_that_is_down_is_named(target: t.Callable[[int], Target]) -> None:
    gone = target(200)
    url = gone.url
    gone.shutdown()
    gone.server_close()
    is_taken, (warning,) = forwarded(url)
    assert not is_taken and "Apple gets 503" in warning and "SECRET" not in warning
