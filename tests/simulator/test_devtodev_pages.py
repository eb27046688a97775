# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""devtodev's pages: signing in, the menu, what a page is made of."""

from __future__ import annotations

import re
import secrets
import time

import httpx
import pytest
from sim_support import KeyPair, Running
from tracker_support import DEVTODEV_PROJECT, PAGE, Visitor, form_values, last_call, p8, visitor

PROJECT_PAGE = f"/projects/{DEVTODEV_PROJECT}"


@pytest.fixture
def person(sim: Running, pair: KeyPair) -> Visitor:
    """Somebody who is signed in."""
    return visitor(sim, pair)


def heading(answer: httpx.Response) -> str:
    """Give the text of the page's one heading."""
    (found,) = re.findall(r"<h1>(.*?)</h1>", answer.text)
    return str(found)


def link(answer: httpx.Response, text: str) -> str:
    """Give where the one link of that text goes, relative to the base URL."""
    (found,) = re.findall(rf'<a href="/devtodev([^"]*)"[^>]*>{text}</a>', answer.text)
    return str(found)


def test_the_way_through_the_menu(person: Visitor) -> None:
    home = person.get("")
    assert (home.status_code, heading(home)) == (200, "Projects")
    project = person.get(link(home, "One &amp; Only"))
    assert heading(project) == "One &amp; Only"
    settings = person.get(link(project, "Settings"))
    payments = person.get(link(settings, "Payments integration"))
    refunds = person.get(link(payments, "IA refunds tracking"))
    assert heading(refunds) == "IA refunds tracking"
    assert refunds.url.path == f"/devtodev{PAGE}"
    calls = person.sim.calls()["calls"]
    assert [call["endpoint"] for call in calls] == [
        "home",
        "project",
        "settings",
        "payments_integration",
        "refunds_tracking",
    ]
    assert {(call["vendor"], call["status"]) for call in calls} == {("devtodev", 200)}


def test_every_input_has_its_label(person: Visitor) -> None:
    text = person.get(PAGE).text
    labels = dict(re.findall(r'<label for="([^"]+)">([^<]+)</label>', text))
    assert labels == {
        "app-bundle-id": "App Bundle ID",
        "issuer-id": "Issuer ID",
        "key-id": "Key ID",
        "private-key-file": ".p8 file",
    }
    inputs = re.findall(r'<input id="([^"]+)" name="([^"]+)" type="([^"]+)"', text)
    assert inputs == [
        ("app-bundle-id", "bundle_id", "text"),
        ("issuer-id", "issuer_id", "text"),
        ("key-id", "key_id", "text"),
        ("private-key-file", "private_key", "file"),
    ]
    assert '<button type="submit" id="integration-submit">Save</button>' in text
    assert person.status() == ("none", "Not configured")


def test_nothing_comes_from_elsewhere(person: Visitor) -> None:
    answer = person.get(PAGE)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'nonce-")
    assert "http" not in re.sub(r"<!DOCTYPE html>", "", answer.text)
    nonces = set(re.findall(r'nonce="([^"]+)"', answer.text))
    assert len(nonces) == 1 and nonces.pop() in policy
    assert answer.headers["cache-control"] == "no-store"
    assert "style=" not in answer.text and "onclick" not in answer.text


@pytest.mark.parametrize(
    ("cookie", "refusal"),
    [(None, "cookie_missing"), ("wrong", "unknown_session"), ("expired", "session_expired")],
)
def test_without_a_session_there_is_a_sign_in_page(person: Visitor, cookie: str | None, refusal: str) -> None:
    if cookie == "expired":
        answer = person.sim.control("PATCH", "/devtodev/sessions/0", {"expired": True})
        assert answer.json()["expired"] is True
    else:
        person.cookies = {"devtodev_session": cookie} if cookie else {}
    for path in (PAGE, "/", PROJECT_PAGE):
        page = person.get(path)
        assert (page.status_code, page.url.path, heading(page)) == (200, "/devtodev/sign-in", "Sign in")
        assert "<form" not in page.text
    refused, signed = person.sim.calls()["calls"][:2]
    assert (refused["status"], refused["refusal"], signed["endpoint"]) == (302, refusal, "sign_in")
    status = person.get(f"{PAGE}/status")
    assert (status.status_code, status.json()) == (401, {"state": "signed_out"})
    page = person.save(form_values(), token="x")
    assert heading(page) == "Sign in"
    assert person.stored() is None


def test_a_session_ends_by_itself(sim: Running, pair: KeyPair) -> None:
    cookie = secrets.token_hex(16)
    person = visitor(sim, pair, sessions=[{"cookie": cookie, "expires_at": time.time() - 1}])
    person.cookies = {"devtodev_session": cookie}
    assert heading(person.get(PAGE)) == "Sign in"


def test_another_name_of_the_cookie(sim: Running, pair: KeyPair) -> None:
    person = visitor(sim, pair, cookie_name="sid")
    assert heading(person.get(PAGE)) == "Sign in"
    person.cookies = {"sid": person.cookies["devtodev_session"]}
    assert heading(person.get(PAGE)) == "IA refunds tracking"


def test_a_person_is_signed_in_by_the_control_api(person: Visitor) -> None:
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=300) as client:
        page = client.get(f"{person.sim.announced['control']}/devtodev/sessions/0/sign_in")
        assert (page.url.path, heading(page)) == ("/devtodev/", "Projects")
        assert heading(client.get(f"{person.sim.announced['devtodev']}{PAGE}")) == "IA refunds tracking"
    answer = httpx.get(f"{person.sim.announced['control']}/devtodev/sessions/0/sign_in", trust_env=False, timeout=300)
    assert "Path=/devtodev; HttpOnly; SameSite=Lax" in answer.headers["set-cookie"]


def test_managers_have_no_access(person: Visitor) -> None:
    person.sim.control("PATCH", "/devtodev/sessions/0", {"role": "manager"})
    assert person.get(PROJECT_PAGE).status_code == 200
    answer = person.get(PAGE)
    assert (answer.status_code, heading(answer)) == (403, "No access")
    assert "<form" not in answer.text
    assert last_call(person.sim)["refusal"] == "role_not_allowed"


@pytest.mark.parametrize(
    ("path", "refusal"), [("/projects/none", "unknown_project"), ("/nothing", None), (PAGE.replace("ia-", "x-"), None)]
)
def test_what_is_not_there(person: Visitor, path: str, refusal: str | None) -> None:
    answer = person.get(path)
    assert (answer.status_code, heading(answer)) == (404, "Page not found")
    assert last_call(person.sim)["refusal"] == refusal


def test_other_labels_and_texts(sim: Running, pair: KeyPair) -> None:
    page = {"labels": {"key_id": "Key <identifier>"}, "texts": {"submit": "Connect", "settings": "Options"}}
    person = visitor(sim, pair, page=page)
    text = person.get(PAGE).text
    assert '<label for="key-id">Key &lt;identifier&gt;</label>' in text
    assert ">Connect</button>" in text and "Issuer ID" in text
    assert link(person.get(PROJECT_PAGE), "Options").endswith("/settings")
    assert "Fill in Key &lt;identifier&gt;." in person.save(form_values(key_id=""), p8(pair)).text


def test_a_field_is_left_out(sim: Running, pair: KeyPair) -> None:
    text = visitor(sim, pair, page={"leave_out": ["issuer_id", "private_key"]}).get(PAGE).text
    assert re.findall(r'<label for="([^"]+)"', text) == ["app-bundle-id", "key-id"]


def test_a_form_that_appears_slowly(sim: Running, pair: KeyPair) -> None:
    text = visitor(sim, pair, page={"appears_after_ms": 700}).get(PAGE).text
    template = re.search(r"<template[^>]*>(.*?)</template>", text, re.DOTALL)
    assert template is not None and "<form" in template[1]
    assert text.count("<form") == 1 and 'data-appears-after-ms="700"' in text
    assert "Loading" in text and "setTimeout" in text


def test_the_wrong_page(sim: Running, pair: KeyPair) -> None:
    answer = visitor(sim, pair, page={"wrong_page": True}).get(PAGE)
    assert (answer.status_code, heading(answer)) == (200, "Payments integration")
    assert "<form" not in answer.text and "integration-status" not in answer.text


def test_faults(person: Visitor) -> None:
    person.sim.fault(kind="status", status=503, body="down", match={"endpoint": "refunds_tracking"}, times=1)
    assert person.get(PAGE).status_code == 503
    assert person.get(PAGE).status_code == 200


def test_cookies_are_in_no_log(person: Visitor) -> None:
    person.get(PAGE)
    assert person.cookies["devtodev_session"] not in person.sim.control("GET", "/calls").text


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/devtodev/projects/none", None, 404),
        ("PATCH", "/devtodev/projects/none", {"activation_s": 1}, 404),
        ("PATCH", f"/devtodev/projects/{DEVTODEV_PROJECT}", {}, 400),
        ("PATCH", f"/devtodev/projects/{DEVTODEV_PROJECT}", {"activation_s": -1}, 400),
        ("PATCH", f"/devtodev/projects/{DEVTODEV_PROJECT}", {"name": "x"}, 400),
        ("PATCH", "/devtodev/sessions/7", {"expired": True}, 404),
        ("PATCH", "/devtodev/sessions/0", {}, 400),
        ("PATCH", "/devtodev/sessions/0", {"role": "king"}, 400),
        ("GET", "/devtodev/sessions/7/sign_in", None, 404),
        ("PATCH", "/revenuecat/projects/none", {"accepts_key_on_update": True}, 404),
    ],
)
def test_bad_control_requests(person: Visitor, method: str, path: str, body: object, status: int) -> None:
    answer = person.sim.control(method, path, body)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
