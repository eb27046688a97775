# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading a world file, YAML or JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from .fields import InputError
from .world_input import ReadWorld, read_world

if TYPE_CHECKING:
    from yaml import SafeLoader as _FastestLoader
else:
    _FastestLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_FastestLoader):
    """Safe YAML that refuses a name given twice, where plain YAML silently takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        names: set[str] = set()
        for name_node, _value in node.value:
            if not isinstance(name_node, yaml.ScalarNode):
                continue
            if name_node.value in names:
                line = name_node.start_mark.line + 1
                raise InputError("", f"line {line}: {name_node.value!r} is given twice")
            names.add(name_node.value)
        return super().construct_mapping(node, deep)


def load_world_file(path: Path) -> ReadWorld:
    """Load a world; `InputError` says in one line what is wrong with the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError("", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError("", "is not UTF-8 text") from error
    return read_world(_parse(text, path.suffix.lower()), path.resolve().parent)


def _parse(text: str, suffix: str) -> object:
    try:
        if suffix == ".json":
            return json.loads(text)
        return yaml.load(text, Loader=_Loader)
    except json.JSONDecodeError as error:
        raise InputError("", f"is not JSON: line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise InputError("", "is nested too deeply") from error
    except yaml.YAMLError as error:
        raise InputError("", f"is not YAML: {' '.join(str(error).split())}") from error
