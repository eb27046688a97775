# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of every page: head, top bar, menu. One file has all that a page needs."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from starlette.responses import Response

_STYLE: Final = """
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:#1c2333;background:#f3f5f9}
a{color:#2257c9}
header{display:flex;align-items:center;gap:16px;height:60px;padding:0 28px;background:#141b2d;color:#fff}
header .brand{color:#fff;font-weight:700;font-size:20px;text-decoration:none}
header .badge{font-size:12px;padding:2px 10px;border-radius:999px;background:#f5b83d;color:#141b2d;font-weight:600}
header .user{margin-left:auto;color:#c3cbe0;font-size:14px}
.shell{display:flex;min-height:calc(100vh - 60px)}
.menu{width:310px;flex:none;background:#fff;border-right:1px solid #dfe4ee;padding:24px 16px}
.menu .project{margin:0 12px 14px;font-size:13px;color:#5a6478;text-transform:uppercase;letter-spacing:.05em}
.menu ul{list-style:none;margin:0;padding:0}
.menu ul ul{margin-left:16px;border-left:2px solid #e5e9f2;padding-left:6px}
.menu a{display:block;padding:8px 12px;border-radius:8px;color:#27304a;text-decoration:none}
.menu a:hover{background:#eef2fb}
.menu a[aria-current=page]{background:#e2eafc;color:#1a48ab;font-weight:600}
main{flex:1;padding:36px 48px 64px;max-width:1180px}
h1{margin:0 0 6px;font-size:28px}
.trail{margin:0 0 12px;color:#5a6478;font-size:14px}
.lead{margin:0 0 26px;color:#4a5468;max-width:70ch}
.card{background:#fff;border:1px solid #dfe4ee;border-radius:14px;padding:28px 32px;margin:0 0 24px;
 box-shadow:0 1px 3px rgba(20,27,45,.06)}
.card h2{margin:0 0 16px;font-size:19px}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:20px}
.grid .card{margin:0}
.field{margin:0 0 20px;max-width:620px}
label{display:block;font-weight:600;margin:0 0 6px}
input[type=text],input[type=file]{width:100%;padding:11px 14px;font:inherit;border:1px solid #b9c2d4;border-radius:9px;
 background:#fff}
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid #8fb2ff;outline-offset:2px}
input[aria-invalid=true]{border-color:#c22f2f}
.hint{margin:6px 0 0;font-size:14px;color:#5a6478}
.problem{margin:6px 0 0;font-size:14px;color:#b02323;font-weight:600}
.alert{border-left:5px solid #c22f2f;background:#fdeeee;padding:14px 18px;border-radius:8px;margin:0 0 24px}
button{font:inherit;font-weight:600;padding:12px 34px;border:0;border-radius:9px;background:#2459d6;color:#fff;
 cursor:pointer}
button:hover{background:#1b47b0}
.state{display:flex;align-items:center;gap:14px;flex-wrap:wrap}
.state h2{margin:0}
.status{padding:5px 18px;border-radius:999px;font-weight:700;background:#e6e9f0;color:#454e61}
.status[data-state=pending]{background:#fff1cf;color:#7a5200}
.status[data-state=active]{background:#d8f5e1;color:#116331}
.status[data-state=error]{background:#fbdcdc;color:#9c1c1c}
dl{display:grid;grid-template-columns:max-content 1fr;gap:8px 28px;margin:22px 0 0}
dt{color:#5a6478}
dd{margin:0;overflow-wrap:anywhere}
"""


@dataclass(frozen=True)
class MenuEntry:
    """One link of the menu, with those below it."""

    text: str
    href: str
    below: tuple[MenuEntry, ...] = ()


@dataclass(frozen=True)
class Frame:
    """What surrounds the content of a page; without a user nobody is signed in."""

    title: str
    home: str
    user: str | None = None
    project: str | None = None
    menu: Sequence[MenuEntry] = ()
    here: str = ""


def page(frame: Frame, content: str, script: str = "", status: int = 200) -> Response:
    """Make a page; `content` and `script` are ready to be sent."""
    nonce = secrets.token_urlsafe(16)
    body = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(frame.title)} | devtodev (simulated)</title>\n"
        f'<style nonce="{nonce}">{_STYLE}</style>\n</head>\n<body>\n'
        f'<header><a class="brand" href="{escape(frame.home)}">devtodev</a><span class="badge">simulator</span>'
        f'{_user(frame)}</header>\n<div class="shell">\n{_menu(frame)}<main>\n{content}\n</main>\n</div>\n'
        f"{_script(script, nonce)}</body>\n</html>\n"
    )
    return Response(body, status, {"content-type": "text/html; charset=utf-8", **safety_headers(nonce)})


def safety_headers(nonce: str) -> dict[str, str]:
    """Make the headers that every answer carries."""
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
    }


def _user(frame: Frame) -> str:
    return f'<span class="user">{escape(frame.user)}</span>' if frame.user else ""


def _script(script: str, nonce: str) -> str:
    return f'<script nonce="{nonce}">{script}</script>\n' if script else ""


def _menu(frame: Frame) -> str:
    if not frame.menu:
        return ""
    project = f'<p class="project">{escape(frame.project or "")}</p>'
    return f'<nav class="menu" aria-label="Project">{project}{_entries(frame.menu, frame.here)}</nav>\n'


def _entries(entries: Sequence[MenuEntry], here: str) -> str:
    items = "".join(
        f'<li><a href="{escape(entry.href)}"{_current(entry, here)}>{escape(entry.text)}</a>'
        f"{_entries(entry.below, here) if entry.below else ''}</li>"
        for entry in entries
    )
    return f"<ul>{items}</ul>"


def _current(entry: MenuEntry, here: str) -> str:
    return ' aria-current="page"' if entry.href == here else ""
