# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which proxy a URL is asked through."""

from __future__ import annotations

import typing as t
import urllib.request
from urllib.parse import urlsplit

from ._http_errors import NotSent
from ._model.identifiers import is_loopback


def proxies_for(url: str, proxies: t.Mapping[str, str]) -> dict[str, str]:
    """Return the proxy as requests takes it, nothing for a direct connection. Raises ValueError, NotSent."""
    parts = urlsplit(url)
    proxy = proxies.get(parts.scheme)
    # Plain http to loopback must not leave the machine through a proxy.
    if not proxy or is_loopback(parts.hostname) or bypasses_proxy(parts.netloc, proxies):
        return {}
    if proxy.lower().startswith("socks"):
        # PySocks connects by itself, and waits for as long as it likes.
        reason = f"not asked: {parts.scheme}_proxy names a SOCKS proxy, which isn't supported."
        raise NotSent("refused_url", reason, f"Set {parts.scheme}_proxy to an HTTP proxy.")
    return {parts.scheme: proxy}


def bypasses_proxy(place: str, proxies: t.Mapping[str, str]) -> bool:
    """Tell whether no_proxy names ``place`` (host and port)."""
    # The standard library's reading of no_proxy; the type stubs leave it out.
    return bool(urllib.request.proxy_bypass_environment(place, dict(proxies)))  # type: ignore[attr-defined]
