# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mistake in a list is named by its position and its app, never by a value; what Ansible takes is no mistake."""

from __future__ import annotations

import json
import typing as t
from inspect import signature
from pathlib import Path
from types import FunctionType

import pytest
from ansible.module_utils.ansible_release import __version__ as ansible_version
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import example, given
from hypothesis import strategies as st
from test_in_process import Recorder, action
from unit_forks import run_module
from unit_support import ISSUER, KEY_ID, PACKAGE, new_pem, write_key

from ansible_collections.storeops.refunds.plugins.module_utils import _argument_spec
from ansible_collections.storeops.refunds.plugins.module_utils._declared_spec import APP, KEY_ENTRY
from ansible_collections.storeops.refunds.plugins.module_utils._fields import (
    FROM_TEXT,
    fields_of,
    option_faults,
    place,
    read_entry,
    refuse_endless,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integrations

pytestmark = pytest.mark.ansible
Json = dict[str, t.Any]
SPEC = _argument_spec.integrations()
FIELDS = ", ".join(APP)
SECRET = "s3cr3t-text"
HIDDEN = f"a field with a name that is not shown here is unknown (known: {FIELDS})."
ONE = {"bundle_id": "com.example.one"}
UNSET = "it is empty. Perhaps a variable or a secret of the CI is not set."

CASES: list[tuple[t.Any, str]] = [
    (["com.a", "com.b", "com.c", {"bundle": "com.d"}], "apps[3]: unknown field bundle; did you mean bundle_id?"),
    (
        [ONE, {"bundle_id": "com.example.two", "bundle": SECRET}],
        "apps[1] (com.example.two): unknown field bundle; did you mean bundle_id?",
    ),
    ([{**ONE, "keyName": SECRET}], "apps[0] (com.example.one): unknown field keyName; did you mean name?"),
    ([{**ONE, "tracker": "ledger"}], "apps[0] (com.example.one): unknown field tracker; did you mean trackers?"),
    ([{**ONE, "private_key": SECRET}], f"apps[0] (com.example.one): unknown field private_key (known: {FIELDS})."),
    ([{**ONE, "pem": SECRET}], f"apps[0] (com.example.one): unknown field pem (known: {FIELDS})."),
    ([{"key": "a"}], "apps[0]: bundle_id is missing."),
    ([{**ONE, "app_apple_id": SECRET}], "apps[0] (com.example.one): app_apple_id isn't a whole number."),
    ([{**ONE, "app_apple_id": 1.5}], "apps[0] (com.example.one): app_apple_id isn't a whole number."),
    ([{**ONE, "app_apple_id": " "}], f"apps[0] (com.example.one): app_apple_id isn't a whole number: {UNSET}"),
    ([{**ONE, "trackers": [SECRET]}], "apps[0] (com.example.one): trackers is none of ledger, revenuecat, qonversion"),
    (
        [{**ONE, "trackers": "devtodevs"}],
        "apps[0] (com.example.one): trackers is devtodevs; write ledger or revenuecat",
    ),
    ([{**ONE, "devtodev": SECRET}], "apps[0] (com.example.one): devtodev isn't a mapping."),
    ([{**ONE, "devtodev": f"project={SECRET}"}], "apps[0] (com.example.one): devtodev isn't a mapping."),
    ([{**ONE, "state": SECRET}], "apps[0] (com.example.one): state is none of present, absent."),
    ([ONE, 7], f"apps[1]: isn't a mapping. Its fields are {FIELDS}."),
    ([None], f"apps[0]: isn't a mapping. Its fields are {FIELDS}."),
    ([{**ONE, "key": {"private_key_content": SECRET}}], "apps[0] (com.example.one): key isn't text."),
    ([{**ONE, "key": [SECRET]}], "apps[0] (com.example.one): key isn't text."),
    ([[SECRET]], f"apps[0]: isn't a mapping. Its fields are {FIELDS}."),
    (
        SECRET,
        f"apps: is text, not a list. {FROM_TEXT}",
    ),
    ({"bundle_id": SECRET}, f"apps: isn't a list. Write each entry as an item with the fields {FIELDS}."),
    # A secret in the place of a name, or without the name that it was to have.
    ([{**ONE, SECRET: "x"}], f"apps[0] (com.example.one): {HIDDEN}"),
    ([{**ONE, "correcthorsebattery": None}], f"apps[0] (com.example.one): {HIDDEN}"),
    ([{**ONE, "a" * 31: "x"}], f"apps[0] (com.example.one): {HIDDEN}"),
    ([{**ONE, "postgresql://me:s3cr3t@host/db": None}], f"apps[0] (com.example.one): {HIDDEN}"),
    (
        [{"key": "a", "stat": "x"}, ONE, {**ONE, "state": "gone"}],
        "2 entries of keys and apps can't be used; nothing was done. apps[0]: unknown field stat; did you mean state? "
        "bundle_id is missing. apps[0]: key: 'a' isn't an entry of keys (there are: none). "
        "apps[2] (com.example.one): state is gone; write present or absent. "
        "apps[2] (com.example.one): stands in apps[1] (com.example.one) already, for production as well.",
    ),
]


def refused_by_action(options: Json) -> str:
    """Give the message of the way inside Ansible's process."""
    runner = action(Recorder(), options)
    runner.definition = integrations.TASK
    result = runner.run(task_vars={})
    assert result["failed"]
    return str(result["msg"])


def refused_by_module(options: Json) -> str:
    """Give the message of the ordinary module."""
    result = ran_as_module(options)
    assert result["failed"]
    return str(result["msg"])


def ran_as_module(options: Json) -> Json:
    """Give the result of the ordinary module, in which no secret stands."""
    name = f"{PACKAGE.removesuffix('.module_utils')}.modules.refund_tracking_integrations"
    # Later ansible-cores give the invocation only when they are told to; earlier ones don't know that.
    told = {} if tuple(map(int, ansible_version.split(".")[:2])) < (2, 21) else {"_ansible_inject_invocation": True}
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **told}})
    ran = run_module(name, arguments)
    result: Json = json.loads(ran.output)
    assert ran.code == int(bool(result.get("failed"))), ran.errors
    # From 2.22 on a module tells the controller what to redact in the whole run; nobody is shown that.
    result.pop("_ansible_new_secrets", None)
    assert "s3cr3t" not in json.dumps(result) + ran.errors
    return result


TRACKER_FIELDS = ", ".join(SPEC["revenuecat"]["options"])
MAPPINGS: list[tuple[Json, str]] = [
    ({"revenuecat": {"apikey": SECRET}}, "revenuecat: unknown field apikey; did you mean api_key?"),
    ({"revenuecat": {SECRET: "x"}}, f"revenuecat: {HIDDEN.replace(FIELDS, TRACKER_FIELDS)}"),
    ({"revenuecat": SECRET}, f"revenuecat: isn't a mapping. Its fields are {TRACKER_FIELDS}."),
    ({"revenuecat": [SECRET]}, f"revenuecat: isn't a mapping. Its fields are {TRACKER_FIELDS}."),
    ({"ledger": {"url": {SECRET: SECRET}}}, "ledger: url isn't text."),
    ({"devtodev": {"mode": SECRET}}, "devtodev: mode is none of browser, handoff."),
    (
        {"revenuecat": {"urll": "x"}, "devtodev": {"mode": "lax"}},
        "revenuecat: unknown field urll; did you mean url? devtodev: mode is lax; write browser or handoff.",
    ),
]


@pytest.mark.parametrize(("options", "message"), MAPPINGS)
def test_a_mistake_in_a_mapping_is_named_alike(options: Json, message: str) -> None:
    found = refused_by_action({"apps": [ONE], **options})
    assert found.startswith(message) and "s3cr3t" not in found


# What is hidden in the message is hidden in all that the module gives.
MISNAMED: list[Json] = [
    {"apps": [{**ONE, SECRET: "x"}]},
    {"apps": [{**ONE, "pem": {SECRET: "x"}}]},
    {"apps": {SECRET: "x"}},
    {"apps": [{**ONE, "key": {"private_key_content": SECRET, SECRET: "x"}}]},
    {"apps": [ONE], "keys": {SECRET: None}},
    {"apps": [ONE], "keys": [{SECRET: None}]},
    {"apps": [ONE], "keys": [{"key": "a", "s3cr3t": "x"}]},
    {"apps": [ONE], "keys": [{"key": "a", SECRET: "x"}]},
    {"apps": [ONE], "keys": [{"key": "a", "key_id": {SECRET: "x"}}]},
    {"apps": [ONE], "keys": [{"key": "a", "apps": [{**ONE, SECRET: "x"}]}]},
    {"apps": [ONE], "keys": [{"key": "a", "apps": [{**ONE, "devtodev": {SECRET: "x"}}]}]},
    {"apps": [{**ONE, "revenuecat": {SECRET: "x"}}]},
    {"apps": [{**ONE, "revenuecat": {"apikey": SECRET}}]},
    {"apps": [{**ONE, "revenuecat": [SECRET]}]},
    {"apps": [{**ONE, "qonversion": {"api_key": {SECRET: "x"}}, "trackers": ["qonversion"]}]},
    {"apps": [ONE], "keys": [{"key": f"https://me:{SECRET}@host"}], "tracker": "gone"},
    {"apps": [ONE], "revenuecat": {SECRET: "x"}},
    {"apps": [ONE], "ledger": {"url": {SECRET: "x"}}},
    {"apps": [ONE], "devtodev": {"elements": {"submit": {SECRET: "x"}}}},
]


@pytest.mark.services
@pytest.mark.parametrize("options", MISNAMED)
def test_a_secret_in_the_place_of_a_name_is_nowhere(options: Json) -> None:
    refused_by_module(options)


@pytest.mark.services
def test_a_name_that_is_not_shown_is_nowhere_after_success(tmp_path: Path) -> None:
    own = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": str(write_key(tmp_path / "key.p8", new_pem()))}
    options = {"apps": [], "keys": [{"key": f"https://me:{SECRET}@host", **own}], "credential_check": "skip"}
    result = ran_as_module({**options, "ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"}})
    assert "failed" not in result and "module_args" in result["invocation"]


@pytest.mark.parametrize(("apps", "message"), CASES)
def test_a_mistake_is_named_by_its_place(apps: t.Any, message: str) -> None:
    found = refused_by_action({"apps": apps})
    assert found.startswith(message) and "s3cr3t" not in found


@pytest.mark.services
def test_the_ordinary_module_says_the_same() -> None:
    two = {"bundle_id": "com.example.two"}
    apps = [7, {"bundle": SECRET}, {**ONE, SECRET: None}, {**two, "app_apple_id": SECRET}]
    message = refused_by_module({"apps": apps})
    assert message == refused_by_action({"apps": apps})
    assert message.startswith("4 entries of keys and apps can't be used; nothing was done. apps[0]: isn't a mapping")
    assert "apps[1]: unknown field bundle; did you mean bundle_id?" in message
    assert message.endswith("apps[3] (com.example.two): app_apple_id isn't a whole number.")


@pytest.mark.services
def test_the_ordinary_module_refuses_what_ansible_would_make_a_text_of() -> None:
    message = "apps[0] (com.example.one): key isn't text."
    assert refused_by_module({"apps": [{**ONE, "key": {"private_key_content": SECRET}}]}) == message


@pytest.mark.services
def test_what_else_is_wrong_is_told_by_ansible() -> None:
    assert "colour" in refused_by_module({"apps": [ONE], "colour": "red"})
    assert "value of tracker must be one of" in refused_by_action({"apps": [ONE], "tracker": "gone"})
    assert "value of tracker must be one of" in refused_by_action({"apps": [{}], "tracker": "gone"})
    assert refused_by_action({"apps": [{}]}) == "apps[0]: bundle_id is missing."


def test_a_long_list_of_mistakes_is_cut() -> None:
    message = refused_by_action({"apps": [{"bundle": f"com.example.n{number}"} for number in range(300)]})
    assert message.startswith("300 entries of keys and apps can't be used") and message.endswith(" And 290 more.")
    assert "apps[9]: " in message and "apps[10]" not in message


def test_waivers_are_named_in_the_same_way() -> None:
    given = [{"bundle_id": "com.example.*", "reson": "x"}, {"bundle_id": "com.example.one", "untill": "x"}]
    message = option_faults(_argument_spec.audit_report(), {"waivers": given})
    assert "waivers[0]: unknown field reson; did you mean reason?" in message
    assert "waivers[1] (com.example.one): unknown field untill; did you mean until?" in message


@pytest.mark.parametrize("bundle_id", [None, 7, "", "hunter2", "com..a", "-----BEGIN PRIVATE KEY-----\nA.B", "a.b\n*"])
def test_what_is_hardly_a_bundle_id_is_not_shown(bundle_id: object) -> None:
    assert place("apps", 3, bundle_id) == "apps[3]"


TEXTS = {name for name, field in KEY_ENTRY.items() if field["type"] in ("str", "path")}
CHOSEN = [name for name, field in KEY_ENTRY.items() if "choices" in field]
# What lists of apps may be, Ansible is not told.
NAMES = st.sampled_from([*sorted(KEY_ENTRY.keys() - {"apps"}), "bundle", "keyId", SECRET, "-", ""])
VALUES = st.one_of(
    st.sampled_from(
        ["com.example.one", "12", " 7 ", "1e3", "NaN", "yes", "off", "present", "sandbox", "strict", SECRET]
    ),
    st.none(),
    st.booleans(),
    st.integers(-3, 10**12),
    st.sampled_from([0.0, 1.0, 2.5, float("inf"), float("nan")]),
    st.just([SECRET]),
    st.just({SECRET: SECRET}),
)
ENTRIES = st.one_of(
    st.dictionaries(NAMES, VALUES, max_size=4),
    st.dictionaries(NAMES, VALUES, max_size=4).map(lambda found: {"key": "a", **found}),
    st.sampled_from(["key=a", '{"key": "a"}', "{", SECRET, ""]),
    VALUES,
)


@example(1, 99_999_999)
@example(1, 10**18)
@example(10**30, 0)
@given(st.integers(-(10**6), 10**6), st.one_of(st.integers(-40, 40), st.integers(-(10**12), 10**12)))
def test_a_number_is_whole_however_large_its_exponent_is(factor: int, exponent: int) -> None:
    """Its digits are never written out: that would take hours."""
    is_huge = len(str(abs(factor))) + exponent > 31
    is_whole = not is_huge and (factor == 0 or exponent >= 0 or (exponent > -7 and factor % 10**-exponent == 0))
    text = f"{factor}e{exponent}"
    sound, faults = read_entry({"bundle_id": "com.example.one", "app_apple_id": text}, APP)
    assert ("app_apple_id" in sound) is is_whole and bool(faults) is not is_whole
    keys = {"keys": [{"key": "a", "team_id": text}]}
    if is_huge and exponent < 10**18:
        with pytest.raises(OverflowError):
            refuse_endless(_argument_spec.iap_key(), keys)
    else:
        refuse_endless(_argument_spec.iap_key(), keys)


def numbers_in(spec: t.Mapping[str, t.Any], where: tuple[str, ...] = ()) -> t.Iterator[tuple[tuple[str, ...], bool]]:
    """The places of whole numbers, and whether it is a list of them."""
    for name, option in spec.items():
        if "int" in (option.get("type"), option.get("elements")):
            yield (*where, name), option.get("type") == "list"
        yield from numbers_in(fields_of(name, option) or {}, (*where, name))


SPECS = {
    name: made
    for name, made in vars(_argument_spec).items()
    if isinstance(made, FunctionType) and made.__module__ == _argument_spec.__name__ and not signature(made).parameters
}
NUMBERS = [(name, *found) for name, made in sorted(SPECS.items()) for found in numbers_in(made())]


def test_there_are_numbers_in_lists_and_in_entries() -> None:
    assert ("refund_info", ("reasons",), True) in NUMBERS and ("iap_key", ("keys", "team_id"), False) in NUMBERS


@pytest.mark.parametrize(("task", "where", "is_list"), NUMBERS)
def test_the_digits_of_no_number_in_any_task_are_written_out(task: str, where: tuple[str, ...], is_list: bool) -> None:
    endless = "1e99999999"
    for written in (endless, [endless], ["1", endless], f"1,{endless}") if is_list else (endless,):
        given: t.Any = written
        for number, name in enumerate(reversed(where)):
            given = {name: [given] if number else given}
        with pytest.raises(OverflowError):
            refuse_endless(SPECS[task](), given)
    sound: t.Any = ["1", 2] if is_list else "1"
    for number, name in enumerate(reversed(where)):
        sound = {name: [sound] if number else sound}
    refuse_endless(SPECS[task](), sound)


def refused_by_ansible(spec: dict[str, t.Any], keys: t.Any) -> bool:
    try:
        return bool(ArgumentSpecValidator(spec).validate({"keys": keys}).error_messages)
    except OverflowError:
        # It breaks off at an infinite number where a whole one is due.
        return True


@example([{"team_id": float("inf")}])
@given(st.one_of(st.lists(ENTRIES, max_size=3), VALUES.filter(lambda value: value is not None)))
def test_just_what_ansible_refuses_is_a_mistake(keys: t.Any) -> None:
    spec = _argument_spec.iap_key()
    message = option_faults(spec, {"keys": keys})
    assert "s3cr3t" not in message
    # What a text comes to is left to Ansible, and it makes a text of anything.
    entries = keys if isinstance(keys, list) else []
    given = [value for entry in entries if isinstance(entry, dict) for name, value in entry.items() if name in TEXTS]
    numbers = [entry["key_id"] for entry in entries if isinstance(entry, dict) and "key_id" in entry]
    is_refused = (
        any(isinstance(value, (dict, list)) for value in given)
        # Leading zeros are lost by then.
        or any(isinstance(value, (int, float)) for value in numbers)
        or refused_by_ansible(spec, keys)
    )
    if any(entry.get(name, "") is None for entry in entries if isinstance(entry, dict) for name in ("key", *CHOSEN)):
        # A null is an option left out for us. Ansible refuses some in nested mappings, and takes one for the name.
        return
    has_text = any(isinstance(entry, str) and ("=" in entry or "{" in entry) for entry in entries)
    assert bool(message) == is_refused or (has_text and not message)
