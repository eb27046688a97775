# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identifiers as Apple writes them: cleaned of pasted white space, checked, and explained when wrong."""

from __future__ import annotations

import ipaddress
import re
import typing as t
import unicodedata
from urllib.parse import urlsplit

from .errors import InputError
from .masking import MASK
from .secret import looks_secret
from .secret_marks import looks_random
from .token_marks import begins_as_token, shortened

Environment = t.Literal["production", "sandbox"]
ENVIRONMENTS: tuple[Environment, ...] = ("production", "sandbox")

_ISSUER_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY_ID = re.compile(r"[A-Z0-9]{1,32}")
_BUNDLE_ID = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
# What urlsplit takes for a host but an HTTP client reads otherwise (a backslash, say) is refused.
_PLACE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(:[0-9]*)?")
_SHOWN = 80
# What Linux takes (linux/limits.h).
_LONGEST_NAME, _LONGEST_PATH = 255, 4095
_PATH_WANTED = "Give the path of a file."
_URL_WANTED = "Give https://host[:port][/path], or http:// for a service on this machine."
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _pasted(text: str) -> str:
    """Drop white space and invisible characters, which web pages and mails add when an ID is copied."""
    return "".join(char for char in _visible(text) if not char.isspace())


def _visible(text: str) -> str:
    # No character of ASCII is invisible in this way, and lists have many IDs.
    return text if text.isascii() else "".join(char for char in text if unicodedata.category(char) != "Cf")


def shown(text: str) -> str:
    """Return ``text`` quoted for a message: short, and with nothing that a terminal would act on."""
    if looks_secret(text):
        # The masker knows whole secrets; the beginning of one would pass it.
        return repr(MASK)
    clean = shortened(text)
    return ascii(clean if len(clean) <= _SHOWN else clean[: _SHOWN - 3] + "...")


def refuse_no_path(text: str, option: str) -> None:
    """Raise InputError, which shows nothing of the text, for what can't be a path: a key or a session, put wrongly."""
    if looks_secret(text):
        raise InputError(option, *_misplaced(option))
    length = f"isn't a path, but a text of {len(text)} characters"
    try:
        encoded = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise InputError(option, f"{length}, some of which no path has.", _PATH_WANTED) from None
    if any(byte < 32 or byte == 127 for byte in encoded):
        raise InputError(option, f"{length} with line breaks or other control characters.", _PATH_WANTED)
    is_long = len(encoded) > _LONGEST_PATH or max(map(len, encoded.split(b"/"))) > _LONGEST_NAME
    # Base64 has slashes, too; what begins as a path does is judged name by name.
    names = text.split("/") if text.startswith(("/", "~", ".")) else [text]
    if is_long or any(map(looks_random, names)):
        raise InputError(option, f"{length} that no path has.", _PATH_WANTED)


def _misplaced(option: str) -> tuple[str, str]:
    for end, kind, right in (
        ("private_key_path", "key", "private_key_content"),
        ("session_path", "session", "session"),
    ):
        if option.endswith(end):
            name = option.rpartition(" ")[2].rpartition(".")[2].removesuffix(end)
            return f"is a {kind}'s text, no path.", f"Give it as {name}{right}."
    return "holds a key or a session, and no path.", _PATH_WANTED


def parse_issuer_id(text: str, option: str = "issuer_id") -> str:
    """Return the Issuer ID in lower case: a UUID in shape, not always one by RFC 9562.

    Source: developer.apple.com/documentation/appstoreserverapi/generating-json-web-tokens-for-api-requests
    """
    clean = _pasted(text).lower()
    if not _ISSUER_ID.fullmatch(clean):
        raise InputError(
            option,
            f"{shown(text)} isn't an Issuer ID (36 characters such as 57246542-96fe-1a63-e053-0824d011072a).",
            "Copy it from App Store Connect, Users and Access, Integrations, In-App Purchase.",
        )
    return clean


def parse_key_id(text: str, option: str = "key_id") -> str:
    """Return the Key ID. Apple's have 10 characters; 12 were seen, so the length is not enforced."""
    clean = _pasted(text)
    if not _KEY_ID.fullmatch(clean):
        case = " Key IDs are upper case." if _KEY_ID.fullmatch(clean.upper()) else ""
        raise InputError(
            option,
            f"{shown(text)} isn't a Key ID (10 capital letters and digits, such as 2X9R4HXF34).{case}",
            "Copy it from App Store Connect, Users and Access, Integrations, In-App Purchase.",
        )
    return clean


def parse_bundle_id(text: str, option: str = "bundle_id") -> str:
    """Return the bundle ID with its capitals, which Apple tells apart.

    Source: developer.apple.com/documentation/bundleresources/information-property-list/cfbundleidentifier
    """
    # Their length varies: a space inside may stand for a missing period as well as for nothing.
    clean = _visible(text).strip()
    # About one private key in thirty has neither + nor / in its base64: then only its first line tells it apart.
    is_secret = looks_secret(text) or looks_random(text) or begins_as_token(clean)
    if is_secret or not _BUNDLE_ID.fullmatch(clean) or len(clean) > 255:
        raise InputError(
            option,
            f"{shown(text)} isn't a bundle ID (letters, digits, hyphens and periods such as com.example.game).",
            "Copy it from App Store Connect, App Information.",
        )
    return clean


def parse_app_apple_id(number: int | None, option: str = "app_apple_id") -> int | None:
    """Return the app's Apple ID, a whole number; Apple's had 10 digits by 2026, and a ledger holds at most 18."""
    if number is not None and not 0 < number < 10**18:
        raise InputError(
            option,
            f"{number} isn't an Apple ID (a number of about 10 digits, such as 1000000000).",
            "Copy it from App Store Connect, App Information, General Information, Apple ID.",
        )
    return number


def is_storable(text: str) -> bool:
    """Tell whether every database takes the text: PostgreSQL no NUL, UTF-8 no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def is_loopback(host: str | None) -> bool:
    """Tell whether ``host`` names this machine without asking a resolver."""
    try:
        return (host or "").lower() == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def parse_service_url(text: str, option: str, is_shown: bool = True) -> str:
    """Return a service's base URL without a trailing slash: https, or http to loopback, without credentials.

    ``is_shown``: a message may have its path, which is a secret of some services.
    """
    next_step, text = _URL_WANTED, text.strip()
    # What stands before an @ may be a password, and behind a question mark a token.
    named = shown(re.split(r"[?#]", text, maxsplit=1)[0]) if is_shown and "@" not in text else "this"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InputError(option, f"{named} isn't a URL.", next_step) from None
    place = parts.netloc.rpartition("@")[2]
    is_odd = port == 0 or "\\" in text or any(char.isspace() or ord(char) < 32 for char in text)
    if parts.scheme not in ("http", "https") or not _PLACE.fullmatch(place) or is_odd:
        raise InputError(option, f"{named} isn't an http(s) URL.", next_step)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise InputError(option, "a base URL takes no user, password, query or fragment.", next_step)
    if parts.scheme == "http" and not is_loopback(host):
        raise InputError(option, "credentials are sent over https only; plain http is for loopback.", next_step)
    return text.rstrip("/")


def parse_secret_url(text: str, option: str) -> str:
    """Return a URL that gets a secret or, as a webhook's path or query, is one: https, or http to loopback.

    No message shows any of it.
    """
    text = text.strip()
    if not text:
        raise InputError(option, "isn't set.", _URL_WANTED)
    # What an HTTP client can't send, it shows.
    if " " in text or not is_one_line(text):
        raise InputError(option, "has blanks, line breaks or other characters that no URL has.", _URL_WANTED)
    parse_service_url(text.partition("?")[0], option, is_shown=False)
    return text


def is_one_line(text: str) -> bool:
    """Tell whether a text has nothing but what a URL, blanks aside, and the value of a header may have (RFC 9110)."""
    return text.isascii() and text.isprintable()


def refuse_header(name: str, value: str, option: str) -> None:
    """Raise InputError, which shows nothing of the value, for a header that can't be sent: HTTP clients show it."""
    if not _HEADER_NAME.fullmatch(name):
        raise InputError(option, "a header's name has a character that no name has.", "Correct the name.")
    if not value:
        raise InputError(option, f"the header {shown(name)} is empty.", "Give its value.")
    if not is_one_line(value):
        problem = f"the header {shown(name)} has a line break or another character that no header has."
        raise InputError(option, problem, "Give its value in one line of plain ASCII.")
