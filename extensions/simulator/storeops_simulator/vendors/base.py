# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every simulated vendor offers to the part that logs, injects faults and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from ..calls import Call
from ..faults import VendorError


class Exchange(Protocol):
    """One request to a vendor, taken apart but not yet checked."""

    def describe(self, call: Call) -> None:
        """Fill in what the request claims: environment, endpoint, IDs."""

    async def answer(self, call: Call) -> Response:
        """Do the work; note the reason of a refusal in `call.refusal`."""


class Vendor(Protocol):
    """One vendor's service."""

    name: str
    """Its name in the announcement and the call log."""
    prefix: str
    """Where its paths start, for example ``/app-store-server``."""

    def base_urls(self, origin: str) -> object:
        """Give what the announcement says under `name`: a URL, or URLs by environment."""

    def begin(self, request: Request) -> Exchange:
        """Take a request apart."""

    def error(self, status: int, error: VendorError, headers: Mapping[str, str]) -> Response:
        """Make an error in the vendor's own shape; `headers` (names in lower case) will be put on it."""
