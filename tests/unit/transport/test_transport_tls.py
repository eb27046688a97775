# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS: a private CA works through ca_path only, and what fails names it."""

from __future__ import annotations

import ipaddress
import typing as t
from pathlib import Path

import pytest
from cryptography import x509
from tls_support import DAY, NOW, Issued, issue, serving
from transport_support import Clock, failed, get
from unit_servers import Scripted, scripted

from ansible_collections.storeops.refunds.plugins.module_utils._http_errors import LOOK_BETWEEN


def _over_tls(server: Scripted, issued: Issued) -> str:
    server.socket = serving(issued).wrap_socket(server.socket, server_side=True)
    return server.url.replace("http://", "https://")


def test_a_private_ca_works_through_ca_path(tmp_path: Path) -> None:
    issued = issue(tmp_path)
    with scripted() as server:
        url = _over_tls(server, issued)
        error = failed(Clock().transport(), url, "tls")
        assert "ca_path" in error.next_step and "certificate" in str(error).lower()
        assert server.requests == [], "the token went nowhere"
        assert get(Clock().transport(ca_path=issued.ca), url).status == 200


def test_tls_failures_are_not_repeated(tmp_path: Path) -> None:
    clock = Clock()
    with scripted() as server:
        failed(clock.transport(), _over_tls(server, issue(tmp_path)), "tls")
    assert clock.slept == []


CLOCK = "Check this machine's clock (NTP), then the server's certificate."
# What is wrong, whether its CA is known, and what to do.
BAD: dict[str, tuple[dict[str, t.Any], bool, str]] = {
    "another name": ({"name": x509.DNSName("other.example.com")}, True, LOOK_BETWEEN),
    "another address": ({"name": x509.IPAddress(ipaddress.ip_address("127.0.0.2"))}, True, LOOK_BETWEEN),
    "expired": ({"ends": NOW - 2 * DAY}, True, CLOCK),
    "early": ({"begins": NOW + DAY / 2}, True, CLOCK),
    "an unknown CA": ({}, False, "Set ca_path for a private CA or a proxy's CA."),
}


@pytest.mark.parametrize("case", BAD)
def test_certificates_that_do_not_fit(tmp_path: Path, case: str) -> None:
    changes, is_known, step = BAD[case]
    issued = issue(tmp_path, **changes)
    with scripted() as server:
        transport = Clock().transport(**({"ca_path": issued.ca} if is_known else {}))
        assert failed(transport, _over_tls(server, issued), "tls").next_step == step
        assert server.requests == []


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff\0"])
def test_a_useless_ca_path(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with scripted() as server:
        url = _over_tls(server, issue(tmp_path / ".."))
        error = failed(Clock().transport(ca_path=str(path)), url, "tls")
        assert "ca_path" in error.next_step


def test_plain_http_behind_an_https_url() -> None:
    with scripted() as server:
        failed(Clock().transport(attempts=1), server.url.replace("http://", "https://"), "tls")
