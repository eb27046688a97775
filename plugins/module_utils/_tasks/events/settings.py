# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of the event source, checked: every fault names its argument."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from types import MappingProxyType

from ..._declared_spec import expanded_path
from ..._fields import is_shown_field, refuse_empty
from ..._files.reading import Policy, certificates_path
from ..._model.errors import InputError
from ..._model.identifiers import parse_secret_url, parse_service_url, shown

Mode = t.Literal["poll", "listen"]
# ansible-rulebook's own, and the queue that it adds for feedback.
_FOREIGN = frozenset({"feedback", "eda_feedback_queue"})
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True)
class Settings:
    """``interval`` and ``send_timeout`` are in seconds, ``largest_body`` is in bytes."""

    mode: Mode
    ledger_url: str | None = field(repr=False)
    consumer: str
    interval: float
    host: str
    port: int
    path: str
    forward_to: tuple[str, ...] = field(repr=False)
    send_timeout: float
    largest_body: int
    root_certificate_path: str | None
    app_store_server_url: str | None
    ca_path: str | None
    private_key_file_policy: Policy
    with_feedback: bool
    account_token: str


def parse_settings(args: t.Mapping[str, t.Any], environ: t.Mapping[str, str] = MappingProxyType({})) -> Settings:
    """Return the settings; what is left out of them, the environment may have. Raises InputError."""
    unknown = sorted(set(args) - _KNOWN - _FOREIGN, key=str)
    if unknown:
        name, known = str(unknown[0]), f"Known are {', '.join(sorted(_KNOWN))}."
        named = name if is_shown_field(name, args[unknown[0]]) else "an argument whose name is not shown here"
        raise InputError(named, "isn't an argument of refund_events.", known)
    mode = _choice(args, "mode", ("poll", "listen"))
    consumer, path = _text(args, "consumer") or "rulebook", _text(args, "path") or "/"
    if not _NAME.fullmatch(consumer):
        raise InputError("consumer", f"{shown(consumer)} isn't a name (up to 64 letters, digits, dots, hyphens).")
    if not path.startswith("/") or not path.isascii() or any(char in path for char in "?# "):
        raise InputError("path", f"{shown(path)} isn't the path of a URL, such as /apple.")
    if mode != "listen":
        _refuse_unheard(args)
    ledger = {} if args.get("ledger") is None else args["ledger"]
    if not isinstance(ledger, dict) or set(ledger) - {"url"}:
        raise InputError("ledger", "is a mapping with url.")
    url = _text(args, "app_store_server_url")
    return Settings(
        mode=t.cast(Mode, mode),
        ledger_url=_text(ledger, "url", "ledger.url") or environ.get("STOREOPS_LEDGER_URL"),
        consumer=consumer,
        interval=_number(args, "interval", 300.0, 1.0, 86_400.0),
        host=_text(args, "host") or "127.0.0.1",
        port=int(_number(args, "port", 8099, 0, 65_535)),
        path=path,
        forward_to=_urls(args),
        send_timeout=_number(args, "send_timeout", 5.0, 0.1, 60.0),
        largest_body=int(_number(args, "largest_body", 256 * 1024, 1024, 16 * 1024 * 1024)),
        root_certificate_path=_path(args, "root_certificate_path"),
        app_store_server_url=url and parse_service_url(url, "app_store_server_url"),
        ca_path=certificates_path(_path(args, "ca_path"), environ),
        private_key_file_policy=t.cast(Policy, _choice(args, "private_key_file_policy", ("strict", "mounted"))),
        with_feedback=_flag(args, "feedback"),
        account_token=_choice(args, "account_token", ("none", "sha256")),
    )


_KNOWN = frozenset(Settings.__dataclass_fields__) - {"ledger_url", "with_feedback"} | {"ledger"}


def _refuse_unheard(args: t.Mapping[str, t.Any]) -> None:
    """Raise InputError for what only a receiver can do: left undone, nobody would know."""
    if args.get("forward_to"):
        raise InputError("forward_to", "needs mode: listen. In poll, nothing is received that could be forwarded.")
    if args.get("account_token", "none") == "sha256":
        raise InputError("account_token", "sha256 needs mode: listen. In poll, events don't have the account's token.")


def _text(args: t.Mapping[str, t.Any], name: str, shown: str | None = None) -> str | None:
    value = args.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InputError(shown or name, "is a text.")
    refuse_empty({shown or name: value}, (shown or name,))
    return value


def _path(args: t.Mapping[str, t.Any], name: str) -> str | None:
    """Return a path as a module gets it: nobody else replaces its ~ and variables."""
    value = _text(args, name)
    return value and expanded_path(value)


def _choice(args: t.Mapping[str, t.Any], name: str, allowed: tuple[str, ...]) -> str:
    value = args.get(name, allowed[0])
    if value not in allowed:
        raise InputError(name, f"{shown(str(value))} isn't one of {', '.join(allowed)}.")
    return str(value)


def _flag(args: t.Mapping[str, t.Any], name: str) -> bool:
    value = False if args.get(name) is None else args[name]
    # A text such as "false" would count as true.
    if not isinstance(value, bool):
        raise InputError(
            name, f"{shown(str(value))} is neither true nor false.", "Write true or false, without quotes."
        )
    return value


def _number(args: t.Mapping[str, t.Any], name: str, default: float, low: float, high: float) -> float:
    value = args.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if isinstance(value, bool) or not low <= number <= high:
        raise InputError(name, f"{shown(str(value))} isn't a number from {low:g} to {high:g}.")
    return number


def _urls(args: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    value = [] if args.get("forward_to") is None else args["forward_to"]
    if not isinstance(value, list) or not all(isinstance(url, str) for url in value):
        raise InputError("forward_to", "is a list of URLs.")
    named = {f"forward_to[{index}]": url for index, url in enumerate(value)}
    refuse_empty(named, tuple(named))
    # A notification is a customer's: over https, or on this machine. The URL itself may be a secret.
    return tuple(parse_secret_url(url, name) for name, url in named.items())
