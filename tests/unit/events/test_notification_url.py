# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""app_store_notification_url against the simulator."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from events_support import NOW, ledger_at
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, Outcome, public_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._apple import test_notification
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.coverage import find_coverage
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.notification_urls import known_urls
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.apps import notification_url, url_knowledge

URL = "https://refunds.example.com/apple"
OTHER = "https://api.revenuecat.com/v1/incoming-webhooks/apple/SECRETOFOURS"
TWO = "com.example.two"
API_KEY_ID = "ASCKEY0001"


class Place:
    """Two apps at the simulator, a key of each kind, and a ledger that knows the first app."""

    def __init__(self, sim: Simulator, folder: Path) -> None:
        self.sim, self.folder = sim, folder
        self.ledger_url = f"sqlite:///{folder}/ledger.db"
        self.key = write_key(folder / f"SubscriptionKey_{KEY_ID}.p8", sim.pem)
        self.api_key = write_key(folder / f"AuthKey_{API_KEY_ID}.p8", sim.pem)

    def world(self, first: dict[str, t.Any] | None = None, **settings: t.Any) -> None:
        """Put the world; ``first``: more of the first app; ``settings``: of server notifications."""
        key = {"public_key": public_pem(self.sim.pem)}
        apps = [{"bundle_id": BUNDLE_ID, "apple_id": 1, **(first or {})}, {"bundle_id": TWO, "apple_id": 2}]
        team = {"issuer_id": ISSUER, "apps": apps, "iap_keys": [{"key_id": KEY_ID, **key}]}
        team["app_store_connect_keys"] = [{"key_id": API_KEY_ID, **key}]
        self.sim.control("PUT", "/world", {"teams": [team], "server_notifications": settings})

    def integrate(self) -> None:
        """Put the first app's integration into the ledger."""
        ledger = ledger_at(self.ledger_url)
        identity = Identity("ledger", "", "production", BUNDLE_ID)
        put_integration(ledger, Integration(identity, ISSUER, KEY_ID, None, "Active", str(self.key), 1), NOW)
        ledger.close()

    def run(self, check_mode: bool = False, **options: t.Any) -> Outcome:
        """Run the task; None takes an option away."""
        given = {
            "bundle_id": BUNDLE_ID,
            "production_url": URL,
            "api_issuer_id": ISSUER,
            "api_private_key_path": str(self.api_key),
            "app_store_connect_api_url": self.sim.announced["app_store_connect_api"],
            "app_store_server_url": self.sim.url,
            "ledger": {"url": self.ledger_url},
            **options,
        }
        return run_task(notification_url.TASK, {k: v for k, v in given.items() if v is not None}, check_mode)

    def held(self, bundle_id: str = BUNDLE_ID) -> tuple[str | None, str | None, str | None]:
        """Give what App Store Connect holds: production, its version, sandbox."""
        (app,) = (one for one in self.sim.control("GET", "/world")["teams"][0]["apps"] if one["bundle_id"] == bundle_id)
        names = ("", "_version", "_for_sandbox")
        production, version, sandbox = (app.get(f"subscription_status_url{name}") for name in names)
        return production, version, sandbox

    def knowledge(self) -> tuple[t.Any, t.Any]:
        """Give what the ledger knows of the first app: its URL, and the coverage of its refunds."""
        ledger = ledger_at(self.ledger_url, read_only=True)
        url = known_urls(ledger, [BUNDLE_ID]).get(("production", BUNDLE_ID))
        with ledger.reading() as connection:
            coverage = find_coverage(connection, App("apple", "production", BUNDLE_ID))
        ledger.close()
        return url, coverage


@pytest.fixture
def place(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Apps without URLs; nobody waits for Apple."""
    monkeypatch.setattr(test_notification, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(test_notification, "_PAUSE_S", {"production": 0.01, "sandbox": 0.01})
    made = Place(sim, tmp_path)
    made.world()
    return made


def urls(outcome: Outcome) -> list[dict[str, t.Any]]:
    """Give the results by URL of a task that succeeded."""
    assert not outcome.results.get("failed"), outcome.message
    return t.cast("list[dict[str, t.Any]]", outcome.results["notification_urls"])


def with_url(url: str = OTHER, version: str = "V2") -> dict[str, t.Any]:
    """An app with a URL."""
    return {"subscription_status_url": url, "subscription_status_url_version": version}


def test_set_once_with_check_mode_telling_before(place: Place) -> None:
    predicted = place.run(check_mode=True, sandbox_url=f"{URL}/sandbox")
    assert place.held() == (None, None, None) and not (place.folder / "ledger.db").exists()
    done = place.run(sandbox_url=f"{URL}/sandbox")
    assert place.held() == (URL, "V2", f"{URL}/sandbox")
    assert predicted.results["diff"] == done.results["diff"] and predicted.results["changed"]
    assert predicted.results["notification_urls"] == done.results["notification_urls"]
    after = done.results["diff"]["after"][BUNDLE_ID]["production"]
    assert (after["host"], after["version"]) == ("refunds.example.com", "V2")
    again = place.run(sandbox_url=f"{URL}/sandbox")
    assert not again.results["changed"] and again.results["diff"] == {"before": {}, "after": {}}
    assert [one["state"] for one in urls(again)] == ["as_declared", "as_declared"]
    assert len(place.sim.calls("?endpoint=update_app")["calls"]) == 1


def test_another_path_of_the_declared_host_is_nobody_elses(place: Place) -> None:
    place.world(with_url("https://refunds.example.com/old"))
    outcome = place.run()
    assert outcome.results["changed"] and place.held()[0] == URL
    before = outcome.results["diff"]["before"][BUNDLE_ID]["production"]
    after = outcome.results["diff"]["after"][BUNDLE_ID]["production"]
    assert before["host"] == after["host"] and before["url_sha256"] != after["url_sha256"]


@pytest.mark.parametrize("choice", ["keep", "replace", "fail"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_another_hosts_url(place: Place, choice: str, check_mode: bool) -> None:
    place.world(with_url())
    outcome = place.run(check_mode, on_other_url=choice)
    assert outcome.results["changed"] is (choice == "replace")
    assert place.held()[0] == (URL if choice == "replace" and not check_mode else OTHER)
    assert bool(outcome.results.get("failed")) is (choice == "fail")
    (told,) = outcome.results["notification_urls"]
    assert told["other_host"] == "api.revenuecat.com"
    assert told["state"] == ("as_declared" if choice == "replace" else "other_host")
    words = outcome.message if choice == "fail" else " ".join(outcome.warnings)
    assert ("api.revenuecat.com" in words) is (choice != "replace")
    assert "SECRETOFOURS" not in str(outcome)


@pytest.mark.parametrize("declared", [{"production_url": None}, {}], ids=["sandbox", "both"])
@pytest.mark.parametrize("choice", ["keep", "replace", "fail"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_another_hosts_url_that_the_sandbox_has_through_production(
    place: Place, choice: str, check_mode: bool, declared: dict[str, t.Any]
) -> None:
    place.world(with_url())
    outcome = place.run(check_mode, sandbox_url=f"{URL}/sandbox", on_other_url=choice, **declared)
    assert outcome.results["changed"] is (choice == "replace")
    is_set = choice == "replace" and not check_mode
    production = URL if is_set and not declared else OTHER
    assert (place.held()[0], place.held()[2]) == (production, f"{URL}/sandbox" if is_set else None)
    assert bool(outcome.results.get("failed")) is (choice == "fail")
    told = outcome.results["notification_urls"][-1]
    assert told["environment"] == "sandbox" and told["other_host"] == "api.revenuecat.com"
    assert told["state"] == ("as_declared" if choice == "replace" else "other_host")
    assert told["host"] == ("refunds.example.com" if choice == "replace" else "api.revenuecat.com")
    words = outcome.message if choice == "fail" else " ".join(outcome.warnings)
    assert (f"{BUNDLE_ID} (sandbox)" in words) is (choice != "replace")
    assert "SECRETOFOURS" not in str(outcome)


def test_production_and_sandbox_on_hosts_of_our_own(place: Place) -> None:
    place.run()
    (_production, sandbox) = urls(place.run(sandbox_url="https://sandbox.example.com/apple"))
    assert sandbox["changed"] and place.held()[2] == "https://sandbox.example.com/apple"


@pytest.mark.parametrize(("choice", "version"), [("keep", "V1"), ("replace", "V2"), ("fail", "V1")])
def test_version_1_is_mended_when_asked(place: Place, choice: str, version: str) -> None:
    place.world(with_url(URL, "V1"))
    outcome = place.run(on_version_1=choice)
    assert place.held()[:2] == (URL, version) and bool(outcome.results.get("failed")) is (choice == "fail")
    assert bool(outcome.warnings) is (choice == "keep")
    assert outcome.results["notification_urls"][0]["state"] == ("version_1" if version == "V1" else "as_declared")


def test_a_list_fails_once_and_names_what_is_not_there(place: Place) -> None:
    apps = [
        {"bundle_id": "com.example.TWO"},
        {"bundle_id": TWO},
        {"bundle_id": BUNDLE_ID, "production_url": f"{URL}/1"},
    ]
    outcome = place.run(bundle_id=None, apps=apps)
    assert outcome.results["failed"] and outcome.message.startswith("com.example.TWO (production): ")
    assert outcome.message.count("com.example") == 2 and outcome.results["changed"]
    assert (place.held(TWO)[0], place.held()[0]) == (URL, f"{URL}/1")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"production_url": "http://127.0.0.1/apple"}, "production_url"),
        ({"production_url": None}, "production_url"),
        ({"bundle_id": None}, "bundle_id"),
        ({"apps": [{"bundle_id": TWO}, {"bundle_id": TWO}]}, "apps[1].bundle_id"),
        ({"apps": [{"bundle_id": TWO, "sandbox_url": "https://u:p@example.com"}]}, "apps[0].sandbox_url"),
    ],
)
def test_options_that_cannot_be_used(place: Place, options: dict[str, t.Any], word: str) -> None:
    outcome = place.run(**options)
    assert outcome.results["failed"] and word in outcome.message, outcome.message
    assert not place.sim.calls("?vendor=app_store_connect_api")["calls"]


@pytest.mark.parametrize(
    ("result", "meaning"),
    [
        ("SUCCESS", ""),
        ("TLS_ISSUE", "the TLS handshake failed"),
        ("TIMED_OUT", "didn't answer in time"),
        ("UNSUCCESSFUL_HTTP_RESPONSE_CODE", "another HTTP status than 200 to 206"),
        ("OTHER", "does not explain"),
    ],
)
def test_the_proof(place: Place, result: str, meaning: str) -> None:
    place.world(test_result=result)
    place.integrate()
    outcome = place.run(verify=True)
    (told,) = outcome.results["notification_urls"]
    assert told["test"]["result"] == result and place.held()[0] == URL
    assert bool(outcome.results.get("failed")) is (result != "SUCCESS") and meaning in outcome.message
    assert (result in outcome.message and "refunds.example.com" in outcome.message) is (result != "SUCCESS")
    # Without a test, the last one of this very URL counts.
    (later,) = urls(place.run())
    assert later["state"] == ("proven" if result == "SUCCESS" else "as_declared")
    (elsewhere,) = urls(place.run(production_url=f"{URL}/2"))
    assert elsewhere["state"] == "as_declared" and elsewhere["proven_at"] is None


@pytest.mark.parametrize("before", [OTHER, f"{URL}/old", URL], ids=["another host", "another path", "version 1"])
@pytest.mark.parametrize("was_proven", [False, True], ids=["", "proven once"])
def test_the_server_of_before_proves_nothing_for_a_url_that_was_changed(
    place: Place, before: str, was_proven: bool
) -> None:
    """Apple may call the URL of before for a while, and its server answers well."""
    place.integrate()
    if was_proven:
        place.world(with_url(URL), test_result="SUCCESS")
        assert urls(place.run(verify=True))[0]["state"] == "proven"
    place.world(with_url(before, "V1" if before == URL else "V2"), test_result="SUCCESS")
    asked = len(place.sim.calls("?endpoint=request_test_notification")["calls"])
    changed = place.run(verify=True, on_other_url="replace", on_version_1="replace")
    (told,) = urls(changed)
    assert (told["changed"], told["state"], told["test"], told["proven_at"]) == (True, "as_declared", None, None)
    (warning,) = changed.warnings
    assert f"No test notification was asked for: {BUNDLE_ID} (production)." in warning and "Run again" in warning
    assert place.knowledge()[0].test_result is None
    assert len(place.sim.calls("?endpoint=request_test_notification")["calls"]) == asked
    (later,) = urls(place.run(verify=True))
    assert later["state"] == "proven" and later["test"]["result"] == "SUCCESS"


def test_a_sandbox_that_gets_the_url_that_it_had_through_production_is_proven_at_once(place: Place) -> None:
    place.world(with_url(URL))
    place.integrate()
    (told,) = urls(place.run(verify=True, production_url=None, sandbox_url=URL))
    assert (told["environment"], told["changed"], told["state"]) == ("sandbox", True, "proven")


def test_a_url_of_which_apple_does_not_know_yet(place: Place) -> None:
    place.integrate()
    body = {"errorCode": 4040007, "errorMessage": "No App Store Server Notification URL found for this app."}
    place.sim.fault(kind="status", status=404, match={"endpoint": "request_test_notification"}, body=body)
    outcome = place.run(verify=True)
    assert (
        f"Apple says that {BUNDLE_ID} (production) has no notification URL. If it was set just now" in outcome.message
    )
    assert "sandbox" not in outcome.message


def test_a_test_that_is_asked_for_again_keeps_to_apples_limit(place: Place) -> None:
    """A passing 401 counts, too, and the second call would come within the same second."""
    place.integrate()
    match = {"endpoint": "request_test_notification"}
    place.sim.fault(kind="status", status=401, times=1, match=match)
    place.sim.fault(kind="status", status=429, times=1, match=match, headers={"Retry-After": "0"})
    outcome = place.run(verify=True)
    assert urls(outcome)[0]["state"] == "proven", outcome.message


def test_apple_tells_nothing_in_time(place: Place) -> None:
    place.world(test_delay_s=3600)
    place.sim.control(
        "PUT", "/world", {**place.sim.control("GET", "/world"), "rate_limits": {"get_test_notification_status": 0}}
    )
    outcome = place.run(verify=True, wait_timeout=0.02, private_key_path=str(place.key), issuer_id=ISSUER)
    assert outcome.results["failed"] and "wait_timeout" in outcome.message


def test_without_a_key_nothing_can_be_proven_but_all_is_set(place: Place) -> None:
    outcome = place.run(verify=True)
    assert outcome.results["failed"] and "private_key_path" in outcome.message and place.held()[0] == URL


def test_a_key_that_was_given_as_text_is_not_at_hand(place: Place) -> None:
    place.integrate()
    ledger = ledger_at(place.ledger_url)
    identity = Identity("ledger", "", "production", BUNDLE_ID)
    put_integration(ledger, Integration(identity, ISSUER, KEY_ID, None, "Active", None, 1), NOW)
    ledger.close()
    outcome = place.run(verify=True)
    assert outcome.results["failed"] and "its key was given as text" in outcome.message
    assert "Apply refund_tracking_integration" not in outcome.message and "private_key_content" in outcome.message
    given = place.run(verify=True, private_key_content=place.key.read_text(), key_id=KEY_ID, issuer_id=ISSUER)
    assert given.results["notification_urls"][0]["test"]["result"] == "SUCCESS"


def test_check_mode_posts_nothing(place: Place) -> None:
    place.integrate()
    (told,) = urls(place.run(check_mode=True, verify=True))
    assert told["test"] is None and not place.sim.calls("?endpoint=request_test_notification")["calls"]


def test_nobody_tests_at_another_service(place: Place) -> None:
    place.world(with_url())
    place.integrate()
    assert urls(place.run(verify=True))[0]["test"] is None


def test_what_is_learnt_goes_into_the_ledger(place: Place) -> None:
    place.integrate()
    place.run(check_mode=True)
    assert place.knowledge() == (None, None)
    place.run()
    url, coverage = place.knowledge()
    assert (url.state, url.host) == ("as_declared", "refunds.example.com")
    assert (coverage.url, coverage.state) == ("V2", "unknown") and coverage.known_from == coverage.url_at
    # Nothing is covered yet, so that the first reading goes back as far as Apple does.
    assert coverage.covered_from == coverage.covered_until == coverage.settled_until < coverage.known_from


def test_a_version_1_url_that_stays_makes_the_coverage_unknown(place: Place) -> None:
    place.world(with_url(URL, "V1"))
    place.integrate()
    place.run()
    url, coverage = place.knowledge()
    assert (url.state, coverage.url) == ("version_1", "V1") and "version 1" in coverage.reason


@pytest.mark.parametrize("version", ["V2", "V1"])
@pytest.mark.parametrize("choice", ["keep", "fail", "replace"])
def test_coverage_learns_at_once_what_another_hosts_url_says(place: Place, choice: str, version: str) -> None:
    place.world(with_url(version=version))
    place.integrate()
    place.run(on_other_url=choice)
    url, coverage = place.knowledge()
    is_ours = choice == "replace"
    assert (url.state, url.host) == (
        ("as_declared", URL.split("/")[2]) if is_ours else ("other_host", OTHER.split("/")[2])
    )
    # Whoever has the URL: of version 2, Apple keeps a history from now on.
    assert coverage.url == ("V2" if is_ours else version)
    assert (coverage.known_from is not None) is (coverage.url == "V2")


def test_an_update_that_is_refused_is_told_with_apples_words(place: Place) -> None:
    place.sim.fault(kind="status", status=409, match={"endpoint": "update_app"}, body={"errors": [{"detail": "No."}]})
    outcome = place.run()
    assert outcome.results["failed"] and not outcome.results["changed"] and "No." in outcome.message


def test_an_update_that_changes_nothing_is_noticed(place: Place) -> None:
    place.sim.fault(kind="status", status=200, match={"endpoint": "update_app"}, body={"data": {}})
    outcome = place.run()
    assert outcome.results["failed"] and "shows another one afterwards (none)" in outcome.message
    assert outcome.results["changed"] and "Whether the URL was set is unknown." in outcome.message


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_lost_answer_to_a_change_that_was_made_is_looked_up(place: Place, kind: str) -> None:
    place.world(with_url())
    place.sim.fault(kind=kind, match={"method": "PATCH"})
    (entry,) = urls(place.run(on_other_url="replace", deadline=8))
    assert place.held()[0] == URL
    assert (entry["changed"], entry["host"], entry["state"]) == (True, "refunds.example.com", "as_declared")


@pytest.mark.parametrize(
    ("update", "read"),
    [
        ({"kind": "reset"}, {"kind": "reset"}),
        ({"kind": "reset"}, {"kind": "status", "status": 401}),
        ({"kind": "status", "status": 503}, {"kind": "reset"}),
        (None, {"kind": "status", "status": 500}),
    ],
)
def test_what_nobody_can_tell_is_said_to_be_unknown(place: Place, update: dict[str, t.Any], read: t.Any) -> None:
    place.world(with_url())
    place.integrate()
    place.run()
    known, coverage = place.knowledge()
    if update:
        place.sim.fault(**update, match={"method": "PATCH"})
    place.sim.fault(**read, match={"method": "GET", "path": "*/v1/apps/1"})
    outcome = place.run(on_other_url="replace", deadline=4)
    (entry,) = outcome.results["notification_urls"]
    assert outcome.results["failed"] and outcome.results["changed"]
    assert (entry["changed"], entry["host"], entry["state"]) == (True, None, "unknown")
    assert "Whether the URL was set is unknown. Run again" in outcome.message
    after, heard = place.knowledge()
    assert after == known, "what is not known isn't stored"
    assert replace(heard, url_at=coverage.url_at, proven_at=coverage.proven_at) == coverage


def test_a_refusal_is_one_also_where_the_url_cannot_be_read_afterwards(place: Place) -> None:
    place.world(with_url())
    place.sim.fault(kind="status", status=403, match={"endpoint": "update_app"})
    place.sim.fault(kind="status", status=401, match={"method": "GET", "path": "*/v1/apps/1"})
    outcome = place.run(on_other_url="replace")
    (entry,) = outcome.results["notification_urls"]
    assert outcome.results["failed"] and not outcome.results["changed"] and "unknown" not in outcome.message
    assert (entry["changed"], entry["host"]) == (False, "api.revenuecat.com") and place.held()[0] == OTHER


def test_what_was_set_is_told_where_the_ledger_fails_afterwards(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.integrate()

    def broken(*_given: object) -> None:
        raise LedgerError("The ledger is gone.")

    monkeypatch.setattr(url_knowledge, "put_urls", broken)
    outcome = place.run()
    assert outcome.results["failed"] and outcome.results["changed"] and "The ledger is gone." in outcome.message
