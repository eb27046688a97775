# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports for servers that are to start later, or never."""

from __future__ import annotations

import socket

_KEPT: list[socket.socket] = []


def free_port() -> int:
    """Give a port that refuses connections until a server of the caller's listens there, with SO_REUSEADDR.

    A socket that never listens keeps it to the end of this process, so that nobody else gets it meanwhile.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    _KEPT.append(kept)
    return int(kept.getsockname()[1])
