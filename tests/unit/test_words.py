# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts that users read are plain English: phrases that strangers stumbled over come back in no message."""

from __future__ import annotations

import ast
import re
import typing as t
from functools import cache
from pathlib import Path

import pytest
import yaml
from unit_support import ROOT
from unit_tree import nodes_of, tree_of

pytestmark = pytest.mark.once
SOURCES = sorted(path for name in ("plugins", "examples", "extensions/eda") for path in (ROOT / name).rglob("*.py"))
PLAYS = sorted([*(ROOT / "roles").rglob("*.yml"), *(ROOT / "playbooks").glob("*.yml")])
PAGES = sorted([ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "TESTING.md", *(ROOT / "docs").rglob("*.md")])
DOCUMENTED = ("DOCUMENTATION", "RETURN", "EXAMPLES")
# What was said, and what to say.
FORBIDDEN = {
    # "There is no key" and "is no longer" are English.
    r"(?<!there )\b(is|are|was) no (?!longer|such|more|one\b)[a-z]": "isn't a …, with what it should be",
    r"\bgiven otherwise\b": "both values: was …, is now …",
    r"\b(can|could) be had\b": "exists",
    r"\blook that\b": "check that",
    r"\bare seen to\b": "do",
    r"\bnot in order\b": "needs attention",
    r"\bas declared, else as held\b": "two sentences",
    r"\bfirst be written or mended\b": "two sentences",
    r"\bremove it first\b": "no advice that can destroy",
    r"\bby name of its fault\b": "with the reason",
    r"\bis to be had\b": "exists",
    r"\bsee coverage\b": "the reason itself",
    r"\bgiven (?:and|or) held\b": "both values",
    r"\b(?:holdings|doomed|unsettled)\b": "the field's noun",
    r"\botherwise than\b": "both values: was …, is now …",
    r"\bordinary run\b": "the playbook's name",
    r"\bas far as anyone knows\b": "isn't known to be",
    r"\bheld nowhere\b": "in no ledger or tracker that this run can see",
    r"\bcalled otherwise\b": "has another name",
    r"\bnothing speaks against\b": "nothing is known to be wrong with",
    r"\bforeign host\b": "another service's host",
    r"^Nor are\b": "a sentence of its own, with what it is about",
    r"(?<!there )\bis none\.": "isn't a …",
    r"\bneither yes nor no\b": "doesn't show whether",
}
RULE = re.compile("|".join(FORBIDDEN), re.IGNORECASE)
# A message that two things differ shows both; a name in other capitals stands in it already.
DIFFERING = re.compile(r"\bdiffer(?:s|ed|ent from)?\b(?! only in capitals)", re.IGNORECASE)
RAW_MARKS = re.compile(r":(ansopt|ansval|ansplugin|guilabel|ref):`")


def texts_of(path: Path) -> t.Iterator[str]:
    """Yield every text of a Python file that somebody may read at run time, without docstrings and documentation."""
    nodes = nodes_of(path)
    left = set()
    for node in nodes:
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            left.add(id(body[0].value))
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in DOCUMENTED:
            left.add(id(node.value))
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            left |= {id(part) for part in node.values}
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left:
            yield node.value


def documented_in(path: Path) -> t.Iterator[str]:
    """Yield every text of a plugin's documentation and return values."""
    for node in tree_of(path).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in DOCUMENTED[:2]:
            yield from texts_in(yaml.safe_load(ast.literal_eval(node.value)))


def texts_in(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str):
        yield value


def faults(texts: t.Iterable[str]) -> list[str]:
    return [text for text in texts if RULE.search(" ".join(text.split()))]


@cache
def play_of(path: Path) -> t.Any:
    return yaml.safe_load(path.read_text())


def faults_by_file(paths: list[Path], texts: t.Callable[[Path], t.Iterable[str]]) -> dict[str, list[str]]:
    """Give the faults of each file that has some."""
    assert paths
    return {str(path.relative_to(ROOT)): found for path in paths if (found := faults(texts(path)))}


@pytest.mark.parametrize(
    ("text", "is_fault"),
    [
        ("keys[0]: 'x' is no Key ID.", True),
        ("There is no folder /a.", False),
        ("The waiver is no longer needed.", False),
        ("Look at issuer_id first: given otherwise than held.", True),
        ("2 of 3 apps need attention", False),
    ],
)
def test_the_rule(text: str, is_fault: bool) -> None:
    assert bool(faults([text])) is is_fault


def test_messages() -> None:
    texts = {str(path.relative_to(ROOT)): list(texts_of(path)) for path in SOURCES}
    assert len(texts) > 200
    assert {path: found for path, own in texts.items() if (found := faults(own))} == {}
    differing = {path: found for path, own in texts.items() if (found := [one for one in own if DIFFERING.search(one)])}
    assert differing == {}, "say what was and what is"


def test_documentation() -> None:
    assert faults_by_file(sorted((ROOT / "plugins").glob("*/[a-z]*.py")), documented_in) == {}


def test_plays() -> None:
    assert faults_by_file(PLAYS, lambda path: texts_in(play_of(path))) == {}


def test_pages() -> None:
    assert faults_by_file(PAGES, lambda path: path.read_text().split("\n\n")) == {}
    assert [path for path in PAGES if RAW_MARKS.search(path.read_text())] == [], "marks of another language"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


# What a task or a play does, true whether it succeeds or fails; a new verb is added here.
VERBS = re.compile(
    r"(?:Add|Ask|Audit|Bring|Check|Decrypt|Encrypt|Export|Fail|Finish|Hand|Keep|Let|Look|Make|Move|Note|Open|Post|Prove|"
    r"Put|Read|Remove|Replace|Say|Set|Show|Tell|Track|Write)\b"
)


def named_in(value: t.Any) -> t.Iterator[str]:
    """Yield the names of plays, blocks and tasks."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield from [item["name"]] if isinstance(item.get("name"), str) else []
            for inner in ("tasks", "block", "rescue", "always"):
                yield from named_in(item.get(inner))


def test_plays_and_tasks_are_named_by_what_they_do() -> None:
    named = {str(path.relative_to(ROOT)): list(named_in(play_of(path))) for path in PLAYS}
    odd = {path: [name for name in names if not VERBS.match(name)] for path, names in named.items()}
    assert {path: names for path, names in odd.items() if names} == {}
