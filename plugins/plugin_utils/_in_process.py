# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a task in Ansible's worker process where that gives what the module would give, else as the ordinary module."""

from __future__ import annotations

import contextlib
import os
import sys
import typing as t
from dataclasses import dataclass

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.basic import FILE_COMMON_ARGUMENTS
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.storeops.refunds.plugins.module_utils._context import FileAttributes, Results, Task
from ansible_collections.storeops.refunds.plugins.module_utils._fields import refuse_endless
from ansible_collections.storeops.refunds.plugins.module_utils._file_attributes import in_process
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import unforeseen
from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import Masker
from ansible_collections.storeops.refunds.plugins.module_utils._model.variable_names import named
from ansible_collections.storeops.refunds.plugins.module_utils._run import WITHOUT_END, execute, plain, refusal
from ansible_collections.storeops.refunds.plugins.module_utils._secrets import secret_values

Json = dict[str, t.Any]

VARIABLE = "storeops_refunds_in_process"
# A plugin that a user put in its place has the short name.
_LOCAL = "ansible.builtin.local"
_DISCOVERED = ("", "auto", "auto_legacy", "auto_silent", "auto_legacy_silent")


@dataclass(frozen=True)
class Circumstances:
    """What a task is to run under. ``wanted``: the variable, None when unset. ``interpreter``: as configured.

    ``missing``: a library that the task needs and that this Python lacks; another one may have it.
    """

    wanted: bool | None
    connection: str
    interpreter: str
    is_async: bool = False
    becomes: bool = False
    has_environment: bool = False
    missing: str | None = None
    platform: str = sys.platform
    executable: str = sys.executable

    def why_module(self) -> str | None:
        """Return why only the ordinary module gives what was asked for, or None when the worker does as well."""
        if self.wanted is None and self.platform == "darwin":
            return f"this is macOS; {VARIABLE} turns it on"
        reasons = {
            f"{VARIABLE} is false": self.wanted is False,
            "the task is async": self.is_async,
            "it becomes another user": self.becomes,
            "the task has an environment": self.has_environment,
            f"the connection is {self.connection}": self.connection != _LOCAL,
            f"the Python interpreter is {self.interpreter}": not self._is_own_interpreter(),
            f"Ansible's own Python lacks {self.missing}": self.missing is not None,
        }
        return next((reason for reason, applies in reasons.items() if applies), None)

    def takes_own_python(self) -> bool:
        """Tell whether a module runs in this Python, too: as on the localhost that no inventory names.

        Ansible would look for one on a localhost that an inventory names, and find the system's, without libraries.
        """
        return self.connection == _LOCAL and self.interpreter in _DISCOVERED and self.missing is None

    def _is_own_interpreter(self) -> bool:
        """Tell whether the interpreter is left to Ansible, or is this one, of this virtual environment.

        The folder's name decides which environment it is: the files of all environments are links to one Python.
        """
        if self.interpreter in _DISCOVERED:
            return True
        own, given = os.path.normpath(self.executable), os.path.normpath(self.interpreter)
        if not self.executable or not os.path.isabs(given) or os.path.dirname(own) != os.path.dirname(given):
            return False
        try:
            return os.path.samefile(own, given)
        except OSError:
            return False


class InProcessAction(ActionBase):
    """The action of a module whose options and work are ``definition``."""

    definition: t.ClassVar[Task]

    _supports_check_mode = True
    _supports_diff = True
    _supports_async = True
    # What the play knows, from the start of a run on.
    _variables: Json

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        self._variables = task_vars or {}
        result = self._result(tmp, self._variables)
        if result.get("msg"):
            result["msg"] = self._named(str(result["msg"]))
        if result.get("warnings"):
            # A module's are objects of Ansible's from 2.19 on, whose text nobody may change.
            result["warnings"] = [self._named(one) if isinstance(one, str) else one for one in result["warnings"]]
        return result

    def _named(self, message: str) -> str:
        """Return a message with the variables of a role of ours in place of the options."""
        role = getattr(self._task, "_role", None)
        if role is None or not role.get_name().startswith("storeops.refunds."):
            return message
        return named(message, self._task.get_ds() or {}, self._variables)

    def _result(self, tmp: str | None, known: Json) -> Json:
        result: Json = super().run(tmp, known)
        refusal = self._refusal(known)
        if refusal:
            return {**result, "failed": True, "msg": refusal}
        circumstances = self._circumstances(known)
        reason = circumstances.why_module()
        host = self._task.delegate_to or known.get("inventory_hostname")
        if reason is None:
            self._display.vvv("storeops.refunds: in-process", host=host)
            return {**result, **self._in_process()}
        self._display.vvv(f"storeops.refunds: as a module because {reason}", host=host)
        chosen = self._with_own_python(known) if circumstances.takes_own_python() else known
        return {**result, **self._execute_module(task_vars=chosen, wrap_async=self._task.async_val)}

    def _refusal(self, task_vars: Json) -> str:
        """Return why this task must not run in this play, which a module can't see; empty when it may."""
        return ""

    def _circumstances(self, task_vars: Json) -> Circumstances:
        environment: Json = {}
        self._compute_environment_string(environment)
        missing = self.definition.missing(self._task.args)
        return Circumstances(
            wanted=self._wanted(task_vars),
            connection=str(self._connection.ansible_name),
            interpreter=self._interpreter(task_vars),
            is_async=bool(self._task.async_val),
            becomes=self._connection.become is not None,
            has_environment=bool(environment),
            missing=missing.name if missing is not None else None,
        )

    def _with_own_python(self, task_vars: Json) -> Json:
        """Return the variables with this Python as the interpreter of the host that the task runs on."""
        own, host = {"ansible_python_interpreter": sys.executable}, self._task.delegate_to
        if not host:
            return {**task_vars, **own}
        delegated = task_vars.get("ansible_delegated_vars", {})
        return {**task_vars, "ansible_delegated_vars": {**delegated, host: {**delegated.get(host, {}), **own}}}

    def _wanted(self, task_vars: Json) -> bool | None:
        if task_vars.get(VARIABLE) is None:
            return None
        value = self._templar.template(task_vars[VARIABLE])
        try:
            return None if value is None else bool(boolean(value))
        except TypeError:
            raise AnsibleActionFail(f"{VARIABLE} is {value!r}. Set it to true or false, or leave it out.") from None

    def _interpreter(self, task_vars: Json) -> str:
        """Return the configured interpreter of the host that the task runs on, as the module would get it."""
        host = self._task.delegate_to
        host_vars = task_vars.get("ansible_delegated_vars", {}).get(host, {}) if host else task_vars
        configured = C.config.get_config_value("INTERPRETER_PYTHON", variables=host_vars)
        try:
            return str(self._templar.template(configured) or "").strip()
        except AnsibleError:
            return "a template that only the module can resolve"

    def _in_process(self) -> Results:
        spec = self._spec()
        given = plain(self._task.args)
        try:
            # The local connection starts modules in the playbook's folder: relative paths begin there.
            with contextlib.chdir(self._loader.get_basedir()):
                return self._validated_and_run(spec, given)
        except Exception as error:
            failure: Results = Masker(secret_values(spec, given)).mask({"failed": True, "msg": unforeseen(error)})
            return failure

    def _spec(self) -> Json:
        # Those of the task's own win, as in an ordinary module.
        files = FILE_COMMON_ARGUMENTS if self.definition.has_file_attributes else {}
        return {**files, **self.definition.argument_spec}

    def _validated_and_run(self, spec: Json, given: Json) -> Results:
        try:
            refuse_endless(spec, given)
            validation = ModuleArgumentSpecValidator(spec).validate(given)
        except OverflowError:
            return {"failed": True, "msg": Masker(secret_values(spec, given)).mask(refusal(spec, given, WITHOUT_END))}
        params = plain(validation.validated_parameters)
        message = validation.errors.msg if validation.error_messages else ""
        if message and isinstance(validation.errors[0], UnsupportedError):
            message = f"Unsupported parameters for ({self._task.action}) module: {message}"
        # Ansible takes some of what can't be used.
        message = refusal(spec, given, message)
        # A mapping in the place of a text is one text now; what it holds is hidden piece by piece as well.
        shapes = {name: value for name, value in given.items() if type(value) is not type(params.get(name))}
        secrets = secret_values(spec, params) | (secret_values(spec, shapes) if shapes else set())
        if message:
            # What was refused may be missing from the parameters.
            return {"failed": True, "msg": Masker(secrets | secret_values(spec, given)).mask(message)}
        # In the order they came; a module also tells each warning once.
        warnings: dict[str, None] = {}
        results = execute(
            self.definition,
            params,
            bool(self._task.check_mode),
            lambda text: warnings.update({text: None}),
            os.environ,
            Masker(secrets),
            self._file_attributes(params),
            progress=self._progress,
        )
        return {**results, "warnings": list(warnings)} if warnings else results

    def _file_attributes(self, params: Json) -> FileAttributes | None:
        if not self.definition.has_file_attributes:
            return None
        special: list[str] = C.config.get_config_value("DEFAULT_SELINUX_SPECIAL_FS")
        return in_process(params, bool(self._task.check_mode), special)

    def _progress(self, text: str) -> None:
        """Show a line at once; on stderr, since callbacks may own stdout. Ansible censors results, not this."""
        if not self._task.no_log:
            self._display.display(self._named(text), stderr=True)
