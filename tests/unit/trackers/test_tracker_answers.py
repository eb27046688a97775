# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What RevenueCat, Qonversion and a person at devtodev are told, and what is made of every answer. No call is made."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import replace
from types import SimpleNamespace

import pytest
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    InputError,
    RefundsError,
    TransportError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    Credentials,
    Identity,
    Integration,
    Observation,
    Status,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permission, Permit
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_handoff import DevtodevByHand
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_settings import (
    MENU_PATH,
    DevtodevSettings,
    filled,
    page_address,
)
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.json_api import Refused
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.protocol import NotActive
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.qonversion import (
    Config,
    Project,
    Qonversion,
)
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.qonversion_settings import QonversionSettings
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat import RevenueCat
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat_apps import AppEntry, Apps
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat_settings import (
    RevenueCatSettings,
    not_found_step,
    parse_project_id,
)

PEM = Secret("made-up")
KEY = Credentials(ISSUER, KEY_ID, t.cast(t.Any, SimpleNamespace(fingerprint="f1", pem=PEM)), "/k/a.p8")


def identity(tracker: str, project: str = "game", app: str = BUNDLE_ID) -> Identity:
    """An app at a tracker."""
    return Identity(tracker, project, "production", app)


@dataclasses.dataclass
class Api:
    """Gives prepared answers and keeps what was asked."""

    answers: list[t.Any]
    sent: list[tuple[str, str, t.Any]] = dataclasses.field(default_factory=list)
    more: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)

    def ask(self, doing: str, method: str, path: str, body: t.Any = None, **more: t.Any) -> t.Any:
        """Give the next answer."""
        self.sent.append((method, path, body))
        self.more.append({"doing": doing, **more})
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def unexpected(self, doing: str, what: str) -> RefundsError:
        """The error of a strange answer."""
        return RefundsError(f"{doing}: answered with {what}.")


class Noted:
    """The rows of the ledger, and what was done to them."""

    def __init__(self, *rows: Integration) -> None:
        self.rows = {row.identity: row for row in rows}
        self.steps: list[str] = []

    def find(self, whose: Identity) -> Integration | None:
        """Give a row."""
        return self.rows.get(whose)

    def list(self, tracker: str, project: str, environment: str) -> list[Integration]:
        """Give all of a project."""
        wanted = (tracker, project, environment)
        return [row for one, row in self.rows.items() if (one.tracker, one.project, one.environment) == wanted]

    def check_place(self) -> None:
        """Note it."""
        self.steps.append("check")

    def begin(self, integration: Integration) -> None:
        """Note it."""
        assert integration.identity.bundle_id == BUNDLE_ID
        self.steps.append("begin")

    def undo(self, whose: Identity, before: Integration | None) -> None:
        """Note it."""
        assert self.rows.get(whose) == before
        self.steps.append("undo")

    def note(self, integration: Integration) -> None:
        """Keep a row."""
        self.steps.append("note")
        self.rows[integration.identity] = integration

    def forget(self, whose: Identity) -> None:
        """Drop a row."""
        self.steps.append("forget")
        self.rows.pop(whose, None)


# RevenueCat.

APPS = "/v2/projects/a%2Fb/apps"


def entry(number: int = 1, app: str = BUNDLE_ID, has_key: t.Any = True, **more: t.Any) -> dict[str, t.Any]:
    """An entry of RevenueCat."""
    details = {"bundle_id": app, "subscription_key_configured": has_key}
    return {"id": f"app{number}", "type": "app_store", "app_store": details, **more}


def page(*items: t.Any, following: t.Any = None) -> dict[str, t.Any]:
    """A page of entries."""
    return {"items": list(items), "next_page": following}


def apps(*answers: t.Any) -> tuple[Apps, Api]:
    """The entries of a project whose ID has to be quoted."""
    api = Api(list(answers))
    return Apps(t.cast(t.Any, api), "a/b"), api


def test_entries_are_read_once_to_the_last_page() -> None:
    odd = {"id": "app9", "type": "play_store", "play_store": {"package_name": "x"}}
    made, api = apps(
        page(entry(1, "a"), odd, following="/v2/x?starting_after=c%2F1&limit=5"),
        page(entry(2, "b", None), 7, following="https://elsewhere.example/?starting_after=c2"),
        page(entry(3, "c", "yes")),
    )
    wanted = [AppEntry("app1", "a", True), AppEntry("app2", "b", None), AppEntry("app3", "c", None)]
    assert made.entries() == wanted == made.entries()
    assert api.sent == [
        ("GET", f"{APPS}?limit=100", None),
        ("GET", f"{APPS}?limit=100&starting_after=c%2F1", None),
        ("GET", f"{APPS}?limit=100&starting_after=c2", None),
    ]
    assert made.find("b") == wanted[1] and made.find("B") is None
    assert {one["doing"] for one in api.more} == {"listing the apps of revenuecat.project_id"}


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([{"next_page": None}], "a list without items"),
        ([{"items": {}}], "a list without items"),
        ([page(entry(app=t.cast(t.Any, None)))], "an App Store app without ID or bundle ID"),
        ([page({"type": "app_store", "app_store": {"bundle_id": "a"}})], "an App Store app without ID or bundle ID"),
        ([page({"id": "x", "type": "app_store", "app_store": 7})], "an App Store app without ID or bundle ID"),
        ([page(following="?starting_after=a"), page(following="?starting_after=a")], "a next page that repeats itself"),
        ([page(following="?after=a")], "a next page that repeats itself"),
        ([page(following=7)], "a next page that repeats itself"),
        ([page(following="http://[")], "a next page that repeats itself"),
        ([page(following=f"?starting_after={number}") for number in range(500)], "a list that has no end"),
    ],
)
def test_a_strange_list_is_an_error(answers: list[t.Any], told: str) -> None:
    made, api = apps(*answers)
    with pytest.raises(RefundsError) as caught:
        made.entries()
    assert caught.value.message == f"listing the apps of revenuecat.project_id: answered with {told}."
    assert len(api.sent) == len(answers)


def test_two_entries_of_one_app_are_nobodys_to_choose() -> None:
    made, _api = apps(page(entry(1), entry(2), entry(3, "other")))
    with pytest.raises(RefundsError, match=r"has 2 App Store apps with this bundle ID \('?app1'?, '?app2'?\)\. Delete"):
        made.find(BUNDLE_ID)
    assert made.find("other") is not None


def test_an_entry_is_created_and_updated() -> None:
    made, api = apps(page(entry(2, "other")), entry(1, has_key=True), entry(1, has_key=False), page())
    assert made.find(BUNDLE_ID) is None
    fields = {"bundle_id": BUNDLE_ID, "subscription_key_id": KEY_ID}
    assert made.create("My app", fields, (PEM,)) == AppEntry("app1", BUNDLE_ID, True)
    assert api.sent[1] == ("POST", APPS, {"name": "My app", "type": "app_store", "app_store": fields})
    assert api.more[1] == {
        "doing": f"{BUNDLE_ID}: creating its app entry",
        "secrets": (PEM,),
        "is_repeatable": False,
    }
    found = made.find(BUNDLE_ID)
    assert found is not None and len(made.entries()) == 2
    assert made.update(found, {"x": 1}, (PEM,)) == AppEntry("app1", BUNDLE_ID, False)
    assert api.sent[2] == ("POST", f"{APPS}/app1", {"app_store": {"x": 1}})
    assert api.more[2] == {"doing": f"{BUNDLE_ID}: updating the key of its app entry", "secrets": (PEM,)}
    assert [one.has_key for one in made.entries()] == [True, False]
    made.forget()
    assert made.entries() == []


@pytest.mark.parametrize("answer", [{}, entry(1, "other"), {"id": "app1", "type": "play_store"}])
def test_another_app_than_was_sent_is_no_success(answer: dict[str, t.Any]) -> None:
    made, _api = apps(answer)
    with pytest.raises(RefundsError, match="creating its app entry: answered with another app than") as caught:
        made.create("x", {"bundle_id": BUNDLE_ID}, ())
    assert caught.value.may_have_changed
    made, _api = apps(answer)
    with pytest.raises(RefundsError, match="updating the key of its app entry: answered with another app than"):
        made.update(AppEntry("app1", BUNDLE_ID, True), {}, ())


def permission(is_given: bool, steps: list[t.Any]) -> Permission:
    """The gate for one step."""

    def ask(target: str, what: str) -> Permit | None:
        steps.append((target, what))
        return Permit("delete_app", target, t.cast(t.Any, None)) if is_given else None

    return Permission(ask, lambda permit: steps.append(permit.target))


@pytest.mark.parametrize("status", [None, 404])
def test_an_entry_is_deleted_with_a_permit(status: int | None) -> None:
    steps: list[t.Any] = []
    answer: t.Any = {} if status is None else Refused(status, "gone")
    made, api = apps(page({**entry(1), "id": "app/1"}), answer, page())
    made.delete(BUNDLE_ID, permission(True, steps))
    assert api.sent[1] == ("DELETE", f"{APPS}/app%2F1", None)
    assert api.more[1]["doing"] == f"{BUNDLE_ID}: deleting its app entry"
    assert steps == [(BUNDLE_ID, "the app app/1 has this bundle ID"), BUNDLE_ID]
    assert made.entries() == []


def test_what_is_not_deleted() -> None:
    steps: list[t.Any] = []
    made, api = apps(page(entry()))
    made.delete(BUNDLE_ID, permission(False, steps))
    made.delete("other", permission(True, steps))
    assert len(api.sent) == 1 and steps == [(BUNDLE_ID, "the app app1 has this bundle ID")]
    assert made.ask_to_delete("other", permission(True, steps)) == (None, None)
    made, api = apps(page(entry()), Refused(403, "no"))
    with pytest.raises(Refused):
        made.delete(BUNDLE_ID, permission(True, steps))
    assert steps[-1] == (BUNDLE_ID, "the app app1 has this bundle ID")


AT_RC = identity("revenuecat")
NOTED = Integration(AT_RC, ISSUER, KEY_ID, "f1", "Active")
BEGUN = replace(NOTED, issuer_id=None, key_id=None, key_fingerprint=None, status="Pending")


def revenuecat(
    noted: Noted, *answers: t.Any, steps: list[t.Any] | None = None, **options: t.Any
) -> tuple[RevenueCat, Api]:
    """One project."""
    made, api = apps(*answers)
    settings = RevenueCatSettings(Secret("sk"), "game", **options)
    return RevenueCat(made, t.cast(t.Any, noted), settings, permission(True, [] if steps is None else steps)), api


@pytest.mark.parametrize(
    ("has_key", "noted", "wanted"),
    [
        (True, NOTED, NOTED),
        (None, NOTED, NOTED),
        (True, BEGUN, replace(BEGUN, is_outdated=True)),
        (True, None, Integration(AT_RC, None, None, None, "Unknown")),
        (False, NOTED, Integration(AT_RC, None, None, None, "Absent", is_outdated=True)),
        (False, None, Integration(AT_RC, None, None, None, "Absent", is_outdated=True)),
    ],
)
def test_what_is_known_of_an_entry(has_key: bool | None, noted: Integration | None, wanted: Integration) -> None:
    rows = Noted(*([noted] if noted else []))
    made, _api = revenuecat(rows, page(entry(has_key=has_key), entry(2, "a.first")))
    found = made.find(AT_RC)
    assert found == wanted and found is not None and found.is_outdated is wanted.is_outdated
    first, second = made.list("production")
    assert first.identity.bundle_id == "a.first" and first.status == "Unknown"
    assert second == wanted and second.is_outdated is wanted.is_outdated
    assert made.find(replace(AT_RC, bundle_id="none")) is None
    assert (made.project, made.on_unknown, made.is_listable, made.name) == ("game", "keep", True, "revenuecat")


@pytest.mark.parametrize(
    ("current", "changed", "status", "wanted", "steps"),
    [
        (NOTED, False, "Active", "Active", []),
        (NOTED, True, "Active", "Active", ["check"]),
        (BEGUN, True, "Active", "Active", ["check"]),
        (BEGUN, False, "Active", "Unknown", []),
        (BEGUN, False, "Failed", "Failed", []),
        (None, True, "Pending", "Pending", ["check"]),
    ],
)
def test_who_does_not_see_the_key_does_not_call_it_active(
    current: Integration | None, changed: bool, status: Status, wanted: str, steps: list[str]
) -> None:
    for made, rows in (
        (lambda rows: revenuecat(rows, create_app=True)[0], Noted()),
        (lambda rows: qonversion(rows, {})[0], Noted()),
    ):
        tracker = made(rows)
        found = tracker.observe(replace(NOTED, status=status), current, changed)
        assert found == Observation(t.cast(t.Any, wanted)) and rows.steps == steps


@pytest.mark.parametrize(("other", "hint"), [("COM.Example.One", True), ("com.example.two", False)])
def test_an_entry_is_made_only_where_that_is_allowed(other: str, hint: bool) -> None:
    made, _api = revenuecat(Noted(), page(entry(1, other)))
    with pytest.raises(InputError) as caught:
        made.observe(NOTED, None, True)
    assert caught.value.option == "revenuecat.create_app"
    start = f"revenuecat.create_app: {BUNDLE_ID} isn't an App Store app of project 'game', so nothing was changed."
    assert caught.value.message == start + (f" It has {other!r}, which differs only in capitals." if hint else "")
    assert "or set revenuecat.create_app: true" in caught.value.next_step


FIELDS = {"subscription_private_key": "made-up", "subscription_key_id": KEY_ID, "subscription_key_issuer": ISSUER}


@pytest.mark.parametrize(("app_name", "name"), [("", BUNDLE_ID), ("My app", "My app")])
def test_a_key_is_put_into_an_entry_that_is_made(app_name: str, name: str) -> None:
    rows = Noted()
    made, api = revenuecat(rows, page(), entry(), create_app=True, app_name=app_name)
    assert made.save(NOTED, KEY) == NOTED and rows.steps == ["begin", "note"]
    body = {"name": name, "type": "app_store", "app_store": {"bundle_id": BUNDLE_ID, **FIELDS}}
    assert api.sent[1] == ("POST", APPS, body) and api.more[1]["secrets"] == (PEM,)


def test_a_key_is_put_into_an_entry_that_is_there() -> None:
    rows = Noted()
    made, api = revenuecat(rows, page(entry()), entry())
    assert made.save(NOTED, KEY) == NOTED and rows.steps == ["begin", "note"]
    assert api.sent[1] == ("POST", f"{APPS}/app1", {"app_store": FIELDS}) and api.more[1]["secrets"] == (PEM,)


def test_a_key_that_is_not_shown_is_not_active() -> None:
    rows = Noted()
    made, _api = revenuecat(rows, page(entry()), entry(has_key=False))
    with pytest.raises(NotActive, match="still shows subscription_key_configured: false") as caught:
        made.save(NOTED, KEY)
    held = replace(NOTED, issuer_id=None, key_id=None, key_fingerprint=None, status="Failed")
    assert caught.value.integration == held and rows.steps == ["begin"] and caught.value.next_step


@pytest.mark.parametrize(("status", "is_explained"), [(400, True), (422, False), (403, False)])
def test_an_update_that_is_refused_says_what_to_do(status: int, is_explained: bool) -> None:
    rows = Noted(NOTED)
    made, _api = revenuecat(rows, page(entry()), Refused(status, "No.", "Step."))
    with pytest.raises(Refused, match=r"^No\.") as caught:
        made.save(NOTED, KEY)
    assert (caught.value.status, rows.steps) == (status, ["begin", "undo"])
    assert ("upload the key in RevenueCat's dashboard" in caught.value.next_step) is is_explained


def test_a_refusal_after_a_lost_try_may_have_been_done() -> None:
    error, rows = Refused(400, "No."), Noted()
    error.may_have_changed = True
    made, _api = revenuecat(rows, page(entry()), error)
    with pytest.raises(Refused) as caught:
        made.save(NOTED, KEY)
    assert caught.value.may_have_changed and rows.steps == ["begin"]


def lost(kind: str) -> TransportError:
    """No answer."""
    return TransportError(kind, "No answer.", "Step.")


@pytest.mark.parametrize(
    ("outcome", "later", "calls"),
    [
        (Refused(409, "Conflict."), [page(entry()), entry()], 4),
        (Refused(500, "Broken."), [page(entry()), entry()], 4),
        (lost("timeout"), [page(entry()), entry()], 4),
    ],
)
def test_after_a_lost_answer_it_is_looked_for_and_never_made_twice(
    outcome: Exception, later: list[t.Any], calls: int
) -> None:
    rows = Noted()
    made, api = revenuecat(rows, page(), outcome, *later, create_app=True)
    assert made.save(NOTED, KEY) == NOTED and rows.steps == ["begin", "note"]
    assert [method for method, _path, _body in api.sent] == ["GET", "POST", "GET", "POST"][:calls]
    assert api.sent[3][1:] == (f"{APPS}/app1", {"app_store": FIELDS}) and api.more[3]["secrets"] == (PEM,)


@pytest.mark.parametrize("later", [page(), lost("timeout"), Refused(500, "Broken.")])
def test_an_entry_that_nobody_finds_may_be_there(later: t.Any) -> None:
    rows = Noted()
    made, _api = revenuecat(rows, page(), lost("broken"), later, create_app=True)
    with pytest.raises(RefundsError, match=r"No answer\. The next run reads the list of apps first") as caught:
        made.save(NOTED, KEY)
    assert caught.value.may_have_changed and rows.steps == ["begin"]


@pytest.mark.parametrize("outcome", [Refused(422, "No."), lost("dns"), lost("tcp")])
def test_what_was_certainly_not_made_is_not_looked_for(outcome: Exception) -> None:
    rows = Noted()
    made, api = revenuecat(rows, page(), outcome, create_app=True)
    with pytest.raises(RefundsError):
        made.save(NOTED, KEY)
    assert len(api.sent) == 2


def test_an_entry_goes_only_where_that_is_allowed() -> None:
    steps: list[t.Any] = []
    rows = Noted(NOTED)
    made, api = revenuecat(rows, page(entry()), {}, steps=steps, delete_app=True)
    assert made.irremovable(AT_RC) == ""
    made.foretell_removal(AT_RC)
    assert len(api.sent) == 1 and len(steps) == 1 and rows.steps == []
    made.remove(AT_RC)
    assert api.sent[-1][0] == "DELETE" and rows.steps == ["forget"] and steps[-1] == BUNDLE_ID and rows.rows == {}
    assert "set revenuecat.delete_app: true" in revenuecat(rows)[0].irremovable(AT_RC)
    made.note(NOTED)
    assert rows.steps == ["forget", "note"]


@pytest.mark.parametrize("text", ["proj1ab2", "a-b_C", "x" * 255])
def test_ids_of_projects(text: str) -> None:
    assert parse_project_id(text, "o") == text
    assert (f"revenuecat.project_id: proj{text}," in not_found_step(text)) is not text.startswith("proj")
    assert ("Compare revenuecat.project_id" in not_found_step(text)) is text.startswith("proj")


@pytest.mark.parametrize(("text", "told"), [("", "is required"), ("a/b", "isn't a project ID"), ("x" * 256, "isn't a")])
def test_no_ids_of_projects(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        parse_project_id(text, "o")
    assert caught.value.option == "o" and "without proj in front" in caught.value.next_step


# Qonversion.

PATH = "/v4/project-settings/stores/apple"
AT_Q = identity("qonversion")
Q_NOTED = Integration(AT_Q, ISSUER, KEY_ID, "f1", "Active", app_apple_id=7)


def shows(app: t.Any = BUNDLE_ID, key_id: t.Any = KEY_ID, has_key: t.Any = True, **more: t.Any) -> dict[str, t.Any]:
    """A configuration."""
    found = {"bundle_id": app, "iap_key_identifier": key_id, "iap_issuer_id": ISSUER, "has_iap_private_key": has_key}
    return {**found, **more}


def qonversion(noted: Noted, *answers: t.Any, **options: t.Any) -> tuple[Qonversion, Api]:
    """One project."""
    api = Api(list(answers))
    return Qonversion(
        Project(t.cast(t.Any, api)), t.cast(t.Any, noted), QonversionSettings(Secret("sk"), "game", **options)
    ), api


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (shows(app_id="x", has_shared_secret=True), Config(BUNDLE_ID, KEY_ID, ISSUER, True, ("x", *[None] * 3, True))),
        (shows("", "", "yes"), Config(None, None, ISSUER, False, (None,) * 5)),
        (shows(7, None, 1), Config(None, None, ISSUER, False, (None,) * 5)),
        ({}, Config(None, None, None, False, (None,) * 5)),
        (
            {"connect_key_identifier": "k", "connect_issuer_id": "i", "has_connect_private_key": True},
            Config(None, None, None, False, (None, "k", "i", True, None)),
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
    assert Project(t.cast(t.Any, api)).read() == Config(None, None, None, False, (None,) * 5)
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
        (shows(), shows(key_id="X"), "shows other values of Key ID than were sent", (ISSUER, "X")),
        (shows(), shows("y"), "shows other values of bundle ID than were sent", (None, None)),
        (shows(), shows(iap_issuer_id="z"), "shows other values of Issuer ID than were sent", ("z", KEY_ID)),
        (shows(), shows(has_key=False), "shows other values of has_iap_private_key than were sent", (ISSUER, KEY_ID)),
        (
            shows(),
            {},
            "shows other values of bundle ID, Key ID, Issuer ID, has_iap_private_key than were sent",
            (None, None),
        ),
        (
            shows(app_id="1", has_shared_secret=True),
            shows(app_id="2"),
            "no longer shows the same app_id, has_shared_secret",
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
    assert api.sent == [] and rows.steps == ["note"] and "revoke the key" in made.irremovable(AT_Q)


# devtodev by hand.

AT_D = identity("devtodev")
D_NOTED = Integration(AT_D, ISSUER, KEY_ID, "f1", "Active", "/k/a.p8")


def by_hand(rows: Noted, **options: t.Any) -> tuple[DevtodevByHand, list[str]]:
    """A project whose page a person fills in, and what the person is told."""
    said: list[str] = []
    return DevtodevByHand(t.cast(t.Any, rows), DevtodevSettings(project="game", **options), said.append), said


@pytest.mark.parametrize(
    ("current", "changed", "confirmed", "status", "wanted", "is_told"),
    [
        (None, True, False, "Active", Observation("Pending"), True),
        (None, True, True, "Active", Observation("Pending"), True),
        (None, False, True, "Active", Observation("Pending"), True),
        (D_NOTED, True, True, "Active", Observation("Pending"), True),
        (replace(D_NOTED, status="Pending"), False, False, "Active", Observation("Pending"), True),
        (replace(D_NOTED, status="Pending"), False, False, "Failed", Observation("Failed"), True),
        (replace(D_NOTED, status="Pending"), False, True, "Active", Observation("Active"), False),
        (
            replace(D_NOTED, status="Pending"),
            False,
            True,
            "Pending",
            Observation("Pending", "confirmed by hand"),
            False,
        ),
        (D_NOTED, False, False, "Active", Observation("Active"), False),
        (D_NOTED, False, False, "Failed", Observation("Failed"), False),
        (
            replace(D_NOTED, status="Pending", word="confirmed by hand"),
            False,
            False,
            "Active",
            Observation("Active"),
            False,
        ),
    ],
)
def test_a_person_is_told_until_it_is_confirmed(
    current: Integration | None,
    changed: bool,
    confirmed: bool,
    status: Status,
    wanted: Observation,
    is_told: bool,
) -> None:
    rows = Noted()
    made, said = by_hand(rows, is_confirmed=confirmed)
    assert made.observe(replace(D_NOTED, status=status), current, changed) == wanted
    told = (
        f"{BUNDLE_ID}: to be entered at devtodev by hand, at project game, {MENU_PATH}: App Bundle ID {BUNDLE_ID}; "
        f"Issuer ID {ISSUER}; Key ID {KEY_ID}; .p8 file /k/a.p8. Once the page shows Active, run again with "
        "devtodev.confirmed: true, just this once."
    )
    assert said == ([told] if is_told else []) and rows.steps == (["check"] if is_told else [])


@pytest.mark.parametrize(
    ("held", "confirmed", "status", "wanted"),
    [
        (None, True, "Active", ("Active", "")),
        (replace(D_NOTED, status="Pending"), False, "Active", ("Active", "")),
        (replace(D_NOTED, status="Pending"), True, "Active", ("Active", "")),
        (replace(D_NOTED, status="Pending"), True, "Failed", ("Pending", "confirmed by hand")),
        (D_NOTED, False, "Failed", ("Active", "")),
        (
            replace(D_NOTED, status="Pending", word="confirmed by hand"),
            False,
            "Failed",
            ("Pending", "confirmed by hand"),
        ),
        (replace(D_NOTED, status="Pending"), False, "Failed", ("Failed", "")),
    ],
)
def test_nobody_has_to_confirm_twice(
    held: Integration | None, confirmed: bool, status: Status, wanted: tuple[str, str]
) -> None:
    rows = Noted(*([held] if held else []))
    made, _said = by_hand(rows, is_confirmed=confirmed)
    made.note(replace(D_NOTED, status=status))
    assert (rows.rows[AT_D].status, rows.rows[AT_D].word) == wanted


def test_what_is_handed_off_is_noted_as_waiting() -> None:
    rows = Noted()
    made, _said = by_hand(rows)
    assert made.save(D_NOTED, KEY) is D_NOTED and rows.rows[AT_D] == replace(D_NOTED, status="Pending")
    assert made.find(AT_D) == rows.rows[AT_D] and made.list("production") == [rows.rows[AT_D]]
    assert (made.project, made.on_unknown, made.is_listable, made.name) == ("game", "replace", True, "devtodev")
    made.foretell_removal(AT_D)
    assert rows.steps == ["note"]
    made.remove(AT_D)
    assert rows.rows == {}


@pytest.mark.parametrize(
    ("options", "project", "where"),
    [
        ({}, "game", f"project game, {MENU_PATH}"),
        ({}, "", f"the app's project, {MENU_PATH}"),
        (
            {"url": "https://d.example/{project}/{bundle_id}?a#b"},
            "my game",
            f"https://d.example/my%20game/{BUNDLE_ID}?a#b ({MENU_PATH})",
        ),
    ],
)
def test_where_a_person_removes_it(options: dict[str, t.Any], project: str, where: str) -> None:
    made, said = by_hand(Noted(), **options)
    there = replace(AT_D, project=project)
    assert f"Remove the integration by hand at {where}, then run again with" in made.irremovable(there)
    made.observe(replace(D_NOTED, identity=there, private_key_path=None), None, True)
    assert (
        f"by hand, at {where}: App Bundle" in said[0] and ".p8 file the key that private_key_content holds." in said[0]
    )
    assert by_hand(Noted(), is_confirmed=True, **options)[0].irremovable(there) == ""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (" https://d.example/a?b=c#d ", "https://d.example/a?b=c#d"),
        ("http://127.0.0.1:8765/x", "http://127.0.0.1:8765/x"),
        ("https://d.example/{project}", "https://d.example/{project}"),
    ],
)
def test_addresses_of_a_page(text: str, wanted: str) -> None:
    assert page_address(text, "devtodev.url") == wanted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://d.example/", ""),
        ("https://[", "isn't a URL"),
        ("https://d.example/?a b", "has white space in it"),
        ("https://d.example/#\x07", "has white space in it"),
        ("d.example", ""),
        ("https://user:secret@d.example/", ""),
    ],
)
def test_what_is_no_address_of_a_page(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        page_address(text, "devtodev.url")
    assert caught.value.option == "devtodev.url"


def test_names_in_an_address_stay_in_their_place() -> None:
    assert (
        filled("https://x/{project}/{bundle_id}", identity("devtodev", "a/b?c", "d#e")) == "https://x/a%2Fb%3Fc/d%23e"
    )
