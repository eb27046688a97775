# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place where Ansible meets the work: parameters and environment in; results, failures and masking out."""

from __future__ import annotations

import os
import time
import typing as t
from collections.abc import Mapping
from urllib.request import getproxies_environment

from ansible.module_utils.basic import missing_required_lib

# First, since the others can't be imported by an old Python.
from . import _python_version
from ._context import Context, FileAttributes, Params, Results, Task, TaskFailed
from ._fields import app_name, option_faults, refuse_endless, refuse_unusable
from ._file_attributes import FileAttributesOf, Raising
from ._files.reading import certificates_path
from ._http import HttpSettings, Transport
from ._http_flow import MOST
from ._model.errors import InputError, RefundsError, unforeseen
from ._model.masking import Masker
from ._model.text import printable
from ._secrets import secret_values
from ._shown_params import shown_params

# What the import above has made sure of.
OLDEST_PYTHON = _python_version.OLDEST
_LONGEST_SECONDS = 86400.0
_MOST_CALLS = 256


def run_module(task: Task) -> t.NoReturn:
    """Run a task as an ordinary Ansible module."""
    module = _Module(
        argument_spec=dict(task.argument_spec),
        supports_check_mode=True,
        add_file_common_args=task.has_file_attributes,
    )
    module.refuse_faults()
    params = plain(module.params)
    masker = Masker(secret_values(task.argument_spec, params))
    # What Ansible replaces wherever it stands: not what could be a word of the data, which our own rule hides.
    module.no_log_values = set(masker.distinct)
    attributes = FileAttributesOf(module) if task.has_file_attributes else None
    results = execute(task, params, module.check_mode, module.warn, os.environ, masker, attributes)
    if results.pop("failed", False):
        module.fail_json(**results)
    module.exit_json(**results)


def execute(
    task: Task,
    params: Params,
    check_mode: bool,
    warn: t.Callable[[str], None],
    environ: t.Mapping[str, str],
    masker: Masker,
    file_attributes: FileAttributes | None = None,
    progress: t.Callable[[str], None] = lambda text: None,
) -> Results:
    """Run a task and return its masked results; ``failed`` and ``msg`` are set when it failed. Never raises."""
    missing = task.missing(params)
    if missing is not None:
        return {"failed": True, "msg": missing_required_lib(missing.name), "exception": missing.error}
    try:
        refuse_unusable(task.argument_spec, params)
        context = Context(
            check_mode=check_mode,
            environ=environ,
            now=time.time,
            warn=lambda text: warn(printable(masker.mask(text))),
            transport=Transport(_http_settings(params, environ)),
            file_attributes=file_attributes,
            progress=lambda text: progress(printable(masker.mask(text))),
        )
        results = task.function(params, context)
    except TaskFailed as failure:
        results = {**failure.results, "failed": True, "msg": str(failure)}
    except RefundsError as error:
        results = {"failed": True, "msg": _naming_app(str(error), params)}
    except Exception as error:
        results = {"failed": True, "msg": unforeseen(error)}
    masked: Results = masker.mask(results)
    return masked


def _naming_app(message: str, params: Params) -> str:
    # With a list of apps, a bundle ID is the group's default and no app of the task.
    bundle_id = params.get("bundle_id") if params.get("apps") is None else None
    name = app_name(bundle_id)
    return message if not name or name in message else f"{name}: {message}"


def _http_settings(params: Params, environ: t.Mapping[str, str]) -> HttpSettings:
    for option in ("request_timeout", "deadline", "wait_timeout"):
        if option in params and not 0 < params[option] <= _LONGEST_SECONDS:
            raise InputError(option, f"{params[option]} isn't a number of seconds from 1 to 86400.")
    concurrency = params.get("concurrency", MOST)
    if not 1 <= concurrency <= _MOST_CALLS:
        wanted = f"Give a number from 1 to {_MOST_CALLS}."
        raise InputError("concurrency", f"{concurrency} isn't a number of calls at a time.", wanted)
    return HttpSettings(
        ca_path=certificates_path(params.get("ca_path"), environ),
        proxies=getproxies_environment(),
        **{name: params[name] for name in ("request_timeout", "deadline") if name in params},
        concurrency=concurrency,
    )


# What Ansible's own conversion to a whole number breaks off at, where our rules don't name the option.
WITHOUT_END = "An option is a number without end."


class _Module(Raising):
    """An AnsibleModule that hides what our own rules call a secret even when it refuses its options.

    It does that before it returns from its constructor, and by its own rules it then knows no secret of an option that
    is a text where a mapping is due, or of a field that was spelt wrong.
    """

    def __init__(self, **options: t.Any) -> None:
        self._given: Params = {}
        self._is_made = False
        try:
            super().__init__(**options)
        except OverflowError:
            self.fail_json(msg=WITHOUT_END)
        self._is_made = True

    def _load_params(self) -> None:
        super()._load_params()
        # Ansible drops what it can't convert, and with it the positions in a list.
        self._given = dict(self.params)
        refuse_endless(self.argument_spec, self._given)

    def refuse_faults(self) -> None:
        """Fail for what can't be used although Ansible took it."""
        message = option_faults(self.argument_spec, plain(self._given))
        if message:
            self.fail_json(message)

    def exit_json(self, **kwargs: t.Any) -> t.NoReturn:
        kwargs.setdefault("invocation", {"module_args": self._shown()})
        super().exit_json(**kwargs)

    def _masker(self) -> Masker:
        """Ansible drops what it can't convert, and fills in defaults and what the environment gives: both count."""
        given, params = plain(self._given), plain(getattr(self, "params", {}))
        return Masker(secret_values(self.argument_spec, given) | secret_values(self.argument_spec, params))

    def _shown(self) -> Results:
        """Return what is shown of the parameters; by itself Ansible masks values only, and no names in mappings."""
        return shown_params(self.argument_spec, plain(getattr(self, "params", {})), self._masker())

    def _log_invocation(self) -> None:
        """Tell the system's log what the module was called with, as AnsibleModule does, without our secrets."""
        shown = {name: str(value) for name, value in self._shown().items()}
        self.log(" ".join(["Invoked with", *(f"{name}={value}" for name, value in shown.items())]), log_args=shown)

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        if self._is_raising:
            super().fail_json(msg, **kwargs)
        masker = self._masker()
        self.no_log_values = set(masker.distinct)
        if not self._is_made:
            msg = refusal(self.argument_spec, plain(self._given), str(msg))
        kwargs.setdefault("invocation", {"module_args": self._shown()})
        super().fail_json(masker.mask(str(msg)), **kwargs)


def refusal(spec: t.Mapping[str, t.Any], given: Params, message: str) -> str:
    """Return why options were refused: which entry or field it was, where that is why, else Ansible's ``message``."""
    return option_faults(spec, given) or message


def plain(value: t.Any) -> t.Any:
    """Return ``value`` as exact built-in types, those of JSON: Ansible's values may be subclasses that carry tags."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, type(None))):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    # What is left an action sees, where a module gets text: dates, and values that are decrypted when they are read.
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
