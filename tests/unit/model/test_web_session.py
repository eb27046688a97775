# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""To whom a session's cookies go, and which of a service's refreshed ones are taken over."""

from __future__ import annotations

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._model.web_session import Cookie, WebSession

HOST = "appstoreconnect.apple.com"
OLD = Cookie("myacinfo", Secret("oldvalue1"), "apple.com")


def fields(cookie: Cookie) -> tuple[str, str, str, bool]:
    """What a cookie holds."""
    return cookie.name, cookie.value.reveal(), cookie.domain, cookie.for_subdomains


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("myacinfo=new; Domain=apple.com; Path=/", ("new", "apple.com", True)),
        ("myacinfo=new; path=/; DOMAIN = x ; domain=.Apple.com", ("new", "apple.com", True)),
        (f" myacinfo=a=b ; domain={HOST}", ("a=b", HOST, True)),
        ("myacinfo=new", ("new", HOST, False)),
        ("myacinfo=new; Secure; HttpOnly", ("new", HOST, False)),
        # No service may set a cookie for another one.
        ("myacinfo=new; domain=evil.example", ("new", HOST, False)),
        ("myacinfo=new; domain=connect.apple.com", ("new", HOST, False)),
        ("myacinfo=new; domain=le.com", ("new", HOST, False)),
        ("myacinfo=new; domain=a.appstoreconnect.apple.com", ("new", HOST, False)),
        ("myacinfo=new; domain=", ("new", HOST, False)),
        # Emptied: it is dropped.
        ("myacinfo=; domain=apple.com", None),
        ('myacinfo=""', None),
        ("myacinfo= ", None),
    ],
)
def test_a_refreshed_cookie_takes_the_place_of_the_old_one(line: str, taken: tuple[str, str, bool] | None) -> None:
    other = Cookie("itctx", Secret("othervalue"), "apple.com")
    made = WebSession([OLD, other])
    made.refresh([line], HOST)
    assert [fields(one) for one in made.cookies] == [fields(other), *([("myacinfo", *taken)] if taken else [])]


@pytest.mark.parametrize("line", ["", "myacinfo", "my acinfo=new", "=new", "my\u00e9=new", "; domain=apple.com"])
def test_what_is_no_cookie_is_left_out(line: str) -> None:
    made = WebSession([OLD])
    made.refresh([line], HOST)
    assert [fields(one) for one in made.cookies] == [fields(OLD)]


def test_what_was_replaced_stays_hidden() -> None:
    made = WebSession([OLD])
    made.refresh(["myacinfo=newvalue2; domain=apple.com", "x=thirdvalue3"], HOST)
    assert made.mask("a oldvalue1 b newvalue2 c thirdvalue3") == "a ******** b ******** c ********"


@pytest.mark.parametrize(
    ("host", "wide", "narrow"),
    [
        ("apple.com", True, True),
        (HOST, True, False),
        ("notapple.com", False, False),
        ("apple.com.evil.example", False, False),
    ],
)
def test_to_whom_a_cookie_belongs(host: str, wide: bool, narrow: bool) -> None:
    for_host = Cookie("myacinfo", Secret("v"), "apple.com", for_subdomains=False)
    assert (OLD.belongs_to(host), for_host.belongs_to(host)) == (wide, narrow)
    assert (WebSession([OLD]).fits(host), WebSession([for_host]).fits(host)) == (wide, narrow)
    assert not WebSession([Cookie("itctx", Secret("v"), "apple.com")]).fits(host)


def test_the_header_has_the_cookies_of_a_host_each_name_once() -> None:
    trust, quoted = Cookie("DES1", Secret("v"), "apple.com"), Cookie("DES2", Secret('"w"'), "apple.com")
    again = Cookie("myacinfo", Secret("second"), HOST, for_subdomains=False)
    foreign = Cookie("sid", Secret("z"), "evil.example")
    made = WebSession([OLD, trust, quoted, again, foreign])
    assert made.header(HOST, sends_all=False) == 'myacinfo=second; DES1="v"; DES2="w"'
    assert made.header("apple.com", sends_all=False) == 'myacinfo=oldvalue1; DES1="v"; DES2="w"'
    assert made.header("127.0.0.1", sends_all=False) == ""
    assert made.header("127.0.0.1", sends_all=True) == 'myacinfo=second; DES1="v"; DES2="w"; sid=z'
