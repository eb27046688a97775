# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's own file attributes (mode, owner, group, SELinux, …), set by AnsibleModule wherever a task runs."""

from __future__ import annotations

import contextlib
import typing as t

from ansible.module_utils.basic import FILE_COMMON_ARGUMENTS, AnsibleModule

from ._context import Params


class Raising(AnsibleModule):
    """An AnsibleModule whose helpers can be made to raise OSError instead of ending the process."""

    _is_raising = False

    @contextlib.contextmanager
    def raising(self) -> t.Iterator[None]:
        """Other keys may be left to try."""
        self._is_raising = True
        try:
            yield
        finally:
            self._is_raising = False

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        if self._is_raising:
            raise OSError(0, f"{msg} {kwargs.get('details', '')}".strip())
        super().fail_json(msg, **kwargs)


class FileAttributesOf:
    """The file attributes that ``module`` was given."""

    def __init__(self, module: Raising, own: Params | None = None) -> None:
        self._module = module
        self._own = own or {}

    def of_entry(self, own: Params) -> FileAttributesOf:
        return FileAttributesOf(self._module, own)

    def apply(self, path: str, diff: dict[str, t.Any]) -> bool:
        wanted = self._module.load_file_common_arguments({**self._module.params, **self._own}, path=path)
        with self._module.raising():
            return bool(self._module.set_fs_attributes_if_different(wanted, False, diff))


class _InProcess(Raising):
    """No module: the file attributes alone, in a process that is Ansible's. It reads no input and logs nothing."""

    def __init__(self, params: Params) -> None:
        self._given = params
        super().__init__(argument_spec={}, add_file_common_args=True, supports_check_mode=True, no_log=True)

    def _load_params(self) -> None:
        self.params = dict(self._given)


def in_process(params: Params, check_mode: bool, special_file_systems: t.Sequence[str]) -> FileAttributesOf:
    """Return the attributes that a task's parameters give. ``special_file_systems``: those without SELinux labels."""
    given = {name: params[name] for name in FILE_COMMON_ARGUMENTS if params.get(name) is not None}
    about_task = {"_ansible_check_mode": check_mode, "_ansible_selinux_special_fs": list(special_file_systems)}
    return FileAttributesOf(_InProcess({**given, **about_task}))
