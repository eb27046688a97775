# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What roles do with their variables, and which defaults their modules get."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from unit_support import ROOT

pytestmark = pytest.mark.once
CONDITIONS = ("when", "that", "failed_when", "changed_when", "until")
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
PLAYBOOKS = {
    role: path
    for path in (ROOT / "playbooks").glob("*.yml")
    for role in re.findall(r"role: storeops\.refunds\.(\w+)", path.read_text())
}


def mappings(value: t.Any) -> t.Iterator[dict[str, t.Any]]:
    """Yield every mapping of a document."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(inner)


def tasks_of(role: str) -> list[dict[str, t.Any]]:
    files: list[Path] = sorted((ROOT / "roles" / role / "tasks").rglob("*.yml"))
    return [one for file in files for one in mappings(yaml.safe_load(file.read_text()))]


def conditions_of(role: str) -> list[str]:
    found = [task[name] for task in tasks_of(role) for name in CONDITIONS if name in task]
    return [str(one) for given in found for one in (given if isinstance(given, list) else [given])]


def specification(role: str) -> dict[str, t.Any]:
    text = (ROOT / "roles" / role / "meta/argument_specs.yml").read_text()
    main: dict[str, t.Any] = yaml.safe_load(text)["argument_specs"]["main"]
    return main


def unsafe(name: str, condition: str) -> bool:
    """Tell whether a condition takes a variable as it comes: with -e it is a text, and "false" would be true."""
    return re.search(rf"\b{name}\b(?! is (not )?(none|defined))(?! *\| *bool)", condition) is not None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("not keep", True),
        ("keep and x", True),
        ("not keep | bool", False),
        ("keep is not none and not keep | bool", False),
        ("keeper", False),
    ],
)
def test_the_rule_sees_what_it_is_about(condition: str, expected: bool) -> None:
    assert unsafe("keep", condition) is expected


@pytest.mark.parametrize("role", ROLES)
def test_a_condition_takes_no_text_for_true(role: str) -> None:
    names = [name for name, option in specification(role).get("options", {}).items() if option["type"] == "bool"]
    assert [(name, one) for name in names for one in conditions_of(role) if unsafe(name, one)] == []


def groups_of_tasks(role: str) -> set[str]:
    """Return the action groups of all modules that a role runs, and those of the roles that it includes."""
    tasks = tasks_of(role)
    modules = {name.removeprefix("storeops.refunds.") for task in tasks for name in task if "storeops." in str(name)}
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    groups = {name for name, members in runtime.items() if name != "all" and modules & set(members)}
    inner = {name for task in tasks for name in re.findall(r"'name': 'storeops\.refunds\.(\w+)'", str(task))}
    return groups.union(*(groups_of_tasks(name) for name in inner & set(ROLES)))


@pytest.mark.parametrize("role", sorted(PLAYBOOKS))
def test_a_playbook_gives_its_role_s_modules_every_default(role: str) -> None:
    (play,) = yaml.safe_load(PLAYBOOKS[role].read_text())[-1:]
    given = {name.removeprefix("group/storeops.refunds.") for name in play["module_defaults"]}
    assert groups_of_tasks(role) <= given
    assert f"all action groups that C(playbooks/{PLAYBOOKS[role].name}) names" in str(specification(role))
