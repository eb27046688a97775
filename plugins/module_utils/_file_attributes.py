# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's own file attributes (mode, owner, group, SELinux, …), set by AnsibleModule wherever a task runs."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
import typing as t

from ansible.module_utils.basic import FILE_COMMON_ARGUMENTS, AnsibleModule

from ._context import AttributeRefused, Params

_MOST_MODE = 0o7777
_LARGEST_ID = 2**32 - 2
# As chattr takes them.
_ATTRIBUTES = re.compile(r"[-+]?[aAcCdDeFijmPsStTux]+")


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

    @property
    def _given(self) -> Params:
        return {**self._module.params, **self._own}

    def of_entry(self, mode: str | int | None, owner: str | None, group: str | None) -> FileAttributesOf:
        return FileAttributesOf(self._module, {"mode": mode, "owner": owner, "group": group})

    def apply(self, path: str, diff: dict[str, t.Any], without: t.Container[str] = ()) -> bool:
        module = self._module
        changed = False
        with module.raising():
            wanted = module.load_file_common_arguments(self._given, path=path)
            # In the order in which AnsibleModule sets them.
            for option, step in (
                ("secontext", module.set_context_if_different),
                ("owner", module.set_owner_if_different),
                ("group", module.set_group_if_different),
                ("mode", module.set_mode_if_different),
                ("attributes", module.set_attributes_if_different),
            ):
                if option in without:
                    continue
                try:
                    changed = bool(step(path, wanted.get(option), changed, diff))
                except OSError as error:
                    told = "setype" if option == "secontext" else option
                    raise AttributeRefused(told, self._given.get(told), _reason(error), changed) from None
        return changed

    def unusable(self, folder: str) -> AttributeRefused | None:
        """Ansible looks at values when it sets them, and in check mode not at all where no file is there yet."""
        given = self._given
        faults = {
            "owner": "" if given.get("owner") is None or self._uid() is not None else "there is no such user here",
            "group": "" if given.get("group") is None or self._gid() is not None else "there is no such group here",
            "mode": self._fault_of_mode(given.get("mode"), folder),
            "attributes": _fault_of_attributes(given.get("attributes")),
        }
        return next((AttributeRefused(name, given[name], fault) for name, fault in faults.items() if fault), None)

    def ids(self) -> tuple[int | None, int | None]:
        return self._uid(), self._gid()

    def _uid(self) -> int | None:
        return _number(self._given.get("owner"), lambda name: pwd.getpwnam(name).pw_uid)

    def _gid(self) -> int | None:
        return _number(self._given.get("group"), lambda name: grp.getgrnam(name).gr_gid)

    def _fault_of_mode(self, mode: t.Any, folder: str) -> str:
        if mode is None:
            return ""
        wanted = "give octal digits in quotes, such as '0600', or u=rw,g=r"
        if isinstance(mode, int):
            return wanted if isinstance(mode, bool) or mode < 0 else _fault_of_number(mode)
        with contextlib.suppress(TypeError, ValueError):
            return "" if 0 <= int(mode, 8) <= _MOST_MODE else wanted
        module, check_mode = self._module, self._module.check_mode
        module.check_mode = True
        try:
            with module.raising():
                module.set_mode_if_different(folder, mode, False)
        except OSError:
            return wanted
        finally:
            module.check_mode = check_mode
        return ""


def _fault_of_number(mode: int) -> str:
    """Return what is wrong with digits without quotes: YAML reads 0600 as octal, and 600 as the number 0o1130."""
    as_typed = f"{mode:04d}"
    could_be_meant = mode <= 7777 and _is_usual(as_typed)
    if mode <= 0o777 and not (mode & 0o022 and could_be_meant):
        return ""
    meant = [as_typed] * could_be_meant + [f"{mode:04o}"] * (mode <= 0o777)
    return (
        f"without quotes it is the number {mode}, which means the mode {mode:04o}; write octal digits in quotes: "
        + " or ".join(f"'{one}'" for one in meant or ["0600"])
    )


def _is_usual(digits: str) -> bool:
    """Tell whether four digits are a mode in which nobody may do what the owner or the group may not."""
    if not set(digits) <= set("01234567"):
        return False
    owner, group, other = (int(digit) for digit in digits[1:])
    return owner & group == group and group & other == other and owner >= 4


def _fault_of_attributes(attributes: t.Any) -> str:
    return "" if attributes is None or _ATTRIBUTES.fullmatch(attributes) else "give letters as chattr does, such as +d"


def _number(given: t.Any, find: t.Callable[[str], int]) -> int | None:
    """Return the number of a user or group; None where none is given, and where there is none of that name."""
    if given is None:
        return None
    try:
        number = int(given)
    except ValueError:
        with contextlib.suppress(KeyError, ValueError):
            return find(str(given))
        return None
    return number if 0 <= number <= _LARGEST_ID else None


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else f"{error.strerror}"


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
