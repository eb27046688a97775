# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The worker does the work only where it gives what the module would give, and gives just that."""

from __future__ import annotations

import datetime
import os
import sys
import typing as t
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.module_utils.testing import patch_module_args
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import become_loader, connection_loader
from ansible.template import Templar, trust_as_template
from ansible.utils.display import Display

from ansible_collections.storeops.refunds.plugins.module_utils import _argument_spec
from ansible_collections.storeops.refunds.plugins.module_utils._context import Context, Library, Params, Results, Task
from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import MASK
from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.plugin_utils._in_process import (
    VARIABLE,
    Circumstances,
    InProcessAction,
)

pytestmark = pytest.mark.ansible
Json = dict[str, t.Any]
USUAL = Circumstances(wanted=None, connection="ansible.builtin.local", interpreter="auto", platform="linux")
SPEC = {**_argument_spec.credential_check_info(), **_argument_spec.integration()}
SECRET = "sqlite:////nowhere/s3cr3t-ledger.db"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"wanted": True}, None),
        ({"wanted": False}, f"{VARIABLE} is false"),
        ({"platform": "darwin"}, f"this is macOS; {VARIABLE} turns it on"),
        ({"platform": "darwin", "wanted": True}, None),
        ({"platform": "darwin", "wanted": True, "is_async": True}, "the task is async"),
        ({"is_async": True}, "the task is async"),
        ({"wanted": True, "is_async": True}, "the task is async"),
        ({"becomes": True}, "it becomes another user"),
        ({"has_environment": True}, "the task has an environment"),
        ({"connection": "ansible.builtin.ssh"}, "the connection is ansible.builtin.ssh"),
        ({"connection": "local"}, "the connection is local"),
        ({"missing": "requests"}, "Ansible's own Python lacks requests"),
        ({"interpreter": ""}, None),
        ({"interpreter": "auto_silent"}, None),
        ({"interpreter": sys.executable}, None),
        ({"interpreter": "python3"}, "the Python interpreter is python3"),
        ({"interpreter": f"{sys.executable} -E"}, f"the Python interpreter is {sys.executable} -E"),
        ({"interpreter": "/nowhere/python"}, "the Python interpreter is /nowhere/python"),
        ({"interpreter": sys.executable, "executable": ""}, f"the Python interpreter is {sys.executable}"),
    ],
)
def test_what_decides(changed: Json, reason: str | None) -> None:
    assert replace(USUAL, **changed).why_module() == reason


def test_that_an_environment_is_known_by_its_folder(tmp_path: Path) -> None:
    """The Pythons of all virtual environments are links to one file."""
    names = ("own/bin/python", "own/bin/python3", "other/bin/python", "own/bin/another")
    for name in names[:3]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(os.path.realpath(sys.executable))
    (tmp_path / names[3]).touch()
    (tmp_path / "linked").symlink_to(tmp_path / "own")

    def is_own(name: str) -> bool:
        found = replace(USUAL, executable=str(tmp_path / names[0]), interpreter=f"{tmp_path}/{name}")
        return found.why_module() is None

    assert is_own("own/bin/python") and is_own("own/bin/python3") and is_own("own//lib/../bin/python")
    assert not is_own("other/bin/python") and not is_own("own/bin/another") and not is_own("linked/bin/python")


class Recorder:
    """A task that notes what it gets and does what it is told."""

    def __init__(self, work: t.Callable[[Context], Results] = lambda context: {}) -> None:
        self.work = work
        self.params: Json = {}
        self.folder = ""

    def __call__(self, params: Params, context: Context) -> Results:
        self.params, self.folder = dict(params), os.getcwd()
        return self.work(context)


def action(
    recorder: Recorder, args: Json, variables: Json | None = None, folder: Path | None = None, **fields: t.Any
) -> InProcessAction:
    class ActionModule(InProcessAction):
        definition = Task(SPEC, recorder)

    loader = DataLoader()
    loader.set_basedir(str(folder or os.getcwd()))
    usual = {"async_val": 0, "environment": [], "delegate_to": None, "check_mode": False, "no_log": False}
    task = SimpleNamespace(**{**usual, "action": "storeops.refunds.some_module", "args": args, **fields})
    context = PlayContext()
    connection = connection_loader.get("local", context)
    return ActionModule(task, connection, context, loader, Templar(loader, variables=variables or {}))


def circumstances(variables: Json, **fields: t.Any) -> Circumstances:
    return action(Recorder(), {}, variables, **fields)._circumstances(variables)


def test_what_is_read_from_a_task() -> None:
    template = trust_as_template("{{ 'fal' ~ 'se' }}")
    assert circumstances({}) == replace(USUAL, platform=sys.platform)
    assert circumstances({VARIABLE: template}).wanted is False
    assert circumstances({VARIABLE: True}).wanted is True
    assert circumstances({}, async_val=30).is_async
    assert circumstances({}, environment=[{}, {"A": "b"}]).has_environment
    assert not circumstances({}, environment=[{}]).has_environment
    lacking = action(Recorder(), {})
    libraries = (Library("requests", None), Library("PyJWT", "a traceback"))
    lacking.definition = replace(lacking.definition, libraries=libraries)
    assert lacking._circumstances({}).missing == "PyJWT"
    lacking.definition = replace(lacking.definition, libraries=(), libraries_with={"bundle_id": libraries})
    lacking._task.args = {}
    assert lacking._circumstances({}).missing is None
    lacking._task.args = {"bundle_id": "com.a"}
    assert lacking._circumstances({}).missing == "PyJWT"
    becoming = action(Recorder(), {})
    becoming._connection.set_become_plugin(become_loader.get("su"))
    assert becoming._circumstances({}).becomes


def test_that_the_interpreter_is_that_of_the_host_that_works() -> None:
    variables = {
        "ansible_playbook_python": "/one/python",
        "ansible_python_interpreter": trust_as_template(" {{ ansible_playbook_python }} "),
        "ansible_delegated_vars": {"other": {"ansible_python_interpreter": "/other/python"}, "plain": {}},
    }
    assert circumstances(variables).interpreter == "/one/python"
    assert circumstances(variables, delegate_to="other").interpreter == "/other/python"
    assert circumstances(variables, delegate_to="plain").interpreter == "auto"
    unknown = {"ansible_python_interpreter": trust_as_template("{{ nowhere }}")}
    assert "only the module can resolve" in str(circumstances(unknown).why_module())


@pytest.mark.parametrize(
    ("variables", "fields", "python"),
    [
        ({}, {}, sys.executable),
        ({"ansible_python_interpreter": "auto"}, {}, sys.executable),
        ({"ansible_python_interpreter": "/own/python"}, {}, "/own/python"),
        ({"ansible_delegated_vars": {"other": {"a": 1}}}, {"delegate_to": "other"}, sys.executable),
        (
            {"ansible_delegated_vars": {"other": {"ansible_python_interpreter": "/own/python"}}},
            {"delegate_to": "other"},
            "/own/python",
        ),
    ],
)
def test_that_a_module_runs_in_this_python_where_the_host_leaves_the_choice(
    variables: Json, fields: Json, python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An inventory that names localhost must not send a key to the system's Python, which has no libraries."""
    one = action(Recorder(), {}, variables, **fields)
    one._task.async_val = 30
    given: Json = {}
    monkeypatch.setattr(one, "_execute_module", lambda **options: given.update(options) or {})
    assert one.run(task_vars=variables) == {}
    host_vars = given["task_vars"]
    if fields:
        host_vars = host_vars["ansible_delegated_vars"]["other"]
        assert "ansible_python_interpreter" not in given["task_vars"]
    assert host_vars["ansible_python_interpreter"] == python
    assert variables.get("ansible_python_interpreter") in (None, "auto", "/own/python"), (
        "the variables stay as they are"
    )


def test_that_another_python_is_looked_for_when_this_one_lacks_a_library_or_the_host_is_elsewhere() -> None:
    assert not replace(USUAL, missing="PyJWT").takes_own_python()
    assert not replace(USUAL, connection="ansible.builtin.ssh").takes_own_python()
    assert replace(USUAL, platform="darwin").takes_own_python()


@pytest.mark.parametrize("value", ["maybe", 2, {}, "", [True]])
def test_that_a_bad_switch_is_an_error(value: t.Any) -> None:
    with pytest.raises(AnsibleActionFail, match=f"{VARIABLE} is .* Set it to true or false"):
        circumstances({VARIABLE: value})


def test_what_the_work_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain values with defaults, in the playbook's folder, where the local connection starts a module as well."""
    monkeypatch.setenv("STOREOPS_LEDGER_URL", SECRET)
    recorder = Recorder(lambda context: {"check_mode": context.check_mode, "seen": SECRET})
    args = {
        "bundle_id": trust_as_template("com.example.one"),
        "app_apple_id": "12",
        "key_id": datetime.date(2026, 11, 23),
        "ca_path": "~/ca.pem",
    }
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ca.pem").touch()
    before = os.getcwd()
    result = action(recorder, args, folder=tmp_path, check_mode=True).run(task_vars={})
    assert result == {"check_mode": True, "seen": MASK}
    assert recorder.folder == str(tmp_path) and os.getcwd() == before
    given = recorder.params
    assert (given["app_apple_id"], given["key_id"], given["state"]) == (12, "2026-11-23", "present")
    assert given["ca_path"] == os.path.expanduser("~/ca.pem") and given["ledger"] == {"url": SECRET}
    assert given["bundle_id"].__class__ is str


def test_that_the_pieces_of_a_mapping_in_the_place_of_a_secret_are_hidden() -> None:
    recorder = Recorder(lambda context: {"seen": SECRET, "told": [context.warn(SECRET)]})
    result = action(recorder, {"private_key_content": {"pem": SECRET}}).run(task_vars={})
    assert SECRET not in f"{result}" and isinstance(recorder.params["private_key_content"], str)


def test_that_each_warning_is_told_once() -> None:
    recorder = Recorder(lambda context: {"told": [context.warn("old key"), context.warn("old key")]})
    assert action(recorder, {}).run(task_vars={})["warnings"] == ["old key"]
    assert "warnings" not in action(Recorder(), {}).run(task_vars={})


def test_that_a_warning_in_a_role_names_its_variable_as_an_error_does() -> None:
    role = SimpleNamespace(get_name=lambda: "storeops.refunds.notification_urls")
    written = {"storeops.refunds.app_store_notification_url": {"app_apple_id": "{{ notification_urls_number }}"}}
    told = ["Set app_apple_id: 7.", "com.example.one: no."]

    def warned(**fields: t.Any) -> list[t.Any]:
        recorder = Recorder(lambda context: {"told": [context.warn(one) for one in told]})
        return t.cast("list[t.Any]", action(recorder, {}, **fields).run(task_vars={})["warnings"])

    assert warned(_role=role, get_ds=lambda: written) == ["Set notification_urls_number: 7.", "com.example.one: no."]
    assert warned() == told


@pytest.mark.parametrize(("no_log", "shown"), [(False, [f"1 of 2: {MASK}"]), (True, [])])
def test_that_progress_is_shown_unless_the_task_hides_all(
    no_log: bool, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(Display, "display", lambda self, text, stderr: lines.append(text))
    recorder = Recorder(lambda context: context.progress(f"1 of 2: {SECRET}") or {})
    action(recorder, {"ledger": {"url": SECRET}}, no_log=no_log).run(task_vars={})
    assert lines == shown


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"nothing": 1}, "Unsupported parameters for (storeops.refunds.some_module) module: nothing. Supported "),
        ({"state": "gone"}, "value of state must be one of: present, absent, got: gone"),
        ({"app_apple_id": "one"}, "argument 'app_apple_id' is of type"),
        ({"app_apple_id": float("inf")}, "app_apple_id isn't a whole number."),
        ({"app_apple_id": "1e99999999"}, "app_apple_id isn't a whole number."),
        ({"apps": "com.example.one"}, "apps: is text, not a list."),
        ({"private_key_content": "s3cr3t-text", "state": "s3cr3t-text"}, f"absent, got: {MASK}"),
        ({"ledger": "postgresql://me:s3cr3t@host/db"}, "ledger: isn't a mapping. Its fields are url."),
        ({"ledger": ["postgresql://me:s3cr3t@host/db"]}, ""),
        ({"ledger": {"postgresql://me:s3cr3t@host/db": None}}, "with a name that is not shown here"),
        ({"revenuecat": {"apikey": "s3cr3t-text"}, "state": "s3cr3t-text"}, "did you mean api_key?"),
        ({"revenuecat": {"project_id": "proj1", "on_unknown": "proj1"}}, "on_unknown is none of keep, replace, fail."),
    ],
)
def test_that_bad_options_fail_as_with_the_module(args: Json, message: str) -> None:
    result = action(Recorder(), args).run(task_vars={})
    assert result["failed"] and message in result["msg"]
    assert "s3cr3t" not in result["msg"]


@pytest.mark.parametrize("number", [float("inf"), "1e99999999"])
def test_that_a_number_without_end_fails_in_the_module_too(
    capsys: pytest.CaptureFixture[str], number: float | str
) -> None:
    with patch_module_args({"app_apple_id": number}), pytest.raises(SystemExit):
        run_module(Task(SPEC, Recorder()))
    assert "app_apple_id isn't a whole number." in capsys.readouterr().out


def test_that_a_fault_of_the_action_itself_is_told_and_masked(tmp_path: Path) -> None:
    gone = tmp_path / "s3cr3t-folder"
    result = action(Recorder(), {"private_key_content": str(gone)}, folder=gone).run(task_vars={})
    assert result["failed"] and "fault of storeops.refunds" in result["msg"] and "s3cr3t" not in result["msg"]
