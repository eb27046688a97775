# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Ansible meets the work: no task ever raises, and no result shows a secret."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_examples import examples
from unit_support import ISSUER, KEY_ID, run_task

from ansible_collections.storeops.refunds.plugins.module_utils import _argument_spec
from ansible_collections.storeops.refunds.plugins.module_utils._context import (
    Context,
    Library,
    Params,
    Results,
    Task,
    TaskFailed,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import FileError
from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import MASK
from ansible_collections.storeops.refunds.plugins.module_utils._run import plain
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import (
    credential_check_info,
    integration,
    integration_info,
)

pytestmark = pytest.mark.ansible
TASKS = {
    "credential_check_info": credential_check_info.TASK,
    "iap_key": iap_key.TASK,
    "integration": integration.TASK,
    "integration_info": integration_info.TASK,
}


def task_of(function: t.Callable[[Params, Context], Results], *libraries: Library) -> Task:
    """Make a task of one function."""
    return Task({**_argument_spec.integration(), **_argument_spec.iap_key()}, function, libraries)


def _never(_params: Params, _context: Context) -> Results:
    raise AssertionError("not to be called")


def test_a_missing_library_is_named_before_anything_is_done() -> None:
    task = task_of(_never, Library("here", None), Library("requests", "Traceback …"), Library("jwt", "later"))
    outcome = run_task(task, {})
    assert outcome.results["failed"] and outcome.results["exception"] == "Traceback …"
    assert "requests" in outcome.message and "jwt" not in outcome.message


@pytest.mark.parametrize("option", ["request_timeout", "deadline", "wait_timeout"])
@pytest.mark.parametrize("value", [0, -1, 86401, float("nan"), float("inf"), float("-inf")])
def test_times_that_are_none(option: str, value: float) -> None:
    outcome = run_task(task_of(_never), {option: value})
    assert outcome.results["failed"]
    assert outcome.message.startswith(f"{option}: ") and "isn't a number of seconds" in outcome.message


@pytest.mark.parametrize("value", [0, -1, 257])
def test_a_concurrency_that_is_none(value: int) -> None:
    outcome = run_task(task_of(_never), {"concurrency": value})
    assert outcome.message == f"concurrency: {value} isn't a number of calls at a time. Give a number from 1 to 256."


def test_a_ca_path_that_is_not_there(tmp_path: Path) -> None:
    outcome = run_task(task_of(_never), {"ca_path": str(tmp_path / "ca.pem")})
    assert outcome.message.startswith("ca_path: ") and str(tmp_path) in outcome.message


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_ca_bundle_of_the_environment(variable: str, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_text("")

    def show(_params: Params, context: Context) -> Results:
        return {"ca_path": context.transport.settings.ca_path}

    assert run_task(task_of(show), {}, environ={variable: "/ca.pem"}).results == {"ca_path": "/ca.pem"}
    assert run_task(task_of(show), {"ca_path": str(own)}, environ={variable: "/ca.pem"}).results["ca_path"] == str(own)
    assert run_task(task_of(show), {}).results == {"ca_path": None}
    # A store of certificates is a folder; for a pipe the first connection would wait without end.
    assert run_task(task_of(show), {"ca_path": str(tmp_path)}).results == {"ca_path": str(tmp_path)}
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for options, environ, named in (({"ca_path": str(pipe)}, {}, "ca_path"), ({}, {variable: str(pipe)}, variable)):
        told = f"{named}: {pipe} isn't a regular file. Give a file with CA certificates in PEM."
        assert run_task(task_of(_never), options, environ=environ).message == told


def test_a_foreseen_failure_is_its_message() -> None:
    def fail(_params: Params, _context: Context) -> Results:
        raise FileError("/a can't be read.", "Look at it.")

    assert run_task(task_of(fail), {}).results == {"failed": True, "msg": "/a can't be read. Look at it."}


def test_a_failure_with_results_keeps_them() -> None:
    def fail(_params: Params, _context: Context) -> Results:
        raise TaskFailed("No.", {"changed": False, "diff": {"before": {}, "after": {}}})

    results = run_task(task_of(fail), {}).results
    assert results == {"failed": True, "msg": "No.", "changed": False, "diff": {"before": {}, "after": {}}}


@pytest.mark.parametrize(
    "error",
    [KeyError("a"), RecursionError("deep"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), ValueError("one\ntwo\n")],
)
def test_an_unforeseen_error_is_one_line_and_says_so(error: Exception) -> None:
    def fail(_params: Params, _context: Context) -> Results:
        raise error

    results = run_task(task_of(fail), {}).results
    assert set(results) == {"failed", "msg"}
    assert "fault of storeops.refunds" in results["msg"] and "test_run.py:" in results["msg"]
    assert type(error).__name__ in results["msg"]
    assert "Traceback" not in results["msg"] and "\n" not in results["msg"]


def test_results_errors_and_warnings_are_masked(pem: str) -> None:
    options = {"private_key_content": pem, "ledger": {"url": "postgresql://me:hunter2@host/db"}, "issuer_id": ISSUER}
    line = pem.splitlines()[2]

    def succeed(params: Params, context: Context) -> Results:
        context.warn(f"warned of {line}")
        return {
            "a": [params["private_key_content"]],
            "b": params["ledger"],
            "c": "by hunter2",
            "id": params["issuer_id"],
        }

    def fail(_params: Params, _context: Context) -> Results:
        raise FileError(f"{line} and hunter2")

    def burst(params: Params, _context: Context) -> Results:
        raise RuntimeError(params["private_key_content"])

    outcome = run_task(task_of(succeed), options)
    assert outcome.results == {"a": [MASK], "b": {"url": MASK}, "c": f"by {MASK}", "id": ISSUER}
    assert outcome.warnings == [f"warned of {MASK}"]
    assert run_task(task_of(fail), options).message == f"{MASK} and {MASK}"
    assert line not in run_task(task_of(burst), options).message


class _Tagged(str):
    """What Ansible's tagged texts are: a subclass."""


def test_values_become_exact_built_in_types() -> None:
    class _Number(int):
        pass

    value = {_Tagged("a"): [_Tagged("b"), (_Number(1), True, None, 1.5)], "c": {"d": _Tagged("e")}}
    result = plain(value)
    assert result == {"a": ["b", [1, True, None, 1.5]], "c": {"d": "e"}}
    assert [type(name) for name in result] == [str, str]
    kinds = [result["a"][0].__class__, result["a"][1][0].__class__, result["c"]["d"].__class__]
    assert kinds == [str, int, str]


WORDS = st.sampled_from(
    ["", " ", "x", ISSUER, KEY_ID, "com.example.one", "\0", "\ud800", "../..", "/dev/null", "é", "*"]
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "bundle_id": WORDS,
        "issuer_id": WORDS,
        "key_id": WORDS,
        "private_key_path": WORDS,
        "private_key_content": WORDS,
        "private_key_file_policy": st.sampled_from(["strict", "mounted"]),
        "state": st.sampled_from(["present", "absent"]),
        "app_store_server_url": st.sampled_from(
            ["", "x", "http://example.com", "http://127.0.0.1:1", "https://[", "\0"]
        ),
        "credential_check": st.sampled_from(["required", "advisory", "skip"]),
        "ca_path": st.sampled_from(["/dev/null", "/nowhere"]),
        "deadline": st.sampled_from([0.01, 0.0]),
        "ledger": st.fixed_dictionaries(
            {"url": st.sampled_from(["sqlite:////nowhere/a.db", "x", "sqlite:////a\0.db"])}
        ),
    },
)


@pytest.mark.parametrize("name", TASKS)
@settings(max_examples=examples(40))
@given(options=OPTIONS, check_mode=st.booleans())
def test_no_task_raises_or_blames_itself(
    name: str, tmp_path_factory: pytest.TempPathFactory, options: dict[str, t.Any], check_mode: bool
) -> None:
    folder = tmp_path_factory.getbasetemp() / "work"
    folder.mkdir(exist_ok=True)
    if name == "iap_key" and options.get("state") == "absent":
        check_mode = True
    options = {"ledger": {"url": f"sqlite:///{folder}/ledger.db"}, **options}
    outcome = run_task(TASKS[name], options, check_mode, {"HOME": str(folder)})
    assert "fault of storeops.refunds" not in outcome.message
    if outcome.results.get("failed"):
        assert outcome.message.strip() and "Traceback" not in outcome.message
