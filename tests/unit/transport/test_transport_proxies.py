# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a request may have arrived: the same through a proxy as without one, and told by the request alone."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import typing as t

import pytest
import requests
import urllib3.exceptions
from test_transport_faults import BREAKING, SOUND
from tls_support import Issued, issue, serving
from transport_support import Clock, failed, get
from unit_ports import free_port
from unit_servers import raw_server

from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._http_errors import explained
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import TransportError

cryptography = pytest.importorskip("cryptography.x509")

# No loopback: that is never asked through a proxy.
HOST = "service.example"
WAYS = ("directly", "through a tunnel", "forwarded")
Behave = t.Callable[[socket.socket, int], None]


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    """Give the service's certificate."""
    return issue(tmp_path_factory.mktemp("tls"), cryptography.DNSName(HOST))


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch, _resolver: None) -> None:
    others = socket.getaddrinfo

    def resolve(host: t.Any, *arguments: t.Any, **options: t.Any) -> t.Any:
        return others("127.0.0.1" if host == HOST else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def _tunnel(port: int) -> Behave:
    """Give a proxy to the service at ``port``; when one side ends, so does the other."""

    def behave(client: socket.socket, _number: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as service:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            other = {client: service, service: client}
            while True:
                for ready in select.select(list(other), [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    other[ready].sendall(data)

    return behave


@contextlib.contextmanager
def _service(behave: Behave, way: str, issued: Issued) -> t.Iterator[tuple[Transport, str]]:
    """Give a transport and the URL of a service that behaves like that."""
    with contextlib.ExitStack() as stack:
        if way == "forwarded":
            proxy = stack.enter_context(raw_server(behave))
            yield Clock().transport(proxies={"http": proxy.url}), f"http://{HOST}/"
            return
        server = stack.enter_context(raw_server(behave, tls=serving(issued)))
        port = server.listener.getsockname()[1]
        proxies = {}
        if way == "through a tunnel":
            proxies["https"] = stack.enter_context(raw_server(_tunnel(port))).url
        yield Clock().transport(proxies=proxies, ca_path=issued.ca), f"https://{HOST}:{port}/"


def _lost(transport: Transport, url: str) -> TransportError:
    with pytest.raises(TransportError) as caught:
        transport.send(Call("POST", url, dict, b"{}", is_repeatable=False))
    return caught.value


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", BREAKING)
def test_an_answer_that_is_lost_may_have_been_asked_for(fault: str, way: str, issued: Issued) -> None:
    def behave(connection: socket.socket, _number: int) -> None:
        BREAKING[fault](connection)

    with _service(behave, way, issued) as (transport, url):
        error = _lost(transport, url)
    assert (error.kind, error.may_have_arrived) == ("broken", True), str(error)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", BREAKING)
def test_a_call_that_is_sent_again_is_told_to_be(fault: str, way: str, issued: Issued) -> None:
    def behave(connection: socket.socket, number: int) -> None:
        BREAKING[fault](connection) if number == 0 else connection.sendall(SOUND)

    with _service(behave, way, issued) as (transport, url):
        assert get(transport, url).is_repeated


def _refuses(answer: bytes) -> Behave:
    return lambda connection, _number: connection.sendall(answer)


@pytest.mark.parametrize("place", ["refused", "unknown", "says 403", "says 502"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_never_left_the_proxy_did_not_arrive(place: str, scheme: str) -> None:
    with raw_server(_refuses(b"HTTP/1.1 %s No\r\nContent-Length: 0\r\n\r\n" % place[-3:].encode())) as server:
        urls = {"refused": f"http://127.0.0.1:{free_port()}", "unknown": "http://nosuch.invalid:8080"}
        transport = Clock().transport(attempts=1, proxies=dict.fromkeys(("http", "https"), urls.get(place, server.url)))
        if scheme == "http" and place.startswith("says"):
            assert get(transport, f"http://{HOST}/").status == int(place[-3:]), "an answer as any other"
            return
        error = _lost(transport, f"{scheme}://{HOST}/")
    kind = {"unknown": "dns", "says 403": "refused_url"}.get(place, "tcp")
    assert (error.kind, error.may_have_arrived) == (kind, False), str(error)


def test_a_proxy_with_a_certificate_of_another_ca_is_a_fault_of_tls(issued: Issued) -> None:
    with _service(_refuses(SOUND), "through a tunnel", issued) as (transport, url):
        proxied = Clock().transport(proxies=transport.settings.proxies)
        assert "ca_path" in failed(proxied, url, "tls").next_step


def test_no_call_is_told_by_what_became_of_another() -> None:
    transport = Clock().transport(attempts=1)
    refused = f"http://127.0.0.1:{free_port()}/"
    with raw_server(lambda _connection, _number: None) as server:
        for _time in range(2):
            try:
                get(transport, refused)
            except TransportError as error:
                assert (error.kind, error.may_have_arrived) == ("tcp", False)
                # While the other's error is dealt with, it is the context of this one's.
                assert failed(transport, server.url, "broken").may_have_arrived


def test_a_connection_that_ended_while_it_was_written_to_is_no_fault_of_tls() -> None:
    error = requests.exceptions.SSLError(urllib3.exceptions.SSLError(ssl.SSLEOFError(8, "EOF occurred in violation")))
    found = explained(error, HOST, "within 1 s", is_proxied=False, is_sent=True)
    assert (found.kind, found.may_have_arrived) == ("broken", True)


def test_what_can_not_be_encoded_never_went_out() -> None:
    """http.client finds it in a header once the request has begun."""
    error = UnicodeEncodeError("latin-1", "\u201cx", 0, 1, "ordinal not in range(256)")
    found = explained(error, HOST, "within 1 s", is_proxied=False, is_sent=True)
    assert (found.kind, found.may_have_arrived) == ("refused_url", False)


@pytest.mark.parametrize(
    ("status", "kind", "said", "tries"),
    [
        (403, "refused_url", "HTTP 403: it doesn't let this host through. Ask whoever runs the proxy", 1),
        (407, "refused_url", "HTTP 407: it wants a user and a password. Give both in https_proxy.", 1),
        (502, "tcp", "the proxy answered HTTP 502. Check https_proxy and no_proxy.", 4),
    ],
)
def test_a_proxy_that_opens_no_tunnel_is_told_with_its_status(status: int, kind: str, said: str, tries: int) -> None:
    def refuse(client: socket.socket, _number: int) -> None:
        client.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)

    with raw_server(refuse) as proxy:
        error = failed(Clock().transport(proxies={"https": proxy.url}), f"https://{HOST}/", kind)
        assert said in str(error) and not error.may_have_arrived and proxy.accepted == tries
