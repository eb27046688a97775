# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit report in a real Chromium: what the page shows is what the JSON says, and hostile texts stay texts."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "report"))

from browser_support import Opened
from playwright.sync_api import Page, expect
from report_support import OTHER_KEY, Json, a_bit_of_all, audit, bulk, document, item, key_of, refunds

HOSTILE = "</script><img src=x onerror=window.hit=1><b>\"'& {{ 7*7 }} \u2028 \u202eabc \U0001f600"
LONG = "com.example." + "x" * 400
MANY = 5_000
COLUMNS = ("bundle_id", "result", "cause", "environment", "tracker", "tracker_status", "key", "key_id")
LABELS = {"refused": "Refused", "unknown": "Unknown", "drift": "Drift", "pending": "Pending", "ok": "OK"}
ORDER = list(LABELS)
ROWS = """() => [...document.querySelectorAll('#rows tr')].map(row => [
  row.querySelector('th summary').textContent,
  ...[...row.querySelectorAll('td')].map(cell => cell.textContent)])"""

# Each further page, without drawing it: that is what takes long.
TO_THE_END = """() => {
  const next = document.querySelector('#next'), seen = [];
  for (;;) {
    seen.push(...[...document.querySelectorAll('#rows tr th summary')].map(summary => summary.textContent));
    if (next.disabled) return seen;
    next.click();
  }
}"""


def hostile() -> Json:
    """Results whose texts want to be more than texts."""
    return bulk(
        item(HOSTILE, "unauthenticated", "update", hint=HOSTILE, tracker=HOSTILE, key=HOSTILE, status=HOSTILE),
        item(LONG, "unreachable", hint=LONG, key=LONG),
        *a_bit_of_all()["integrations"],
    )


def expected(app: Json) -> list[str]:
    """The row that the page shows for an app of the JSON."""
    deciding = app["problems"][0]["cause"] if app["problems"] else app["credential_check"]["cause"]
    tried = (app["declared"] or app)["key_id"]
    shown = {**app, "cause": deciding, "result": LABELS[app["result"]], "key_id": tried}
    return [str(shown[name] or "") for name in COLUMNS]


def rows(page: Page) -> list[list[str]]:
    """The rows that are shown, without the signs of the classes."""
    found: list[list[str]] = page.evaluate(ROWS)
    return [[row[0], row[1].split(" ", 1)[1], *row[2:]] for row in found]


def sound(page: Opened) -> None:
    """Nothing was complained of, nothing but the page was asked for, nothing hostile ran."""
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []
    assert page.page.evaluate("[window.hit, document.images.length]") == [None, 0]


def test_all_pages_of_the_table_are_the_json(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    audit(tmp_path, hostile(), refunds=[refunds()], title=HOSTILE)
    apps = document(tmp_path)["apps"]
    shown = opened()
    shown.page.locator("#size").select_option("20")
    wanted = sorted(apps, key=lambda app: (ORDER.index(app["result"]), app["bundle_id"]))
    assert rows(shown.page) == [expected(app) for app in wanted]
    assert shown.page.locator("h1").text_content() == HOSTILE
    for number in range(len(apps)):
        shown.page.locator("#rows summary").nth(number).click()
    # A click returns before the event of the box that it opened has come.
    expect(shown.page.locator("#rows dl")).to_have_count(len(apps))
    assert HOSTILE in shown.page.locator("#rows dl").all_text_contents()[0]
    sound(shown)


def test_a_refused_key_is_shown_beside_the_held_one(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    held, declared = key_of("HELDKEY001"), key_of(OTHER_KEY)
    result = bulk(
        item("com.example.one", "unauthenticated", key="HELDKEY001", declared={**declared, "issuer_id": None})
    )
    audit(tmp_path, result)
    shown = opened()
    (row,) = rows(shown.page)
    assert row[-1] == OTHER_KEY
    shown.page.locator("#rows summary").click()
    expect(shown.page.locator("#rows dl")).to_have_count(1)
    texts = shown.page.locator("#rows dl > *").all_text_contents()
    found = dict(zip(texts[::2], texts[1::2], strict=True))
    named = {name: found.get(name) for name in held}
    assert named == {
        "issuer_id": None,
        "key_id": f"declared {OTHER_KEY}, held HELDKEY001",
        "key_fingerprint": f"declared {declared['key_fingerprint']}, held {held['key_fingerprint']}",
    }
    assert found["Fingerprint"] == declared["key_fingerprint"] and "Issuer ID" not in found
    keys = shown.page.locator("section[aria-labelledby=keys] tbody tr").all_inner_texts()
    assert len(keys) == 1 and OTHER_KEY in keys[0] and "0 of 1" in keys[0]
    sound(shown)


def test_what_is_counted_is_called_what_it_is(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    one, other = (item("com.example.one", key="KEY", tracker=tracker) for tracker in ("ledger", "revenuecat"))
    audit(tmp_path, bulk(one, {**other, "action": "create"}))
    shown = opened()
    told = shown.page.locator("#shown")
    assert told.inner_text() == "1\u20132 of 2 integrations"
    shown.page.locator("#search").fill("revenuecat")
    assert told.inner_text() == "1\u20131 of 1 integration"
    # The number of a kind is nothing that anybody reads.
    for number in range(len(ORDER)):
        shown.page.locator("#search").fill(f"com.example.one {number}")
        assert told.inner_text() == "No integration matches."
    sound(shown)


def test_counts_filters_and_order(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    audit(tmp_path, a_bit_of_all())
    found = document(tmp_path)
    shown = opened()
    page = shown.page
    cards = {text.split("\n")[2]: text.split("\n")[1] for text in page.locator(".cards li").all_inner_texts()}
    assert {label: int(cards[label]) for label in LABELS.values()} == {
        label: found["totals"][kind] for kind, label in LABELS.items()
    }
    page.locator(".chips label", has_text="Drift").click()
    assert {row[0] for row in rows(page)} == {"com.example.drifted", "com.example.new"}
    page.locator("#search").fill("NEW drift")
    assert [row[0] for row in rows(page)] == ["com.example.new"]
    page.locator("#search").fill("nowhere")
    assert rows(page) == [] and page.locator("#shown").inner_text() == "No app matches."
    page.locator("#search").fill("")
    page.locator("a.card", has_text="Refused").click()
    assert {row[1] for row in rows(page)} == {"Refused"}
    page.locator(".chips label", has_text="All").click()
    for column, name in enumerate(COLUMNS):
        head = page.locator("#table thead th").nth(column)
        head.locator("button").click()
        if name == "result":
            continue
        assert head.get_attribute("aria-sort") == "ascending"
        values = [row[column] for row in rows(page)]
        assert values == sorted(values, key=lambda text: (text == "", text))
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        values = [row[column] for row in rows(page)]
        assert values == sorted(filter(None, values), reverse=True) + [""] * values.count("")
    sound(shown)


def test_the_page_never_scrolls_sideways(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    waivers = [{"bundle_id": "com.*", "cause": "drift", "reason": LONG, "until": "2999-12-31"}]
    audit(tmp_path, hostile(), refunds=[refunds()], title=LONG, waivers=waivers)
    shown = opened()
    for width, scheme in shown.on_screens(360, 1280, schemes=("light", "dark")):
        shown.page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
        shown.page.locator("#rows dl").first.wait_for()
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width, (width, scheme)
        sound(shown)


def test_many_apps(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    audit(tmp_path, bulk(*(item(f"com.example.a{number:05d}") for number in range(MANY))))
    shown = opened()
    page = shown.page
    page.locator("#size").select_option("500")
    seen = [row[0] for row in rows(page)]
    page.locator("#next").click()
    seen += page.evaluate(TO_THE_END)
    assert page.locator("#next").is_disabled() and seen == [f"com.example.a{number:05d}" for number in range(MANY)]
    page.locator("#search").fill("a04999")
    assert [row[0] for row in rows(page)] == ["com.example.a04999"]
    sound(shown)


def test_paper_shows_every_row(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    audit(tmp_path, bulk(*(item(f"com.example.a{number:05d}") for number in range(120))))
    shown = opened()
    page = shown.page
    assert len(rows(page)) == 50
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert len(rows(page)) == 120
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert len(rows(page)) == 50
    assert page.pdf().startswith(b"%PDF")
    sound(shown)


def test_without_javascript_the_problems_are_there(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    audit(tmp_path, a_bit_of_all(), refunds=[refunds()])
    text = opened(javascript=False).page.locator("body").inner_text()
    for app in document(tmp_path)["apps"]:
        assert app["result"] == "ok" or app["bundle_id"] in text
    assert "5 of 8 apps need attention" in text and "unauthenticated" in text


def test_the_policy_stops_what_is_not_the_pages_own(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    audit(tmp_path, a_bit_of_all())
    path = tmp_path / "refund-audit.html"
    path.write_text(path.read_text().replace("<main", "<script>window.hit = 1</script><img src=x><main"))
    shown = opened()
    assert shown.page.evaluate("window.hit") is None and len(shown.complaints) >= 1
    assert rows(shown.page)
