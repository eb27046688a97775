# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No input makes the parsers raise anything but KeyProblem, and no message repeats the input."""

from __future__ import annotations

import typing as t

from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit_examples import examples
from unit_support import fingerprint_of

from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import (
    KeyProblem,
    PrivateKey,
    parse_content,
    parse_file,
)

TEXTS = st.text(st.characters(categories=("L", "M", "N", "P", "S", "Z", "C")), max_size=400)
# What comes near a PEM, so that the later steps of the parser are reached too.
MARKS = (
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "-----BEGIN ",
    "-----",
    "\n",
    "\r\n",
    "\\n",
    "=",
    '"',
)
BODIES = ("MIGHAgEAMBMGByqGSM49AgEG", "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t", "\ud800", "\x85", "\u2028", "A" * 76)
PIECES = st.sampled_from((*MARKS, *BODIES))
NEARLY = st.lists(st.one_of(PIECES, st.text("ABCabc+/= \n", max_size=80)), max_size=12).map("".join)
# Longer runs than this of the input in a message would begin to give a key away.
LONGEST_REPEATED = 8


def _outcome(parse: t.Callable[[], PrivateKey]) -> PrivateKey | KeyProblem:
    try:
        return parse()
    except KeyProblem as problem:
        return problem


def _repeats(message: str, text: str, fixed: str) -> list[str]:
    """Give the longer runs of the input that a message repeats beyond what it says anyway."""
    length = LONGEST_REPEATED + 1
    runs = {text[start : start + length] for start in range(len(text) - length + 1)}
    return sorted(run for run in runs if run in message and run not in fixed)


FIXED = (
    "private_key_content /keys/a.p8 the line BEGIN PRIVATE KEY is missing the line END PRIVATE KEY is not written "
    "-----BEGIN PRIVATE KEY-----  -----END PRIVATE KEY-----"
)


@settings(max_examples=examples(80))
@given(st.one_of(TEXTS, NEARLY))
@example("\ud800")
@example("\udc80")
@example("-----BEGIN MIGHAGEAMBMGBYQGSM49AGEG-----")
def test_any_text_as_content(text: str) -> None:
    outcome = _outcome(lambda: parse_content(text))
    assert isinstance(outcome, KeyProblem)
    assert _repeats(str(outcome), text, FIXED) == []
    assert "\n" not in str(outcome)


@settings(max_examples=examples(80))
@given(st.one_of(st.binary(max_size=400), NEARLY.map(lambda text: text.encode("utf-8", "surrogatepass"))))
@example(b"a" * 9000)
def test_any_bytes_as_a_file(data: bytes) -> None:
    outcome = _outcome(lambda: parse_file(data, "/keys/a.p8"))
    assert isinstance(outcome, KeyProblem)
    assert _repeats(str(outcome), data.decode("latin-1"), FIXED) == []


@settings(max_examples=examples(120))
@given(st.data())
def test_one_damaged_byte_is_the_same_key_or_a_problem(pem: str, data: st.DataObject) -> None:
    raw = bytearray(pem.encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    for outcome in (
        _outcome(lambda: parse_file(bytes(raw), "/keys/a.p8")),
        _outcome(lambda: parse_content(bytes(raw).decode("latin-1"))),
    ):
        if isinstance(outcome, PrivateKey):
            assert outcome.fingerprint == fingerprint_of(pem)
        else:
            assert _repeats(str(outcome), pem, FIXED) == []


@settings(max_examples=examples(100))
@given(st.integers(0, 240), st.integers(0, 240))
def test_a_piece_cut_out_is_no_key(pem: str, start: int, end: int) -> None:
    first, last = sorted((start, end))
    if last - first == 0 or pem[first:last].isspace():
        return
    outcome = _outcome(lambda: parse_file((pem[:first] + pem[last:]).encode(), "/keys/a.p8"))
    assert isinstance(outcome, KeyProblem)


@settings(max_examples=examples(60))
@given(st.text("\n\t ", max_size=8), st.text("\r\n\t ", max_size=8), st.sampled_from(["\n", "\r\n", "\\n"]))
def test_white_space_and_line_ends_never_change_the_key(pem: str, before: str, after: str, end: str) -> None:
    key = _outcome(lambda: parse_content(before + pem.replace("\n", end) + after))
    assert isinstance(key, PrivateKey)
    assert (key.fingerprint, key.pem.reveal()) == (fingerprint_of(pem), pem)
