# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Poll mode against the simulator, and that both ways in share one ledger."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import runpy
import time
import typing as t
from dataclasses import replace
from pathlib import Path
from unittest import mock

import jinja2
import pytest
import yaml
from events_support import NOW, ledger_at
from jinja2.nativetypes import NativeEnvironment
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, ROOT, fingerprint_of, public_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._apple.notification_history import TooLong
from ansible_collections.storeops.refunds.plugins.module_utils._context import Context
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import Consumer
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    list_integrations,
    put_integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Window
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events import polling
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.polling import Poller
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.settings import parse_settings
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.source import Parts, World, run
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_ledger

URL = {"subscription_status_url": "https://refunds.example.com/", "subscription_status_url_version": "V2"}
HOUR = 3_600_000
BOUGHT = {"product_id": "coins", "price": 9990, "currency": "EUR"}


class Place:
    """One app at the simulator, its key, and a ledger that declares it."""

    def __init__(self, sim: Simulator, folder: Path, others: t.Sequence[str] = ()) -> None:
        self.sim, self.folder = sim, folder
        self.url = f"sqlite:///{folder}/ledger.db"
        key = write_key(folder / "key.p8", sim.pem)
        found = sim.session.get(f"{sim.announced['control']}/root_certificate?format=pem", timeout=120)
        (folder / "root.pem").write_bytes(found.content)
        team = {"issuer_id": ISSUER, "iap_keys": [{"key_id": KEY_ID, "public_key": public_pem(sim.pem)}]}
        names = [BUNDLE_ID, *others]
        team["apps"] = [{"bundle_id": name, "apple_id": number, **URL} for number, name in enumerate(names, 1)]
        # Apple waits for a receiver as long as this machine may need.
        calm = {"rate_limits": {"get_notification_history": 0}, "server_notifications": {"send_timeout_s": 300}}
        sim.control("PUT", "/world", {"teams": [team], **calm})
        ledger = ledger_at(self.url)
        for number, name in enumerate(names, 1):
            identity = Identity("ledger", "", "production", name)
            put_integration(ledger, Integration(identity, ISSUER, KEY_ID, None, "Active", str(key), number), NOW)
        ledger.close()

    def tell(self, kind: str, number: int, app: str = BUNDLE_ID) -> None:
        """Let Apple tell of something."""
        now = int(time.time() * 1000)
        bought = {"transaction_id": str(number), "purchase_date": now - 3_600_000, **BOUGHT}
        if kind == "REFUND":
            bought |= {"revocation_date": now, "revocation_reason": 1, "revocation_percentage": 100_000}
        note = {"type": kind, "signed_date": now, "transaction": bought}
        self.sim.control("POST", f"/apps/{app}/notifications", note)

    def options(self) -> dict[str, t.Any]:
        """Give what both the source and refund_ledger take."""
        return {
            "ledger": {"url": self.url},
            "app_store_server_url": self.sim.url,
            "root_certificate_path": str(self.folder / "root.pem"),
        }

    def is_done(self) -> bool:
        """Tell whether no event waits in the ledger."""
        ledger = ledger_at(self.url, read_only=True)
        try:
            return Consumer(ledger, "rulebook", "nobody").waiting(1) == []
        finally:
            ledger.close()

    def polled(self, count: int, polls: int = 0) -> tuple[list[dict[str, t.Any]], list[str]]:
        """Run the source until it gave that many events and asked Apple so often; give them, and its warnings."""
        warnings: list[str] = []
        world = World({}, time.time, time.monotonic, warnings.append, warnings.append, "me")

        asked: list[int] = []
        poll = Poller.poll

        def counted(poller: Poller) -> None:
            poll(poller)
            asked.append(1)

        async def work() -> list[dict[str, t.Any]]:
            queue: asyncio.Queue[dict[str, t.Any]] = asyncio.Queue()
            task = asyncio.create_task(run(queue, {**self.options(), "interval": 1}, world))
            found: list[dict[str, t.Any]] = []
            async with asyncio.timeout(600):
                while len(found) < count:
                    found.append(await queue.get())
                # The last one is let go of.
                while len(asked) < polls or not await asyncio.to_thread(self.is_done):
                    await asyncio.sleep(0.05)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            return found + [queue.get_nowait() for _number in range(queue.qsize())]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Poller, "poll", counted)
            return asyncio.run(work()), warnings


@pytest.fixture
def place(sim: Simulator, tmp_path: Path) -> Place:
    """A declared app, and a consumer that began before anything happened."""
    return begun(Place(sim, tmp_path))


def begun(made: Place) -> Place:
    """Let a consumer begin."""
    ledger = ledger_at(made.url)
    consumer = Consumer(ledger, "rulebook", "nobody")
    assert consumer.claim(int(time.time() * 1000) - 60_000)
    consumer.release()
    ledger.close()
    return made


def test_refunds_and_requests_once_whoever_reads_them(place: Place) -> None:
    place.tell("REFUND", 1)
    place.tell("CONSUMPTION_REQUEST", 2)
    found, warnings = place.polled(2)
    assert [(one["kind"], one["transaction_id"]) for one in found] == [("refund", "1"), ("consumption_request", "2")]
    assert len(warnings) == len(set(warnings))
    # What the source recorded isn't new to refund_ledger, and the other way round.
    task = {"bundle_id": BUNDLE_ID, **place.options()}
    assert run_task(refund_ledger.TASK, task).results["refunds"]["new"] == 0
    place.tell("REFUND", 3)
    assert run_task(refund_ledger.TASK, task).results["refunds"]["new"] == 1
    assert [one["transaction_id"] for one in place.polled(1)[0]] == ["3"]
    assert place.polled(0, polls=2)[0] == []


def test_however_many_apps_there_are_none_is_compared_with_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def entry(number: int) -> Integration:
        identity = Identity("ledger", "", "production", f"com.example.n{number}")
        return Integration(identity, "issuer", "KEY", None, "Active" if number % 2 else "Pending", None, number)

    def equal(one: Integration, other: object) -> bool:
        compared.append(one.identity.bundle_id)
        return one is other

    entries = [entry(number) for number in range(60)]
    asked: list[int] = []
    monkeypatch.setattr(Integration, "__eq__", equal)
    monkeypatch.setattr(polling, "update", lambda request, _context: asked.append(len(request.apps)))
    monkeypatch.setattr(Poller, "_keys", lambda _self, apps: [(app, mock.Mock()) for app in apps])
    monkeypatch.setattr(polling, "store", lambda *_arguments: None)
    monkeypatch.setattr(Poller, "_requests", lambda *_arguments: None)
    declared = mock.Mock(all=lambda: entries)
    warnings: list[str] = []
    transport = Transport(HttpSettings())
    context = Context(False, {}, time.time, warnings.append, transport)
    Poller(parse_settings({}), declared, context).poll()
    assert asked == [30] and compared == []
    assert len(warnings) == 1 and "com.example.n0 (production)" in warnings[0] and "25 more" in warnings[0]


def test_all_apps_at_the_same_time_and_none_stops_another(sim: Simulator, tmp_path: Path) -> None:
    names = [f"com.example.n{number}" for number in range(6)]
    place = begun(Place(sim, tmp_path, names))
    for number, name in enumerate(names):
        place.tell("CONSUMPTION_REQUEST" if number % 2 else "REFUND", 10 + number, name)
    match = {"endpoint": "get_notification_history", "bundle_id": names[1]}
    sim.fault(kind="status", status=403, body="{}", content_type="application/json", match=match)
    sim.fault(kind="delay", seconds=0.05)
    sim.control("DELETE", "/calls")
    found, warnings = place.polled(5)
    assert sorted(one["transaction_id"] for one in found) == ["10", "12", "13", "14", "15"]
    assert sim.calls("?limit=0")["connections"] > 1
    assert all(names[1] in warning and "403" in warning for warning in warnings if "HTTP" in warning)
    assert sum("HTTP 403" in warning for warning in warnings) == 2, "of its refunds, and of its requests"


NOT_HERE = "the key's file can't be found on this machine, so Apple isn't asked for their refunds."


# What is wrong with an app's key, the path that is stored, and what is said.
def _denies_closed(really: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    def look(path: t.Any, *given: t.Any, **more: t.Any) -> t.Any:
        if str(path).endswith("closed.p8"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return really(path, *given, **more)

    return look


KEYLESS: dict[str, tuple[str | None, str]] = {
    "no path": (None, f"com.bad (production; no path is stored): {NOT_HERE}"),
    "no file": ("gone.p8", f"gone.p8): {NOT_HERE}"),
    "a link to nothing": ("dangling.p8", f"dangling.p8): {NOT_HERE}"),
    "a folder that is closed": ("closed.p8", "Permission denied"),
    "a link": ("link.p8", "is a symbolic link."),
    "a wide mode": ("wide.p8", "has mode 0644"),
    "damaged": ("damaged.p8", "damaged.p8 is damaged"),
    "another key": ("other.p8", "now holds another key"),
    "a folder": ("folder", "is a folder."),
}


@pytest.mark.parametrize("others", [True, False])
@pytest.mark.parametrize("case", KEYLESS)
def test_an_app_without_a_key_here_is_told_once_and_stops_no_other(
    tmp_path: Path, pem: str, other_pem: str, case: str, others: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that it tells names an option that this source doesn't have."""
    sound = write_key(tmp_path / "sound.p8", pem)
    write_key(tmp_path / "wide.p8", pem, 0o644)
    write_key(tmp_path / "other.p8", other_pem)
    write_key(tmp_path / "damaged.p8", "hunter2")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.p8").symlink_to(sound)
    (tmp_path / "dangling.p8").symlink_to(tmp_path / "nowhere")
    name, said = KEYLESS[case]
    # A folder's mode keeps nobody out who runs the tests as root.
    for looks in ("stat", "lstat", "open"):
        monkeypatch.setattr(os, looks, _denies_closed(getattr(os, looks)))
    paths = {"com.bad": name and str(tmp_path / name), **({"com.good": str(sound)} if others else {})}
    entries = [
        Integration(Identity("ledger", "", "production", app), ISSUER, KEY_ID, fingerprint_of(pem), "Active", path, 1)
        for app, path in paths.items()
    ]
    asked: list[str] = []
    monkeypatch.setattr(
        polling, "update", lambda request, _context: asked.extend(one.identity.bundle_id for one in request.apps)
    )
    monkeypatch.setattr(polling, "_payloads", lambda history, _window: asked.append(history.bundle_id) or [])
    monkeypatch.setattr(polling, "store", lambda *_arguments: None)
    warnings: list[str] = []
    context = Context(False, {}, time.time, warnings.append, Transport(HttpSettings()))
    Poller(parse_settings({}), mock.Mock(all=lambda: entries), context).poll()
    assert asked == ["com.good", "com.good"] * others
    (warning,) = warnings
    assert said in warning and warning.startswith("com.bad (production")
    source = runpy.run_path(str(ROOT / "extensions/eda/plugins/event_source/refund_events.py"))
    own = yaml.safe_load(source["DOCUMENTATION"])["options"]
    # What is to be declared is an option of the modules.
    named = set(re.findall(r"(?<!Declare )\b(?:[a-z]+_)+[a-z]+\b", warning.replace(str(tmp_path), "")))
    assert named <= set(own), named


def test_apps_of_one_cause_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        Integration(Identity("ledger", "", "production", f"com.n{number}"), ISSUER, KEY_ID, None, "Active", None, 1)
        for number in range(7)
    ]
    monkeypatch.setattr(polling, "update", pytest.fail)
    warnings: list[str] = []
    context = Context(False, {}, time.time, warnings.append, Transport(HttpSettings()))
    Poller(parse_settings({}), mock.Mock(all=lambda: entries), context).poll()
    assert len(warnings) == 1 and "com.n4 (production; no path is stored) and 2 more: the key's file" in warnings[0]


def test_requests_that_cannot_be_used_are_told(place: Place) -> None:
    """Apple waits twelve hours for an answer: who declared a wrong Apple ID has to hear of it before."""
    ledger = ledger_at(place.url)
    (held,) = list_integrations(ledger, "ledger", "", "production")
    put_integration(ledger, replace(held, app_apple_id=99), NOW)
    ledger.close()
    place.tell("CONSUMPTION_REQUEST", 1)
    told: list[str] = []
    parts = Parts(parse_settings(place.options()), World({}, time.time, time.monotonic, told.append, told.append, "me"))
    Poller(parts.settings, parts.declared(), parts.context(told.append)).poll()
    (warning,) = [text for text in told if "consumption" in text]
    assert warning.startswith(f"{BUNDLE_ID} (production): ") and "(1 wrong_apple_id)" in warning


@pytest.mark.parametrize("interval", [1, 12 * 3600, 24 * 3600])
def test_what_is_signed_right_after_a_poll_is_in_the_next_one(interval: int, monkeypatch: pytest.MonkeyPatch) -> None:
    windows: list[Window] = []
    monkeypatch.setattr(polling, "_payloads", lambda _history, window: windows.append(window) or [])
    entry = Integration(Identity("ledger", "", "production", BUNDLE_ID), "issuer", "KEY", None, "Active", None, 1)
    # The first poll takes ten minutes.
    for now in (1_760_000_000.0, 1_760_000_600.0 + interval):
        context = Context(False, {}, lambda now=now: now, pytest.fail, Transport(HttpSettings()))
        Poller(parse_settings({"interval": interval}), mock.Mock(), context)._requests(entry, mock.Mock(), context)
    first, second = windows
    assert second.start <= first.end and second.start <= second.end - 13 * HOUR


def test_requests_are_read_in_parts_where_there_are_too_many() -> None:
    asked: list[Window] = []

    class History:
        """Answers for one hour at most."""

        def signed_payloads(self, kind: str, window: Window, parts: t.Callable[[t.Any], int]) -> list[str]:
            assert kind == "CONSUMPTION_REQUEST" and parts(["any"]) == 1
            if window.end - window.start > HOUR:
                raise TooLong(3)
            asked.append(window)
            return [f"from {window.start}"]

    found = polling._payloads(t.cast(t.Any, History()), Window(0, 9 * HOUR))
    assert asked == [Window(number * HOUR, (number + 1) * HOUR) for number in range(9)]
    assert found == [f"from {window.start}" for window in asked]


def test_a_silent_database_does_not_hold_up_the_source_for_ever() -> None:
    ledger = Parts(parse_settings({}), World({}, time.time, time.monotonic, print, print, "me")).ledger()
    assert 0 < ledger.patience < 300, "what takes as long is not repeated (test_ledger_stood_in)"


@pytest.mark.parametrize(
    ("args", "word"),
    [
        ({"mode": "push"}, "mode"),
        ({"prot": 1}, "prot"),
        ({"interval": "soon"}, "interval"),
        ({"interval": True}, "interval"),
        ({"interval": 10**400}, "interval"),
        ({"port": 70_000}, "port"),
        ({"path": "apple"}, "path"),
        ({"consumer": "a b"}, "consumer"),
        ({"forward_to": "https://example.com"}, "forward_to"),
        ({"mode": "listen", "forward_to": ["http://example.com/a"]}, "forward_to[0]"),
        ({"app_store_server_url": "http://example.com"}, "app_store_server_url: credentials are sent over https only"),
        ({"ledger": "sqlite:////x"}, "ledger"),
        ({"largest_body": 1}, "largest_body"),
        ({"account_token": "plain"}, "account_token"),
        *(({"feedback": value}, "feedback: .* is neither true nor false") for value in ("false", "true", "", 1, [])),
        # A token that was put there is not shown whole.
        ({"feedback": "sk_live_51HxYzAbCdEf0123456789"}, r"feedback: 'sk_liv\.\.\. \(\d+ characters\)' is neither"),
        # What poll can't do is not left undone in silence.
        ({"account_token": "sha256"}, "account_token"),
        ({"forward_to": ["https://example.com/a"]}, "forward_to: needs mode: listen"),
        # A secret that is not set: it must not mean the ledger of this user, Apple's own services or the usual root.
        ({"ledger": {"url": ""}}, "ledger.url: is given but empty"),
        ({"ledger": {"url": " "}}, "ledger.url: is given but empty"),
        ({"ledger": ""}, "ledger"),
        ({"forward_to": ""}, "forward_to"),
        ({"mode": "listen", "forward_to": [""]}, "forward_to[0]: is given but empty"),
        *(
            ({name: empty}, f"{name}: is given but empty")
            for name in ("root_certificate_path", "app_store_server_url", "ca_path", "consumer", "host", "path")
            for empty in ("", " ")
        ),
    ],
)
def test_arguments_that_cannot_be_used_are_named(args: dict[str, t.Any], word: str) -> None:
    with pytest.raises(InputError, match=f"^{word}".replace("[", r"\[")):
        parse_settings(args)


def test_a_pipe_is_no_file_with_certificates(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=r"ca_path: .*/pipe isn't a regular file"):
        parse_settings({"ca_path": str(tmp_path / "pipe")})


@pytest.mark.parametrize("path", sorted(ROOT.glob("extensions/eda/rulebooks/*.yml")), ids=lambda path: path.name)
def test_our_rulebooks_give_what_is_understood(path: Path) -> None:
    (source,) = yaml.safe_load(path.read_text())[0]["sources"]
    (given,) = (value for name, value in source.items() if name not in ("filters", "name"))
    # As ansible-rulebook does.
    environment = NativeEnvironment(undefined=jinja2.StrictUndefined)
    settings = parse_settings(
        {name: environment.from_string(text).render({}) if "{{" in f"{text}" else text for name, text in given.items()}
    )
    assert settings.root_certificate_path is None and settings.app_store_server_url is None
    # Nobody's account is named unless somebody asks for it.
    assert (settings.mode, settings.account_token, settings.forward_to) == ("poll", "none", ())


@pytest.mark.parametrize(("given", "wanted"), [({}, False), ({"feedback": None}, False), ({"feedback": True}, True)])
def test_feedback_is_wanted_or_not(given: dict[str, t.Any], wanted: bool) -> None:
    assert parse_settings(given).with_feedback is wanted


def test_what_a_rulebook_renders_is_understood() -> None:
    settings = parse_settings({"mode": "listen", "port": "8099", "interval": "30", "forward_to": [], "path": "/apple"})
    assert (settings.mode, settings.port, settings.interval, settings.path) == ("listen", 8099, 30.0, "/apple")
