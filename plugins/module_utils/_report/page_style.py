# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page's style sheet: light and dark, wide and narrow, screen and paper."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --surface: #ffffff; --raised: #f8f9fb; --text: #171c24; --muted: #545f70; --line: #dde1e7;
  --accent: #1d4ed8; --track: #e6e9ee;
  --refused: #b42318; --refused-soft: #fdeceb; --unknown: #6d3fc0; --unknown-soft: #f3edfd;
  --drift: #935200; --drift-soft: #fdf2dc; --pending: #1e5fc2; --pending-soft: #e7f0fd;
  --ok: #0b6b43; --ok-soft: #e4f5ec; --waived: #4b5563; --waived-soft: #eceef1;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1217; --surface: #161b22; --raised: #1c232c; --text: #e7eaef; --muted: #a2adbb; --line: #2c3540;
    --accent: #8db5ff; --track: #2a323d;
    --refused: #ff938a; --refused-soft: #3b1a18; --unknown: #c9b0ff; --unknown-soft: #2b2142;
    --drift: #f4bb55; --drift-soft: #35280f; --pending: #8dbbff; --pending-soft: #15294a;
    --ok: #6bd7a2; --ok-soft: #102d21; --waived: #b8c1cd; --waived-soft: #262e38;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0; background: var(--page); color: var(--text); overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
}
header, main, footer { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 40px; }
footer { padding-top: 8px; padding-bottom: 40px; color: var(--muted); font-size: 14px; }
h1, h2, h3, h4, p { margin: 0; }
h1 { font-size: clamp(26px, 4vw, 36px); line-height: 1.15; letter-spacing: -.02em; }
h2 { font-size: 20px; letter-spacing: -.01em; margin-bottom: 16px; }
h3 { font-size: 16px; margin: 24px 0 10px; }
h4 { font-size: 14px; margin: 18px 0 8px; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 14px; padding: 24px;
  margin: 20px 0; }
code, time { font-family: var(--mono); font-size: .875em; }
time { white-space: nowrap; }
.eyebrow { color: var(--muted); font-size: 13px; font-weight: 600; letter-spacing: .06em;
  text-transform: uppercase; margin-bottom: 6px; }
.muted { color: var(--muted); font-weight: 400; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 16px; top: 16px; padding: 8px 12px; background: var(--surface); z-index: 1; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }

.verdict { display: inline-flex; align-items: center; gap: 12px; margin: 18px 0 20px; padding: 10px 18px 10px 10px;
  font-size: 18px;
  font-weight: 600; border-radius: 999px; border: 1px solid var(--line); background: var(--surface); }
.sign { display: inline-grid; place-items: center; flex: none; width: 30px; height: 30px; border-radius: 50%;
  font-weight: 700;
  line-height: 1; }
.undeclared { margin: 0 0 18px; max-width: 80ch; }
.undeclared ul.apps { margin: 4px 0 6px; }
.facts { display: flex; flex-wrap: wrap; gap: 12px 40px; margin: 0 0 8px; }
.facts dt { color: var(--muted); font-size: 13px; }
.facts dd { margin: 0; }

.refused .sign, .sign.refused, .badge.refused { color: var(--refused); background: var(--refused-soft); }
.unknown .sign, .sign.unknown, .badge.unknown { color: var(--unknown); background: var(--unknown-soft); }
.drift .sign, .sign.drift, .badge.drift { color: var(--drift); background: var(--drift-soft); }
.pending .sign, .sign.pending, .badge.pending { color: var(--pending); background: var(--pending-soft); }
.ok .sign, .sign.ok, .badge.ok { color: var(--ok); background: var(--ok-soft); }
.waived .sign, .sign.waived, .badge.waived { color: var(--waived); background: var(--waived-soft); }
.badge { display: inline-block; padding: 2px 10px; border-radius: 999px; font-size: 13px; font-weight: 600;
  white-space: nowrap;
  justify-self: start; }

rect.track { fill: var(--track); }
rect.refused { fill: var(--refused); } rect.unknown { fill: var(--unknown); } rect.drift { fill: var(--drift); }
rect.pending { fill: var(--pending); } rect.ok { fill: var(--ok); } rect.waived { fill: var(--waived); }
.stack { display: block; width: 100%; height: 14px; border-radius: 7px; margin-bottom: 18px; }
.stack rect { stroke: var(--surface); stroke-width: 2px; vector-effect: non-scaling-stroke; }
.bar { display: block; width: 100%; height: 8px; border-radius: 4px; }

ul.cards { list-style: none; margin: 0; padding: 0; display: grid; gap: 12px; grid-template-columns: repeat(3, 1fr); }
.card { display: grid; align-content: start; grid-template-columns: auto 1fr auto; gap: 0 10px;
  align-items: center; height: 100%;
  padding: 14px;
  border: 1px solid var(--line); border-radius: 10px; background: var(--raised); color: inherit;
  text-decoration: none; }
a.card:hover { border-color: var(--accent); }
.card strong { overflow-wrap: normal; font-size: 26px; line-height: 1.1; font-variant-numeric: tabular-nums; }
.card .share { color: var(--muted); font-size: 14px; font-variant-numeric: tabular-nums; }
.card .label { grid-column: 2 / 4; grid-row: 2; font-weight: 600; }
.card .meaning { grid-column: 2 / 4; grid-row: 3; color: var(--muted); font-size: 14px; }
.card.none strong, .card.none .label { color: var(--muted); font-weight: 400; }

.cause { padding: 16px 0 16px 18px; border-left: 4px solid var(--line); margin: 0 0 20px; }
.cause:last-child { margin-bottom: 0; }
.cause.refused { border-color: var(--refused); } .cause.unknown { border-color: var(--unknown); }
.cause.drift { border-color: var(--drift); } .cause.pending { border-color: var(--pending); }
.cause h3 { margin: 0 0 8px; display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; }
.hints, .prose { margin: 0 0 8px; padding-left: 18px; max-width: 80ch; }
.hints li, .prose li { margin: 4px 0; }
summary { cursor: pointer; color: var(--accent); width: fit-content; }
ul.apps { list-style: none; margin: 10px 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 6px; }
ul.apps li { padding: 3px 9px; border-radius: 7px; border: 1px solid var(--line); background: var(--raised);
  font-size: 14px; }
.note { padding: 10px 14px; border-radius: 8px; background: var(--drift-soft); color: var(--drift); margin: 8px 0; }
"""

STYLE += """
table { width: 100%; border-collapse: collapse; font-size: 14px; }
caption { text-align: left; color: var(--muted); padding-bottom: 10px; }
th, td { text-align: left; padding: 9px 10px 9px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--muted); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 400; }
tbody tr:last-child > * { border-bottom: 0; }
.meter { display: grid; gap: 5px; min-width: 90px; font-variant-numeric: tabular-nums; }
thead button { all: unset; cursor: pointer; display: inline-flex; gap: 4px; }
thead button:hover { color: var(--text); }
thead button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.arrow { display: inline-block; width: 1em; }
[aria-sort=ascending] .arrow::after { content: "\\2191"; }
[aria-sort=descending] .arrow::after { content: "\\2193"; }
[aria-sort=ascending] button, [aria-sort=descending] button { color: var(--text); }
#table th:first-child { min-width: 220px; width: 26%; }
.scroll { overflow-x: auto; }
td { overflow-wrap: break-word; }
.list th[scope=row] { min-width: 11em; overflow-wrap: break-word; }
#rows summary { color: inherit; width: auto; }
#rows .name { display: block; color: var(--muted); font-size: 13px; }
dl.detail { display: grid; grid-template-columns: max-content 1fr; gap: 4px 14px; margin: 10px 0 4px;
  padding: 10px 12px;
  background: var(--raised); border-radius: 8px; font-size: 13px; }
dl.detail dt { color: var(--muted); } dl.detail dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.tools { display: flex; flex-wrap: wrap; gap: 12px 16px; align-items: end; margin-bottom: 14px; }
.tools label { display: grid; gap: 4px; color: var(--muted); font-size: 13px; }
.tools .search { flex: 1 1 240px; } .tools .sort { display: none; }
input[type=search], select, .pages button { font: inherit; font-size: 16px; color: var(--text);
  background: var(--surface);
  border: 1px solid var(--muted); border-radius: 8px; padding: 7px 10px; min-height: 40px; }
input[type=search] { width: 100%; }
.chips { border: 0; margin: 0 0 12px; padding: 0; display: flex; flex-wrap: wrap; gap: 8px; }
.chips legend { float: left; color: var(--muted); font-size: 13px; padding: 7px 8px 0 0; }
.chips label { position: relative; cursor: pointer; }
.chips input { position: absolute; opacity: 0; inset: 0; margin: 0; cursor: pointer; }
.chips label > span { display: block; padding: 5px 13px; border: 1px solid var(--line); border-radius: 999px;
  font-size: 14px; }
.chips input:checked + span { border-color: var(--text); background: var(--text); color: var(--surface); }
.chips input:focus-visible + span { outline: 3px solid var(--accent); outline-offset: 2px; }
#shown { color: var(--muted); font-size: 14px; margin-bottom: 10px; }
.pages { display: flex; align-items: center; gap: 14px; margin-top: 16px; }
.pages[hidden] { display: none; }
.pages button { cursor: pointer; padding: 5px 16px; } .pages button:disabled { opacity: .45; cursor: default; }
.figure strong { font-size: 26px; } figure { margin: 0 0 8px; }
.days { display: block; width: 100%; height: 130px; border-bottom: 1px solid var(--muted); }
figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 12px; color: var(--muted);
  font-size: 13px;
  padding-top: 6px; font-variant-numeric: tabular-nums; }
ol.bars { list-style: none; margin: 0; padding: 0; display: grid; gap: 10px; }
ol.bars li { display: grid; grid-template-columns: minmax(0, 240px) 1fr minmax(0, 420px); gap: 14px;
  align-items: center; }

@media (max-width: 1000px) { ul.cards { grid-template-columns: repeat(2, 1fr); } }
@media (max-width: 760px) {
  header, main, footer { padding-left: 14px; padding-right: 14px; }
  header { padding-top: 24px; }
  section { padding: 18px 16px; border-radius: 12px; margin: 14px 0; }
  .verdict { display: flex; border-radius: 14px; font-size: 16px; }
  .facts { gap: 10px 24px; }
  ul.cards { gap: 8px; }
  .card { padding: 12px; }
  .card .label { font-size: 14px; }
  .card .meaning, .card .share { display: none; }
  .cause { padding: 4px 0 4px 14px; }
  .tools .sort { display: grid; }
  .tools label { flex: 1 1 40%; } .tools .search { flex: 1 1 100%; }
  ol.bars li { grid-template-columns: 1fr; gap: 4px; }
  table.list, table.list caption, table.list tbody, table.list tr, table.list th, table.list td { display: block; }
  table.list thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table.list tbody tr { border: 1px solid var(--line); border-radius: 10px; padding: 10px 12px; margin-bottom: 10px;
    background: var(--raised); }
  table.list tbody tr > * { display: grid; grid-template-columns: 104px minmax(0, 1fr); gap: 10px; border: 0;
    padding: 3px 0;
    width: auto; }
  table.list tbody tr > *::before { content: attr(data-label); color: var(--muted); }
  table.list tbody tr > .wide { display: block; width: auto; padding-bottom: 6px; }
  table.list tbody tr > .wide::before { content: none; }
  #table th:first-child { width: auto; min-width: 0; }
  table.list tbody tr > .empty { display: none; }
  td { overflow-wrap: anywhere; }
  dl.detail { grid-template-columns: 1fr; gap: 0; background: var(--surface); } dl.detail dd { margin-bottom: 8px; }
}
@media print {
  :root { color-scheme: light; --page: #fff; --surface: #fff; --raised: #fff; --text: #000; --muted: #444;
    --line: #bbb; }
  body { font-size: 11pt; }
  section { border: 0; padding: 0; margin: 18pt 0; }
  .tools, .chips, .pages, .skip { display: none; }
  tr, .card, .cause h3 { break-inside: avoid; }
  rect, .badge, .sign { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
