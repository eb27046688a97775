# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of all apps: its frame, and the data that the page's script draws it from."""

from __future__ import annotations

import json
import typing as t

from .model import KINDS, App, Report
from .texts import LABELS, SIGNS, number, scroll_box

COLUMNS = ("App", "Result", "Cause", "Environment", "Tracker", "Tracker status", "Key", "Key ID")
# What would end the block, begin markup, or end a line in older scripts.
_UNSAFE = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def apps_section(report: Report) -> str:
    heads = "".join(
        f'<th role="columnheader" scope="col" aria-sort="none"><button type="button" data-column="{place}">{text}'
        '<span class="arrow" aria-hidden="true"></span></button></th>'
        for place, text in enumerate(COLUMNS)
    )
    options = "".join(f'<option value="{place}">{text}</option>' for place, text in enumerate(COLUMNS))
    return f"""<section aria-labelledby="apps" id="all"><h2 id="apps">All apps</h2>
<noscript><p class="note">The table of all apps needs JavaScript. What needs attention is listed above.</p></noscript>
<div id="browser" hidden>
<div class="tools"><label class="search">Search <input id="search" type="search" autocomplete="off" spellcheck="false"
 placeholder="Bundle ID, cause, key …"></label>
<label class="sort">Sort by <select id="sort">{options}</select></label>
<label>Rows <select id="size"><option>20</option><option selected>50</option><option>100</option>
<option>500</option></select></label></div>
<fieldset class="chips"><legend>Show</legend>{_chips(report)}</fieldset>
<p id="shown" role="status"></p>
{scroll_box("All apps")}<table id="table" class="list" role="table">
<caption>Every audited app, a line for each of its trackers. Open one for its details.</caption>
<thead role="rowgroup"><tr role="row">{heads}</tr></thead><tbody role="rowgroup" id="rows"></tbody></table></div>
<nav class="pages" aria-label="Pages of the table"><button type="button" id="previous">Previous</button>
<span id="page"></span><button type="button" id="next">Next</button></nav>
</div></section>"""


def _chips(report: Report) -> str:
    every = (
        f'<label><input type="radio" name="kind" value="" checked><span>All {number(len(report.apps))}</span></label>'
    )
    return every + "".join(
        f'<label><input type="radio" name="kind" value="{kind}"><span class="{kind}"><span aria-hidden="true">'
        f"{SIGNS[kind]}</span> {LABELS[kind]} {number(count)}</span></label>"
        for kind, count in report.counts.items()
        if count
    )


class _Texts:
    """Texts that many apps share, each once."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, text: str | None) -> int:
        return self.places.setdefault(text or "", len(self.places))


def data_block(report: Report) -> str:
    """Return the apps as JSON in an inert block: texts that repeat are numbered, rows are lists."""
    texts = _Texts()
    rows = [_row(app, texts) for app in report.apps]
    kinds = [[kind, LABELS[kind], SIGNS[kind]] for kind in KINDS]
    data = {"kinds": kinds, "noun": report.noun, "rows": rows, "texts": list(texts.places)}
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False).translate(_UNSAFE)
    return f'<script type="application/json" id="data">{text}</script>'


def _row(app: App, texts: _Texts) -> list[t.Any]:
    key = app.tried
    return [
        app.bundle_id,
        app.name,
        KINDS.index(app.kind),
        *map(texts.place, (app.told_cause, app.environment, app.tracker, _status(app))),
        *map(
            texts.place,
            (
                app.key_name,
                key.key_id,
                key.issuer_id,
                key.key_fingerprint,
                app.told_hint if app.is_absent else app.hint,
            ),
        ),
        app.checked_at or "",
        app.request_id or "",
        _answer(app),
        [
            [KINDS.index(found.kind), texts.place(found.cause), texts.place(found.hint), found.waiver is not None]
            for found in app.problems
        ],
        [[texts.place(found.field), found.before or "", found.after or ""] for found in app.differences],
        [[texts.place(found.field), *map(texts.place, (found.after, found.before))] for found in app.contrasts],
    ]


def _status(app: App) -> str | None:
    if not app.is_confirmed_by_hand:
        return app.status
    return "Active, by a person's word" if app.status == "Active" else f"{app.status}, entered by hand"


def _answer(app: App) -> str:
    if app.http_status is None:
        return ""
    return f"HTTP {app.http_status}" + (f", error code {app.error_code}" if app.error_code is not None else "")
