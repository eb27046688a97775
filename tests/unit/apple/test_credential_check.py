# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts, against the real simulator."""

from __future__ import annotations

import time
import typing as t

import pytest
from unit_ports import free_port
from unit_servers import FOREIGN, FOREIGN_KEY_ID, REVOKED_KEY_ID, UNRELEASED, Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_server import AppStoreServer, Hosts
from ansible_collections.storeops.refunds.plugins.module_utils._apple.credential_check import (
    CredentialCheck,
)
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.refusal import infer_across_apps
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import Environment
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Credentials
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import KeyProblem, parse_content
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Verdict


def check(
    sim: Simulator,
    bundle_id: str = BUNDLE_ID,
    environment: Environment = "production",
    ahead: float = 0.0,
    url: str | None = None,
    pem: str | None = None,
    **fields: str,
) -> Verdict:
    """Make one check as the tasks do; ``ahead`` moves this machine's clock."""
    credentials = Credentials(
        fields.get("issuer_id", ISSUER),
        fields.get("key_id", KEY_ID),
        parse_content(pem or sim.pem),
        fields.get("path"),
    )
    transport = Transport(HttpSettings(), jitter=lambda: 0.0)
    server = AppStoreServer(transport, Hosts(url or sim.url), lambda: time.time() + ahead)
    return CredentialCheck(server).check(credentials, bundle_id, environment)


@pytest.mark.parametrize("environment", ["production", "sandbox"])
def test_accepted(sim: Simulator, environment: Environment) -> None:
    verdict = check(sim, environment=environment)
    assert (verdict.cause, verdict.accepted, verdict.refused) == ("accepted", True, False)
    assert (verdict.http_status, verdict.error_code, verdict.environment) == (404, 4040010, environment)
    assert verdict.request_id and verdict.checked_at and verdict.checked_at.endswith("Z")
    calls = sim.calls()
    assert calls["total"] == 1, "one App Store call per app"
    assert calls["calls"][0]["environment"] == environment


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "wrong issuer": ({"issuer_id": OTHER_ISSUER}, "issuer_mismatch"),
    "unknown key": ({"key_id": "UNKNOWN001"}, "unknown_key_id"),
    "revoked key": ({"key_id": REVOKED_KEY_ID}, "revoked_key"),
    "capitals": ({"bundle_id": "com.example.One"}, "bundle_id_wrong_case"),
    "unknown app": ({"bundle_id": "com.example.none"}, "unknown_bundle_id"),
    "another team's app": ({"bundle_id": FOREIGN}, "bundle_id_of_another_team"),
    "another team's key": ({"key_id": FOREIGN_KEY_ID}, "bad_signature"),
}


@pytest.mark.parametrize("case", WRONG)
def test_unauthenticated(sim: Simulator, case: str) -> None:
    fields, refusal = WRONG[case]
    verdict = check(sim, **t.cast(t.Any, fields))
    assert (verdict.cause, verdict.http_status, verdict.refused) == ("unauthenticated", 401, True)
    for word in ("active", "Key ID", "Issuer ID", "capitals", "another team", "released", "until then"):
        assert word in verdict.hint
    assert verdict.request_id, "Apple's name for the request stands in the text of the 401"
    calls = sim.calls()["calls"]
    assert [call["environment"] for call in calls] == ["production", "production", "sandbox"]
    assert {call["refusal"] for call in calls} == {refusal}


def test_unauthenticated_in_the_sandbox_asks_nobody_else(sim: Simulator) -> None:
    verdict = check(sim, environment="sandbox", key_id="UNKNOWN001")
    assert (verdict.cause, verdict.environment) == ("unauthenticated", "sandbox")
    assert "released" not in verdict.hint
    assert [call["environment"] for call in sim.calls()["calls"]] == ["sandbox"] * 2


def test_with_an_own_url_the_other_environment_is_unknown(sim: Simulator) -> None:
    verdict = check(sim, UNRELEASED, url=sim.url.replace("{environment}", "production"))
    assert verdict.cause == "unauthenticated"
    assert "production service refuses it until then" in verdict.hint and "sandbox" not in verdict.hint
    assert sim.calls()["total"] == 2


def test_app_not_released(sim: Simulator) -> None:
    verdict = check(sim, UNRELEASED)
    assert (verdict.cause, verdict.http_status) == ("app_not_released", 401)
    assert "most likely" in verdict.hint
    assert check(sim, UNRELEASED, "sandbox").accepted
    sim.control("PATCH", f"/apps/{UNRELEASED}", {"released": True})
    assert check(sim, UNRELEASED).accepted


def test_the_wrong_key_file_under_a_sound_key_id(sim: Simulator) -> None:
    assert check(sim, pem=sim.other_pem).cause == "unauthenticated"


@pytest.mark.parametrize(
    ("ahead", "word"), [(3600.0, "ahead of"), (90.0, "ahead of"), (-400.0, "behind"), (-9e6, "behind")]
)
def test_clock_skew(sim: Simulator, ahead: float, word: str) -> None:
    verdict = check(sim, ahead=ahead)
    assert (verdict.cause, verdict.accepted) == ("clock_skew", False)
    assert word in verdict.hint and "NTP" in verdict.hint
    seconds = float(verdict.hint.split("clock is ")[1].split(" s")[0])
    assert seconds == pytest.approx(abs(ahead), abs=5)
    assert sim.calls()["total"] == 2


@pytest.mark.parametrize("ahead", [50.0, -250.0, 0.9])
def test_a_clock_that_is_a_little_off_is_no_matter(sim: Simulator, ahead: float) -> None:
    assert check(sim, ahead=ahead).accepted
    assert sim.calls()["total"] == 1


def test_a_wrong_clock_and_a_wrong_key(sim: Simulator) -> None:
    verdict = check(sim, ahead=7200, key_id="UNKNOWN001")
    assert verdict.cause == "unauthenticated"
    seconds = float(verdict.hint.split("clock is off by ")[1].split(" s")[0])
    assert seconds == pytest.approx(7200, abs=5)


def test_a_wrong_clock_and_an_unreleased_app(sim: Simulator) -> None:
    assert check(sim, UNRELEASED, ahead=7200).cause == "app_not_released"


@pytest.mark.parametrize("name", ["/keys/AuthKey_ABC.p8", "/keys/SubscriptionKey_ABC.p8"])
def test_the_name_of_an_api_key_stands_in_the_hint(sim: Simulator, name: str) -> None:
    verdict = check(sim, key_id="UNKNOWN001", path=name)
    # In the first sentence: summaries show no more.
    assert ("App Store Connect API key" in verdict.hint.partition(". ")[0]) is ("AuthKey" in name)


def test_a_passing_401_is_no_verdict(sim: Simulator) -> None:
    sim.fault(kind="status", status=401, body="Unauthenticated", times=1)
    verdict = check(sim)
    assert (verdict.cause, verdict.http_status) == ("accepted", 404)
    assert sim.calls()["total"] == 2


@pytest.mark.parametrize(
    ("fault", "cause", "status", "code"),
    [
        ({"kind": "status", "error_code": 4290000, "headers": {"Retry-After": "9" * 15}}, "rate_limited", 429, 4290000),
        ({"kind": "status", "status": 429}, "rate_limited", 429, None),
        ({"kind": "status", "error_code": 5000001}, "service_unavailable", 500, 5000001),
        ({"kind": "status", "status": 503}, "service_unavailable", 503, None),
        ({"kind": "status", "status": 501}, "service_unavailable", 501, None),
        ({"kind": "content_type"}, "unexpected_response", 200, None),
        (
            {"kind": "status", "status": 302, "headers": {"Location": "https://login.invalid/"}},
            "unexpected_response",
            302,
            None,
        ),
    ],
)
def test_what_settles_nothing(
    sim: Simulator, fault: dict[str, object], cause: str, status: int, code: int | None
) -> None:
    sim.fault(**fault)
    verdict = check(sim)
    assert (verdict.cause, verdict.http_status, verdict.error_code) == (cause, status, code)
    assert not verdict.accepted and not verdict.refused and verdict.hint


@pytest.mark.parametrize("kind", ["refuse", "reset", "truncate"])
def test_unreachable(sim: Simulator, kind: str) -> None:
    sim.fault(kind=kind)
    verdict = check(sim)
    assert (verdict.cause, verdict.http_status, verdict.request_id) == ("unreachable", None, None)
    assert "127.0.0.1" in verdict.hint
    assert sim.calls()["total"] == 4


def test_unreachable_with_nobody_there(sim: Simulator) -> None:
    assert check(sim, url=f"http://127.0.0.1:{free_port()}").cause == "unreachable"


def test_a_passing_fault_is_repeated(sim: Simulator) -> None:
    sim.fault(kind="reset", times=2)
    assert check(sim).accepted
    assert sim.calls()["total"] == 3


SILENT_SANDBOX: dict[str, dict[str, object]] = {
    "unreachable": {"kind": "refuse"},
    "limited": {"kind": "status", "status": 429, "headers": {"Retry-After": "9" * 15}},
    "in trouble": {"kind": "status", "status": 501},
    "a proxy's page": {"kind": "status", "status": 401, "content_type": "text/html"},
}


@pytest.mark.parametrize("silence", SILENT_SANDBOX)
def test_a_sandbox_without_an_opinion_is_not_said_to_refuse(sim: Simulator, silence: str) -> None:
    sim.fault(**SILENT_SANDBOX[silence], match={"environment": "sandbox"})
    verdict = check(sim, UNRELEASED)
    assert (verdict.cause, verdict.http_status, verdict.is_half) == ("unauthenticated", 401, True)
    assert "which can tell, didn't answer" in verdict.hint and "refused too" not in verdict.hint
    assert "is_half" not in verdict.as_result()
    # The apps of one key, not one of them released: nothing is said against the key.
    found = infer_across_apps([((ISSUER, KEY_ID, "f"), verdict)] * 3)
    assert [one.hint for one in found] == [verdict.hint] * 3
    sim.control("DELETE", "/faults")
    assert check(sim, UNRELEASED).cause == "app_not_released"


def test_a_refusal_by_both_is_whole(sim: Simulator) -> None:
    verdict = check(sim, key_id="UNKNOWN001")
    assert not verdict.is_half and "no usable answer" not in verdict.hint
    found = infer_across_apps([((ISSUER, KEY_ID, "f"), verdict)] * 3)
    assert all("is refused for all 3 apps" in one.hint for one in found)


def test_a_key_that_works_under_other_ids_is_not_suspected(sim: Simulator) -> None:
    good, wrong = check(sim), check(sim, key_id="UNKNOWN001")
    assert good.accepted and wrong.cause == "unauthenticated"
    tried = [((ISSUER, KEY_ID, "f"), good), ((OTHER_ISSUER, KEY_ID, "f"), wrong), ((ISSUER, "UNKNOWN001", "f"), wrong)]
    found = infer_across_apps([*tried, ((OTHER_ISSUER, KEY_ID, "another key"), wrong)])
    assert found[0] == good and found[3] == wrong
    sound = f"works for other apps here as Key ID {KEY_ID} with Issuer ID {ISSUER}, so the key is sound"
    for verdict, differing in ((found[1], f"Issuer ID {OTHER_ISSUER}"), (found[2], "Key ID UNKNOWN001")):
        assert sound in verdict.hint and f"sound: correct {differing}. " in verdict.hint
        assert "revoked" not in verdict.hint.partition(" Apple refused")[0]


def test_a_check_for_which_no_time_is_left_was_none(sim: Simulator) -> None:
    server = AppStoreServer(Transport(HttpSettings(deadline=0.0)), Hosts(sim.url), time.time)
    credentials = Credentials(ISSUER, KEY_ID, parse_content(sim.pem), None)
    verdict = CredentialCheck(server).check(credentials, BUNDLE_ID, "production")
    assert (verdict.cause, verdict.checked_at) == ("unreachable", None) and "not asked" in verdict.hint
    assert sim.calls()["total"] == 0


@pytest.mark.parametrize(
    ("problem", "hint"),
    [
        (KeyProblem("key_unreadable", "It is gone.", "Look."), "It is gone. Look."),
        (KeyProblem("key_wrong_kind", "It is RSA."), "It is RSA."),
        (KeyProblem("key_id_mismatch", "They differ."), "They differ."),
        (KeyProblem("key_not_yet_created", "Predicted."), "Check mode makes no key"),
    ],
)
def test_local_verdicts(sim: Simulator, problem: KeyProblem, hint: str) -> None:
    server = AppStoreServer(Transport(HttpSettings()), Hosts(sim.url), time.time)
    verdict = CredentialCheck(server).local(problem, "sandbox")
    assert (verdict.cause, verdict.environment, verdict.http_status) == (problem.cause, "sandbox", None)
    assert hint in verdict.hint
    assert sim.calls()["total"] == 0
