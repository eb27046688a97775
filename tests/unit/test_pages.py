# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""README and guides name only what is there: links, playbooks, modules, make's targets, variables."""

from __future__ import annotations

import importlib
import re
import shlex
import typing as t
from pathlib import Path

import pytest
import yaml
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._declaration.declaration import declare
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import CAUSES
from ansible_collections.storeops.refunds.plugins.module_utils._report.classify import OWN_CAUSES
from ansible_collections.storeops.refunds.plugins.module_utils._report.entries import absent_keys_of
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.key_removal import Removal
from ansible_collections.storeops.refunds.plugins.module_utils._tracker_spec import TRACKERS
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.page_words import ACTIVE, FAILED, WAITING

pytestmark = pytest.mark.once
PAGES = sorted([ROOT / "README.md", ROOT / "TESTING.md", ROOT / "SECURITY.md", *(ROOT / "docs/guides").glob("*.md")])
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#([^)]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PLAYBOOK = re.compile(r"ansible-playbook [^\n]*?storeops\.refunds\.(\w+)")


def blocks(page: Path, *languages: str) -> t.Iterator[str]:
    for indent, language, text in FENCE.findall(page.read_text()):
        if language in languages:
            yield "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in HEADING.findall(page.read_text())}


def tasks_in(value: t.Any) -> t.Iterator[tuple[str, t.Any]]:
    """Yield (module, arguments) of the collection's tasks, wherever they stand."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            for key, inner in item.items():
                if key.startswith("storeops.refunds.") and isinstance(inner, dict):
                    yield key.rpartition(".")[2], inner
                yield from tasks_in(inner)


def names_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=names_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        path = (page.parent / target).resolve()
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), f"{target}#{anchor}"
    own = re.findall(r"\]\(#([^)]+)\)", page.read_text())
    assert set(own) <= anchors(page)


@pytest.mark.parametrize("page", PAGES, ids=names_of)
def test_commands_name_what_there_is(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets |= set((ROOT / "Makefile").read_text().partition("PARTS := ")[2].splitlines()[0].split())
    for text in blocks(page, "shell", "sh", "yaml"):
        playbooks = set(PLAYBOOK.findall(text))
        assert playbooks <= {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith("make "):
                assert shlex.split(line, comments=True)[1] in targets, line


@pytest.mark.parametrize("page", PAGES, ids=names_of)
def test_yaml_is_yaml_and_its_tasks_name_modules(page: Path) -> None:
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    for text in blocks(page, "yaml"):
        for module, arguments in tasks_in(yaml.safe_load(text)):
            assert module in modules
            assert set(arguments) <= options_of(module)


def options_of(module: str) -> set[str]:
    """Return the options of a module, those of its shared fragments too."""
    path = f"ansible_collections.storeops.refunds.plugins.modules.{module}"
    spec = importlib.import_module(path).TASK.argument_spec
    return {*spec, *(alias for option in spec.values() for alias in option.get("aliases", ()))}


@pytest.mark.parametrize("page", PAGES, ids=names_of)
def test_a_declaration_has_only_fields_that_there_are(page: Path) -> None:
    for text in blocks(page, "yaml"):
        found = yaml.safe_load(text)
        names = [name for name in found if str(name).endswith("_keys")] if isinstance(found, dict) else []
        for name in names:
            # What a look-up gives is not known here.
            keys = [one for one in found[name] if isinstance(one, dict)]
            given = yaml.safe_load(re.sub(r"\{\{.*?\}\}", "x", yaml.safe_dump({"keys": keys}, width=1000)))
            found_faults = declare({**given, "environment": "production", "tracker": "ledger"}).faults
            assert [fault for fault in found_faults if "unknown field" in fault] == []


@pytest.mark.parametrize("page", PAGES, ids=names_of)
def test_variables_are_those_of_roles_and_playbooks(page: Path) -> None:
    said = " ".join(path.read_text() for folder in ("roles", "playbooks") for path in (ROOT / folder).rglob("*.yml"))
    known = re.compile(
        r"^(refund_tracking|refund_audit|refund_history|iap_key_rotation|iap_key_custody|refund_export)_"
    )
    for text in blocks(page, "yaml"):
        found = yaml.safe_load(text)
        for name in found if isinstance(found, dict) else ():
            assert not known.match(str(name)) or re.search(rf"\b{name}\b", said), name


def test_every_secret_of_the_environment_is_in_a_guide() -> None:
    """Whoever finds no other place writes an API key into the declaration, and so into git."""
    told = " ".join(page.read_text() for page in PAGES)
    options = [one for tracker in TRACKERS.values() for one in tracker["options"].values()]
    names = [name for one in options if one.get("no_log") and "fallback" in one for name in one["fallback"][1]]
    assert len(names) == 4
    assert [name for name in names if name not in told] == []


def test_no_module_promises_a_result_of_every_failure() -> None:
    """An option that can't be used, or a ledger that can't be read, gives a message alone."""
    for file in sorted((ROOT / "plugins/modules").glob("*.py")):
        module = importlib.import_module(f"ansible_collections.storeops.refunds.plugins.modules.{file.stem}")
        fields = yaml.safe_load(module.RETURN)
        assert [name for name, field in fields.items() if field["returned"].startswith("always")] == [], file.stem


def test_the_example_world_is_the_readme_s() -> None:
    """The keys and apps that the README declares are those of the world that it starts."""
    (declared,) = [
        yaml.safe_load(text) for text in blocks(ROOT / "README.md", "yaml") if "refund_tracking_keys" in text
    ]
    world = yaml.safe_load((ROOT / "examples/simulator/world.yml").read_text())
    wanted = [
        (
            key["issuer_id"],
            re.findall(r"SubscriptionKey_(\w+)\.p8", key["private_key_path"]),
            [app if isinstance(app, str) else app["bundle_id"] for app in key["apps"]],
        )
        for key in declared["refund_tracking_keys"]
    ]
    assert wanted == [
        (
            team["issuer_id"],
            [key["key_id"] for key in team["iap_keys"]],
            [app["bundle_id"] for app in team["apps"]],
        )
        for team in world["teams"]
    ]


def test_the_words_of_a_page_are_all_in_the_guide() -> None:
    """A list of one's own replaces the default one: whoever repeats the guide's must not lose a word."""
    page = (ROOT / "docs/guides/trackers.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)_texts` \| .*?by default (.+) \|$", page, re.MULTILINE))
    told = {name: tuple(re.findall(r"`([^`]+)`", text)) for name, text in rows.items()}
    assert told == {"active": ACTIVE, "waiting": WAITING, "failed": FAILED}


def test_every_cause_is_explained() -> None:
    """Trouble's table has a row for each cause that a check or a report can give, with a step, and for no other.

    Of keys that are declared absent the audit says causes of their own.
    """
    removal = Removal(used={"old": ["com.example.one"]}, unknown={"older": "nobody knows."})
    of_keys = {trouble.cause for trouble in removal.troubles()}
    of_keys |= {bad.cause for bad in absent_keys_of([{"key": "old", "changed": True}, {"key": "old", "failed": True}])}
    page = (ROOT / "docs/guides/trouble.md").read_text().partition("| message |")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", page, re.MULTILINE)
    assert sorted(cause for cause, _meaning, _step in rows) == sorted({*CAUSES, *OWN_CAUSES, *of_keys})
