# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What API keys and tokens are recognised by, and what is shown of one: enough to know which it is, not to use it.

IDs, URLs and names consist of words and numbers, and people find their typo by seeing them. So a run of 16 or more
characters is shortened only if some piece of it is neither.
"""

from __future__ import annotations

import re

from .secret_marks import looks_random

_KEPT = 6
_LONGEST_WORD = 16
# Stripe, RevenueCat, OpenAI; GitHub; GitLab; HashiCorp Vault; Slack; npm; JSON Web Tokens.
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9])(?:sk[-_]|[pr]k_|gh[opsu]_|github_pat_|glpat-|hv[bs]\.|xox[a-z]-|npm_|eyJ)[A-Za-z0-9+/=_.%-]{12,}"
)
_RUN = re.compile(r"[A-Za-z0-9+/=_%-]{16,}")
# Base64 has slashes, too, where it looks like a path.
_LONG_RUN = re.compile(r"[A-Za-z0-9+/=]{32,}")
_RUN_IN_PATH = re.compile(r"[A-Za-z0-9+=_%-]{16,}")
_SEPARATOR = re.compile(r"(?:%[0-9A-Fa-f]{2}|[-_+/=%])+")
# The host's name of a URL, which is no secret; not what stands before an @.
_PLACE = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]*\.[^/?#@\s]*(?=[/?#\s]|$)", re.IGNORECASE)
# A bundle ID as nearly all are. Some makers of apps give them numbers of their own.
_DOMAIN = re.compile(r"(?:com|net|org|info|app|dev|[a-z]{2})(?:\.[A-Za-z0-9-]+)+")
# A UUID, also with a slip of the keyboard.
_UUID = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{7,9}(?:-[A-Za-z0-9]{3,5}){3}-[A-Za-z0-9]{11,13}(?![A-Za-z0-9])")
_PLAIN = re.compile(r"[a-z]+\d{0,4}|\d+")
# A Key ID, and what is too short to tell.
_CODE = re.compile(r"[A-Z0-9]{8,12}|[A-Za-z0-9]{1,5}")
_MOST_CODES = 2
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_LONGEST_NUMBER, _LONGEST_CAPITALS, _USUAL_WORD = 4, 4, 3
_UNSPOKEN = re.compile(r"[^aeiouy]{5}|^[^aeiouy]{3,}$", re.IGNORECASE)


def shortened(text: str) -> str:
    """Return a text for a message, with the first characters alone of what may be an API key or a token."""
    if _DOMAIN.fullmatch(text) and not looks_random(text):
        return text
    host = _PLACE.match(text)
    place = host.group() if host else ""
    rest = _PREFIXED.sub(lambda token: _short(token.group()), text[len(place) :])
    if place or text.startswith(("/", "~", ".")):
        # Where no name of the path is cut, all of it may be base64.
        found = _RUN_IN_PATH.sub(_cut, rest)
        return place + (found if found != rest else _LONG_RUN.sub(_cut_random, rest))
    return _RUN.sub(_cut, rest)


def has_token(text: str) -> bool:
    """Tell whether a text has in it what may be an API key or a token."""
    return shortened(text) != text


def begins_as_token(text: str) -> bool:
    """Tell whether a text can't be anything but a well-known service's API key or token: words may begin so, too."""
    found = _PREFIXED.match(text)
    pieces = re.split(r"[._-]", found.group()) if found else []
    return any(len(piece) >= _LONGEST_WORD or not _is_named(piece) for piece in pieces)


def _cut(run: re.Match[str]) -> str:
    text = run.group()
    return _short(text) if looks_random(text) or not _is_named(text) else text


def _cut_random(run: re.Match[str]) -> str:
    text = run.group()
    return _short(text) if looks_random(text) else text


def _short(text: str) -> str:
    return f"{text[:_KEPT]}... ({len(text)} characters)"


def _is_named(run: str) -> bool:
    """Tell whether a person may have chosen a run: it consists of words, numbers, a UUID and a few short codes."""
    pieces = [piece for piece in _SEPARATOR.split(_UUID.sub("", run)) if piece]
    odd = [piece for piece in pieces if not _PLAIN.fullmatch(piece) and not _is_words(piece)]
    return len(odd) <= _MOST_CODES and all(map(_CODE.fullmatch, odd))


def _is_words(piece: str) -> bool:
    """Tell whether a piece is words written together, each with a capital: ``MyGame2Free``."""
    parts = _PART.findall(piece)
    numbers = [part for part in parts if part.isdigit()]
    words = [part for part in parts if not part.isdigit()]
    if len(numbers) > 1 or any(len(number) > _LONGEST_NUMBER for number in numbers):
        return False
    if any(len(word) > _LONGEST_CAPITALS if word.isupper() else _UNSPOKEN.search(word) for word in words):
        return False
    return sum(map(len, words)) >= _USUAL_WORD * len(words)
