# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys as pasted content: every accepted form is one and the same key."""

from __future__ import annotations

import base64
import subprocess
import textwrap
import typing as t

import pytest
from unit_support import fingerprint_of, new_pem

from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import (
    KeyProblem,
    parse_content,
    parse_file,
)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORMS: dict[str, t.Callable[[str], str]] = {
    "as it is": lambda pem: pem,
    "without the last line end": lambda pem: pem.rstrip("\n"),
    "CRLF": lambda pem: pem.replace("\n", "\r\n"),
    "literal \\n": lambda pem: pem.replace("\n", "\\n"),
    "literal \\r\\n": lambda pem: pem.replace("\n", "\\r\\n"),
    "blank around": lambda pem: f"\n\n  {pem}\n \t\n",
    "indented": lambda pem: textwrap.indent(pem, "      "),
    "trailing blanks": lambda pem: pem.replace("\n", "  \n"),
    "double quotes": lambda pem: f'"{pem.strip()}"',
    "single quotes": lambda pem: f"'{pem}'",
    "quotes and literal \\n": lambda pem: '"' + pem.replace("\n", "\\n") + '"\n',
    "blank lines": lambda pem: pem.replace("\n", "\n\n"),
    "base64": _base64,
    "base64, end of line": lambda pem: _base64(pem) + "\n",
    "base64, wrapped": lambda pem: "\n".join(textwrap.wrap(_base64(pem), 76)),
    "base64, wrapped with CRLF": lambda pem: "\r\n".join(textwrap.wrap(_base64(pem), 64)) + "\r\n",
    "base64 of CRLF": lambda pem: _base64(pem.replace("\n", "\r\n")),
    "base64 of literal \\n": lambda pem: _base64(pem.replace("\n", "\\n")),
    "base64 in quotes": lambda pem: f'"{_base64(pem)}"',
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_the_same_key(form: str, pem: str) -> None:
    key = parse_content(FORMS[form](pem))
    assert key.pem.reveal() == pem
    assert key.fingerprint == fingerprint_of(pem)


REFUSED: dict[str, tuple[t.Callable[[str], str], str]] = {
    "empty": (lambda pem: "", "empty"),
    "blank": (lambda pem: " \n\t\n", "empty"),
    "some word": (lambda pem: "hunter2", "BEGIN PRIVATE KEY----- is missing"),
    "a path": (lambda pem: "/etc/keys/SubscriptionKey_ABC.p8", "BEGIN PRIVATE KEY----- is missing"),
    "the body alone": (lambda pem: "".join(pem.splitlines()[1:-1]), "BEGIN PRIVATE KEY----- is missing"),
    "folded by YAML": (lambda pem: " ".join(pem.splitlines()), "folded"),
    "base64 twice": (lambda pem: _base64(_base64(pem)), "BEGIN PRIVATE KEY----- is missing"),
    "base64 cut": (lambda pem: _base64(pem)[:-40], "truncated"),
    "vault marker": (lambda pem: "$ANSIBLE_VAULT;1.1;AES256\n6162", "BEGIN PRIVATE KEY----- is missing"),
    "two keys": (lambda pem: pem + pem, "2 PEM blocks"),
    "text before": (lambda pem: f"My key:\n{pem}", "text before or after"),
    "non-ASCII": (lambda pem: pem + "é", "not plain ASCII"),
    "a lone surrogate": (lambda pem: pem + "\ud800", "not plain ASCII"),
    "an escaped byte": (lambda pem: pem + "\udcff", "not plain ASCII"),
    "byte order mark": (lambda pem: "\ufeff" + pem, "not plain ASCII"),
    "NUL": (lambda pem: pem + "\0", "binary"),
    "huge": (lambda pem: pem + "\n" * 9000, "more than 8192 bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_content(case: str, pem: str) -> None:
    make, expected = REFUSED[case]
    with pytest.raises(KeyProblem) as caught:
        parse_content(make(pem))
    assert caught.value.cause == "key_unreadable"
    assert expected in str(caught.value)
    assert str(caught.value).startswith("private_key_content ")


def test_a_file_is_read_more_strictly_than_content(pem: str) -> None:
    for text in (pem.replace("\n", "\r\n"), pem.replace("\n", "\\n"), _base64(pem)):
        assert parse_content(text).fingerprint == fingerprint_of(pem)
        with pytest.raises(KeyProblem):
            parse_file(text.encode(), "/a.p8")


def test_the_fingerprint_is_what_openssl_computes(pem: str) -> None:
    public = subprocess.run(
        ["openssl", "pkey", "-pubout", "-outform", "DER"], input=pem.encode(), capture_output=True, check=True
    ).stdout
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=public, capture_output=True, check=True)
    assert parse_content(pem).fingerprint == digest.stdout.decode().split()[0]


def test_a_key_made_by_openssl_is_read() -> None:
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    made = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    assert parse_content(made).fingerprint == fingerprint_of(made)


def test_a_key_shows_its_fingerprint_only(pem: str) -> None:
    key = parse_content(pem)
    assert repr(key) == f"PrivateKey(fingerprint='{key.fingerprint}')"
    assert str(key) == repr(key)
    assert parse_content(new_pem()).fingerprint != key.fingerprint
