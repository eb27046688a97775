# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in the files of a report until the audit has come to its end: that nothing is known, and why."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import typing as t
from dataclasses import dataclass
from urllib.parse import quote, unquote
from xml.etree import ElementTree

from .changes import FORMAT
from .csv_lines import header, line
from .html import head
from .junit import clean
from .markdown import md
from .model import SCHEMA_VERSION
from .table_csv import COLUMNS
from .texts import esc, minute, name

_UNFINISHED = f"{FORMAT}.unfinished"
_RESULT = "unfinished"
_COMMENT = "<!-- an audit that hasn't finished -->\n"
_POINTER = "The last report that was finished: "
# The earlier file for the next run to read: directly after the head, where no text from outside stands.
_EARLIER = re.compile(r"<!-- earlier: (\S+) -->\n")
# How each kind begins. No text from outside stands so early in a report.
_HEADS: t.Mapping[str, str] = {
    "html": f"<!doctype html>\n{_COMMENT}",
    "json": f'{{\n "format": "{_UNFINISHED}"',
    "junit": f'<?xml version="1.0" encoding="utf-8"?>\n{_COMMENT}',
    "markdown": _COMMENT,
    "csv": header(COLUMNS) + line({"result": _RESULT}, COLUMNS).partition(_RESULT)[0] + _RESULT,
}


@dataclass(frozen=True)
class Unfinished:
    """``why`` is empty until it is known. ``earlier``: the name of the last report's file, if there is one."""

    title: str
    at: str
    why: str = ""
    earlier: str = ""

    @property
    def text(self) -> str:
        if self.why:
            return f"This audit stopped at {minute(self.at)} UTC, and nothing is known about the apps. {self.why}"
        return (
            f"An audit began at {minute(self.at)} UTC and hasn't finished, so nothing is known about the apps. "
            "If it isn't running any more, it was stopped: what it printed says why."
        )

    @property
    def pointer(self) -> str:
        return f"{_POINTER}{self.earlier}" if self.earlier else ""

    @property
    def comment(self) -> str:
        """Return the earlier file's name so that no comment ends in it."""
        name = quote(self.earlier, safe="", errors="surrogateescape").replace("-", "%2D")
        return f"<!-- earlier: {name} -->\n" if name else ""


def is_unfinished(kind: str, text: str | None) -> bool:
    """Tell whether a file of this kind is no report."""
    return text is not None and text.startswith(_HEADS[kind])


def earlier_of(kind: str, text: str | None) -> str:
    """Return the name of the last report's file, as a file of this kind that is no report has it; else nothing."""
    if text is None or not is_unfinished(kind, text):
        return ""
    found: t.Any = None
    if kind == "json":
        with contextlib.suppress(ValueError):
            found = json.loads(text).get("earlier")
    elif kind == "csv":
        with contextlib.suppress(csv.Error, ValueError, IndexError):
            _title, _heads, row, *_rest = csv.reader(io.StringIO(text, newline=""))
            found = row[COLUMNS.index("hint")].removeprefix(_POINTER)
    elif match := _EARLIER.match(text, len(_HEADS[kind])):
        found = unquote(match.group(1), errors="surrogateescape")
    return found if isinstance(found, str) else ""


def render(kind: str, found: Unfinished) -> str:
    return _RENDER[kind](found)


def _html(found: Unfinished) -> str:
    link = f'<p>{_POINTER}<a href="{esc(found.earlier)}">{esc(found.earlier)}</a></p>'
    return (
        f'{_HEADS["html"]}{found.comment}<html lang="en">\n{head(found.title)}\n<body>\n'
        f'<header><h1>{name(found.title)}</h1><p class="verdict unknown">{esc(found.text)}</p></header>\n'
        f"<main>{link if found.earlier else ''}</main>\n</body>\n</html>\n"
    )


def _json(found: Unfinished) -> str:
    fields = {"schema_version": SCHEMA_VERSION, "title": found.title, "generated_at": found.at, "failed": True}
    told = {"format": _UNFINISHED, **fields, "why": found.text, "earlier": found.earlier or None}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _junit(found: Unfinished) -> str:
    counts = {"tests": "1", "failures": "0", "errors": "1"}
    root = ElementTree.Element("testsuites", {"name": clean(found.title), **counts, "time": "0"})
    suite = {"name": "audit", **counts, "skipped": "0", "time": "0", "timestamp": found.at.rstrip("Z")}
    inner = ElementTree.SubElement(root, "testsuite", suite)
    case = ElementTree.SubElement(inner, "testcase", {"classname": "audit", "name": "finished", "time": "0"})
    ElementTree.SubElement(case, "error", {"type": _RESULT, "message": clean(found.text)})
    ElementTree.indent(root)
    return _HEADS["junit"] + found.comment + ElementTree.tostring(root, encoding="unicode") + "\n"


def _markdown(found: Unfinished) -> str:
    parts = (f"{_COMMENT}{found.comment}## {md(found.title)}", f"**{md(found.text)}**", md(found.pointer))
    return "\n\n".join(filter(None, parts)) + "\n"


def _csv(found: Unfinished) -> str:
    told = filter(None, (found.text, found.pointer))
    return header(COLUMNS) + "".join(line({"result": _RESULT, "hint": text}, COLUMNS) for text in told)


_RENDER: t.Mapping[str, t.Callable[[Unfinished], str]] = {
    "html": _html,
    "json": _json,
    "junit": _junit,
    "markdown": _markdown,
    "csv": _csv,
}
