# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares values with RETURN: names, types, and where null may stand."""

from __future__ import annotations

import typing as t

Json = dict[str, t.Any]
TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "dict": (dict,),
    "list": (list,),
}
# What Ansible itself documents for all modules, and adds on its own.
COMMON = {"changed", "failed", "msg", "diff", "warnings", "deprecations", "exception", "invocation", "skipped"}
CONDITIONS = {"failed_when_result", "failed_when_suppressed_exception"}
LOOP = {"item", "ansible_loop_var", "ansible_index_var", "attempts"}


def faults(value: t.Any, field: Json, where: str) -> list[str]:
    """What is wrong with a value of a documented field, in words; empty when it is as documented."""
    if value is None:
        described = " ".join([field["description"]] if isinstance(field["description"], str) else field["description"])
        return [] if "V(null)" in described else [f"{where} is null, which is not documented"]
    wanted = TYPES[field["type"]]
    if not isinstance(value, wanted) or (isinstance(value, bool) and field["type"] != "bool"):
        return [f"{where} is no {field['type']}: {value!r}"]
    contains = field.get("contains")
    if not contains:
        return []
    if field["type"] == "list":
        return [fault for number, item in enumerate(value) for fault in entry(item, contains, f"{where}[{number}]")]
    return entry(value, contains, where)


def entry(value: Json, contains: Json, where: str) -> list[str]:
    """The same for a mapping whose fields are documented."""
    found = [f"{where}.{name} is not documented" for name in value if name not in contains]
    for name, field in contains.items():
        if name in value:
            found += faults(value[name], field, f"{where}.{name}")
        elif field.get("returned", "always") == "always":
            found.append(f"{where}.{name} is always returned, says the documentation, and is missing")
    return found


def result_faults(result: Json, failed: bool, fields: Json) -> list[str]:
    """What is wrong with a whole result of a module."""
    private = {name for name in result if name.startswith("_ansible")}
    own = {name: value for name, value in result.items() if name not in COMMON | CONDITIONS | LOOP | private}
    found = [f"{name} is not documented" for name in own if name not in fields]
    for name, field in fields.items():
        if name in own:
            found += faults(own[name], field, name)
        elif not failed and field["returned"].split(",")[0] in ("always", "success"):
            found.append(f"{name} is returned ({field['returned']}), says the documentation, and is missing")
    return found
