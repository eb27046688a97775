# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and sessions in options that show what they hold: hidden all the same, and refused with the right option."""

from __future__ import annotations

import base64
import json
import secrets
import textwrap
import typing as t

import pytest
from cryptography.hazmat.primitives import serialization
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils import _argument_spec
from ansible_collections.storeops.refunds.plugins.module_utils._context import Context, Params, Results, Task
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import refuse_no_path
from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import MASK, Masker
from ansible_collections.storeops.refunds.plugins.module_utils._secrets import secret_values
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import (
    credential_check_info,
    integration,
    integrations,
)

FASTLANE = """---
- !ruby/object:HTTP::Cookie
  name: myacinfo
  value: {0}
  domain: apple.com
  for_domain: true
  path: "/"
"""
WINDOW = 12


class Misplaced(t.NamedTuple):
    """A text in the wrong option, and what of it nobody may see."""

    text: str
    secret: str

    def is_shown(self, outcome: Outcome) -> list[str]:
        """Give the pieces of the secret that a result, message or warning shows."""
        shown = repr(outcome)
        pieces = {self.secret[start : start + WINDOW] for start in range(len(self.secret) - WINDOW + 1)}
        return [piece for piece in pieces if piece in shown]


def _sec1(pem: str) -> str:
    """Give the body of the same key in the older form."""
    loaded = serialization.load_pem_private_key(pem.encode(), None)
    form = (serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return base64.b64encode(loaded.private_bytes(*form)).decode()


def _key(form: str, pem: str) -> Misplaced:
    encoded = base64.b64encode(pem.encode()).decode()
    body, sec1 = "".join(pem.splitlines()[1:-1]), _sec1(pem)
    texts = {
        "pem": (pem, "".join(pem.splitlines()[1:-1])),
        "escaped pem": (pem.replace("\n", "\\n"), "".join(pem.splitlines()[1:-1])),
        "base64": (encoded, encoded),
        "bare body": (body, body),
        "wrapped bare body": ("\n".join(textwrap.wrap(body, 64)), body),
        "spaced bare body": (" ".join(textwrap.wrap(body, 64)), body),
        "bare SEC 1 body": (sec1, sec1),
        "wrapped base64": ("\n".join(textwrap.wrap(encoded, 76)), encoded),
    }
    return Misplaced(*texts[form])


def _session(form: str) -> Misplaced:
    cookie = secrets.token_hex(24)
    listed = [{"name": "myacinfo", "value": cookie, "domain": ".apple.com"}]
    fastlane = FASTLANE.format(cookie)
    texts = {
        "json": json.dumps(listed),
        "indented json": json.dumps(listed, indent=2),
        "storage state": json.dumps({"cookies": [{**listed[0], "path": "/"}], "origins": []}),
        "value first": json.dumps([{"value": cookie, "name": "myacinfo"}]),
        "fastlane": fastlane,
        "fastlane, escaped": fastlane.replace("\n", "\\n"),
    }
    return Misplaced(texts[form], cookie)


BARE = ["bare body", "wrapped bare body", "spaced bare body", "bare SEC 1 body"]
KEYS = ["pem", "escaped pem", "base64", "wrapped base64", *BARE]
SESSIONS = ["json", "indented json", "storage state", "value first", "fastlane", "fastlane, escaped"]


def refused(task: Task, misplaced: Misplaced, told: str, options: dict[str, t.Any]) -> None:
    """Run with the text in an option; it is refused and not shown, in check mode too."""
    for check_mode in (True, False):
        outcome = run_task(task, options, check_mode)
        assert outcome.results["failed"] and told in outcome.message, outcome.message
        assert "fault of storeops" not in outcome.message and misplaced.is_shown(outcome) == []


@pytest.mark.parametrize("form", KEYS)
def test_a_key_as_its_path(form: str, pem: str) -> None:
    misplaced = _key(form, pem)
    told = "Give it as private_key_content"
    options = {"private_key_path": misplaced.text, "bundle_id": BUNDLE_ID, "issuer_id": ISSUER, "key_id": KEY_ID}
    for task in (iap_key.TASK, integration.TASK, credential_check_info.TASK):
        refused(task, misplaced, told, {**options, "ledger": {"url": "sqlite:////nowhere/a.db"}})
    declared = {"keys": [{"key": "a", "private_key_path": misplaced.text, "apps": [BUNDLE_ID]}]}
    refused(credential_check_info.TASK, misplaced, told, declared)
    refused(integrations.TASK, misplaced, told, declared)
    # An app has no key of its own.
    own = {**declared, "apps": [{"bundle_id": BUNDLE_ID, "key": "a", "private_key_path": misplaced.text}]}
    refused(integrations.TASK, misplaced, "unknown field private_key_path", own)


@pytest.mark.parametrize("form", SESSIONS)
def test_a_session_as_its_path(form: str) -> None:
    misplaced = _session(form)
    options = {"name": "a", "private_key_path": "/tmp/storeops-nothing.p8", "session_path": misplaced.text}
    refused(iap_key.TASK, misplaced, "Give it as session", options)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("private_key_path", "is a key's text, no path. Give it as private_key_content."),
        ("api_private_key_path", "is a key's text, no path. Give it as api_private_key_content."),
        ("keys[0] (a b): private_key_path", "is a key's text, no path. Give it as private_key_content."),
        ("new.key.api_private_key_path", "is a key's text, no path. Give it as api_private_key_content."),
        ("session_path", "is a session's text, no path. Give it as session."),
        ("ledger.path", "holds a key or a session, and no path. Give the path of a file."),
    ],
)
def test_the_right_option_is_named(option: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        refuse_no_path("-----BEGIN PRIVATE KEY-----", option)
    assert str(caught.value) == f"{option}: {message}"


@pytest.mark.parametrize("form", KEYS + SESSIONS)
@pytest.mark.parametrize("option", ["bundle_id", "issuer_id", "key_id"])
def test_a_secret_as_an_identifier(form: str, option: str, pem: str) -> None:
    """A message that quotes the beginning of what it refuses must not show a piece of a secret."""
    misplaced = _key(form, pem) if form in KEYS else _session(form)
    options = {"bundle_id": BUNDLE_ID, "private_key_path": "/tmp/storeops-nothing.p8", option: misplaced.text}
    for task in (credential_check_info.TASK, integration.TASK):
        refused(task, misplaced, option, options)
    key = {"key": "a", "private_key_path": "/tmp/storeops-nothing.p8"}
    if option == "bundle_id":
        refused(credential_check_info.TASK, misplaced, option, {"keys": [key], "apps": [misplaced.text]})
        refused(credential_check_info.TASK, misplaced, option, {"keys": [{**key, "apps": [misplaced.text]}]})
    else:
        one = {"keys": [{**key, option: misplaced.text, "apps": [BUNDLE_ID]}]}
        refused(integrations.TASK, misplaced, option, {**one, "ledger": {"url": "sqlite:////nowhere/a.db"}})


@pytest.mark.parametrize("form", KEYS + SESSIONS)
@pytest.mark.parametrize("option", ["private_key_path", "session_path", "bundle_id", "name"])
def test_a_secret_is_known_as_one_in_any_option(form: str, option: str, pem: str) -> None:
    misplaced = _key(form, pem) if form in KEYS else _session(form)
    found = secret_values(_argument_spec.iap_key(), {option: misplaced.text})
    assert misplaced.text in found
    if form in SESSIONS:
        assert misplaced.secret in found, "a cookie alone is known too"


@pytest.mark.parametrize("field", ["private_key", "private_key_contents", "content"])
def test_misnamed_fields_of_declared_keys(field: str) -> None:
    keys = [{"key": "a", "issuer_id": ISSUER, "key_id": KEY_ID, field: "hunter2-hunter2"}]
    assert secret_values(_argument_spec.credential_check_info(), {"keys": keys}) == {"hunter2-hunter2"}
    keys = [{"key": "a", "issuer_id": {"nested": "hunter2-hunter2"}, "key_id": ["hunter3-hunter3"]}]
    found = secret_values(_argument_spec.credential_check_info(), {"keys": keys})
    assert found == {"hunter2-hunter2", "hunter3-hunter3"}


def _repeat(params: Params, context: Context) -> Results:
    context.warn("name: it is true that production has a name")
    return {"name": params["name"], "state": "true", "environment": "production", "cookie": params["bundle_id"]}


@pytest.mark.parametrize("shape", ["list", "storage state", "fastlane"])
def test_short_cookies_do_not_blot_out_results(shape: str) -> None:
    """A browser's export has cookies such as lang=en beside the one that counts."""
    cookie = secrets.token_hex(24)
    cookies = {"myacinfo": cookie, "a": "true", "b": "name", "c": "production", "d": "/"}
    listed = [{"name": name, "value": value, "domain": "apple.com"} for name, value in cookies.items()]
    text = json.dumps(listed if shape == "list" else {"cookies": listed})
    if shape == "fastlane":
        text = "".join(f"- name: {name}\n  value: '{value}'\n" for name, value in cookies.items())
    task = Task({**_argument_spec.iap_key(), **_argument_spec.integration()}, _repeat)
    outcome = run_task(task, {"session": text, "name": "a name", "bundle_id": cookie})
    expected = {"name": "a name", "state": "true", "environment": "production", "cookie": MASK}
    assert outcome.results == expected
    assert outcome.warnings == ["name: it is true that production has a name"]


@pytest.mark.parametrize("name", ["changed", "integration", "http", "failed"])
def test_names_of_result_fields_are_never_masked(name: str) -> None:
    results = {name: name, "a": [{name: f"<{name}>"}]}
    assert Masker([name]).mask(results) == results, "nor are values that are such words"

    def give(_params: Params, _context: Context) -> Results:
        return results

    outcome = run_task(Task(_argument_spec.integration(), give), {"private_key_content": name})
    assert list(outcome.results) == [name, "a"] and list(outcome.results["a"][0]) == [name]
