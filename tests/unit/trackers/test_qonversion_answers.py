# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Qonversion is told, and what is made of every answer. No call is made."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from tracker_answers_support import (
    KEY,
    PATH,
    PEM,
    Api,
    Noted,
    identity,
    qonversion,
    shows,
)
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    InputError,
    RefundsError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    Credentials,
    Integration,
    Observation,
)
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.json_api import Refused
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.protocol import NotActive
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.qonversion import (
    Config,
    Project,
)

AT_Q = identity("qonversion")
Q_NOTED = Integration(AT_Q, ISSUER, KEY_ID, "f1", "Active", app_apple_id=7)


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (shows(app_id="x", has_shared_secret=True), Config(BUNDLE_ID, KEY_ID, ISSUER, True, ("x", *[None] * 3, True))),
        (shows("", "", "yes"), Config(None, None, ISSUER, None, (None,) * 5)),
        (shows(7, None, 1), Config(None, None, ISSUER, None, (None,) * 5)),
        (shows(has_key=False), Config(BUNDLE_ID, KEY_ID, ISSUER, False, (None,) * 5)),
        ({}, Config(None, None, None, None, (None,) * 5)),
        (
            {"connect_key_identifier": "k", "connect_issuer_id": "i", "has_connect_private_key": True},
            Config(None, None, None, None, (None, "k", "i", True, None)),
        ),
    ],
)
def test_a_configuration_is_read_once(document: dict[str, t.Any], wanted: Config) -> None:
    api = Api([document])
    project = Project(t.cast(t.Any, api))
    assert project.read() == wanted == project.read()
    assert api.sent == [("GET", PATH, None)] and api.more[0]["doing"].startswith("reading the project's App Store")


def test_a_project_without_a_configuration_has_none() -> None:
    api = Api([Refused(404, "none"), {}])
    assert Project(t.cast(t.Any, api)).read() == Config(None, None, None, None, (None,) * 5)
    assert [path for _method, path, _body in api.sent] == [PATH, "/v4/project-settings"]
    assert {method for method, _path, _body in api.sent} == {"GET"}
    for answers in ([Refused(404, "none"), Refused(404, "none")], [Refused(403, "no")]):
        with pytest.raises(Refused):
            Project(t.cast(t.Any, Api(answers))).read()


@pytest.mark.parametrize(
    ("document", "noted", "wanted"),
    [
        (shows(), Q_NOTED, Q_NOTED),
        (shows(), None, Integration(AT_Q, ISSUER, KEY_ID, None, "Unknown")),
        (
            shows(key_id="OTHERKEY01"),
            Q_NOTED,
            Integration(AT_Q, ISSUER, "OTHERKEY01", None, "Unknown", app_apple_id=7, is_outdated=True),
        ),
        (
            shows(),
            replace(Q_NOTED, key_fingerprint=None),
            Integration(AT_Q, ISSUER, KEY_ID, None, "Unknown", app_apple_id=7, is_outdated=True),
        ),
        (shows(has_key=False), Q_NOTED, Integration(AT_Q, ISSUER, KEY_ID, None, "Absent", is_outdated=True)),
        # An answer that doesn't say whether there is a key doesn't say that there is none.
        (shows(has_key=None), None, Integration(AT_Q, ISSUER, KEY_ID, None, "Unknown")),
        (shows(has_key=None), Q_NOTED, Q_NOTED),
        (shows(key_id="", has_key=None), None, Integration(AT_Q, ISSUER, None, None, "Unknown")),
        ({"bundle_id": BUNDLE_ID}, Q_NOTED, Integration(AT_Q, None, None, None, "Absent", is_outdated=True)),
        (shows("com.example.two"), Q_NOTED, None),
    ],
)
def test_what_is_known_of_a_project(
    document: dict[str, t.Any], noted: Integration | None, wanted: Integration | None
) -> None:
    made, _api = qonversion(Noted(*([noted] if noted else [])), document)
    found = made.find(AT_Q)
    assert found == wanted and (found is None or wanted is None or found.is_outdated is wanted.is_outdated)
    listed = made.list("production")
    assert listed == [wanted] if wanted else [one.identity.bundle_id for one in listed] == ["com.example.two"]
    assert qonversion(Noted(), {})[0].list("production") == []
    assert (made.project, made.on_unknown, made.name, made.is_listable) == ("game", "keep", "qonversion", True)


@pytest.mark.parametrize(
    ("there", "replaces", "told"),
    [
        (BUNDLE_ID, False, None),
        (None, False, None),
        ("com.example.two", True, None),
        ("com.example.two", False, "this Qonversion project is that of 'com.example.two', and it has one"),
        ("COM.Example.One", False, "that of 'COM.Example.One', which differs only in capitals, and it has one"),
    ],
)
def test_a_project_is_of_one_app(there: str | None, replaces: bool, told: str | None) -> None:
    made, _api = qonversion(Noted(), shows(there), replace_bundle=replaces)
    if told is None:
        assert made.observe(Q_NOTED, None, True) == Observation("Active")
        return
    with pytest.raises(InputError, match=told) as caught:
        made.observe(Q_NOTED, None, True)
    assert caught.value.option == "qonversion.replace_bundle" and "replace_bundle: true" in caught.value.next_step


TRIPLET = {
    "bundle_id": BUNDLE_ID,
    "iap_key_identifier": KEY_ID,
    "iap_issuer_id": ISSUER,
    "iap_private_key": "made-up",
}


def test_a_save_sends_the_triplet_and_reads_it_back() -> None:
    rows = Noted()
    made, api = qonversion(rows, shows(key_id="OLD"), {}, shows())
    assert made.save(Q_NOTED, KEY) == Q_NOTED and rows.steps == ["begin", "note"]
    assert api.sent == [("GET", PATH, None), ("POST", PATH, TRIPLET), ("GET", PATH, None)]
    sent = api.more[1]
    assert sent["doing"] == f"{BUNDLE_ID}: saving its key" and sent["secrets"] == (PEM,)
    assert set(sent["headers"]) == {"Idempotency-Key"} and len(sent["headers"]["Idempotency-Key"]) == 32


@pytest.mark.parametrize("key", [replace(KEY, issuer_id=""), replace(KEY, key_id="")])
def test_half_a_triplet_is_not_sent(key: Credentials) -> None:
    made, api = qonversion(Noted(), {})
    with pytest.raises(RefundsError, match="not sent: Qonversion takes Key ID, Issuer ID and private key together"):
        made.save(Q_NOTED, key)
    assert len(api.sent) == 1


@pytest.mark.parametrize(
    ("before", "after", "told", "held"),
    [
        (shows(), shows(key_id="X"), f"shows Key ID 'X', and {KEY_ID} was sent", (ISSUER, "X")),
        (shows(), shows("y"), f"shows bundle ID 'y', and {BUNDLE_ID} was sent", (None, None)),
        (shows(), shows(iap_issuer_id="z"), f"shows Issuer ID 'z', and {ISSUER} was sent", ("z", KEY_ID)),
        (
            shows(),
            shows(has_key=False),
            "says that it has no private key (has_iap_private_key: false)",
            (ISSUER, KEY_ID),
        ),
        (
            shows(),
            shows(has_key=None),
            "does not say whether it has the private key (has_iap_private_key)",
            (ISSUER, KEY_ID),
        ),
        (
            shows(),
            {},
            f"shows no bundle ID, and {BUNDLE_ID} was sent; shows no Key ID, and {KEY_ID} was sent; shows no "
            f"Issuer ID, and {ISSUER} was sent",
            (None, None),
        ),
        (
            shows(app_id="1", has_shared_secret=True),
            shows(app_id="2"),
            "other settings changed: app_id was '1' and is '2' now; has_shared_secret was 'True' and is missing now",
            (ISSUER, KEY_ID),
        ),
        (shows(), shows(app_id="2"), "", ()),
    ],
)
def test_what_a_save_broke_is_said(
    before: dict[str, t.Any], after: dict[str, t.Any], told: str, held: tuple[str | None, ...]
) -> None:
    rows = Noted()
    made, _api = qonversion(rows, before, {}, after)
    if not told:
        assert made.save(Q_NOTED, KEY) == Q_NOTED
        return
    with pytest.raises(NotActive) as caught:
        made.save(Q_NOTED, KEY)
    assert caught.value.message == f"{BUNDLE_ID}: Qonversion took the key, but {told}."
    assert caught.value.integration == Integration(AT_Q, *held, None, "Failed")
    assert rows.steps == ["begin"] and "Stores, Apple App Store" in caught.value.next_step


@pytest.mark.parametrize(
    ("error", "steps"), [(Refused(422, "No."), ["begin", "undo"]), (Refused(503, "Broken."), ["begin"])]
)
def test_a_save_that_may_have_been_done_is_not_taken_back(error: Refused, steps: list[str]) -> None:
    rows = Noted(Q_NOTED)
    made, _api = qonversion(rows, shows(), error)
    with pytest.raises(Refused):
        made.save(Q_NOTED, KEY)
    assert rows.steps == steps


def test_a_save_that_can_not_be_read_back_may_have_been_done() -> None:
    rows = Noted()
    made, _api = qonversion(rows, shows(), {}, Refused(403, "No."))
    with pytest.raises(Refused) as caught:
        made.save(Q_NOTED, KEY)
    assert caught.value.may_have_changed and rows.steps == ["begin"]


def test_a_project_keeps_its_key() -> None:
    rows = Noted()
    made, api = qonversion(rows)
    made.foretell_removal(AT_Q)
    with pytest.raises(RefundsError, match=f"^{BUNDLE_ID}: Qonversion's API has no documented way to clear"):
        made.remove(AT_Q)
    made.note(Q_NOTED)
    assert api.sent == [] and rows.steps == ["note"]
    assert made.irremovable(AT_Q).endswith(
        "uses the key, revoke it in App Store Connect by hand. Then delete the key's file, the key's entry "
        "and this app's entry yourself: site keeps the file of a key that Qonversion still shows."
    )
