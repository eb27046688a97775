# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a field check saw, as one HTML page and as JSON, to be sent to the maintainers by whoever wants to."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from .._model.assumption import Finding
from .texts import esc

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;"
    "border-bottom:1px solid #8888;overflow-wrap:anywhere}.broken{font-weight:700;color:#b00020}"
)
_WORDS = {"holds": "Holds", "broken": "Does not hold", "noted": "Noted", "not_seen": "Not seen"}
_FORMAT = "storeops.refunds.field_check/1"


@dataclass(frozen=True)
class FieldDocument:
    """``checked_at``: UTC in ISO 8601. Nothing in it names an app, a team, a key or a customer."""

    findings: tuple[Finding, ...]
    summary: t.Mapping[str, int]
    checked_at: str

    def as_json(self) -> str:
        found = [finding.as_result() for finding in self.findings]
        content = {
            "format": _FORMAT,
            "checked_at": self.checked_at,
            "summary": dict(self.summary),
            "assumptions": found,
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def field_document(findings: t.Sequence[Finding], summary: t.Mapping[str, int], checked_at: str) -> FieldDocument:
    return FieldDocument(tuple(findings), summary, checked_at)


def render_field_page(document: FieldDocument) -> str:
    """Return the page. It holds no script and loads nothing."""
    counts = ", ".join(f"{_WORDS[name].lower()}: {count}" for name, count in document.summary.items())
    rows = "\n".join(_row(finding) for finding in document.findings)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Field check</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Field check</h1>\n"
        f"<p>{esc(document.checked_at)} ({esc(counts)}). This page names no app, team, key or customer.</p>\n"
        '<table>\n<thead><tr><th scope="col">Service</th><th scope="col">What is assumed</th>'
        '<th scope="col">What was seen</th><th scope="col">Result</th></tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table>\n</main>\n</body>\n</html>\n"
    )


def _row(finding: Finding) -> str:
    cells = (finding.part, finding.assumption, finding.seen)
    shown = "".join(f"<td>{esc(cell)}</td>" for cell in cells)
    return f'<tr>{shown}<td class="{finding.outcome}">{_WORDS[finding.outcome]}</td></tr>'
