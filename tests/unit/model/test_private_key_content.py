# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys as pasted content: every accepted form is one and the same key."""

from __future__ import annotations

import base64
import json
import re
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
    # One of these has no padding, one lacks "=" and one "==".
    "base64 without its padding": lambda pem: _base64(pem).rstrip("="),
    "base64 without its padding, a line more": lambda pem: _base64(pem + "\n").rstrip("="),
    "base64 without its padding, two lines more": lambda pem: _base64(pem + "\n\n").rstrip("="),
    "base64 with half of its padding": lambda pem: _base64(pem + "\n" * ((1 - len(pem)) % 3))[:-1],
    "base64 for URLs": lambda pem: base64.urlsafe_b64encode(pem.encode()).decode(),
    "base64 twice": lambda pem: _base64(_base64(pem)),
    "base64 of a byte order mark": lambda pem: _base64("\ufeff" + pem),
    "literal \\n, escaped twice": lambda pem: pem.replace("\n", "\\\\n"),
    "literal \\r\\n, escaped three times": lambda pem: pem.replace("\n", "\\\\\\r\\\\\\n"),
    "as long as a file may be": lambda pem: pem + "\n" * (8192 - len(pem)),
    "blank line before": lambda pem: "\n" + pem,
    "blank line after": lambda pem: pem + "\n",
    "body in one line": lambda pem: "\n".join([pem[:27], pem[28:-26].replace("\n", ""), pem[-26:]]),
    "folded by YAML": lambda pem: " ".join(pem.splitlines()),
    "joined": lambda pem: "".join(pem.splitlines()),
    "byte order mark": lambda pem: "\ufeff" + pem,
    "byte order mark and CRLF": lambda pem: "\ufeff" + pem.replace("\n", "\r\n"),
    "line ends converted twice": lambda pem: pem.replace("\n", "\r\r\n"),
}


def test_slashes_of_the_body_may_be_escaped_as_json_allows() -> None:
    made = next(made for made in iter(new_pem, "") if "/" in made)
    assert parse_content(made.replace("/", "\\/")).pem.reveal() == made


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_the_same_key(form: str, pem: str) -> None:
    """What leaves no choice of what the key is is read, as content and as file."""
    text = FORMS[form](pem)
    for key in (parse_content(text), parse_file(text.encode(), "/a.p8")):
        assert key.pem.reveal() == pem
        assert key.fingerprint == fingerprint_of(pem)


SERVICE_ACCOUNT = {"type": "service_account", "private_key_id": "a", "client_email": "a@b.example"}
REFUSED: dict[str, tuple[t.Callable[[str], str], str]] = {
    "empty": (lambda pem: "", "empty"),
    "blank": (lambda pem: " \n\t\n", "empty"),
    "quotes": (lambda pem: '""', "empty"),
    "some word": (lambda pem: "hunter2", "BEGIN PRIVATE KEY is missing"),
    "a path": (lambda pem: "/etc/keys/SubscriptionKey_ABC.p8", "BEGIN PRIVATE KEY is missing"),
    "the body alone": (lambda pem: "".join(pem.splitlines()[1:-1]), "BEGIN PRIVATE KEY is missing"),
    "base64 cut": (lambda pem: _base64(pem)[:-40], "truncated"),
    "base64 three times": (lambda pem: _base64(_base64(_base64(pem))), "BEGIN PRIVATE KEY is missing"),
    "a lost hyphen": (lambda pem: pem[1:], "is not written with five hyphens on each side"),
    "another lost hyphen": (lambda pem: pem[:-2], "is not written with five hyphens on each side"),
    "two keys": (lambda pem: pem + pem, "2 PEM blocks"),
    "text before": (lambda pem: f"My key:\n{pem}", "text before or after"),
    "a name before": (lambda pem: f'export IAP_KEY="{pem}"', "NAME=…"),
    "a name before base64": (lambda pem: f"IAP_KEY={_base64(pem)}", "NAME=…"),
    "a data URI": (lambda pem: f"data:application/x-pem-file;base64,{_base64(pem)}", "data:…"),
    "non-ASCII": (lambda pem: pem + "é", "U+00E9 (LATIN SMALL LETTER E WITH ACUTE)"),
    "a no-break space": (lambda pem: pem.replace(" ", "\u00a0"), "U+00A0 (NO-BREAK SPACE)"),
    "smart dashes": (lambda pem: pem.replace("-----", "\u2014\u2014-"), "dashes of another kind (EM DASH)"),
    "a lone surrogate": (lambda pem: pem + "\ud800", "binary"),
    "an escaped byte": (lambda pem: pem + "\udcff", "binary"),
    "NUL": (lambda pem: pem + "\0", "binary"),
    "UTF-16": (lambda pem: pem.encode("utf-16-le").decode("latin-1"), "UTF-16"),
    "base64 of UTF-16": (lambda pem: base64.b64encode(pem.encode("utf-16")).decode(), "UTF-16"),
    "CR alone": (lambda pem: pem.replace("\n", "\r"), "line ends of CR alone"),
    "vault": (lambda pem: "$ANSIBLE_VAULT;1.1;AES256\n6162", "encrypted with ansible-vault"),
    "base64 of a vault": (lambda pem: _base64("$ANSIBLE_VAULT;1.1;AES256\n6162"), "encrypted with ansible-vault"),
    "huge": (lambda pem: pem + "\n" * 9000, "more than 8192 bytes"),
}
OTHER_SERVICES = {
    "Google": (SERVICE_ACCOUNT, "the JSON key of a Google service account"),
    "fastlane": ({"key_id": "A", "issuer_id": "B"}, "fastlane's JSON of an API key"),
    "another": ({"secret": "a"}, "a JSON document"),
}


@pytest.mark.parametrize("encode", [str, _base64])
@pytest.mark.parametrize("service", OTHER_SERVICES)
def test_keys_of_other_services(service: str, encode: t.Callable[[str], str], pem: str) -> None:
    document, expected = OTHER_SERVICES[service]
    text = encode(json.dumps({**document, "private_key": pem, "key": pem}))
    for parse in (parse_content, lambda given: parse_file(given.encode(), "/a.p8")):
        with pytest.raises(KeyProblem) as caught:
            parse(text)
        assert expected in str(caught.value) and caught.value.cause == "key_wrong_kind"


def test_no_message_advises_what_may_destroy_or_cannot_be_done(pem: str) -> None:
    """A key's download is offered once: nobody is told to repeat it."""
    for make, _expected in REFUSED.values():
        for parse in (parse_content, lambda given: parse_file(given.encode("utf-8", "surrogatepass"), "/a.p8")):
            with pytest.raises(KeyProblem) as caught:
                parse(make(pem))
            message = str(caught.value).lower()
            assert "remove" not in message and not re.search(r"download\w* .*again|again\W+download", message), message


def test_the_way_with_a_vault_is_shown() -> None:
    with pytest.raises(KeyProblem) as caught:
        parse_file(b"$ANSIBLE_VAULT;1.1;AES256\n6162\n", "/keys/a.p8")
    assert "private_key_content: \"{{ lookup('ansible.builtin.file', '/keys/a.p8') }}\"" in str(caught.value)


@pytest.mark.parametrize("case", REFUSED)
def test_refused_content(case: str, pem: str) -> None:
    make, expected = REFUSED[case]
    with pytest.raises(KeyProblem) as caught:
        parse_content(make(pem))
    assert caught.value.cause == "key_unreadable"
    assert expected in str(caught.value)
    assert str(caught.value).startswith("private_key_content ")


@pytest.mark.services
def test_the_fingerprint_is_what_openssl_computes(pem: str) -> None:
    public = subprocess.run(
        ["openssl", "pkey", "-pubout", "-outform", "DER"], input=pem.encode(), capture_output=True, check=True
    ).stdout
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=public, capture_output=True, check=True)
    assert parse_content(pem).fingerprint == digest.stdout.decode().split()[0]


@pytest.mark.services
def test_a_key_made_by_openssl_is_read() -> None:
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    made = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    assert parse_content(made).fingerprint == fingerprint_of(made)


def test_a_key_shows_its_fingerprint_only(pem: str) -> None:
    key = parse_content(pem)
    assert repr(key) == f"PrivateKey(fingerprint='{key.fingerprint}')"
    assert str(key) == repr(key)
    assert parse_content(new_pem()).fingerprint != key.fingerprint
