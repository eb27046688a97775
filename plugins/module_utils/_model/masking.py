# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The removal of secrets from what is shown, by a rule that never rewrites data.

What is written to files and to the ledger is never masked: no secret gets there. Results, warnings and progress are:

- The password's place in a URL is masked, whoever's it is.
- A secret that nobody would use as a word (a PEM, a token, a generated password) is masked wherever it stands.
- A secret that could be a word of the data (a name, an identifier, a date, up to 24 characters) is masked only in
  sentences, and only where it stands as the secret: in quotes, after an equals sign, or by itself if it has letters and
  digits. ``com.example.one`` stays what it is when a password is ``example``. So does a value that is such a word as a
  whole, for it is a bundle ID, a product or an outcome.
- A value that looks like a private key or a session is masked, known or not.

Parameters (``invocation``, the system's log) are hidden by their position besides, see `_shown_params`.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Mapping

from .secret import forms
from .secret_marks import blotted, looks_generated

MASK = "********"
_LONGEST_WORD = 24
_WORD = re.compile(rf"[\w .-]{{1,{_LONGEST_WORD}}}")
# A bundle ID, a host's name or a file's; a time.
_NAME = re.compile(r"[A-Za-z][\w-]*(\.[\w-]+)+")
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ][\d:.]+(Z|[+-][\d:]+)?)?")
# Up to the last @ before the path: an unescaped one may be part of it.
_URL_PASSWORD = re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)[^\s/'\"]+(?=@)", re.IGNORECASE)
_BLANK = re.compile(r"\s")


def could_be_a_word(secret: str) -> bool:
    """Tell whether a secret's text may as well occur in bundle IDs, products, names and times."""
    if looks_generated(secret):
        return False
    return any(pattern.fullmatch(secret) is not None for pattern in (_WORD, _NAME, _TIME))


def _alone(word: str) -> str:
    """Return a pattern of a word where it is no part of a longer identifier."""
    text = re.escape(word)
    as_value = rf"(?<=['\"`=]){text}(?=['\"`\s,;&]|$)|(?<=:){text}(?=@)"
    is_mixed = re.search(r"[^\W\d]", word) and re.search(r"\d", word)
    return rf"{as_value}|(?<![\w-])(?<!\w\.){text}(?![\w-])(?!\.\w)" if is_mixed else as_value


def _pattern(alternatives: t.Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(alternatives)) if alternatives else None


class Masker:
    """Replaces every known secret, in any of its forms, in strings, lists and mappings of any depth.

    ``distinct``: the forms that are masked wherever they stand.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({form for secret in secrets for form in forms(secret)}, key=len, reverse=True)
        words = {form for form in known if could_be_a_word(form)}
        self.distinct = frozenset(known) - words
        self._distinct = _pattern([re.escape(form) for form in known if form not in words])
        self._words = _pattern([_alone(form) for form in known if form in words])

    def mask(self, value: t.Any) -> t.Any:
        """Return a copy of ``value`` without secrets. Names in mappings are ours and stay."""
        return self._masked(value, {})

    def _masked(self, value: t.Any, done: dict[str, str]) -> t.Any:
        """``done``: texts of this result so far; lists of apps say the same thing a thousand times."""
        if isinstance(value, str):
            if value not in done:
                done[value] = self._text(value)
            return done[value]
        if isinstance(value, Mapping):
            return {name: self._masked(item, done) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._masked(item, done) for item in value]
        return value

    def _text(self, text: str) -> str:
        if self._distinct is not None:
            text = self._distinct.sub(MASK, text)
        if self._words is not None and _BLANK.search(text):
            text = self._words.sub(MASK, text)
        if "://" in text:
            text = _URL_PASSWORD.sub(rf"\1{MASK}", text)
        return blotted(text, MASK)
