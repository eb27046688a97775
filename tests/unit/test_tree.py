# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules on the tree itself: layers, sizes, imports."""

from __future__ import annotations

import ast
import functools
import importlib
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from unit_support import ROOT
from unit_tree import PLUGINS, PLUGINS_PACKAGE, UTILS, nodes_of, python_files, relative_name, targets, tree_of

from ansible_collections.storeops.refunds.plugins.module_utils import _action_groups

pytestmark = pytest.mark.once
# From the top down. A file imports from its own layer's folder or from a layer below, never from one above or beside.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("plugins/modules", "plugins/action", "plugins/inventory", "plugins/filter"),
    ("plugins/plugin_utils",),
    ("_run",),
    ("_secrets", "_shown_params", "_file_attributes"),
    ("_tasks",),
    ("_report",),
    ("_decisions",),
    ("_declaration",),
    ("_trackers",),
    ("_apple", "_ledger"),
    ("_context", "_action_groups"),
    ("_http", "_files", "_plan", "_argument_spec", "_fields"),
    ("_http_circuit", "_http_proxies", "_declared_spec"),
    ("_tracker_spec",),
    ("_http_errors", "_http_adapter", "_http_counters", "_http_flow", "_http_retry_after"),
    ("_model", "_python_version"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
THIRD_PARTY = ("requests", "urllib3", "jwt", "cryptography", "sqlalchemy", "alembic", "psycopg", "playwright")
HIDDEN_INPUTS = {
    "os.environ",
    "os.getenv",
    "os.environb",
    "time.time",
    "time.time_ns",
    "datetime.now",
    "datetime.datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
}
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
LONGEST_WIRING = 20
LONGEST_TASKS = 60
# A role holds no decision of a module's. This one works with stores that no module of the collection knows.
LONGER_TASKS = {"iap_key_custody/tasks/main.yml"}


UTIL_FILES = python_files(UTILS)
ACTION_FILES = python_files(PLUGINS / "action")
OWN_FILES = python_files(PLUGINS) + python_files(ROOT / "extensions")


def layer_of(path: Path) -> str:
    if UTILS in path.parents:
        return path.relative_to(UTILS).parts[0].removesuffix(".py")
    return f"plugins/{path.relative_to(PLUGINS).parts[0]}"


def test_every_file_has_a_layer() -> None:
    known = set(RANK) | {"plugins/doc_fragments", "plugins/module_utils"}
    assert {layer_of(path) for path in python_files(PLUGINS)} <= known
    assert len(UTIL_FILES) > 30


def test_imports_point_down() -> None:
    wrong = []
    for path in python_files(PLUGINS):
        layer = layer_of(path)
        for target in targets(path):
            below = layer_of(target)
            is_own = below == layer and below.startswith("_") and (UTILS / layer).is_dir()
            if not is_own and RANK[layer] >= RANK[below]:
                wrong.append(f"{relative_name(path)} imports {relative_name(target)}")
    assert wrong == []


def test_topics_of_tasks_keep_to_themselves() -> None:
    """Each folder of _tasks imports what is shared, and refunds the apps; nothing else of another folder."""
    folder = UTILS / "_tasks"
    allowed = {"apps": {"shared"}, "audit": {"shared"}, "keys": {"shared"}, "refunds": {"apps", "shared"}}
    allowed |= {"shared": set(), "tracking": {"shared"}, "events": {"apps", "refunds", "shared"}, "field": {"shared"}}
    allowed |= {"rotation": {"keys", "shared", "tracking"}}
    assert {path.parent.name for path in folder.glob("*/*.py")} == set(allowed)
    assert [path.name for path in folder.glob("*.py")] == ["__init__.py"]
    for path in folder.glob("*/*.py"):
        own = {path.parent.name, *allowed[path.parent.name]}
        beside = [target for target in targets(path) if folder in target.parents and target.parent != folder]
        assert {target.parent.name for target in beside} <= own, relative_name(path)


# Where raw parameters are read: the door of a module, the fields and secrets of its options, and what parses them into
# frozen values. Behind these nobody sees the name of a parameter.
DOORS = (
    *("_run.py", "_context.py", "_fields.py", "_secrets.py", "_shown_params.py", "_file_attributes.py"),
    *("_declared_spec.py", "_declaration/*.py", "_tasks/shared/options.py", "_tasks/*/*request.py"),
)
# Functions that only parse, in files that do more. ``run`` is that of a task, which hands its parameters to a door.
DOOR_FUNCTIONS = {
    "_tasks/shared/connect_api.py": "connect_api_options",
    "_tasks/shared/session.py": "session_options",
}


def raw_parameters(tree: ast.AST, doors: t.Container[str | None]) -> t.Iterator[int]:
    """Yield the lines outside of the functions ``doors`` where parameters are named, or passed on under this name."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.FunctionDef) and node.name in doors):
            if {"params", "Params"} & {getattr(node, part, None) for part in ("id", "arg", "attr", "asname")}:
                yield getattr(node, "lineno", 0)
            yield from raw_parameters(node, doors)


def test_raw_parameters_end_at_the_door() -> None:
    """Whoever takes them has to know their names, finds their faults late, and can be given anything."""
    wrong = {}
    for path in UTIL_FILES:
        name, tree = path.relative_to(UTILS), tree_of(path)
        if any(Path("/", name).match(f"/{door}") for door in DOORS):
            continue
        lines = list(raw_parameters(tree, ("run", DOOR_FUNCTIONS.get(f"{name}"))))
        # A task has its request parsed first, and then knows nothing else.
        for run in (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "run"):
            if not ast.unparse(run).count("params") == 1 + ast.unparse(run.body[0]).count("params") == 2:
                lines.append(run.lineno)
        if lines:
            wrong[relative_name(path)] = lines
    assert wrong == {}


def test_the_rule_on_raw_parameters_sees_every_way_to_name_them() -> None:
    text = (
        "def run(params): pass\ndef of(params): pass\nx = job.params\nf(params=1)\ny: Params\nfrom a import b as Params"
    )
    assert list(raw_parameters(ast.parse(text), ("run",))) == [2, 3, 4, 5, 6]
    assert {path for path in DOOR_FUNCTIONS if not (UTILS / path).is_file()} == set()


def test_no_circle_of_imports() -> None:
    graph = {path: set(targets(path)) - {path} for path in UTIL_FILES}
    while graph:
        leaves = {path for path, wanted in graph.items() if not wanted & graph.keys()}
        assert leaves, f"these import each other in a circle: {sorted(map(relative_name, graph))}"
        graph = {path: wanted for path, wanted in graph.items() if path not in leaves}


def test_module_utils_are_private() -> None:
    names = [path.name for path in UTILS.iterdir() if path.name != "__pycache__"]
    assert [name for name in names if not name.startswith("_")] == []
    for folder in ("doc_fragments", "plugin_utils"):
        own = [path.name for path in (PLUGINS / folder).glob("*.py")]
        assert own and [name for name in own if not name.startswith("_")] == []


def _worldly(path: Path) -> t.Iterator[object]:
    """Yield what a file has of Ansible, of the environment or of the clock."""
    nodes = nodes_of(path)
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    imported = {alias.name for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names}
    yield from {"importlib"} & (imported | names) | {"__import__"} & names
    if layer_of(path) in ("_run", "_file_attributes"):
        return
    yield from {"AnsibleModule", "print", "display"} & (names | imported)
    allowed = _constructor_defaults(nodes) if path.name == "_http.py" else set()
    # Only what ends so can be one of them, and to write out a whole expression takes long.
    ends = {hidden.rpartition(".")[2] for hidden in HIDDEN_INPUTS}
    dotted = (node for node in nodes if isinstance(node, ast.Attribute) and node.attr in ends and node not in allowed)
    yield from {ast.unparse(node) for node in dotted} & HIDDEN_INPUTS
    if path.name not in ("_argument_spec.py", "_tracker_spec.py"):
        modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        yield from (module for module in modules if module.split(".")[0] == "ansible")


def test_below_run_nothing_knows_ansible_or_reads_the_world() -> None:
    found = {relative_name(path): known for path in UTIL_FILES if (known := list(_worldly(path)))}
    assert found == {}


def _constructor_defaults(nodes: list[ast.AST]) -> set[ast.AST]:
    found: set[ast.AST] = set()
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            found |= set(node.args.defaults)
    return found


def _too_long(path: Path) -> t.Iterator[str]:
    nodes = nodes_of(path)
    lines = len(path.read_text().splitlines())
    for node in tree_of(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("DOCUMENTATION", "EXAMPLES", "RETURN"):
            lines -= (node.end_lineno or 0) - node.lineno + 1
    if lines >= LONGEST_FILE:
        yield f"{relative_name(path)}: {lines} lines"
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            size = (node.end_lineno or 0) - node.lineno + 1
            if size > LONGEST_FUNCTION:
                yield f"{relative_name(path)}: {node.name} has {size} lines"


def test_files_and_functions_stay_short() -> None:
    assert [found for path in OWN_FILES for found in _too_long(path)] == []


def test_the_tasks_of_roles_stay_short() -> None:
    folder = ROOT / "roles"
    files = {f"{path.relative_to(folder)}": path for path in folder.glob("*/tasks/**/*.yml")}
    assert len(files) > 10
    too_long = {name for name, path in files.items() if len(path.read_text().splitlines()) > LONGEST_TASKS}
    assert too_long <= LONGER_TASKS <= files.keys()


BLOCKER = """
import sys
blocked = sys.argv[1].split(",")
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None
sys.meta_path.insert(0, Blocker())
import importlib
import re
for name in sys.argv[2:]:
    importlib.import_module(name)
assert not set(blocked) & {name.split(".")[0] for name in sys.modules}
print("imported", len(sys.argv[2:]))
"""


@pytest.mark.services
@pytest.mark.parametrize("blocked", [",".join(THIRD_PARTY), "sqlalchemy"])
def test_every_file_imports_without_third_party_libraries(blocked: str) -> None:
    files = UTIL_FILES + ACTION_FILES + python_files(PLUGINS / "plugin_utils")
    names = [".".join(path.relative_to(PLUGINS).with_suffix("").parts) for path in files]
    modules = [f"{PLUGINS_PACKAGE}.{name.removesuffix('.__init__')}" for name in names]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKER, blocked, *modules], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["imported", str(len(modules))]


@functools.cache
def runtime_groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    return groups


def test_every_module_is_in_the_action_group() -> None:
    modules = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
    assert sorted(runtime_groups()["all"]) == modules
    assert set(runtime_groups()) - {"all"} == set(_action_groups.GROUPS)


@pytest.mark.parametrize("group", sorted(_action_groups.GROUPS))
def test_a_default_of_a_group_never_names_an_option_that_a_member_lacks(group: str) -> None:
    options = set(_action_groups.GROUPS[group])
    for path in sorted((PLUGINS / "modules").glob("*.py")):
        spec = importlib.import_module(f"{PLUGINS_PACKAGE}.modules.{path.stem}").TASK.argument_spec
        assert (path.stem in runtime_groups()[group]) == (options <= set(spec)), path.stem


# Options that mean something else than those of the groups with this name; the field check has defaults of its own.
OTHER_MEANING = {
    "app_store_notification_url": {"wait_timeout"},
    "field_check_info": {"ca_path", "request_timeout", "deadline", "devtodev", "qonversion", "revenuecat"},
    "refund_export": {"deadline", "environment"},
    "refund_ledger_copy": {"deadline"},
}


@pytest.mark.parametrize("path", sorted((PLUGINS / "modules").glob("*.py")), ids=relative_name)
def test_a_default_reaches_every_module_that_has_the_option(path: Path) -> None:
    spec = importlib.import_module(f"{PLUGINS_PACKAGE}.modules.{path.stem}").TASK.argument_spec
    reached = {
        option
        for group, options in _action_groups.GROUPS.items()
        for option in options
        if path.stem in runtime_groups()[group]
    }
    every = {option for options in _action_groups.GROUPS.values() for option in options}
    assert (every & set(spec)) - reached == OTHER_MEANING.get(path.stem, set())


@pytest.mark.parametrize("path", sorted((PLUGINS / "modules").glob("*.py")), ids=relative_name)
def test_who_opens_a_ledger_has_a_deadline(path: Path) -> None:
    """A server is cut off at its end, and the message says to raise it."""
    spec = importlib.import_module(f"{PLUGINS_PACKAGE}.modules.{path.stem}").TASK.argument_spec
    assert "deadline" in spec or not any(name.endswith("ledger") for name in spec)


@pytest.mark.parametrize("path", sorted((PLUGINS / "modules").glob("*.py")), ids=relative_name)
def test_every_module_has_an_action_of_its_own_task(path: Path) -> None:
    task = importlib.import_module(f"{PLUGINS_PACKAGE}.modules.{path.stem}").TASK
    action = PLUGINS / "action" / path.name
    definition = importlib.import_module(f"{PLUGINS_PACKAGE}.action.{path.stem}").ActionModule.definition
    assert definition is task
    assert len(action.read_text().splitlines()) <= LONGEST_WIRING


def test_every_action_belongs_to_a_module() -> None:
    assert {path.name for path in ACTION_FILES} <= {path.name for path in (PLUGINS / "modules").glob("*.py")}


def test_tests_of_ansible_itself_run_on_every_version() -> None:
    """Between the oldest and the newest version only what has the marker runs."""
    texts = {relative_name(path): path.read_text() for path in (ROOT / "tests/unit").rglob("test_*.py")}
    touching = {name for name, text in texts.items() if re.search(r"^(?:from|import) ansible\b", text, re.MULTILINE)}
    assert len(touching) > 3
    assert [name for name in sorted(touching) if "\npytestmark = pytest.mark.ansible\n" not in texts[name]] == []
