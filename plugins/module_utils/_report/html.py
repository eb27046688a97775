# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML page that asks nothing of the network: style, script and data are in it."""

from __future__ import annotations

import base64
import hashlib

from .html_apps import apps_section, data_block
from .html_changes import changes_section
from .html_lists import keys_section, unverified_section, waivers_section
from .html_refunds import refunds_section
from .html_summary import causes_section, header, status_section
from .model import Report
from .page_script import SCRIPT
from .page_style import STYLE
from .texts import esc

_GENERATOR = "storeops.refunds.refund_audit_report"


def render_html(report: Report) -> str:
    """Return the page. Whatever the texts in it say, only this style and this script have an effect."""
    sections = (
        status_section(report),
        changes_section(report),
        causes_section(report),
        apps_section(report),
        keys_section(report),
        waivers_section(report),
        refunds_section(report),
        unverified_section(),
    )
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            head(report.title),
            "<body>",
            '<a class="skip" href="#main">Skip to the content</a>',
            header(report),
            '<main id="main">',
            *filter(None, sections),
            "</main>",
            f"<footer><p>Written by <code>{_GENERATOR}</code>. This page is complete and loads nothing.</p></footer>",
            data_block(report),
            f"<script>{SCRIPT}</script>",
            "</body>",
            "</html>\n",
        )
    )


def head(title: str) -> str:
    policy = (
        f"default-src 'none'; img-src data:; style-src {_source(STYLE)}; script-src {_source(SCRIPT)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return "\n".join(
        (
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<meta name="referrer" content="no-referrer">',
            f'<meta name="generator" content="{_GENERATOR}">',
            '<link rel="icon" href="data:,">',
            f"<title>{esc(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
        )
    )


def _source(text: str) -> str:
    """Return the CSP source for exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
