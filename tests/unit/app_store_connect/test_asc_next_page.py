# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The session goes to App Store Connect alone: an answer that names a next page elsewhere is not followed."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import HOST, AppStoreConnect
from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Reply
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError, RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._model.web_session import Cookie, WebSession

KEYS = "/iris/v1/subscriptionKeys"


class Answers:
    """A transport that gives prepared documents and keeps the addresses and headers that it was asked with."""

    def __init__(self, *documents: t.Any) -> None:
        self.documents = list(documents)
        self.calls: list[tuple[str, str]] = []

    def send(self, call: Call) -> Reply:
        """Give the next document."""
        self.calls.append((call.url, call.headers()["Cookie"]))
        return Reply(200, {"content-type": "application/json"}, json.dumps(self.documents.pop(0)).encode())

    def pause(self, seconds: float) -> None:
        """Take no time."""


def connect(answers: Answers, url: str = HOST, domain: str = "apple.com") -> AppStoreConnect:
    """One signed-in session."""
    session = WebSession([Cookie("myacinfo", Secret("made-up"), domain)])
    return AppStoreConnect(t.cast(t.Any, answers), session, url)


def page(key_id: str, following: object = None) -> dict[str, t.Any]:
    """One page of the list."""
    return {"data": [{"id": key_id}], "links": {"next": following}}


@pytest.mark.parametrize("following", [f"{HOST}{KEYS}?cursor=a", f"{KEYS}?cursor=a"])
def test_a_page_of_the_same_host_is_read(following: str) -> None:
    answers = Answers(page("FIRST00001", following), page("SECOND0001"))
    assert [key.key_id for key in connect(answers).list_keys()] == ["FIRST00001", "SECOND0001"]
    assert [url for url, _cookie in answers.calls][1] == f"{HOST}{KEYS}?cursor=a"


@pytest.mark.parametrize(
    "following",
    [
        f"{HOST}.evil.example{KEYS}",
        f"{HOST}@evil.example{KEYS}",
        f"{HOST}:8443{KEYS}",
        f"{HOST.replace('https', 'http')}{KEYS}",
        f"https://evil.example{KEYS}",
        f"//evil.example{KEYS}",
        "/olympus/v1/session",
        ".evil.example/",
        "@evil.example/",
    ],
)
def test_a_page_of_another_host_is_never_asked_for(following: str) -> None:
    answers = Answers(page("FIRST00001", following), page("SECOND0001"))
    with pytest.raises(RefundsError, match="another host"):
        connect(answers).list_keys()
    assert [url for url, _cookie in answers.calls] == [f"{HOST}{KEYS}?limit=200"]


@pytest.mark.parametrize("following", [None, "", 7, [], {}])
def test_no_next_page_is_the_end(following: object) -> None:
    answers = Answers(page("FIRST00001", following))
    assert len(connect(answers).list_keys()) == 1


@pytest.mark.parametrize("links", [None, "next", ["next"], 7])
def test_odd_links_are_no_next_page(links: object) -> None:
    answers = Answers({"data": [{"id": "FIRST00001"}], "links": links})
    assert len(connect(answers).list_keys()) == 1


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://appstoreconnect.apple.com.evil.example", "apple.com"),
        ("https://notapple.com", "apple.com"),
        (HOST, "example.com"),
    ],
)
def test_a_session_is_sent_to_its_own_domain_alone(url: str, domain: str) -> None:
    answers = Answers(page("FIRST00001"))
    with pytest.raises(InputError, match="no cookie myacinfo") as caught:
        connect(answers, url, domain).list_keys()
    assert (caught.value.option, caught.value.next_step) == ("session", "Correct it or app_store_connect_url.")
    assert answers.calls == []
