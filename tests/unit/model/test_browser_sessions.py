# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of a browser's session, and for whom it holds anything."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.browser_session import (
    LARGEST,
    browser_session_values,
    parse_browser_session,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError

COOKIE = {"name": "sid", "value": "kT7xQ2vLw9Zs", "domain": ".d.example", "path": "/a", "expires": 5, "secure": True}
STORED = {"origin": "https://d.example:8443", "localStorage": [{"name": "t", "value": "mN4bV8cX1aQw", "more": 1}]}


def test_a_browser_session_keeps_what_playwright_takes() -> None:
    text = json.dumps({"cookies": [{**COOKIE, "hostOnly": True, "sameSite": "lax"}], "origins": [STORED], "x": 1})
    made = parse_browser_session(text, "o")
    assert made.state == {
        "cookies": [COOKIE],
        "origins": [{"origin": "https://d.example:8443", "localStorage": [{"name": "t", "value": "mN4bV8cX1aQw"}]}],
    }
    assert made.values() == {"kT7xQ2vLw9Zs", "mN4bV8cX1aQw"} == browser_session_values(text)
    assert made.mask("a kT7xQ2vLw9Zs b mN4bV8cX1aQw c") == "a ******** b ******** c"
    listed = parse_browser_session(json.dumps([{"name": "a", "value": "", "domain": "d"}]), "o")
    wrapped = base64.b64encode(text.encode()).decode()
    assert parse_browser_session(wrapped, "o").state == made.state and browser_session_values(wrapped) == made.values()
    assert (
        listed.state["cookies"] == [{"name": "a", "value": "", "domain": "d", "path": "/"}] and listed.values() == set()
    )


@pytest.mark.parametrize("same_site", ["Strict", "Lax", "None"])
def test_a_cookie_keeps_where_it_is_sent(same_site: str) -> None:
    made = parse_browser_session(json.dumps({"cookies": [{**COOKIE, "sameSite": same_site}]}), "o")
    assert made.state["cookies"][0]["sameSite"] == same_site


@pytest.mark.parametrize("same_site", ["no_restriction", "unspecified", "lax", "strict"])
def test_a_cookie_of_an_extension_has_the_browsers_default(same_site: str) -> None:
    made = parse_browser_session(json.dumps({"cookies": [{**COOKIE, "sameSite": same_site}]}), "o")
    assert "sameSite" not in made.state["cookies"][0]


@pytest.mark.parametrize(
    "document",
    [
        7,
        "x",
        {"cookies": 7},
        {"cookies": [7]},
        {"cookies": {"a": "b"}},
        {"origins": [7]},
        {"origins": [{**STORED, "localStorage": 7}]},
    ],
    ids=repr,
)
def test_what_is_no_browser_session(document: t.Any) -> None:
    text = json.dumps(document)
    with pytest.raises(InputError, match=r"^o: isn't a browser session\. Give what Playwright") as caught:
        parse_browser_session(text, "o")
    assert caught.value.option == "o" and browser_session_values(text) == set()


ODD_COOKIES: list[t.Any] = [
    *(
        {**COOKIE, name: odd}
        for name in ("name", "value", "domain", "path")
        for odd in (7, ["x"], "a\nb", "a;b", "\x7f")
    ),
    *({**COOKIE, name: ""} for name in ("name", "domain")),
    *({**COOKIE, name: None} for name in ("name", "value", "domain")),
    *({key: value for key, value in COOKIE.items() if key != name} for name in ("name", "value", "domain")),
    {**COOKIE, "name": "a=b"},
    {**COOKIE, "path": "a"},
    {},
]


@pytest.mark.parametrize("odd", ODD_COOKIES, ids=repr)
def test_an_odd_cookie_costs_no_other_one(odd: t.Any) -> None:
    """A browser's export has those of other sites; a browser refuses all of a session for one that it can't take."""
    made = parse_browser_session(json.dumps({"cookies": [odd, COOKIE, odd]}), "o")
    assert made.state["cookies"] == [COOKIE]
    with pytest.raises(
        InputError, match=r"^o: holds no cookie with a name, a value and a domain, and no local storage"
    ):
        parse_browser_session(json.dumps([odd]), "o")


@pytest.mark.parametrize(
    ("field", "odd"),
    [
        *(("sameSite", odd) for odd in ("Other", "", 7, ["Lax"], False)),
        *(("expires", odd) for odd in ("x", -2, 0, True, [1], 253402300800, 1.8e12)),
        *((name, odd) for name in ("secure", "httpOnly") for odd in ("TRUE", 1, [])),
    ],
)
def test_of_an_odd_field_a_browser_takes_its_default(field: str, odd: t.Any) -> None:
    made = parse_browser_session(json.dumps([{**COOKIE, field: odd}]), "o")
    assert made.state["cookies"] == [{name: value for name, value in COOKIE.items() if name != field}]


@pytest.mark.parametrize("expires", [-1, 1, 1.5, 253402300799])
def test_until_when_a_cookie_is_kept(expires: float) -> None:
    assert parse_browser_session(json.dumps([{**COOKIE, "expires": expires}]), "o").state["cookies"] == [
        {**COOKIE, "expires": expires}
    ]


def test_an_odd_entry_of_the_local_storage_costs_no_other_one() -> None:
    items: list[t.Any] = [
        {"name": "t", "value": 7},
        {"name": 7, "value": "x"},
        {"name": "t"},
        7,
        *STORED["localStorage"],
    ]
    odd: list[t.Any] = [{**STORED, "origin": 7}, {"localStorage": []}]
    made = parse_browser_session(json.dumps({"origins": [*odd, {**STORED, "localStorage": items}]}), "o")
    assert made.state["origins"] == [
        {"origin": STORED["origin"], "localStorage": [{"name": "t", "value": "mN4bV8cX1aQw"}]}
    ]


STATE = json.dumps({"cookies": [COOKIE], "origins": [STORED]}, indent=1)
EXPORT = json.dumps([COOKIE])
SHAPES: dict[str, t.Callable[[str], str]] = {
    "as it is": lambda text: text,
    "single quotes": lambda text: f"'{text}'",
    "double quotes": lambda text: '"' + text.replace('"', '\\"') + '"',
    "double quotes, line breaks": lambda text: '"' + text.replace('"', '\\"').replace("\n", "\\n") + '"',
    "an export line": lambda text: f"export STOREOPS_DEVTODEV_SESSION='{text}'",
    "a line of an .env file": lambda text: f"STOREOPS_DEVTODEV_SESSION={text}\n",
    "a byte order mark": lambda text: "\ufeff" + text,
    "base64": lambda text: base64.b64encode(text.encode()).decode() + "\n",
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "literal line breaks": lambda text: text.replace("\n", "\\n"),
    "literal and real line breaks": lambda text: text.replace("\n", "\\n", 3) + "\\n",
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("text", [STATE, EXPORT], ids=["state", "export"])
def test_shapes_that_people_paste(text: str, shape: str) -> None:
    made = parse_browser_session(SHAPES[shape](text), "o")
    assert made.state["cookies"] == [COOKIE] and len(made.state["origins"]) == (text == STATE)
    assert "kT7xQ2vLw9Zs" in browser_session_values(SHAPES[shape](text)), "it is known as a secret"


def test_a_session_that_holds_nothing_or_too_much() -> None:
    for document in ({}, {"cookies": [], "origins": None}):
        with pytest.raises(InputError, match=r"^o: holds neither cookies nor local storage"):
            parse_browser_session(json.dumps(document), "o")
    with pytest.raises(InputError, match=rf"^o: has more than {LARGEST} characters"):
        parse_browser_session(" " * (LARGEST + 1), "o")
    text = json.dumps([COOKIE])
    assert parse_browser_session(text + " " * (LARGEST - len(text)), "o").state["origins"] == []


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://d.example/x", True),
        ("https://a.d.example/x", True),
        ("https://add.example/x", False),
        ("https://exact.example/", True),
        ("https://a.exact.example/", False),
        ("https://stored.example:8443/y", True),
        ("https://stored.example/y", False),
        ("http://stored.example:8443/y", False),
        ("x", False),
    ],
)
def test_for_whom_a_session_holds_anything(url: str, fits: bool) -> None:
    cookies = [{**COOKIE, "domain": ".D.example"}, {**COOKIE, "domain": "exact.example"}]
    document = {"cookies": cookies, "origins": [{"origin": "https://stored.example:8443"}]}
    assert parse_browser_session(json.dumps(document), "o").fits(url) is fits
