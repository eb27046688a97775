# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections are never shared with a fork or another thread, and no proxy or netrc gets at the token unasked."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import typing as t
from pathlib import Path
from unittest import mock

import pytest
import requests.adapters
from transport_support import TOKEN, Clock, failed, get
from unit_ports import free_port
from unit_servers import Canned, raw_server, scripted

from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport


@pytest.mark.services
def test_a_fork_makes_its_own_connection() -> None:
    transport = Clock().transport()
    with scripted() as server:
        get(transport, server.url)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if get(transport, server.url).status == 200 else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        get(transport, server.url)
        first, forked, again = server.connections
        assert first == again != forked


def test_each_thread_has_its_own_connection() -> None:
    transport = Clock().transport()
    with scripted() as server:
        barrier = threading.Barrier(4)

        def work() -> None:
            barrier.wait()
            for _call in range(5):
                get(transport, server.url)

        threads = [threading.Thread(target=work) for _thread in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.requests) == 20
        assert len(set(server.connections)) == 4
    assert transport.counters.calls == 20


@pytest.mark.parametrize("variable", ["HOME", "NETRC"])
def test_a_netrc_entry_does_not_replace_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password other\ndefault login me password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv(variable, str(tmp_path if variable == "HOME" else netrc))
    with scripted() as server:
        get(Clock().transport(), server.url)
        assert server.requests[0]["authorization"] == f"Bearer {TOKEN}"


def test_proxies_of_the_environment_are_not_looked_up_here(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted() as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        failed(Clock().transport(attempts=1), "https://nosuch.invalid/", "dns")
        assert proxy.requests == []


Connects = list[bytes]


def _proxy(seen: Connects) -> t.Callable[[t.Any, int], None]:
    def behave(connection: t.Any, _number: int) -> None:
        seen.append(b"asked")
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    return behave


@pytest.mark.parametrize(
    ("no_proxy", "kind", "asked"),
    [
        ("", "refused_url", 1),
        ("other.invalid", "refused_url", 1),
        ("nosuch.invalid", "dns", 0),
        (".invalid", "dns", 0),
        ("*", "dns", 0),
    ],
)
def test_a_given_proxy_is_used_but_for_no_proxy(no_proxy: str, kind: str, asked: int) -> None:
    seen: Connects = []
    with raw_server(_proxy(seen)) as proxy:
        proxies = {"https": proxy.url, "http": proxy.url, "no": no_proxy}
        error = failed(Clock().transport(attempts=1, proxies=proxies), "https://nosuch.invalid/", kind)
    assert len(seen) == asked
    assert ("the proxy" in str(error)) is bool(asked)


def test_a_dead_proxy_is_named_as_such_without_its_password() -> None:
    proxies = {"https": f"http://me:hunter2@127.0.0.1:{free_port()}"}
    error = failed(Clock().transport(attempts=1, proxies=proxies), "https://nosuch.invalid/", "tcp")
    assert "proxy" in str(error)


def test_an_impossible_proxy_is_named_as_such() -> None:
    error = failed(
        Clock().transport(attempts=1, proxies={"https": "http://:x"}), "https://nosuch.invalid/", "refused_url"
    )
    assert "https_proxy" in str(error)


@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5", "SOCKS5h"])
def test_a_socks_proxy_is_refused(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    # As with PySocks, without which requests refuses them by itself.
    with mock.patch.dict(sys.modules, {"socks": mock.MagicMock()}):
        manager = importlib.import_module("urllib3.contrib.socks").SOCKSProxyManager
    monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", manager)
    with raw_server(_proxy([])) as proxy:
        place = proxy.url.removeprefix("http://")
        proxies = {"https": f"{scheme}://me:hunter2@{place}", "http": f"{scheme}://{place}", "no": "other.invalid"}
        transport = Clock().transport(proxies=proxies)
        for own in ("https", "http"):
            error = failed(transport, f"{own}://nosuch.invalid/", "refused_url")
            assert f"{own}_proxy names a SOCKS proxy" in str(error) and not error.may_have_arrived
        assert proxy.accepted == 0
        failed(transport, "https://other.invalid/", "dns")


def test_a_socks_proxy_for_http_keeps_no_https_call() -> None:
    failed(Clock().transport(proxies={"http": "socks5://127.0.0.1:1"}), "https://nosuch.invalid/", "dns")


def test_loopback_is_asked_directly() -> None:
    with scripted() as server, scripted(Canned(418)) as proxy:
        proxies = {"http": proxy.url, "https": proxy.url, "all": proxy.url}
        assert get(Clock().transport(proxies=proxies), server.url).status == 200
        assert proxy.requests == []


def test_cookies_are_nobodys_business_of_another_host() -> None:
    with scripted(Canned(headers={"Set-Cookie": "a=b"})) as server, scripted() as other:
        transport = Transport(HttpSettings())
        get(transport, server.url)
        get(transport, other.url.replace("127.0.0.1", "localhost"))
        assert "cookie" not in other.requests[0]
