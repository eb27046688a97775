# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rotation reads of every tracker, and how it waits for Apple. Trackers, ledger and Apple are stand-ins."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest
from unit_support import ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.rotation import Known
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.apps import App
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.declaration import Declaration, declare
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._http_flow import Flow
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError, RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import Environment
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Cause, Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation import reading as module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.acceptance import wait_for_apple
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.reading import Reading
from ansible_collections.storeops.refunds.plugins.module_utils._tracker_spec import TRACKERS
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_settings import DevtodevSettings
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.settings import LedgerSettings

OLD, NEW = "OLDKEY0001", "NEWKEY0001"


@dataclass(frozen=True)
class Options:
    """The options of a tracker."""

    tracker: str
    project: str = "game"
    label: str = ""


DEVTODEV, OTHER, QONVERSION = Options("devtodev"), Options("devtodev", "other"), Options("qonversion", "")
LEDGER = LedgerSettings()


def held(app: str, settings: t.Any = LEDGER, environment: Environment = "production", key: str = OLD) -> Integration:
    """An integration."""
    return Integration(Identity(settings.tracker, settings.project, environment, app), "issuer", key, "f", "Active")


@dataclass
class Tracker:
    """Holds what it is given; a text instead is an error."""

    settings: Options
    holds: t.Sequence[Integration | str] = ()
    is_listable: bool = True
    has_no_api: bool = False
    asked: list[str] = field(default_factory=list)
    doubts: t.Collection[str] = ()

    def doubt(self, identity: Identity) -> str:
        """Doubt what it shows of some apps."""
        return "the page tracks another app." if identity.bundle_id in self.doubts else ""

    @property
    def name(self) -> str:
        """Its name."""
        return self.settings.tracker

    @property
    def project(self) -> str:
        """Its project."""
        return self.settings.project

    def list(self, environment: str) -> list[Integration]:
        """Give all."""
        self.asked.append(environment)
        return [self._sound(one) for one in self.holds]

    def find(self, identity: Identity) -> Integration | None:
        """Give one."""
        self.asked.append(identity.bundle_id)
        for one in self.holds:
            if isinstance(one, str) and one.startswith(identity.bundle_id):
                raise RefundsError(one)
            if isinstance(one, Integration) and one.identity == identity:
                return one
        return None

    @staticmethod
    def _sound(one: Integration | str) -> Integration:
        if isinstance(one, str):
            raise RefundsError(one)
        return one


def app(name: str, *settings: t.Any, key: KeySource | None = None, **more: t.Any) -> App:
    """A declared app."""
    return App(name, name, key=key, settings=settings or (LEDGER,), **more)


def read(
    monkeypatch: pytest.MonkeyPatch,
    trackers: t.Mapping[t.Any, Tracker | Exception],
    *apps: App,
    extra: t.Sequence[t.Any] = (),
    options: t.Mapping[str, t.Any] | None = None,
    rows: t.Sequence[Integration] = (),
) -> Reading:
    """Read all; ``rows``: what the ledger holds itself, and knows of others."""

    def open_(settings: t.Any) -> Tracker:
        found = trackers[settings]
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(module, "list_all", {"ledger": list(rows)}.__getitem__)
    made = Reading(Declaration({}, apps), extra, options or {})
    return made.read(t.cast(t.Any, SimpleNamespace(open=open_, ledger="ledger")))


def test_every_tracker_of_the_declaration_and_of_the_task_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = Tracker(DEVTODEV, [held("a", DEVTODEV)]), Tracker(OTHER, [held("b", OTHER)])
    apps = (app("a", LEDGER, DEVTODEV), app("c", DEVTODEV))
    rows = [held("a"), held("a", environment="sandbox")]
    found = read(monkeypatch, {DEVTODEV: one, OTHER: two}, *apps, extra=[OTHER], rows=rows)
    assert list(found.held.values()) == [held("b", OTHER), held("a", DEVTODEV), *rows] and found.unread == []
    assert one.asked == two.asked == ["production"]
    assert found.settings(held("a", DEVTODEV).identity) is DEVTODEV
    assert found.settings(held("b", OTHER).identity) is OTHER
    assert found.settings(rows[1].identity) == LEDGER


def test_without_the_ledger_no_tracker_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each needs it, and each would wait for a server that says nothing."""
    one = Tracker(DEVTODEV)

    def fails(_ledger: object) -> t.NoReturn:
        raise LedgerError("It did not answer in time.")

    monkeypatch.setattr(module, "list_all", fails)
    made = Reading(Declaration({}, (app("a", DEVTODEV),)), (), {})
    with pytest.raises(LedgerError):
        made.read(t.cast(t.Any, SimpleNamespace(open=lambda _settings: one, ledger="ledger")))
    assert one.asked == []


def test_a_tracker_without_a_list_is_asked_app_by_app(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Tracker(DEVTODEV, [held("a", DEVTODEV), "b: no answer."], is_listable=False)
    stale = [held("c", DEVTODEV), held("b", DEVTODEV), held("d", DEVTODEV)]
    apps = (app("a", DEVTODEV), app("b", DEVTODEV), app("c", DEVTODEV))
    found = read(monkeypatch, {DEVTODEV: page}, *apps, rows=stale)
    assert page.asked == ["a", "b", "c"] and found.unread == ["devtodev: b: no answer."]
    # What was asked for and isn't there, is not there; of others, and where no answer came, the ledger's word counts.
    assert [one.identity.bundle_id for one in found.held.values()] == ["a", "b", "d"]
    assert found.settings(held("a", DEVTODEV).identity) is DEVTODEV


def test_a_page_of_another_app_does_not_tell_that_the_key_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Tracker(DEVTODEV, [held("b", DEVTODEV)], is_listable=False, doubts={"a", "b"})
    row = held("a", DEVTODEV)
    found = read(monkeypatch, {DEVTODEV: page}, app("a", DEVTODEV), app("b", DEVTODEV), rows=[row])
    assert found.unread == ["devtodev: a: the page tracks another app."]
    assert list(found.held.values()) == [held("b", DEVTODEV), row]


@pytest.mark.parametrize(("settings", "is_kept"), [(DEVTODEV, False), (QONVERSION, True)])
def test_a_list_tells_all_but_that_of_qonversion(
    settings: Options, is_kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project of Qonversion is one app, and its label is no name."""
    stale = held("z", settings)
    found = read(monkeypatch, {settings: Tracker(settings, [held("a", settings)])}, extra=[settings], rows=[stale])
    assert (stale.identity in found.held) is is_kept
    # What is read counts before what the ledger noted.
    other = replace(held("a", settings), key_id="noted")
    found = read(monkeypatch, {settings: Tracker(settings, [held("a", settings)])}, extra=[settings], rows=[other])
    assert found.held[other.identity].key_id == OLD


@pytest.mark.parametrize("has_no_api", [False, True])
def test_what_was_asked_of_nobody_yet_is_not_known_to_be_nothing(
    has_no_api: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a tracker that can't be asked, the list tells what runs noted; a person may have entered more before."""
    by_hand = Tracker(DEVTODEV, [held("a", DEVTODEV)], has_no_api=has_no_api)
    apps = (app("a", DEVTODEV), app("b", LEDGER, DEVTODEV), app("gone", DEVTODEV, is_absent=True), app("d"))
    found = read(monkeypatch, {DEVTODEV: by_hand}, *apps)
    unnoted = {held("b", DEVTODEV).identity} if has_no_api else set()
    assert found.unnoted == found.known(OLD, NEW, ()).unnoted == unnoted
    assert list(found.held) == [held("a", DEVTODEV).identity]
    assert found.settings(held("b", DEVTODEV).identity) is DEVTODEV


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (RefundsError("No answer.", "Run again."), "devtodev: No answer. Run again."),
        (KeyError("x"), "devtodev: This is a fault of storeops.refunds"),
    ],
)
def test_a_tracker_that_can_not_be_read_stops_no_other(
    trouble: Exception, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Tracker(OTHER, [held("b", OTHER)])
    known = held("a", DEVTODEV)
    found = read(monkeypatch, {DEVTODEV: trouble, OTHER: good}, extra=[DEVTODEV, OTHER], rows=[known])
    assert len(found.unread) == 1 and found.unread[0].startswith(told)
    assert list(found.held.values()) == [held("b", OTHER), known]
    assert "this tracker was not read" in found.unread[0] or isinstance(trouble, RefundsError)


def test_the_options_of_an_integration(monkeypatch: pytest.MonkeyPatch) -> None:
    trackers = {one: Tracker(one) for one in (DEVTODEV, QONVERSION)}
    found = read(monkeypatch, trackers, app("a", LEDGER, DEVTODEV, QONVERSION))
    assert found.settings(held("x", DEVTODEV).identity) == DEVTODEV
    assert found.settings(held("x", OTHER).identity) is None
    # Its label alone doesn't tell which app it is.
    assert found.settings(held("x", QONVERSION).identity) is None
    assert found.settings(held("x", Options("revenuecat")).identity) is None


BASES: dict[str, dict[str, t.Any]] = {
    "revenuecat": {"api_key": "sk_0123456789", "project_id": "proj1ab2c3d4"},
    "qonversion": {"api_key": "sk_0123456789", "project": "game"},
    "devtodev": {"project": "game", "url": "https://devtodev.example/{project}"},
}
SESSION = '{"cookies": [{"name": "a", "value": "b", "domain": "devtodev.example", "path": "/"}], "origins": []}'
TEXTS = {
    "api_key": "sk_9876543210",
    "project_id": "proj9",
    "project": "other",
    "url": "https://other.example",
    "app_name": "Game",
    "session": SESSION,
    "session_path": "/sessions/devtodev.json",
    "browser_path": "/usr/bin/chromium",
}


def said_otherwise(option: str, spec: t.Mapping[str, t.Any]) -> list[t.Any]:
    """Values of an option."""
    if option == "mode":
        return ["handoff", "browser"]
    if option == "page":
        return [{"active_texts": ["Works"]}]
    return spec.get("choices") or ([True, False] if spec["type"] == "bool" else [TEXTS[option]])


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    ("tracker", "option", "value"),
    [
        (tracker, option, value)
        for tracker in BASES
        for option, spec in TRACKERS[tracker]["options"].items()
        for value in said_otherwise(option, spec)
    ],
)
def test_an_option_of_one_app_is_no_other_apps(
    tracker: str, option: str, value: t.Any, is_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever entry stands first, and whatever the task's own options are for the others."""
    own = {"session": SESSION} if value == "browser" else {}
    entries = [{"bundle_id": "com.example.one", tracker: {**own, option: value}}, {"bundle_id": "com.example.two"}]
    defaults = {**BASES[tracker], **({option: not value} if isinstance(value, bool) else {})}
    if tracker == "qonversion":
        # Two apps of one project are refused there.
        entries[1][tracker] = {"api_key": "sk_two23456789"}
    keys = [{"key": "studio", "issuer_id": ISSUER, "key_id": OLD, "private_key_path": "/k/a.p8"}]
    apps = [{**one, "key": "studio", "trackers": [tracker]} for one in entries]
    declared = declare({"keys": keys, "apps": apps if is_first else apps[::-1], "tracker": "ledger", tracker: defaults})
    assert not declared.faults
    pairs = [(held(one.bundle_id, settings), settings) for one in declared.apps for settings in one.settings]
    shared: dict[t.Any, Tracker] = {}
    for own_entry, settings in pairs:
        # A label of Qonversion is no project, so that no list is but the app's own.
        lists = [own_entry] if tracker == "qonversion" else [entry for entry, _settings in pairs]
        shared[settings] = Tracker(t.cast(t.Any, settings), lists)
    monkeypatch.setattr(module, "list_all", lambda ledger: [])
    found = Reading(declared, (), {}).read(t.cast(t.Any, SimpleNamespace(open=shared.__getitem__, ledger=None)))
    for one in declared.apps:
        assert [found.settings(one.identity(settings)) for settings in one.settings] == list(one.settings)


@pytest.mark.parametrize("is_listed", [True, False])
def test_what_nobody_declares_has_the_tasks_options_and_no_permission_of_another_app(
    is_listed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = DevtodevSettings(project="game")
    one = replace(task, mode="browser", is_confirmed=True, on_unknown="replace")
    nobody = held("x", task)
    shared = {one: Tracker(t.cast(t.Any, one), [nobody] if is_listed else [])}
    found = read(monkeypatch, shared, app("a", one))
    assert found.settings(nobody.identity) == replace(one, is_confirmed=False, on_unknown="keep")
    assert found.settings(held("a", one).identity) == one
    # What the task says of the tracker counts, even where the project stands with the apps alone.
    for given in ({"confirmed": True}, {"on_unknown": "replace"}, {"confirmed": False, "on_unknown": "keep"}):
        found = read(monkeypatch, shared, app("a", one), options={"devtodev": given, "revenuecat": None})
        wanted = (given.get("confirmed", False), given.get("on_unknown", "keep"))
        assert found.settings(nobody.identity) == replace(one, is_confirmed=wanted[0], on_unknown=wanted[1])
        assert found.settings(held("a", one).identity) == one
        found = read(monkeypatch, shared, app("a", one), options={"revenuecat": given})
        assert found.settings(nobody.identity) == replace(one, is_confirmed=False, on_unknown="keep")
    shared[task] = Tracker(t.cast(t.Any, task), [nobody] if is_listed else [])
    assert read(monkeypatch, shared, app("a", one), extra=[task]).settings(nobody.identity) == task
    said = replace(task, is_confirmed=True)
    shared[said] = shared[task]
    assert read(monkeypatch, shared, app("a", one), extra=[said]).settings(nobody.identity) == said


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("is_on_page", [True, False])
def test_the_list_of_another_apps_options_replaces_no_look_at_the_apps_own_page(
    is_first: bool, is_on_page: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand, the ledger is all there is to list; the page of an app that a browser looks at knows better."""
    page, by_hand = Options("devtodev", label="page"), Options("devtodev", label="by hand")
    noted = replace(held("a", page), key_id="noted")
    trackers = {
        page: Tracker(page, [held("a", page)] if is_on_page else [], is_listable=False),
        by_hand: Tracker(by_hand, [noted, held("b", by_hand)], has_no_api=True),
    }
    apps = (app("a", page), app("b", by_hand))
    found = read(monkeypatch, trackers, *(apps if is_first else apps[::-1]), rows=[noted])
    keys = {identity.bundle_id: entry.key_id for identity, entry in found.held.items()}
    assert keys == {"b": OLD, **({"a": OLD} if is_on_page else {})}
    trackers[page] = Tracker(page, ["a: no answer."], is_listable=False)
    found = read(monkeypatch, trackers, *(apps if is_first else apps[::-1]), rows=[noted])
    assert found.held[noted.identity].key_id == "noted" and found.unread == ["devtodev: a: no answer."]


def key(name: str = "", key_id: str | None = None, path: str | None = "/k/a.p8") -> KeySource:
    """A declared key."""
    return KeySource(ISSUER, key_id, path, None, "required", name=name)


def test_what_is_declared_with_which_key() -> None:
    apps = (
        app("faulty"),
        app("absent", key=key("studio", OLD), is_absent=True),
        app("other, absent", key=key("partner", "PARTNER001"), is_absent=True),
        app("old", key=key("studio", OLD)),
        app("old by ID", key=key("x", OLD)),
        app("other", LEDGER, DEVTODEV, key=key("partner", "PARTNER001")),
        app("nobody knows", key=key("y", None)),
        app("new", key=key("fresh", NEW)),
        app("new without ID", key=key("fresh", None)),
        app("new by ID", key=key("z", NEW)),
        app("old by file name", key=key("z", None, f"/k/SubscriptionKey_{OLD}.p8")),
        app("old, pasted", key=key("z", f" {OLD}\n")),
        app("old, at the new path", key=key("fresh", OLD)),
        app("not given", key=key("z", "PARTNER002", None)),
    )
    known = Reading(Declaration({}, apps), (), {}).known(OLD, NEW, {"fresh"})
    named = {
        name: sorted(f"{one.bundle_id} {one.tracker}" for one in getattr(known, name))
        for name in ("others", "declared_old", "declared_unknown", "declared_absent")
    }
    olds = ["old by ID", "old by file name", "old", "old, at the new path", "old, pasted"]
    assert named == {
        "others": ["nobody knows ledger", "not given ledger", "other devtodev", "other ledger"],
        "declared_old": sorted(f"{name} ledger" for name in olds),
        "declared_unknown": ["nobody knows ledger"],
        "declared_absent": ["absent ledger", "other, absent ledger"],
    }
    assert set(known.others.values()) == {ISSUER}
    made = Reading(Declaration({}, ()), (), {}, {held("a").identity: held("a")}, ["x."])
    assert made.known(OLD, None, ()) == Known((held("a"),), ("x.",))


@dataclass
class Clock:
    """The time of a task."""

    time: float = 100.0
    left: float = 1000.0
    pauses: list[float] = field(default_factory=list)
    flow: Flow = field(default_factory=Flow)

    def elapsed(self) -> float:
        """How long the task runs."""
        return self.time

    def remaining(self) -> float:
        """How long it may still."""
        return self.left

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.pauses.append(seconds)
        self.time += seconds


def waited(
    answers: t.Mapping[str, t.Sequence[Cause]], seconds: float, clock: Clock, released: t.Container[str] = ()
) -> tuple[dict[t.Any, Verdict], list[str]]:
    """Wait; ``answers``: what each app is told one time after the other, the last one for ever."""
    asked: list[str] = []

    apple = t.cast(t.Any, object())

    def check(asks: object, name: str, environment: Environment) -> Verdict:
        # A loop without an end is a failure, not a wait.
        assert asks is apple and len(asked) < 50
        causes = answers[name]
        cause = causes[min(asked.count(name), len(causes) - 1)]
        asked.append(name)
        return Verdict(cause, "Hint.", environment, sandbox_accepts=cause == "app_not_released")

    loaded = SimpleNamespace(check=check, id=lambda name: ("issuer", NEW, "f") if name in answers else None)
    context = SimpleNamespace(transport=clock)
    apps: t.Any = [(name, "production") for name in answers] * 2
    found = wait_for_apple(t.cast(t.Any, loaded), apps, released, apple, t.cast(t.Any, context), seconds)
    return found, asked


def causes(found: t.Mapping[t.Any, Verdict]) -> dict[str, str]:
    """Causes by app."""
    return {name: verdict.cause for (name, _environment), verdict in found.items()}


def test_what_is_accepted_is_not_waited_for() -> None:
    clock = Clock()
    found, asked = waited({"a": ["accepted"], "b": ["app_not_released"]}, 60.0, clock)
    assert causes(found) == {"a": "accepted", "b": "app_not_released"} and sorted(asked) == ["a", "b"]
    assert clock.pauses == []


def test_only_what_is_refused_is_asked_again_until_it_is_accepted() -> None:
    clock = Clock()
    found, asked = waited({"a": ["accepted"], "b": ["unauthenticated", "unauthenticated", "accepted"]}, 60.0, clock)
    assert causes(found) == {"a": "accepted", "b": "accepted"}
    assert (asked.count("a"), asked.count("b"), clock.pauses) == (1, 3, [5.0, 5.0])


@pytest.mark.parametrize(
    ("seconds", "left", "pauses"),
    [
        (0.0, 1000.0, []),
        (12.0, 1000.0, [5.0, 5.0, 2.0]),
        (10.5, 1000.0, [5.0, 5.0, 0.5]),
        (10.0, 1000.0, [5.0, 5.0]),
        (60.0, 14.0, [5.0, 2.0]),
    ],
)
def test_the_wait_ends_in_time_and_leaves_half_to_the_move(seconds: float, left: float, pauses: list[float]) -> None:
    clock = Clock(left=left)
    found, asked = waited({"a": ["unauthenticated"]}, seconds, clock)
    assert (causes(found), clock.pauses, len(asked)) == ({"a": "unauthenticated"}, pauses, len(pauses) + 1)


def test_never_released_is_no_answer_for_an_app_that_was() -> None:
    clock = Clock()
    found, _asked = waited({"a": ["app_not_released"], "b": ["app_not_released"]}, 0.0, clock, {"a"})
    assert causes(found) == {"a": "unauthenticated", "b": "app_not_released"}
    assert found["a", "production"].sandbox_accepts


def test_a_refusal_of_one_app_among_others_is_explained_by_them() -> None:
    found, _asked = waited({"a": ["accepted"], "b": ["unauthenticated"]}, 0.0, Clock())
    assert f"Key {NEW} works for 1 of 2 apps here" in found["b", "production"].hint
