# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of each cookie that a session's text holds: which hosts get it, and which are left out."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.web_session import (
    Cookie,
    cookie_values,
    parse_session,
)

SIGNED_IN = {"name": "myacinfo", "value": "kT7xQ2vLw9Zs", "domain": "apple.com"}


def cookie_of(text: str, name: str = "sid") -> Cookie | None:
    """Give a cookie of a session, None where it was left out."""
    return next((one for one in parse_session(text, "o").cookies if one.name == name), None)


def listed(**fields: t.Any) -> str:
    """Give a session with one more cookie."""
    return json.dumps([{"name": "sid", "value": "v", **fields}, SIGNED_IN])


@pytest.mark.parametrize(
    ("fields", "domain", "for_subdomains"),
    [
        ({"domain": "apple.com"}, "apple.com", True),
        ({"domain": ".Idmsa.Apple.com"}, "idmsa.apple.com", True),
        ({"domain": "X.example"}, "x.example", True),
        ({}, "apple.com", True),
        ({"domain": ""}, "apple.com", True),
        ({"domain": None}, "apple.com", True),
        ({"domain": 7}, "apple.com", True),
        # As fastlane says that a cookie is for its host alone.
        ({"domain": "a.com", "for_domain": False}, "a.com", False),
        ({"domain": "a.com", "for_domain": True}, "a.com", True),
        ({"domain": "a.com", "for_domain": None}, "a.com", True),
        # As browsers' exports do.
        ({"domain": "a.com", "hostOnly": True}, "a.com", False),
        ({"domain": "a.com", "hostOnly": False}, "a.com", True),
        ({"domain": "a.com", "hostOnly": True, "for_domain": True}, "a.com", False),
    ],
)
def test_which_hosts_get_a_cookie(fields: dict[str, t.Any], domain: str, for_subdomains: bool) -> None:
    found = cookie_of(listed(**fields))
    assert found is not None and (found.domain, found.for_subdomains) == (domain, for_subdomains)


@pytest.mark.parametrize("value", ["!", "~", "a=b", '"q"', "X", "true"])
def test_values_that_a_cookie_may_have(value: str) -> None:
    found = cookie_of(listed(value=value))
    assert found is not None and found.value.reveal() == value


@pytest.mark.parametrize("value", ["a b", "a;b", "a,b", "\x7f", "\u00e9", "\x1f", "", None, 7, True])
@pytest.mark.parametrize("name", ["sid", "myacinfo", "DES1"])
def test_values_that_a_cookie_can_not_have(name: str, value: object) -> None:
    text = json.dumps([SIGNED_IN, {"name": name, "value": value}])
    if name == "sid" or not isinstance(value, str) or not value:
        assert len(parse_session(text, "o").cookies) == 1
        return
    with pytest.raises(InputError) as caught:
        parse_session(text, "o")
    assert str(caught.value) == (
        "o: entry 1 has characters that no cookie can have. Give a session of fastlane spaceauth, or a browser's "
        "export: a JSON list of {name, value, domain}."
    )


@pytest.mark.parametrize("name", ["", "a b", "a;", "\u00e9", None, 7])
def test_names_that_a_cookie_can_not_have(name: object) -> None:
    assert len(parse_session(json.dumps([SIGNED_IN, {"name": name, "value": "v"}]), "o").cookies) == 1


@pytest.mark.parametrize("entry", ["x", 7, None, []])
def test_an_entry_that_is_no_cookie(entry: object) -> None:
    with pytest.raises(InputError, match=r"^o: entry 1 isn't a cookie with a name\. Give a session of fastlane"):
        parse_session(json.dumps([SIGNED_IN, entry]), "o")


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["value: v", "for_domain: false"], ("v", "apple.com", False)),
        (["value: v", "for_domain: true"], ("v", "apple.com", True)),
        # In quotes it is a text, and no more than a text.
        (["value: v", "for_domain: 'false'"], ("v", "apple.com", True)),
        (["value: 'true'", "domain: ~"], ("true", "apple.com", True)),
        (["value: 'null'", "domain: a.com"], ("null", "a.com", True)),
        (["value: 2026-01-01", "domain: a.com"], ("2026-01-01", "a.com", True)),
        (["value: 017", "domain: a.com"], ("017", "a.com", True)),
        (["value: true"], None),
        (["value: null"], None),
        (["value:"], None),
    ],
)
@pytest.mark.parametrize("top", ["", "cookies:\n"])
def test_a_cookie_in_yaml(top: str, lines: list[str], wanted: tuple[str, str, bool] | None) -> None:
    text = "\n  ".join(["- name: sid", *lines]) + "\n- name: myacinfo\n  value: kT7xQ2vLw9Zs\n"
    found = cookie_of(top + text)
    assert (found and (found.value.reveal(), found.domain, found.for_subdomains)) == wanted


@pytest.mark.parametrize(
    ("cookies", "wanted"),
    [
        ({}, set()),
        ({"sid": "mN4bV8cX1aQw"}, {"mN4bV8cX1aQw"}),
        # As it stands without the quotes that Apple wants around it.
        ({"DES1": '"mN4bV8cX1aQw"'}, {"mN4bV8cX1aQw"}),
        ({"sid": "XmN4bV8cX1aQwX"}, {"XmN4bV8cX1aQwX"}),
        # Words that stand in results, too.
        ({"lang": "en", "a": "production", "b": "1234567"}, set()),
    ],
)
def test_the_values_that_are_masked(cookies: dict[str, str], wanted: set[str]) -> None:
    entries = [{"name": name, "value": value} for name, value in cookies.items()]
    assert cookie_values(json.dumps([*entries, SIGNED_IN])) == wanted | {"kT7xQ2vLw9Zs"}
    # The one that counts is, whatever it is.
    assert cookie_values(json.dumps([*entries, {"name": "myacinfo", "value": "en"}])) == wanted | {"en"}


@pytest.mark.parametrize("text", ["", "no session", "[]", json.dumps([{"name": "sid", "value": "mN4bV8cX1aQw"}])])
def test_what_is_no_session_has_no_values(text: str) -> None:
    assert cookie_values(text) == set()


STEP = "Give a session of fastlane spaceauth, or a browser's export: a JSON list of {name, value, domain}."
SESSION = json.dumps([SIGNED_IN])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            SESSION + " " * (64 * 1024 + 1 - len(SESSION)),
            f"has more than 65536 characters; a session has a few thousand. {STEP}",
        ),
        (
            "$ANSIBLE_VAULT;1.1;AES256\n61",
            "is encrypted with ansible-vault. Give session: \"{{ lookup('ansible.builtin.file', path) }}\".",
        ),
        ("a: [", f"isn't a session: it is neither YAML nor JSON. {STEP}"),
        ("- !!python/object:os.system {}", f"isn't a session: it is neither YAML nor JSON. {STEP}"),
        ("7", f"isn't a list of cookies. {STEP}"),
        ("{}", f"isn't a list of cookies. {STEP}"),
        ('{"cookies": {}}', f"isn't a list of cookies. {STEP}"),
        ("[]", f"has no cookie named myacinfo, so nobody is signed in. {STEP}"),
        ('[{"name": "sid", "value": "v"}]', f"has no cookie named myacinfo, so nobody is signed in. {STEP}"),
    ],
)
def test_what_is_no_session(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_session(text, "o")
    assert str(caught.value) == f"o: {said}"


@pytest.mark.parametrize(
    "text", [SESSION + " " * (64 * 1024 - len(SESSION)), f'{{"cookies": {SESSION}, "origins": 1}}']
)
def test_what_is_a_session(text: str) -> None:
    assert [one.name for one in parse_session(text, "o").cookies] == ["myacinfo"]
