# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that a test asks for: what they are, which requests they hit, how often."""

from __future__ import annotations

import fnmatch
import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .calls import Call
from .fields import Fields, InputError

_MATCH: Final = (
    "vendor",
    "environment",
    "endpoint",
    "method",
    "path",
    "bundle_id",
    "key_id",
)
_PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "refuse": (),
    "reset": (),
    "truncate": (),
    "delay": ("seconds",),
    "drip": ("seconds",),
    "content_type": ("content_type", "body", "status"),
    "status": ("status", "content_type", "body", "headers", "error_code", "error_message"),
}
KINDS: Final = tuple(_PARAMETERS)
_COMMON: Final = ("kind", "match", "times", "rate", "seed")

# developer.apple.com/documentation/appstoreserverapi/error-codes has the codes; the texts are
# those in the fixtures of Apple's own app-store-server-library.
_KNOWN_MESSAGES: Final = {
    4290000: "Rate limit exceeded.",
    5000000: "An unknown error occurred.",
    5000001: "An unknown error occurred. Please try again.",
}
# Their errors are named by words: the type at RevenueCat, the code at the others.
_VENDORS_WITH_WORDS: Final = ("app_store_connect", "app_store_connect_api", "qonversion", "revenuecat")
_CAPTIVE_PORTAL: Final = "<html><body><h1>Sign in to this network</h1></body></html>"
_LONGEST_DELAY: Final = 600.0
_FRAMING: Final = ("content-length", "transfer-encoding", "connection")


@dataclass(frozen=True)
class VendorError:
    """An error that a vendor puts into its own shape.

    `code` is a word of that vendor's, or a number of the App Store Server API; another vendor
    answers such a number with its own word for the status. `message` None: the vendor's usual text.
    """

    code: int | str
    message: str | None


@dataclass(frozen=True)
class Answer:
    """An answer that stands in for the vendor's."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    error: VendorError | None = None
    """What the vendor itself is meant to say; then it makes body and headers, and `headers` come on top."""


@dataclass(frozen=True)
class Fault:
    """One fault as it was asked for."""

    kind: str
    match: Mapping[str, str]
    times: int | None = None
    rate: float | None = None
    seed: int | None = None
    seconds: float = 0.0
    answer: Answer | None = None
    asked: Mapping[str, object] = field(default_factory=dict)

    def hits(self, call: Call) -> bool:
        """Tell whether the call is one of those that the fault is meant for."""
        return all(_matches(name, wanted, call) for name, wanted in self.match.items())


@dataclass
class _Armed:
    fault_id: int
    fault: Fault
    chance: random.Random
    applied: int = 0

    def strikes(self, call: Call) -> bool:
        fault = self.fault
        if not fault.hits(call) or (fault.times is not None and self.applied >= fault.times):
            return False
        if fault.rate is not None and self.chance.random() >= fault.rate:
            return False
        self.applied += 1
        return True

    def to_json(self) -> dict[str, object]:
        return {**self.fault.asked, "id": self.fault_id, "applied": self.applied}


class FaultList:
    """The armed faults, in the order they were asked for; the first that strikes is used."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._last_id = 0

    def add(self, faults: list[Fault]) -> list[dict[str, object]]:
        """Arm faults; give them as `report` does."""
        added = []
        for fault in faults:
            self._last_id += 1
            added.append(_Armed(self._last_id, fault, random.Random(fault.seed)))
        self._armed.extend(added)
        return [armed.to_json() for armed in added]

    def pick(self, call: Call) -> Fault | None:
        """Give the fault that strikes this call, if any."""
        return next((armed.fault for armed in self._armed if armed.strikes(call)), None)

    def report(self) -> list[dict[str, object]]:
        """Give every fault as it was asked for, its `id`, and how often it was `applied`."""
        return [armed.to_json() for armed in self._armed]

    def remove(self, fault_id: int) -> bool:
        """Disarm one fault; False when there is none of that ID."""
        before = len(self._armed)
        self._armed = [armed for armed in self._armed if armed.fault_id != fault_id]
        return len(self._armed) < before

    def reset(self) -> None:
        """Disarm all."""
        self._armed.clear()


def read_faults(document: object) -> list[Fault]:
    """Read one fault or a list of them; `InputError` names the first bad entry."""
    if isinstance(document, list):
        return [_read_fault(value, f"[{index}]") for index, value in enumerate(document)]
    return [_read_fault(document, "")]


def _read_fault(value: object, path: str) -> Fault:
    every = dict.fromkeys(name for names in _PARAMETERS.values() for name in names)
    kind = Fields(value, path, (*_COMMON, *every)).choice("kind", KINDS)
    fields = Fields(value, path, (*_COMMON, *_PARAMETERS[kind]))
    if fields.has("times") and fields.has("rate"):
        raise InputError(fields.at("rate"), "stands beside times; give one of the two")
    return Fault(
        kind=kind,
        match=_read_match(fields),
        times=fields.integer("times", 1) if fields.has("times") else None,
        rate=fields.number("rate", 0, 1) if fields.has("rate") else None,
        seed=fields.integer("seed") if fields.has("seed") else None,
        seconds=fields.number("seconds", 0, _LONGEST_DELAY) if "seconds" in _PARAMETERS[kind] else 0.0,
        answer=_read_answer(fields, kind),
        asked=dict(value) if isinstance(value, dict) else {},
    )


def _read_match(fields: Fields) -> dict[str, str]:
    if not fields.has("match"):
        return {}
    match = Fields(fields.raw("match"), fields.at("match"), _MATCH)
    return {name: match.text(name) for name in _MATCH if match.has(name)}


def _matches(name: str, wanted: str, call: Call) -> bool:
    value = getattr(call, name)
    if name == "path":
        return fnmatch.fnmatchcase(str(value), wanted)
    return bool(value == wanted)


def _read_answer(fields: Fields, kind: str) -> Answer | None:
    if kind == "content_type":
        content_type = fields.optional_text("content_type") or "text/html"
        body = _read_body(fields) if fields.has("body") else _CAPTIVE_PORTAL.encode()
        return Answer(_read_status(fields, 200), {"content-type": content_type}, body)
    if kind == "status":
        return _read_error(fields) if fields.has("error_code") else _read_plain(fields)
    return None


def _read_plain(fields: Fields) -> Answer:
    body = fields.raw("body")
    fallback = "application/json" if isinstance(body, (dict, list)) else "text/plain"
    headers = {"content-type": fields.optional_text("content_type") or fallback}
    return Answer(_read_status(fields, None), {**headers, **_read_headers(fields)}, _read_body(fields))


def _read_error(fields: Fields) -> Answer:
    for name in ("body", "content_type"):
        if fields.has(name):
            raise InputError(fields.at(name), "stands beside error_code, which makes the body")
    vendor = _read_match(fields).get("vendor")
    if vendor == "devtodev":
        raise InputError(fields.at("error_code"), "is not for devtodev, whose pages have none; use status and body")
    message = fields.optional_text("error_message")
    if isinstance(fields.raw("error_code"), str):
        if vendor not in _VENDORS_WITH_WORDS:
            names = ", ".join(_VENDORS_WITH_WORDS)
            raise InputError(fields.at("error_code"), f"is a word, which needs match.vendor to be one of {names}")
        error = VendorError(fields.text("error_code"), message)
        return Answer(_read_status(fields, None), _read_headers(fields), error=error)
    code = fields.integer("error_code", 4_000_000, 5_999_999)
    message = message or _KNOWN_MESSAGES.get(code)
    if message is None and vendor not in _VENDORS_WITH_WORDS:
        raise InputError(fields.at("error_message"), f"is missing (no known text for {code})")
    return Answer(_read_status(fields, code // 10_000), _read_headers(fields), error=VendorError(code, message))


def _read_status(fields: Fields, default: int | None) -> int:
    if default is not None and not fields.has("status"):
        return default
    return fields.integer("status", 200, 599)


def _read_body(fields: Fields) -> bytes:
    body = fields.raw("body")
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _read_headers(fields: Fields) -> dict[str, str]:
    headers = fields.raw("headers")
    if headers is None:
        return {}
    if not isinstance(headers, dict):
        raise InputError(fields.at("headers"), "must be a mapping of names to values")
    return {
        str(name).lower(): _header_value(fields.at(f"headers.{name}"), str(name), value)
        for name, value in headers.items()
    }


def _header_value(path: str, name: str, value: object) -> str:
    if name.lower() in _FRAMING or re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) is None:
        raise InputError(path, "is not a header that can be set")
    text = str(value)
    if isinstance(value, (dict, list)) or re.fullmatch(r"[\x20-\x7e]*", text) is None:
        raise InputError(path, "must be one line of plain text")
    return text
