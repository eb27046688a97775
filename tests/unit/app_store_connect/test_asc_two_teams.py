# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One session, two teams with keys of the same name, and somebody else who switches the session to the other team."""

from __future__ import annotations

import typing as t

import pytest
import requests
from asc_support import CREATE, LIST, NAME, OTHER_TEAM_ID, READ, REVOKE, Person, key
from unit_support import ISSUER, KEY_ID, OTHER_ISSUER, Outcome, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Reply, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key_info

Enter = t.Callable[..., Person]
OTHER_KEY = "OTHERTEAM1"
BOTH = "'Studio A' team_id 120000001", "'Studio B' team_id 120000002"
GONE: dict[str, t.Any] = {"state": "absent", "revoke": True}


class Case(t.NamedTuple):
    """``own`` and ``other``: whether the key of each team can be downloaded; None where it has none."""

    own: bool | None
    other: bool | None
    options: dict[str, t.Any]
    has_file: bool = False


CASES = {
    "made": Case(None, None, {}),
    "made, and the other team has one to download": Case(None, True, {}),
    "downloaded": Case(True, True, {}),
    "kept": Case(False, True, {}, has_file=True),
    "replaced": Case(False, False, {"regenerate": "if_lost"}),
    "replaced always": Case(False, False, {"regenerate": "always"}, has_file=True),
    "revoked by its name": Case(False, False, GONE, has_file=True),
    "revoked by its ID": Case(False, False, {**GONE, "name": None, "key_id": KEY_ID, "private_key_path": None}),
}


def entered(world: Enter, case: Case, pem: str) -> Person:
    """Enter a world of two teams; the session acts for the first one."""
    own, other = (
        [] if downloadable is None else [key(key_id, downloadable=downloadable)]
        for key_id, downloadable in ((KEY_ID, case.own), (OTHER_KEY, case.other))
    )
    person = world(teams=(ISSUER, OTHER_ISSUER), keys=own, other_keys=other)
    person.path.unlink(missing_ok=True)
    if case.has_file:
        write_key(person.path, pem)
    return person


def run_beside(person: Person, monkeypatch: pytest.MonkeyPatch, at: int, check_mode: bool, **options: t.Any) -> Outcome:
    """Run, and switch the session right before the call number ``at`` of the run, as its browser does."""
    url, send, calls = person.options["app_store_connect_url"], Transport.send, iter(range(1000))

    def late(transport: Transport, call: Call) -> Reply:
        if next(calls) == at:
            body = {"provider": {"providerId": OTHER_TEAM_ID}}
            headers = {"Cookie": call.headers()["Cookie"], "X-Requested-With": "olympus-ui"}
            requests.post(f"{url}/olympus/v1/session", json=body, headers=headers, timeout=60).raise_for_status()
        return send(transport, call)

    with monkeypatch.context() as beside:
        beside.setattr(Transport, "send", late)
        return person.run(check_mode, issuer_id=ISSUER, **options)


def others(person: Person) -> list[dict[str, t.Any]]:
    """The other team's keys."""
    return list(person.sim.control("GET", "/world")["teams"][1]["iap_keys"])


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_a_switch_before_any_call_changes_nothing_in_the_other_team(
    world: Enter, monkeypatch: pytest.MonkeyPatch, name: str, check_mode: bool, pem: str
) -> None:
    case = CASES[name]
    person = entered(world, case, pem)
    assert not person.run(check_mode, issuer_id=ISSUER, **case.options).results.get("failed")
    made_by, failed = [], 0
    endpoints = person.endpoints()
    for at, endpoint in enumerate(endpoints):
        person = entered(world, case, pem)
        before = others(person)
        person.forget_calls()
        outcome = run_beside(person, monkeypatch, at, check_mode, **case.options)
        assert not [call for call in person.sim.calls()["calls"] if OTHER_KEY in call["path"]]
        if others(person) != before:
            # What nobody can see before: it is told afterwards, and nothing is lost.
            made_by.append(endpoint)
            (made,) = [one["key_id"] for one in others(person) if one not in before]
            assert outcome.results["failed"] and outcome.results["changed"] and made in outcome.message
            assert all(team in outcome.message for team in BOTH) and str(person.path) in outcome.message
            continue
        failed += bool(outcome.results.get("failed"))
        if outcome.results.get("failed"):
            assert "session" in outcome.message or "404" in outcome.message, outcome.message
            outcome = person.run(check_mode, issuer_id=ISSUER, **case.options)
        assert not outcome.results.get("failed") and others(person) == before, (at, outcome)
        assert outcome.results["iap_key"]["issuer_id"] == ISSUER and outcome.results["iap_key"]["key_id"] != OTHER_KEY
        assert check_mode or len(person.active()) == ("state" not in case.options)
    assert failed and made_by == [endpoint for endpoint in endpoints if endpoint == CREATE]


def test_the_keys_of_another_team_are_not_shown_as_this_one_s(world: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    person = entered(world, CASES["downloaded"], "")
    outcome = run_beside(person, monkeypatch, 1, False, task=iap_key_info.TASK)
    assert outcome.results["failed"] and all(team in outcome.message for team in BOTH)


def test_a_session_with_one_team_is_not_asked_again(person: Person) -> None:
    person.run()
    assert person.endpoints() == ["get_session", LIST, CREATE, READ, LIST]
    person.run(**GONE)
    assert person.endpoints()[5:] == ["get_session", LIST, REVOKE, LIST]
    assert person.active(NAME) == []
