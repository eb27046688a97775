# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A port for later refuses connections and is nobody else's until then, and after that server, too."""

from __future__ import annotations

import socket

import pytest
from unit_ports import free_port


def test_a_port_for_later() -> None:
    place = ("127.0.0.1", free_port())
    for _start in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place, timeout=300).close()
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(place)
        with socket.create_server(place), socket.create_connection(place, timeout=300):
            pass
