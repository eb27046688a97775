# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's files as syntax trees: each is parsed once for all rules."""

from __future__ import annotations

import ast
import typing as t
from functools import cache
from pathlib import Path

from unit_support import PACKAGE, ROOT

PLUGINS = ROOT / "plugins"
UTILS = PLUGINS / "module_utils"
PLUGINS_PACKAGE = PACKAGE.removesuffix(".module_utils")


def python_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    """All nodes of a file: several rules look at each of hundreds of files."""
    return list(ast.walk(tree_of(path)))


def relative_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _targets(path: Path) -> t.Iterator[Path]:
    """Yield the files below plugins that a file imports, whatever the form of the import."""
    for node in nodes_of(path):
        if isinstance(node, ast.ImportFrom):
            start, module = _start(path, node)
            if start is not None:
                base = start.joinpath(*module.split(".")) if module else start
                yield from (found for name in node.names if (found := _file(base / name.name) or _file(base)))
        elif isinstance(node, ast.Import):
            for name in node.names:
                assert not name.name.startswith("ansible_collections"), f"{path}: import … from … instead"


@cache
def targets(path: Path) -> list[Path]:
    return list(_targets(path))


def _start(path: Path, node: ast.ImportFrom) -> tuple[Path | None, str]:
    """The folder where an import begins, and the module below it; no folder for what is not ours."""
    module = node.module or ""
    if node.level:
        return path.parents[node.level - 1], module
    if module.startswith(PLUGINS_PACKAGE):
        return PLUGINS, module.removeprefix(PLUGINS_PACKAGE).strip(".")
    return None, ""


@cache
def _file(base: Path) -> Path | None:
    for candidate in (base.with_name(base.name + ".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None
