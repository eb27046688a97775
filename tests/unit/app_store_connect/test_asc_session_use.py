# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a session comes from, whose team it acts for, and what is said when Apple does not take it."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from asc_support import (
    CREATE,
    DES_NAME,
    LIST,
    NAME,
    OTHER_TEAM_ID,
    READ,
    SWITCH,
    TEAM_ID,
    Person,
    as_fastlane,
    as_json,
    key,
    new_cookie,
)
from unit_support import ISSUER, OTHER_ISSUER, as_other_user, give_away, pipe_at

from ansible_collections.storeops.refunds.plugins.module_utils._model.web_session import WebSession

Enter = t.Callable[..., Person]


@pytest.mark.parametrize("way", ["session", "session_path", "variable"])
@pytest.mark.parametrize("shape", [as_json, as_fastlane, lambda cookies: as_fastlane(cookies).replace("\n", "\\n")])
def test_ways_to_give_it(person: Person, tmp_path: Path, way: str, shape: t.Callable[[dict[str, str]], str]) -> None:
    text = shape(person.cookies)
    file = tmp_path / "cookie"
    file.touch(mode=0o600)
    file.write_text(text)
    options: dict[str, t.Any] = {"session": None}
    if way != "variable":
        options[way] = text if way == "session" else str(file)
    environ = {"FASTLANE_SESSION": text} if way == "variable" else {"FASTLANE_SESSION": "[broken"}
    done = person.run(environ=environ, **options).results
    assert not done.get("failed") and person.fits(done["iap_key"]["key_id"])
    assert file.read_text() == text, "refreshed cookies stay in memory"


def test_unusable_files(person: Person, tmp_path: Path) -> None:
    file = tmp_path / "cookie"
    file.touch(mode=0o600)
    file.write_text(as_json(person.cookies))
    for mode in (0o640, 0o604):
        file.chmod(mode)
        outcome = person.run(session=None, session_path=str(file))
        assert outcome.results["failed"] and "chmod 600" in outcome.message
    for path, reason in [(tmp_path / "nowhere", "No such file"), (tmp_path, "a folder"), (file, "in UTF-16; save")]:
        if path == file:
            file.chmod(0o600)
            file.write_bytes(b"\xff\xfe")
        outcome = person.run(session=None, session_path=str(path))
        assert outcome.results["failed"] and reason in outcome.message and str(path) in outcome.message
    file.write_text("x" * 100_000)
    assert "more than" in person.run(session=None, session_path=str(file)).message
    with pipe_at(tmp_path / "pipe") as pipe:
        told = f"session_path: {pipe} is a pipe, not a regular file. Give session or session_path"
        assert person.run(session=None, session_path=str(pipe)).message.startswith(told)
    assert person.endpoints() == []


def test_a_refreshed_cookie_is_used_and_never_shown(world: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    person = world(session={"refreshes_cookie": True}, keys=[key("TWINAAAAA1"), key("TWINBBBBB2")])
    held: set[str] = person.seen
    note = WebSession.refresh

    def noted(self: WebSession, lines: t.Iterable[str], host: str) -> None:
        note(self, lines, host)
        held.update(cookie.value.reveal() for cookie in self.cookies)

    monkeypatch.setattr(WebSession, "refresh", noted)
    assert person.run().results["failed"]
    assert len(held) >= 6, "every answer brought two fresh cookies"


def test_a_whole_creation_with_refreshed_cookies(world: Enter) -> None:
    person = world(session={"refreshes_cookie": True, "dqsid": None} | {"dqsid": new_cookie()})
    outcome = person.run()
    assert outcome.results["failed"], "without its dqsid the session is worth nothing"
    person = world(session={"refreshes_cookie": True})
    assert not person.run().results.get("failed") and person.changes() == [CREATE, READ]


def test_an_answer_that_repeats_the_cookies(person: Person) -> None:
    sent = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
    for status in (400, 401, 403, 409, 418, 500):
        for body in (
            {"errors": [{"title": sent, "detail": person.cookies["myacinfo"]}]},
            {"serviceErrors": [{"title": "a", "message": sent}]},
        ):
            person.sim.fault(kind="status", status=status, body=json.dumps(body), times=4, match={"endpoint": LIST})
            outcome = person.run(session=None, environ={"FASTLANE_SESSION": as_json(person.cookies)})
            person.sim.control("DELETE", "/faults")
            assert outcome.results["failed"] and str(status) in outcome.message


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"expired": True}, ["expired", "Sign in again"]),
        ({"expires_at": 1}, ["expired", "Sign in again"]),
        ({"foreign": True}, ["another machine", "Sign in again"]),
        ({"agreement_pending": True}, ["agreement", "Account Holder"]),
        ({"role": "APP_MANAGER"}, ["403", "Account Holder or Admin"]),
        ({"role": "DEVELOPER"}, ["403", "Account Holder or Admin"]),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_refused_sessions(person: Person, state: dict[str, object], told: list[str], check_mode: bool) -> None:
    person.change(**state)
    outcome = person.run(check_mode)
    assert outcome.results["failed"] and all(words in outcome.message for words in told), outcome.message
    assert person.changes() == [] and not person.path.exists()


def test_unknown_and_wrong_cookies(person: Person) -> None:
    for cookies in ({"myacinfo": new_cookie()}, {**person.cookies, DES_NAME: new_cookie()}):
        outcome = person.run(session=as_json(cookies))
        assert outcome.results["failed"] and "does not accept this session" in outcome.message
        assert not [value for value in cookies.values() if value in repr(outcome)]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "status", "status": 302, "headers": {"Location": "https://login.example.com/"}}, "Sign in again"),
        ({"kind": "content_type"}, "Sign in again"),
        ({"kind": "status", "status": 403, "body": "<html>", "content_type": "text/html"}, "Sign in again"),
        ({"kind": "status", "status": 404, "body": ""}, "404"),
        ({"kind": "status", "status": 500, "body": "oops"}, "Run again later"),
        ({"kind": "status", "status": 429, "body": ""}, "Run again later"),
        ({"kind": "content_type", "body": "[]"}, "Sign in again"),
        ({"kind": "content_type", "body": "{}"}, "reported|no such team|list of keys"),
        ({"kind": "content_type", "body": '{"data": [{"id": 5}]}'}, "without an ID|no such team"),
        ({"kind": "content_type", "body": '{"data": [{"id": "../x"}]}'}, "without an ID|no such team"),
        (
            {"kind": "content_type", "body": '{"data": [], "links": {"next": "https://evil.example.com/"}}'},
            "another host|no such",
        ),
        ({"kind": "truncate"}, "broke off|in time"),
        ({"kind": "refuse"}, "broke off"),
    ],
)
@pytest.mark.parametrize("endpoint", ["get_session", LIST])
def test_strange_answers(person: Person, fault: dict[str, t.Any], told: str, endpoint: str) -> None:
    person.sim.fault(match={"endpoint": endpoint}, **fault)
    outcome = person.run()
    assert outcome.results["failed"]
    assert any(words in outcome.message for words in told.split("|")), outcome.message
    assert person.changes() == []


def test_a_redirect_is_not_followed_with_cookies(person: Person) -> None:
    target = person.sim.announced["app_store_connect"] + "/stolen"
    person.sim.fault(kind="status", status=307, headers={"Location": target}, match={"endpoint": "get_session"})
    assert person.run().results["failed"]
    assert {call["path"].rpartition("/")[2] for call in person.sim.calls()["calls"]} == {"session"}


def test_several_teams(world: Enter) -> None:
    person = world(teams=(ISSUER, OTHER_ISSUER), keys=[key("OWNKEY0001")], other_keys=[key("OTHERKEY01")])
    outcome = person.run()
    assert outcome.results["failed"] and "team_id" in outcome.message
    assert all(word in outcome.message for word in (str(TEAM_ID), str(OTHER_TEAM_ID), ISSUER, OTHER_ISSUER, "Studio B"))
    for options in ({"team_id": OTHER_TEAM_ID}, {"issuer_id": OTHER_ISSUER}):
        predicted = person.run(True, **options).results
        assert predicted["iap_key"]["key_id"] == "OTHERKEY01" and predicted["iap_key"]["issuer_id"] == OTHER_ISSUER
    assert person.changes() == [SWITCH], "once: the session stays with its team"
    done = person.run(issuer_id=OTHER_ISSUER).results
    assert done["iap_key"]["key_id"] == "OTHERKEY01" and person.changes() == [SWITCH, READ]
    back = person.run(team_id=TEAM_ID, private_key_path=str(person.folder / "own.p8")).results
    assert back["iap_key"]["key_id"] == "OWNKEY0001" and person.session_now()["team"] == ISSUER


@pytest.mark.parametrize(
    "options", [{"team_id": 7}, {"issuer_id": OTHER_ISSUER}, {"team_id": TEAM_ID, "issuer_id": OTHER_ISSUER}]
)
def test_a_team_that_the_session_has_not(person: Person, options: dict[str, t.Any]) -> None:
    outcome = person.run(**options)
    assert outcome.results["failed"] and "no such team" in outcome.message and ISSUER in outcome.message
    assert person.changes() == []


def test_a_switch_that_does_not_take(world: Enter) -> None:
    person = world(teams=(ISSUER, OTHER_ISSUER))
    person.sim.fault(kind="content_type", body="{}", content_type="application/json", match={"endpoint": SWITCH})
    outcome = person.run(team_id=OTHER_TEAM_ID)
    assert outcome.results["failed"] and "did not switch" in outcome.message and CREATE not in person.endpoints()


def test_a_session_goes_to_https_or_this_machine_only(person: Person) -> None:
    for url in ("http://example.com", "ftp://127.0.0.1", "https://u:p@example.com", "https://[", "nonsense"):
        outcome = person.run(app_store_connect_url=url)
        assert outcome.results["failed"] and "app_store_connect_url" in outcome.message


def test_the_names_of_options_and_environment(person: Person) -> None:
    for options, environ in (({"session": "[oops"}, {}), ({"session": None}, {"FASTLANE_SESSION": "[oops"})):
        outcome = person.run(environ=environ, **options)
        assert outcome.results["failed"] and ("session:" in outcome.message or "FASTLANE_SESSION:" in outcome.message)


def test_a_file_of_someone_else_is_not_read(person: Person, tmp_path: Path) -> None:
    folder = tmp_path / "away"
    folder.mkdir()
    give_away(folder)
    file = tmp_path / "cookie"
    file.touch(mode=0o600)
    file.write_text(as_json(person.cookies))
    options = {**person.options, "private_key_path": str(folder / "a.p8"), "session_path": str(file)}
    options.pop("session")

    def attempt() -> str:
        from asc_support import iap_key, run_task

        return run_task(iap_key.TASK, options).message

    message = as_other_user(attempt)
    assert NAME not in message and str(file) in message
