# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of a session: both shapes are read, nothing is executed, nothing grows, nothing of it is ever shown."""

from __future__ import annotations

import base64
import contextlib
import json
import resource
import sys
import typing as t
from pathlib import Path

import pytest
from asc_support import DES_NAME, as_fastlane, as_json, new_cookie
from hypothesis import given
from hypothesis import strategies as st
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._apple import web_errors
from ansible_collections.storeops.refunds.plugins.module_utils._model import web_session
from ansible_collections.storeops.refunds.plugins.module_utils._model.browser_session import (
    browser_session_values,
    parse_browser_session,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.web_session import (
    LARGEST,
    WebSession,
    cookie_values,
    parse_session,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared import session as session_options

HOST = "appstoreconnect.apple.com"


@pytest.fixture(scope="module")
def cookies() -> dict[str, str]:
    """The three cookies that fastlane keeps."""
    return {"myacinfo": new_cookie(), DES_NAME: new_cookie(), "dqsid": new_cookie()}


def header(session: WebSession) -> dict[str, str]:
    """Take a Cookie header apart."""
    return dict(pair.split("=", 1) for pair in session.header(HOST, False).split("; "))


def wanted(cookies: dict[str, str]) -> dict[str, str]:
    """What is to be sent: the DES cookie in double quotes."""
    return {name: f'"{value}"' if name.startswith("DES") else value for name, value in cookies.items()}


def test_fastlane(cookies: dict[str, str]) -> None:
    text = as_fastlane(cookies)
    assert "&1" in text and "*1" in text
    for shape in (text, text.replace("\n", "\\n"), text.replace("\n", "\r\n"), f"\n\n{text}"):
        assert header(parse_session(shape, "session")) == wanted(cookies)


def test_json(cookies: dict[str, str]) -> None:
    text = as_json(cookies)
    tabs = json.dumps(json.loads(text), indent="\t")
    for shape in (text, tabs, json.dumps({"cookies": json.loads(text)}), text.replace("{", "\n{")):
        assert header(parse_session(shape, "session")) == wanted(cookies)


def _netscape(cookies: dict[str, str]) -> str:
    rows = [
        f"{'#HttpOnly_' * (name == 'myacinfo')}.apple.com\tTRUE\t/\tTRUE\t0\t{name}\t{value}"
        for name, value in cookies.items()
    ]
    return "\n".join(["# Netscape HTTP Cookie File", "", *rows, ""])


def _export(cookies: dict[str, str]) -> str:
    """What the extension EditThisCookie gives, with cookies of other services, one of them odd."""
    own = {"domain": ".apple.com", "hostOnly": False, "httpOnly": True, "path": "/", "sameSite": "no_restriction"}
    entries: list[dict[str, t.Any]] = [{**own, "name": name, "value": value} for name, value in cookies.items()]
    odd = {**own, "domain": ".example.com", "name": "prefs", "value": "a b, c;d"}
    return json.dumps([odd, {**own, "name": "", "value": "x"}, {**own, "name": "odd name", "value": "x"}, *entries])


def _mixed(cookies: dict[str, str]) -> str:
    """Write literal and real line breaks, as a variable of CI that was edited by hand has them."""
    lines = as_fastlane(cookies).splitlines()
    return "\n".join(["\\n".join(lines[:8]), *lines[8:]]) + "\\n"


WRAPPED: dict[str, t.Callable[[dict[str, str]], str]] = {
    "kept single quotes": lambda cookies: f"'{as_json(cookies)}'",
    "kept double quotes": lambda cookies: '"' + as_fastlane(cookies).replace('"', '\\"').replace("\n", "\\n") + '"',
    "an export line": lambda cookies: f"export FASTLANE_SESSION='{as_fastlane(cookies)}'".replace("\n", "\\n"),
    "a line of an .env file": lambda cookies: f"FASTLANE_SESSION={as_json(cookies)}\n",
    "a byte order mark": lambda cookies: "\ufeff" + as_json(cookies),
    "base64": lambda cookies: base64.b64encode(as_fastlane(cookies).encode()).decode() + "\n",
    "base64 in lines": lambda cookies: base64.encodebytes(as_json(cookies).encode()).decode(),
    "literal and real line breaks": _mixed,
    "cookies.txt": _netscape,
    "a Cookie header": lambda cookies: "Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies.items()),
    "a Cookie header's value": lambda cookies: "; ".join(f"{name}={value}" for name, value in cookies.items()),
    "a browser's export": _export,
}


@pytest.mark.parametrize("shape", WRAPPED)
def test_shapes_that_people_paste(shape: str, cookies: dict[str, str]) -> None:
    text = WRAPPED[shape](cookies)
    assert header(parse_session(text, "session")) == wanted(cookies)
    assert set(cookies.values()) <= cookie_values(text), "each is known as a secret"


# Of these, a browser learns for which site each cookie is.
OF_A_BROWSER = (
    "kept single quotes",
    "a line of an .env file",
    "a byte order mark",
    "base64 in lines",
    "a browser's export",
)
KINDS = {"cookies.txt": "is cookies.txt", "a Cookie header": "is a Cookie", "a Cookie header's value": "is a Cookie"}


@pytest.mark.parametrize("shape", WRAPPED)
def test_the_same_shapes_as_a_session_of_a_browser(shape: str, cookies: dict[str, str]) -> None:
    text = WRAPPED[shape](cookies)
    if shape in OF_A_BROWSER:
        held = {one["name"]: one["value"] for one in parse_browser_session(text, "session").state["cookies"]}
        assert cookies.items() <= held.items() and set(cookies.values()) <= browser_session_values(text)
        return
    with pytest.raises(InputError) as caught:
        parse_browser_session(text, "session")
    said = str(caught.value)
    assert said.startswith(f"session: {KINDS.get(shape, 'is')}") and "Give what Playwright's storage_state()" in said
    assert shape in KINDS or said.startswith("session: isn't a browser session. ")
    assert not any(value in said for value in cookies.values())


def test_a_vault_is_named() -> None:
    with pytest.raises(InputError, match="encrypted with ansible-vault"):
        parse_session("$ANSIBLE_VAULT;1.1;AES256\n6162\n", "session_path")


def test_cookies_of_other_hosts_stay_here(cookies: dict[str, str]) -> None:
    entries = [{"name": name, "value": value, "domain": "apple.com"} for name, value in cookies.items()]
    entries += [{"name": "foreign", "value": new_cookie(), "domain": "example.com"}]
    entries += [{"name": "only", "value": new_cookie(), "domain": "idmsa.apple.com"}]
    entries += [{"name": "exact", "value": new_cookie(), "domain": "apple.com", "for_domain": False}]
    entries += [{"name": "empty", "value": None}, {"name": "number", "value": 5}]
    for text in (json.dumps(entries), json.dumps(entries, indent=1).replace("[", "- &x [ ", 1)[4:].replace("&x ", "")):
        assert set(header(parse_session(text, "session"))) == set(cookies)


def test_the_repr_shows_nothing(cookies: dict[str, str]) -> None:
    session = parse_session(as_json(cookies), "session")
    session.refresh([f"myacinfo={new_cookie()}; Path=/"], HOST)
    shown = repr(session) + str(session) + repr(session.cookies)
    assert not [value for value in (*cookies.values(), *cookie_values(as_json(cookies))) if value in shown]


def test_refreshed_and_emptied_cookies(cookies: dict[str, str]) -> None:
    session = parse_session(as_json(cookies), "session")
    fresh = new_cookie()
    lines = [f"myacinfo={fresh}; Domain=.apple.com; Path=/", "dqsid=; Max-Age=0", "no cookie", "b@d=1", f"new={fresh}"]
    session.refresh(lines, HOST)
    sent = header(session)
    assert sent["myacinfo"] == fresh and "dqsid" not in sent and sent["new"] == fresh
    old, new = session.mask([cookies["myacinfo"], {"x": f"a {fresh} b"}])
    assert cookies["myacinfo"] not in old and fresh not in new["x"]


def test_a_cookie_for_another_domain_is_kept_for_its_host_only(cookies: dict[str, str]) -> None:
    session = parse_session(as_json(cookies), "session")
    session.refresh([f"planted={new_cookie()}; Domain=example.com"], HOST)
    assert "planted" in header(session) and "planted" not in session.header("example.com", False)


REFUSED = {
    "nothing": "",
    "a word": "signed-in",
    "a number": "17",
    "a mapping": "{a: b}",
    "no list": '{"cookies": {"name": "myacinfo"}}',
    "no cookies": "[1, 2]",
    "no names": '[{"value": "x"}]',
    "empty list": "[]",
    "nobody signed in": '[{"name": "dqsid", "value": "abc"}]',
    "an empty value": '[{"name": "myacinfo", "value": ""}]',
    "two documents": "---\n- a\n---\n- b\n",
    "unclosed": "[{",
    "tabs": "- name:\t&a\n\t- x",
    "a control character": "- name: myacinfo\n  value: \x07",
    "a line break in a value": '[{"name": "myacinfo", "value": "a\\r\\nX-Other: 1"}]',
    "a semicolon": '[{"name": "myacinfo", "value": "a; b=c"}]',
    "a blank": '[{"name": "myacinfo", "value": "a b"}]',
    "a name that is none": '[{"name": "my acinfo", "value": "x"}]',
    "not ASCII": '[{"name": "myacinfo", "value": "é"}]',
    "python apply": "- !!python/object/apply:os.system ['touch PLACE']",
    "python new": "- !!python/object/new:os.system ['touch PLACE']",
    "python name": "- name: myacinfo\n  value: !!python/name:os.system",
    "python module": "- name: myacinfo\n  value: abc\n  path: !!python/module:os",
    "ruby": "- !ruby/object:Gem::Installer\n  i: x\n",
    "ruby hash": "- !ruby/hash:ActionDispatch\n  name: myacinfo\n  value: abc",
    "bad bool": "- name: myacinfo\n  value: !!bool sesame",
    "bad int": "- name: myacinfo\n  value: !!int ''",
    "bad time": "- name: myacinfo\n  value: !!timestamp never",
    "bad float": "- name: myacinfo\n  value: !!float ''",
    "bad binary": "- name: myacinfo\n  value: !!binary '%%%'",
    "set": "- !!set {name, value}",
    "recursive": "&a [*a]",
    "recursive cookie": "- &a {name: *a, value: *a}",
    "unknown alias": "- *nowhere",
    "huge character": '- name: myacinfo\n  value: "\\UFFFFFFFF"',
    "no character": '- name: myacinfo\n  value: "\\U00110000"',
    "surrogate": "- name: \ud800",
    "byte order mark": "\ufeff\ufeff- a",
    "nul": "\0",
    "binary": bytes(range(256)).decode("latin-1"),
    "directive": "%YAML 99999999999999999999.1\n--- []",
    "a tag directive": "%TAG ! tag:yaml.org,2002:python/\n--- !object/apply:os.system ['touch PLACE']",
    "deep flow": "[" * 20000,
    "deep closed flow": "[" * 12000 + "]" * 12000,
    "deep block": "- " * 30000,
    "deep mappings": '{"a":' * 10000,
    "too long": "x" * (LARGEST + 1),
    "thousands of numbers": "[" + "1," * 6000 + "]",
    "a long number": "9" * 60000,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    marker = "Xq7sEcReTzW"
    place = tmp_path / "executed"
    text = f"{REFUSED[name]}".replace("PLACE", str(place))
    shapes = [text, f"# {marker}\n{text}", text.replace("myacinfo", f"my acinfo {marker}")]
    # What is huge takes seconds, in each shape the same way; a marker in front is of no use where JSON ends it.
    for shape in shapes[:1] if len(text) > 1000 else shapes:
        with limits(), pytest.raises(InputError) as caught:
            parse_session(shape, "session")
        message = str(caught.value)
        assert message.startswith("session: ") and len(message) < 300
        assert marker not in message and not place.exists()
        assert caught.value.__cause__ is None and caught.value.__suppress_context__ is (
            caught.value.__context__ is not None
        )


@contextlib.contextmanager
def limits() -> t.Iterator[None]:
    """Not more than 700 MB above what there is, and 20 seconds of CPU: far above need, far below a bomb's."""
    if not sys.platform.startswith("linux"):
        yield
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory, time = resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 700 * 2**20, memory[1]))
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 20, time[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, memory)
        resource.setrlimit(resource.RLIMIT_CPU, time)


def laughs(kind: str) -> str:
    """Write "billion laughs": nine levels of ten references each."""
    levels = {
        "list": "[{refs}]",
        "mapping": "{{a: {first}, b: {first}, c: {first}}}",
        "merge": "{{!!merge '<<': [{refs}]}}",
        "plain merge": "{{<<: [{refs}]}}",
    }
    lines = ["- &a0 {x: y}"]
    for number in range(1, 30 if kind == "mapping" else 10):
        refs = ", ".join([f"*a{number - 1}"] * 10)
        lines.append(f"- &a{number} " + levels[kind].format(refs=refs, first=f"*a{number - 1}"))
    return "\n".join(lines)


@pytest.mark.parametrize("kind", ["list", "mapping", "merge", "plain merge"])
@pytest.mark.parametrize("field", ["name", "value", "domain", "for_domain", "path"])
def test_alias_bombs_stay_small(kind: str, field: str, cookies: dict[str, str]) -> None:
    bomb = laughs(kind)
    last = 29 if kind == "mapping" else 9
    cookie = {"name": "myacinfo", "value": cookies["myacinfo"], field: f"*a{last}"}
    text = f"bombs:\n{bomb}\ncookies:\n- {{{', '.join(f'{k}: {v}' for k, v in cookie.items())}}}"
    with limits():
        try:
            session = parse_session(text, "session")
        except InputError as refused:
            assert cookies["myacinfo"] not in str(refused) and len(str(refused)) < 300
        else:
            assert len(session.cookies) == 1 and session.cookies[0].domain == "apple.com"


def test_a_square_of_aliases_stays_small(cookies: dict[str, str]) -> None:
    fields = ", ".join(f"k{number}: v" for number in range(2000))
    text = f"- &a {{name: myacinfo, value: {cookies['myacinfo']}, {fields}}}\n" + "- *a\n" * 7000
    with limits():
        assert header(parse_session(text, "session")) == {"myacinfo": cookies["myacinfo"]}


PIECES = (
    "- |name: |value: |myacinfo|&a |*a|[|]|{|}|!!|!ruby/|'|!ruby/object:HTTP::Cookie|domain: |? |: |, |---|%|#|<<: "
)
YAML_PIECES = st.lists(
    st.sampled_from([*PIECES.split("|"), "|", "\n", "\\n", "\t", '"', "  ", "cookies: "]) | st.text(max_size=4),
    max_size=25,
).map("".join)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8) | st.just("myacinfo"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "value", "domain", "cookies", "for_domain", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
).map(json.dumps)


@given(st.text(max_size=200) | YAML_PIECES | JSON_VALUES)
def test_any_text_is_a_session_or_an_input_error(text: str) -> None:
    try:
        session = parse_session(text, "session_path")
    except InputError as refused:
        known = {str(refused) for refused in _messages()}
        assert _without_number(str(refused)) in known
        assert cookie_values(text) == set()
    else:
        assert any(cookie.name == "myacinfo" for cookie in session.cookies)
        assert "\n" not in session.header(HOST, True) and session.header(HOST, True).isascii()


def _without_number(message: str) -> str:
    return " ".join("N" if word.isdigit() else word for word in message.split())


def _messages() -> t.Iterator[str]:
    """All that can be said: nothing of it comes from the text but the number of an entry."""
    step = "Give a session of fastlane spaceauth, or a browser's export: a JSON list of {name, value, domain}."
    yield f"session_path: isn't a session: it is neither YAML nor JSON. {step}"
    yield f"session_path: isn't a list of cookies. {step}"
    yield f"session_path: has no cookie named myacinfo, so nobody is signed in. {step}"
    yield f"session_path: entry N isn't a cookie with a name. {step}"
    yield f"session_path: entry N has characters that no cookie can have. {step}"


@pytest.mark.parametrize("step", [web_errors._SIGN_IN, session_options.WAYS, web_session._NEXT_STEP])
def test_fastlane_is_not_the_only_way_to_a_session(step: str) -> None:
    """In September 2026, Apple took away what fastlane needed to sign in."""
    assert "fastlane spaceauth" in step and "a browser's export" in step


def test_a_fastlane_that_can_sign_in_is_named() -> None:
    assert "pull request 30206" in web_errors._SIGN_IN
    guides = {name: (ROOT / f"docs/guides/{name}.md").read_text() for name in ("keys", "trouble", "unverified")}
    assert all("fastlane/pull/30206" in text for text in guides.values())
    assert "Service key is empty" in guides["trouble"]
