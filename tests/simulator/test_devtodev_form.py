# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""devtodev's form: what it refuses, what it stores, and when it becomes Active."""

from __future__ import annotations

import html
import re
import time

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sim_support import (
    BUNDLE_ID,
    ISSUER,
    KEY_ID,
    OTHER_BUNDLE_ID,
    REVOKED_KEY_ID,
    UNRELEASED,
    KeyPair,
    Running,
    new_key_pair,
)
from tracker_support import (
    DEVTODEV_PROJECT,
    PAGE,
    Visitor,
    fingerprint,
    form_values,
    last_call,
    p8,
    visitor,
)

CONTROL = f"/devtodev/projects/{DEVTODEV_PROJECT}"


@pytest.fixture
def person(sim: Running, pair: KeyPair) -> Visitor:
    """Somebody who is signed in."""
    return visitor(sim, pair)


def test_saving_makes_it_active(person: Visitor, pair: KeyPair) -> None:
    before = time.time()
    page = person.save(form_values(), p8(pair))
    assert (page.status_code, page.url.path) == (200, f"/devtodev{PAGE}")
    assert person.status() == ("active", "Active")
    stored = person.stored()
    assert before <= stored.pop("saved_at") <= time.time()
    assert stored == {
        "bundle_id": BUNDLE_ID,
        "issuer_id": ISSUER,
        "key_id": KEY_ID,
        "key_fingerprint": fingerprint(pair),
        "status": "active",
    }
    world = person.sim.control("GET", "/world").json()["devtodev"]["projects"][0]["integration"]
    assert world["status"] == "active"
    status = person.get(f"{PAGE}/status").json()
    assert (status["state"], status["status"]) == ("active", "Active")
    (saved,) = person.sim.calls("?endpoint=save_refunds_tracking")["calls"]
    assert (saved["status"], saved["bundle_id"], saved["key_id"], saved["issuer_id"]) == (
        303,
        BUNDLE_ID,
        KEY_ID,
        ISSUER,
    )


def test_saved_values_are_shown_but_never_the_key(person: Visitor, pair: KeyPair) -> None:
    person.save(form_values(), p8(pair))
    text = person.get(PAGE).text
    shown = dict(re.findall(r'<dd id="saved-([a-z0-9-]+)">([^<]*)</dd>', text))
    assert shown == {
        "app-bundle-id": BUNDLE_ID,
        "issuer-id": ISSUER,
        "key-id": KEY_ID,
        "private-key-file": "Uploaded",
    }
    assert f'id="key-id" name="key_id" type="text" value="{KEY_ID}"' in text
    line = pair.private_pem.splitlines()[1]
    texts = [text, *(person.sim.control("GET", path).text for path in ("/world", "/calls", CONTROL))]
    assert not [each for each in texts if line in each or "PRIVATE KEY" in each]


def test_it_is_pending_first(person: Visitor, pair: KeyPair) -> None:
    person.sim.control("PATCH", CONTROL, {"activation_s": 600})
    person.save(form_values(), p8(pair))
    assert person.status() == ("pending", "Pending")
    assert person.get(f"{PAGE}/status").json()["state"] == "pending"
    assert person.sim.control("PATCH", CONTROL, {"activation_s": 0}).json()["integration"]["status"] == "active"
    assert person.status() == ("active", "Active")


def test_it_becomes_active_by_itself(sim: Running, pair: KeyPair) -> None:
    person = visitor(sim, pair, activation_s=0.4)
    begun = time.monotonic()
    person.save(form_values(), p8(pair))
    # On a busy machine the time may be over already.
    assert person.status()[0] == "pending" or time.monotonic() - begun >= 0.4
    while person.status()[0] != "active":
        assert time.monotonic() - begun < 60
        time.sleep(0.05)
    assert time.monotonic() - begun >= 0.4


def test_it_may_never_become_active(sim: Running, pair: KeyPair) -> None:
    person = visitor(sim, pair, activates=False)
    person.save(form_values(), p8(pair))
    assert person.status() == ("pending", "Pending")
    assert person.stored()["status"] == "pending"


@pytest.mark.parametrize(
    "changed",
    [
        {"key_id": REVOKED_KEY_ID},
        {"key_id": "NOSUCHKEY1"},
        {"bundle_id": BUNDLE_ID.upper()},
        {"bundle_id": OTHER_BUNDLE_ID},
        {"bundle_id": UNRELEASED},
        {"issuer_id": "11111111-2222-3333-4444-555555555555"},
    ],
)
def test_values_that_the_app_store_refuses(person: Visitor, pair: KeyPair, changed: dict[str, str]) -> None:
    person.save(form_values(**changed), p8(pair))
    assert person.status() == ("error", "Error")
    person.save(form_values(), p8(pair))
    assert person.status() == ("active", "Active")


def test_a_key_of_somebody_else(person: Visitor, stranger: KeyPair) -> None:
    person.save(form_values(), p8(stranger))
    assert person.status()[0] == "error"
    assert person.stored()["key_fingerprint"] == fingerprint(stranger)


def test_it_is_checked_when_its_time_has_come(person: Visitor, pair: KeyPair) -> None:
    person.sim.control("PATCH", CONTROL, {"activation_s": 600})
    person.save(form_values(), p8(pair))
    person.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    person.sim.control("PATCH", CONTROL, {"activation_s": 0})
    assert person.status()[0] == "error"


BAD: dict[str, tuple[dict[str, str], tuple[str, str], str]] = {
    "no bundle ID": ({"bundle_id": " "}, ("missing_bundle_id", "app-bundle-id"), "Fill in App Bundle ID."),
    "no issuer ID": ({"issuer_id": ""}, ("missing_issuer_id", "issuer-id"), "Fill in Issuer ID."),
    "no key ID": ({"key_id": ""}, ("missing_key_id", "key-id"), "Fill in Key ID."),
    "bad bundle ID": ({"bundle_id": "a b"}, ("bad_bundle_id", "app-bundle-id"), "App Bundle ID may have"),
    "bad issuer ID": ({"issuer_id": '"x"'}, ("bad_issuer_id", "issuer-id"), "Issuer ID has to look like"),
    "bad key ID": ({"key_id": "<b>"}, ("bad_key_id", "key-id"), "Key ID may have"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_values(person: Visitor, pair: KeyPair, case: str) -> None:
    changed, (refusal, field), message = BAD[case]
    page = person.save(form_values(**changed), p8(pair))
    assert (page.status_code, last_call(person.sim)["refusal"]) == (422, refusal)
    assert f'<p class="problem" id="{field}-problem">{message}' in page.text
    assert 'role="alert"' in page.text
    assert page.text.count('aria-invalid="true"') == 1
    # What was typed is still there, and is only text.
    typed = form_values(**changed)["key_id"].strip()
    assert f'name="key_id" type="text" value="{html.escape(typed)}"' in page.text
    assert person.stored() is None


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("", b"", "missing_private_key"),
        ("key.p8", b"", "missing_private_key"),
        ("key.pem", None, "not_a_p8_file"),
        ("key.p8", b"not a key", "not_a_p8_file"),
        ("key.p8", b"\x00\xff\r\n\x80", "not_a_p8_file"),
    ],
)
def test_bad_files(person: Visitor, pair: KeyPair, name: str, content: bytes | None, refusal: str) -> None:
    upload = (name, pair.private_pem.encode() if content is None else content)
    page = person.save(form_values(), upload)
    assert (page.status_code, last_call(person.sim)["refusal"]) == (422, refusal)
    assert 'id="private-key-file-problem"' in page.text
    assert person.stored() is None


def test_keys_of_another_kind(person: Visitor, pair: KeyPair) -> None:
    for upload in (p8(new_key_pair(ec.SECP384R1())), ("key.p8", pair.public_pem.encode())):
        assert person.save(form_values(), upload).status_code == 422


def test_all_problems_at_once(person: Visitor) -> None:
    page = person.save({"bundle_id": "", "issuer_id": "", "key_id": ""})
    assert len(re.findall(r'class="problem"', page.text)) == 4
    assert last_call(person.sim)["refusal"] == "missing_bundle_id"


def test_a_refused_form_leaves_what_is_stored(person: Visitor, pair: KeyPair) -> None:
    person.save(form_values(), p8(pair))
    before = person.stored()
    person.save(form_values(key_id=""), p8(pair))
    assert person.stored() == before


def test_white_space_and_windows_lines(person: Visitor, pair: KeyPair) -> None:
    upload = ("K.P8", pair.private_pem.replace("\n", "\r\n").encode())
    person.save(form_values(key_id=f" {KEY_ID}\t"), upload)
    assert (person.status()[0], person.stored()["key_id"]) == ("active", KEY_ID)


@pytest.mark.parametrize("token", ["", "wrong"])
def test_the_token_of_the_form(person: Visitor, pair: KeyPair, token: str) -> None:
    page = person.save(form_values(), p8(pair), token or "0")
    assert (page.status_code, last_call(person.sim)["refusal"]) == (403, "csrf_token_missing_or_wrong")
    assert person.stored() is None


def test_what_is_not_a_form(person: Visitor) -> None:
    url = f"{person.sim.announced['devtodev']}{PAGE}"
    answer = person.sim.session.post(url, json={}, cookies=person.cookies, timeout=120)
    assert (answer.status_code, last_call(person.sim)["refusal"]) == (400, "not_a_form")


def test_a_lost_answer_has_done_its_work(person: Visitor, pair: KeyPair) -> None:
    token = person.token()
    person.sim.fault(kind="reset", match={"endpoint": "save_refunds_tracking"}, times=1)
    with pytest.raises(httpx.HTTPError):
        person.save(form_values(), p8(pair), token)
    assert person.status()[0] == "active"


def test_a_new_world_forgets_the_uploaded_key(person: Visitor, pair: KeyPair) -> None:
    person.sim.control("PATCH", CONTROL, {"activation_s": 600})
    person.save(form_values(), p8(pair))
    person.sim.control("PUT", "/world", person.sim.control("GET", "/world").json())
    person.sim.control("PATCH", CONTROL, {"activation_s": 0})
    assert person.status()[0] == "pending"
