# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write roles/*/README.md from meta/argument_specs.yml; Galaxy refuses a collection with a role that has none.

Written by "make readmes"; tests/dev/test_role_readmes.py fails on one that is not current.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from paths import ROOT

HEADER = """<!--
SPDX-FileCopyrightText: storeops.refunds contributors
SPDX-License-Identifier: GPL-3.0-or-later
Made from meta/argument_specs.yml by "make readmes".
-->
"""
# docs.ansible.com, "Ansible markup": text in other fonts, links, and names of plugins.
MARKUP = re.compile(r"\b(RV|[CVOEMPIB])\(((?:[^\\)]|\\.)*)\)")
LINK = re.compile(r"\bL\(([^,)]+), *([^)]+)\)")
URL = re.compile(r"\bU\(([^)]+)\)")
FONTS = {"B": "**", "I": "*"}


def markdown(text: str) -> str:
    """Turn Ansible's markup into Markdown."""

    def shown(found: re.Match[str]) -> str:
        # In C() and B() a backslash is one.
        content = re.sub(r"\\(.)", r"\1", found[2]) if found[1] in ("O", "V", "E", "RV") else found[2]
        name = content.split("#")[0] if found[1] in "MP" else content
        font = FONTS.get(found[1], "`")
        return f"{font}{name}{font}"

    return URL.sub(r"<\1>", LINK.sub(r"[\1](\2)", MARKUP.sub(shown, text)))


def _paragraphs(description: str | list[str]) -> list[str]:
    every = [description] if isinstance(description, str) else description
    return [markdown(" ".join(text.split())) for text in every]


def _facts(option: dict[str, Any]) -> str:
    kind = option.get("type", "str")
    facts = [f"{kind} of {option['elements']}" if "elements" in option else kind]
    if option.get("required"):
        facts.append("required")
    if "choices" in option:
        facts.append("one of " + ", ".join(f"`{choice}`" for choice in option["choices"]))
    if "default" in option:
        facts.append(f"default `{yaml.safe_dump(option['default'], default_flow_style=True).splitlines()[0]}`")
    return "; ".join(facts)


def _options(options: dict[str, Any], indent: str = "") -> Iterator[str]:
    for name, option in options.items():
        text = " ".join(_paragraphs(option.get("description", "")))
        yield f"{indent}- `{name}` ({_facts(option)}){': ' if text else ''}{text}"
        yield from _options(option.get("options", {}), f"{indent}  ")


def _playbooks(role: str) -> list[str]:
    used = re.compile(rf"\b(?:role|name): storeops\.refunds\.{role}\b")
    return sorted(file.stem for file in (ROOT / "playbooks").glob("*.yml") if used.search(file.read_text()))


def _example(role: str, options: dict[str, Any]) -> Iterator[str]:
    needed = [name for name, option in options.items() if option.get("required")]
    yield "```yaml"
    yield from (
        "- hosts: localhost",
        "  gather_facts: false",
        "  roles:",
        f"    - role: storeops.refunds.{role}",
    )
    if needed:
        yield "      vars:"
        yield from (f"        {name}: ..." for name in needed)
    yield "```"


def readme(folder: Path) -> str:
    """Return the text of the README of the role in that folder."""
    spec = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]
    role, options = folder.name, spec.get("options", {})
    lines = [f"# storeops.refunds.{role}", "", f"{markdown(spec['short_description']).rstrip('.')}.", ""]
    for text in _paragraphs(spec.get("description", [])):
        lines += [text, ""]
    lines += ["## Use", "", *_example(role, options), ""]
    for name in _playbooks(role):
        lines += [f"The playbook `storeops.refunds.{name}` runs this role.", ""]
    lines += ["## Variables", "", *_options(options), ""]
    lines += ["## Licence", "", "GPL-3.0-or-later", ""]
    return HEADER + "\n" + "\n".join(lines)


def roles() -> list[Path]:
    """Return the folders of all roles."""
    return sorted(folder.parent.parent for folder in (ROOT / "roles").glob("*/meta/argument_specs.yml"))


def main() -> None:
    for folder in roles():
        (folder / "README.md").write_text(readme(folder))


if __name__ == "__main__":
    main()
