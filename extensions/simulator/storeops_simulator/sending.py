# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Posting a notification to a URL as Apple does: one POST, JSON, an answer within a time."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final
from urllib.parse import urlsplit

from .deliveries import Outcome

_MOST_HEADERS: Final = 65_536


async def post(url: str, body: bytes, timeout_s: float) -> Outcome:
    """Post JSON; give the outcome under Apple's names. Redirects are not followed: whether Apple does is unknown."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _post(url, body)
    except TimeoutError:
        return Outcome("TIMED_OUT")
    except ssl.SSLError:
        return Outcome("TLS_ISSUE")
    except OSError:
        return Outcome("SOCKET_ISSUE")
    except asyncio.IncompleteReadError as error:
        return Outcome("PREMATURE_CLOSE" if error.partial else "NO_RESPONSE")
    except (ValueError, asyncio.LimitOverrunError):
        return Outcome("INVALID_RESPONSE")


async def _post(url: str, body: bytes) -> Outcome:
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if is_tls else 80)
    reader, writer = await asyncio.open_connection(host, port, ssl=is_tls or None, limit=_MOST_HEADERS)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
            f"Accept: */*\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode("ascii") + body)
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\n")
        version, status, *_reason = answer.split(b"\r\n", 1)[0].split(b" ", 2)
        if not version.startswith(b"HTTP/1.") or not 100 <= int(status) <= 599:
            raise ValueError("no HTTP answer")
        return Outcome.of_status(int(status))
    finally:
        writer.close()
