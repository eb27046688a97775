# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands and files that README and guides show."""

from __future__ import annotations

import re
import textwrap
import typing as t
from dataclasses import dataclass

from playground import ROOT

PAGES = ("README.md", *sorted(f"docs/guides/{path.name}" for path in (ROOT / "docs/guides").glob("*.md")))
SHELL = ("shell", "sh", "bash", "console")
_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# ((?:\.?[\w-]+/)*[.\w-]+\.ya?ml)\b")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    language: str
    text: str

    @property
    def file(self) -> str:
        """The name in the first line of a file that the page shows; empty where there is none."""
        found = _NAMED.match(self.text)
        return found[1] if found else ""


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text()
    return [Block(page, language, textwrap.dedent(inner)) for _indent, language, inner in _FENCE.findall(text)]


def stray_fences(page: str) -> list[str]:
    """Return the lines with a fence that belong to no block: what stands around them is shown as something else."""
    return [line for line in _FENCE.sub("", (ROOT / page).read_text()).splitlines() if "```" in line]


def commands(text: str) -> t.Iterator[str]:
    """Yield a block's commands, without comments; a quote or a backslash goes on in the next line."""
    command = ""
    for line in text.splitlines():
        command = f"{command}\n{line}" if command else line
        if command.count('"') % 2 or command.count("'") % 2 or command.endswith("\\"):
            continue
        bare = re.sub(r"(^|\s+)#.*$", "", command).strip()
        if bare:
            yield bare
        command = ""


def all_commands() -> list[tuple[str, str]]:
    """Return (page, command) of every shell block, in their order."""
    return [(page, one) for page in PAGES for b in blocks(page) if b.language in SHELL for one in commands(b.text)]
