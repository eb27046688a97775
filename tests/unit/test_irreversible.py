# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can't be undone passes one gate: no other place calls these endpoints, or writes over such files."""

from __future__ import annotations

import ast
import importlib
import re
import typing as t
from pathlib import Path

import pytest
from unit_support import PACKAGE, ROOT
from unit_tree import PLUGINS, UTILS, nodes_of, python_files, relative_name

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.irreversible import DOES, Gate
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError

MODULES = PACKAGE.replace("module_utils", "modules")
GUIDE: t.Final = (ROOT / "docs/guides/irreversible.md").read_text()

pytestmark = pytest.mark.once
FILES = python_files(PLUGINS)
GATE = UTILS / "_decisions/irreversible.py"
# Where a file can go, be renamed or be replaced: key files, and reports, which are made anew on every run.
FILE_WORK = {"_files/writing.py", "_files/text.py"}
FILE_CALLS = {
    *(f"os.{name}" for name in ("replace", "unlink", "remove", "rename", "renames", "truncate", "removedirs")),
    *(f"shutil.{name}" for name in ("move", "rmtree", "copyfile", "copy", "copy2")),
}
# The functions that take an irreversible step, and what in them shows it.
STEPS = {
    ("_apple/app_store_connect.py", "revoke"),
    ("_files/writing.py", "write_key_file"),
    ("_files/writing.py", "remove_key_file"),
    ("_trackers/revenuecat_apps.py", "delete"),
    ("_trackers/ledger.py", "purge"),
    ("_ledger/refunds.py", "remove_before"),
}


def functions(path: Path) -> t.Iterator[ast.FunctionDef]:
    """Give every function of a file."""
    yield from (node for node in nodes_of(path) if isinstance(node, ast.FunctionDef))


def calls_in(path: Path, names: t.Container[str]) -> set[str]:
    """Give what a file calls by one of these last names."""
    called = (node.func for node in nodes_of(path) if isinstance(node, ast.Call))
    return {ast.unparse(one) for one in called if getattr(one, "attr", getattr(one, "id", "")) in names}


def shows_a_step(function: ast.FunctionDef) -> bool:
    """Whether a function sends a DELETE, or takes a key's activity away."""
    nodes = list(ast.walk(function))
    texts = [node for node in nodes if isinstance(node, ast.Constant)]
    pairs = [
        (key.value, value.value)
        for node in nodes
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
    ]
    return any(node.value == "DELETE" for node in texts) or ("isActive", False) in pairs


def name_of(path: Path) -> str:
    """Name a file below module_utils."""
    return str(path.relative_to(UTILS)) if UTILS in path.parents else relative_name(path)


def test_only_the_gate_gives_permits() -> None:
    assert {path for path in FILES if calls_in(path, {"Permit"})} == {GATE}


def test_every_step_wants_a_permit() -> None:
    found = {(name_of(path), one.name) for path in FILES for one in functions(path) if shows_a_step(one)}
    assert found == {
        step for step in STEPS if not step[0].startswith("_files") and step[1] not in ("purge", "remove_before")
    }
    for name, function in STEPS:
        (body,) = [ast.unparse(one) for one in functions(UTILS / name) if one.name == function]
        assert "permit.require(" in body, (name, function)


def test_every_permit_is_used_and_what_came_of_it_recorded() -> None:
    """Where the gate is asked, or a permission is, somebody says afterwards that it is done, and results tell."""
    texts = {name_of(path): path.read_text() for path in FILES}
    asking = {name for name, text in texts.items() if "gate.ask(" in text}
    for name in asking:
        assert "gate.done" in texts[name] or name == "_tasks/keys/remote_key_plan.py", name
    makers = {name for name, text in texts.items() if " Gate(" in text}
    told = {name for name, text in texts.items() if ".records" in text}
    assert makers - told == {"_tasks/shared/trackers.py"}, "the engine tells of this one"
    assert "self.trackers.gate.records" in texts["_tasks/tracking/engine.py"]
    for name in ("integration", "integrations"):
        assert "one.irreversible" in texts[f"_tasks/tracking/{name}.py"]


def test_a_purge_removes_with_its_permit_alone() -> None:
    """What `doomed` finds is removed by nobody but the one who asks the gate."""
    finders = [path for path in FILES if ".doomed(" in path.read_text()]
    assert [name_of(path) for path in finders] == ["_tasks/tracking/surplus.py"]
    (remove,) = [ast.unparse(one) for one in functions(finders[0]) if one.name == "remove"]
    assert remove.index("gate.ask('purge'") < remove.index("writer.purge(") < remove.index("gate.done(")


def test_no_other_place_removes_or_replaces_files() -> None:
    names = {call.rpartition(".")[2] for call in FILE_CALLS}
    found = {name_of(path): calls for path in FILES if (calls := FILE_CALLS & calls_in(path, names))}
    assert {name: calls for name, calls in found.items() if name not in FILE_WORK} == {}


def test_the_table_in_the_guide_is_complete() -> None:
    gated, _heading, _others = GUIDE.partition("## Without the gate")
    rows = [line.split("|")[1].strip(" `") for line in gated.splitlines() if line.startswith("| `")]
    assert rows == list(DOES)


def replacing(spec: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Yield the options that replace, remove or delete something, those in mappings too."""
    for name, option in spec.items():
        if "replace" in option.get("choices", ()) or re.match("replace|remove|delete|revoke|purge$|retention", name):
            yield name
        yield from replacing(option.get("options") or {})


@pytest.mark.ansible
def test_the_guide_has_every_option_that_takes_something_away() -> None:
    modules = [path.stem for path in (PLUGINS / "modules").glob("[a-z]*.py")]
    specs = [importlib.import_module(f"{MODULES}.{name}").TASK.argument_spec for name in modules]
    found = {name for spec in specs for name in replacing(spec)}
    assert len(found) >= 8 and {name for name in found if name not in GUIDE} == set()


def gate(check_mode: bool = False) -> tuple[Gate, list[str]]:
    """Make a gate, and the list of what it says."""
    said: list[str] = []
    return Gate(lambda: "2026-11-23T08:45:00Z", said.append, check_mode), said


def test_it_says_before_and_after_and_keeps_a_record() -> None:
    made, said = gate()
    permit = made.ask("revoke_key", "2X9R4HXF34", "revoke: true", "it is active", "the list of keys")
    assert permit and said == [
        "About to revoke the key 2X9R4HXF34, as revoke: true asks for. Proven: it is active (the list of keys, "
        "2026-11-23T08:45:00Z)."
    ]
    assert made.records[0]["outcome"] == "begun"
    made.done(permit)
    assert said[1:] == ["Done: revoked the key 2X9R4HXF34."] and made.records[0]["outcome"] == "done"
    with pytest.raises(ValueError, match="was used for"):
        permit.require("revoke_key", "ANOTHER001")


@pytest.mark.parametrize("lacking", ["asked_by", "what", "answer"])
def test_without_a_wish_or_a_proof_nothing_passes(lacking: str) -> None:
    made, said = gate()
    given = {"asked_by": "revoke: true", "what": "it is active", "answer": "the list of keys", lacking: ""}
    with pytest.raises(RefundsError, match="it was not done"):
        made.ask("revoke_key", "2X9R4HXF34", **given)
    assert said == [] and made.records == []


def test_check_mode_gets_no_permit() -> None:
    made, said = gate(check_mode=True)
    assert made.ask("purge", "a team", "purge: true", "3 of 40", "the ledger") is None
    assert said == [] and made.records[0]["outcome"] == "would be done"
