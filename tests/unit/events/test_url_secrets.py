# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever goes wrong, the event source tells no user, path or query of a URL, and no password of the ledger."""

from __future__ import annotations

import asyncio
import ssl
import time
import typing as t
from dataclasses import replace

import pytest
import requests
import urllib3.exceptions
from urllib3.connectionpool import HTTPSConnectionPool

from ansible_collections.storeops.refunds.plugins.module_utils import _http
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings
from ansible_collections.storeops.refunds.plugins.module_utils._http_errors import NotAsked
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    InputError,
    RefundsError,
    TransportError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events import source
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.forwarding import Forwarder
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.settings import parse_settings

HOST = "hooks.example.com:8443"
MARK = "X5sEc7ReTx"
URLS = {
    "user": f"https://{MARK}:{MARK}2@{HOST}/a",
    "path": f"https://{HOST}/{MARK}/a",
    "query": f"https://{HOST}/a?token={MARK}",
    "query without a path": f"https://{HOST}?token={MARK}",
    "an @ in the query": f"https://{HOST}?token={MARK}@b",
    "fragment": f"https://{HOST}#{MARK}",
}
SETTINGS = HttpSettings(None, {}, request_timeout=5.0, deadline=5.0, attempts=1)


def _chained(kind: type[requests.RequestException], reason: Exception) -> t.Callable[[str], Exception]:
    """Return what makes an error as requests does, with the URL in its text."""
    pool = HTTPSConnectionPool("hooks.example.com", 8443)
    return lambda url: kind(urllib3.exceptions.MaxRetryError(pool, url, reason))


_CONNECTION = HTTPSConnectionPool("hooks.example.com", 8443)._new_conn()
# By the kind of TransportError that comes of it.
FAULTS: dict[str, tuple[str, t.Callable[[str], Exception]]] = {
    "TLS": ("tls", _chained(requests.exceptions.SSLError, urllib3.exceptions.SSLError(ssl.SSLError("no")))),
    "name": (
        "dns",
        _chained(
            requests.exceptions.ConnectionError,
            urllib3.exceptions.NameResolutionError("hooks.example.com", _CONNECTION, OSError()),  # type: ignore[arg-type]
        ),
    ),
    "proxy": (
        "tcp",
        _chained(requests.exceptions.ProxyError, urllib3.exceptions.ProxyError(f"at {MARK}", OSError(MARK))),
    ),
    "refused": (
        "tcp",
        _chained(requests.exceptions.ConnectionError, urllib3.exceptions.NewConnectionError(_CONNECTION, MARK)),
    ),
    "silent": ("timeout", requests.exceptions.ReadTimeout),
    "no URL": ("refused_url", requests.exceptions.InvalidURL),
    "no CA": ("tls", lambda url: OSError(f"Could not find a suitable TLS CA certificate bundle for {url}")),
    "broken": ("broken", requests.exceptions.ChunkedEncodingError),
    "own": ("broken", lambda url: TransportError("broken", "the answer has more than 5 bytes.")),
    "not asked": ("deadline", lambda url: NotAsked("deadline", "not asked.")),
}


@pytest.mark.parametrize("fault", [*FAULTS, "deadline"])
@pytest.mark.parametrize("shape", URLS)
def test_of_a_url_only_the_host_is_told(shape: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url, asked = URLS[shape], list[str]()

    class Failing:
        """What sends requests, and can't."""

        def send(self, request: requests.PreparedRequest, **_more: object) -> t.NoReturn:
            asked.append(str(request.url))
            raise FAULTS[fault][1](url)

    monkeypatch.setattr(_http, "adapter", lambda _remaining: Failing())
    settings = replace(SETTINGS, deadline=-1.0) if fault == "deadline" else SETTINGS
    warnings: list[str] = []
    assert not Forwarder((url,), settings, warnings.append).forward(b"{}")
    (warning,) = warnings
    assert len(asked) == (fault != "deadline") and MARK not in warning
    assert warning.startswith(f"A notification was not taken by {HOST}: {HOST}: ")


def test_every_kind_of_error_is_tried() -> None:
    kinds = {kind for kind, _make in FAULTS.values()}
    assert kinds == {"dns", "tcp", "tls", "timeout", "broken", "deadline", "refused_url"}


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({f"postgresql://u:{MARK}@h/d": None}, "an argument whose name is not shown here"),
        ({f"{MARK}1": 1, "mode": "poll"}, "an argument whose name is not shown here"),
        ({"forward": [f"https://h/{MARK}"]}, "forward"),
        ({1: 2, "b c": 3}, "an argument whose name is not shown here"),
    ],
)
def test_an_unknown_argument_is_named_where_that_can_be_nothing_but_a_name(args: dict[t.Any, t.Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_settings(args)
    assert str(caught.value).startswith(f"{told}: isn't an argument of refund_events. Known are account_token, ")
    assert MARK not in str(caught.value)


@pytest.mark.parametrize("url", [*URLS.values(), f"http://h/{MARK}", f"ftp://h/{MARK}", f"https://[::1/{MARK}", MARK])
def test_a_url_that_cannot_be_forwarded_to_is_not_shown(url: str) -> None:
    try:
        parse_settings({"mode": "listen", "forward_to": [url]})
    except InputError as error:
        assert str(error).startswith("forward_to[0]: ") and MARK not in str(error)


# What a part of the source could say without thinking of it.
ARGS = {"ledger": {"url": f"postgresql://refunds:{MARK}@db/refunds"}, "forward_to": [*URLS.values()], "mode": "listen"}
SLIPS = [ARGS["ledger"]["url"], f"password {MARK} is wrong", *URLS.values(), f"GET /{MARK}/a: 404", f"?token={MARK}"]


@pytest.mark.parametrize("is_in_environment", [False, True])
def test_what_the_source_says_is_masked(is_in_environment: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    async def slips(_queue: object, _args: object, world: source.World) -> None:
        for text in SLIPS:
            world.warn(text)
            world.say(text)
        raise InputError("ledger.url", " ".join(SLIPS))

    monkeypatch.setattr(source, "_run", slips)
    environ, args = dict[str, str](), dict[str, t.Any](ARGS)
    if is_in_environment:
        environ["STOREOPS_LEDGER_URL"] = args.pop("ledger")["url"]
    world = source.World(environ, time.time, time.monotonic, said.append, said.append, "me")
    with pytest.raises(RefundsError) as caught:
        asyncio.run(source.run(asyncio.Queue(), args, world))
    assert len(said) == 2 * len(SLIPS)
    assert MARK not in "".join(said) + str(caught.value) and str(caught.value).startswith("ledger.url: ")


def test_the_path_of_a_ledger_is_told_all_the_same() -> None:
    said: list[str] = []
    url = "sqlite:////nowhere/that/is/ledger.db"
    world = source.World({}, time.time, time.monotonic, said.append, said.append, "me")
    with pytest.raises(RefundsError, match="/nowhere/that/is"):
        asyncio.run(source.run(asyncio.Queue(), {"ledger": {"url": url}}, world))
