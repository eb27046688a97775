# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every place of the code that something goes out from, found in the code itself, and the ones that a scene came by."""

from __future__ import annotations

import ast
import contextlib
import sys
import types
import typing as t
from pathlib import Path
from unittest import mock

from unit_support import ROOT
from unit_tree import PLUGINS, python_files, relative_name, tree_of

from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Reply, Transport

Site = tuple[str, str]
# What opens connections. Whoever imports one of these may send something that no table knows of.
NETWORK = {"requests", "urllib3", "urllib.request", "http.client", "socket", "ssl", "ftplib", "smtplib", "aiohttp"}
NETWORK |= {"httpx", "asyncio", "subprocess", "playwright", "playwright.sync_api"}
ALLOWED = {
    # The transport.
    "plugins/module_utils/_http.py": {"requests", "urllib3"},
    "plugins/module_utils/_http_proxies.py": {"urllib.request"},
    "plugins/module_utils/_http_adapter.py": {"requests", "urllib3", "socket", "http.client"},
    "plugins/module_utils/_http_errors.py": {"requests", "urllib3", "socket", "ssl"},
    # Proxies out of the environment.
    "plugins/module_utils/_run.py": {"urllib.request"},
    "plugins/module_utils/_tasks/events/source.py": {"asyncio", "urllib.request"},
    # What comes in, and the rule engine.
    "plugins/module_utils/_tasks/events/http_server.py": {"asyncio"},
    "plugins/module_utils/_tasks/events/receiver.py": {"asyncio"},
    "plugins/module_utils/_tasks/events/dispatcher.py": {"asyncio"},
    "extensions/eda/plugins/event_source/refund_events.py": {"asyncio"},
    # The ledger's database has a matrix of its own.
    "plugins/module_utils/_ledger/silence.py": {"socket"},
}
# The browser's calls have a matrix of their own: tests/browser/browser_matrix.py.
BROWSER = {
    "plugins/module_utils/_trackers/browser.py",
    "plugins/module_utils/_trackers/clicks.py",
    "plugins/module_utils/_trackers/devtodev_page.py",
    "plugins/module_utils/_trackers/page_elements.py",
    "plugins/module_utils/_trackers/pictures.py",
    "plugins/module_utils/_trackers/devtodev.py",
    "plugins/module_utils/_tasks/field/page_questions.py",
}
# A function with one of these parameters sends what others ask it for: they are the places.
_PASSED = {"method", "path", "url", "call"}


def sources() -> dict[str, ast.Module]:
    """Give every Python file that users run, parsed."""
    found = [*python_files(PLUGINS), *python_files(ROOT / "extensions" / "eda")]
    return {relative_name(path): tree_of(path) for path in found}


def imports(tree: ast.Module) -> set[str]:
    """Give the network libraries that a file imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {wanted for wanted in NETWORK for name in names if name == wanted or name.startswith(f"{wanted}.")}


class _Functions(ast.NodeVisitor):
    """The functions of a file by their qualified names, with the calls in each (a lambda belongs to its function)."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.found: dict[str, tuple[set[str], list[ast.Call]]] = {}

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Go in."""
        self._inside(node, node.name)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Note its calls, without those of functions in it."""
        arguments = {one.arg for one in (*node.args.args, *node.args.kwonlyargs)}
        self.found[".".join([*self.names, node.name])] = (arguments, list(_calls(node)))
        self._inside(node, node.name, "<locals>")

    visit_AsyncFunctionDef = visit_FunctionDef

    def _inside(self, node: ast.AST, *names: str) -> None:
        self.names += names
        self.generic_visit(node)
        del self.names[len(self.names) - len(names) :]


def _calls(node: ast.AST) -> t.Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls(child)


def _sends(call: ast.Call, passing: set[tuple[str, str]], file: str) -> bool:
    """Tell whether a call goes to the transport, or to a function that passes on to it (file and name)."""
    if not isinstance(call.func, ast.Attribute):
        return False
    owner, name = ast.unparse(call.func.value), call.func.attr
    if name in ("send", "get") and (owner.lower().endswith("transport") or owner.startswith("Transport(")):
        return True
    if (file, name) in passing and owner == "self":
        return True
    return any(name == other for _file, other in passing) and not name.startswith("_") and owner.endswith("api")


def places() -> set[Site]:
    """Give every place (file and function) that decides about something that goes out through the transport."""
    functions = {}
    for file, tree in sources().items():
        finder = _Functions()
        finder.visit(tree)
        functions |= {(file, name): found for name, found in finder.found.items()}
    passing: set[tuple[str, str]] = set()
    while True:
        sending = {
            site
            for site, (_arguments, calls) in functions.items()
            if site[0] != "plugins/module_utils/_http.py" and any(_sends(call, passing, site[0]) for call in calls)
        }
        more = {(file, name.rpartition(".")[2]) for file, name in sending if functions[file, name][0] & _PASSED}
        if more == passing:
            return {(file, name) for file, name in sending if not functions[file, name][0] & _PASSED}
        passing = more


@contextlib.contextmanager
def recorded() -> t.Iterator[set[Site]]:
    """Note which functions were being called when something was sent."""
    seen: set[Site] = set()
    send = Transport.send

    def noting(transport: Transport, call: Call) -> Reply:
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None:
            path, _middle, rest = frame.f_code.co_filename.partition("/storeops/refunds/")
            name = rest if path and rest else frame.f_code.co_filename
            own = Path(name)
            file = str(own.relative_to(ROOT)) if own.is_absolute() and own.is_relative_to(ROOT) else name
            # A lambda, and what a comprehension is made of, belong to their function.
            seen.add((file, frame.f_code.co_qualname.partition(".<locals>.<")[0]))
            frame = frame.f_back
        return send(transport, call)

    with mock.patch.object(Transport, "send", noting):
        yield seen
