# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Apple sends an app's server notifications, and what to do about it.

One URL for each environment exists, so whoever sets it takes it from whoever had it. Sources: App Store Connect API
release notes, 1.6 and 1.7 (the attributes); Apple's technical note TN3180 (https only; back to version 1 by a PATCH).
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from .coverage import NotificationUrl
from .errors import InputError
from .identifiers import parse_service_url

OnOther = t.Literal["keep", "replace", "fail"]
# What a user sees. `proven` stands for a declared URL to which Apple delivered a test notification.
State = t.Literal["none", "version_1", "other_host", "as_declared", "proven", "unknown"]
Step = t.Literal["none", "set", "keep", "fail"]


@dataclass(frozen=True)
class Url:
    """A URL with its version. Its path may hold a secret of the service that it leads to, so only the host is shown."""

    text: str
    version: t.Literal["V1", "V2"] | None

    @property
    def host(self) -> str:
        """Return host and port."""
        return urlsplit(self.text).netloc.rpartition("@")[2].lower()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def as_result(self) -> dict[str, t.Any]:
        """Return what diffs and results show."""
        return {"host": self.host, "url_sha256": self.sha256, "version": self.version}


@dataclass(frozen=True)
class Choice:
    """What to do about one URL, and how things stand if nothing is done."""

    step: Step
    state: State


def parse_notification_url(text: str, option: str) -> Url:
    """Return a declared URL, always of version 2. Raises InputError."""
    text = text.strip()
    clean = parse_service_url(text, option, is_shown=False)
    if not clean.startswith("https://"):
        raise InputError(option, "this isn't an https URL, and Apple takes no other.")
    # A slash at the end is part of a URL that Apple calls.
    return Url(text, "V2")


def choose(
    held: Url | None,
    wanted: Url,
    on_other_url: OnOther,
    on_version_1: OnOther,
    inherited: Url | None = None,
    declared_production: Url | None = None,
) -> Choice:
    """Return what to do where ``held`` is and ``wanted`` is declared. Another path of the same host is no other's.

    ``inherited``: production's URL, where Apple calls that for a sandbox without its own: a URL for the sandbox takes
    its notifications from that service. ``declared_production``: whose host is no other's to inherit from.
    """
    now = held or inherited
    if now is None:
        return Choice("set", "none")
    is_ours = held is None and declared_production is not None and now.host == declared_production.host
    if now.host != wanted.host:
        return Choice("set", "none") if is_ours else Choice(_STEPS[on_other_url], "other_host")
    if now.version == "V1":
        return Choice(_STEPS[on_version_1], "version_1")
    return Choice("none" if held == wanted else "set", "as_declared")


_STEPS: dict[str, Step] = {"keep": "keep", "replace": "set", "fail": "fail"}


def known_as(url: Url | None) -> NotificationUrl:
    """Return what the coverage of refunds makes of a URL."""
    if url is None:
        return "none"
    return url.version or "unasked"
