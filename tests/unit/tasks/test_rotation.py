# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new key in place of an old one: what stops it, what moves, and when the old key may be revoked."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

import pytest
from rotation_support import HANDOFF, NEW, OLD, ONE, PROJECT, TWO, Json, Publisher
from unit_servers import Simulator
from unit_support import ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import AppStoreConnect
from ansible_collections.storeops.refunds.plugins.module_utils._apple.hints import NEW_KEY
from ansible_collections.storeops.refunds.plugins.module_utils._apple.web_errors import OtherTeam
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permit
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.job import Job
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.reading import Reading

UNSEEN = "in no ledger or tracker that this run can see"


@pytest.fixture
def publisher(sim: Simulator, tmp_path: Path) -> Publisher:
    """Two apps on the old key, in the ledger."""
    made = Publisher(sim, tmp_path)
    assert made.site(made.declared(ONE, TWO)).results["changed"]
    return made


def test_what_uses_the_old_key_moves_and_the_old_one_is_revoked(publisher: Publisher) -> None:
    keys = publisher.declared(ONE, TWO)
    plan = publisher.rotate(keys, stage="plan", revoke=True)
    assert plan.results["rotation"]["uses"] == [f"{ONE} in the ledger", f"{TWO} in the ledger"]
    done = publisher.both(keys, revoke=True)
    assert not done.results.get("failed"), done.message
    assert publisher.held() == {ONE: NEW, TWO: NEW} and publisher.active() == {NEW}
    message = done.results["rotation"]["message"]
    assert f"2 integrations were moved from {OLD} to {NEW}. {OLD} is revoked." in message and f"key_id {NEW}" in message
    (record,) = done.results["irreversible"]
    assert record["step"] == "revoke_key" and "no known integration uses it" in record["proven"]
    assert done.results["diff"]["after"][f"key {OLD}"] == {"active": False}
    again = publisher.rotate(publisher.declared(ONE, TWO, key_id=NEW, file="new.p8"), revoke=True)
    assert not again.message, again.message
    assert not again.results["changed"] and f"{OLD} was revoked before." in again.results["rotation"]["message"]


def test_a_revocation_that_the_list_of_keys_does_not_show_is_not_told_as_done(publisher: Publisher) -> None:
    world = publisher.sim.control("GET", "/world")
    publisher.sim.control("PUT", "/world", {**world, "app_store_connect": {"key_attributes": ["canDownload"]}})
    done = publisher.rotate(publisher.declared(ONE, TWO), revoke=True)
    assert not done.results.get("failed") and publisher.active() == {NEW}, done.message
    assert f"The revocation of {OLD} was asked for; look in the browser" in done.results["rotation"]["message"]
    assert done.results["diff"]["after"][f"key {OLD}"] == {"active": None}


@pytest.mark.parametrize("lag", [3, 4])
def test_a_list_of_keys_that_lags_behind_the_revocation(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, lag: int
) -> None:
    """It is read again for a while; then what was moved is told, and that App Store Connect took the revocation."""
    listed, revoked = AppStoreConnect.list_keys, AppStoreConnect.revoke
    stale: list[t.Any] = []

    def revoke(self: AppStoreConnect, key_id: str, permit: Permit) -> None:
        stale.extend([listed(self)] * lag)
        revoked(self, key_id, permit)

    monkeypatch.setattr(AppStoreConnect, "list_keys", lambda self: stale.pop() if stale else listed(self))
    monkeypatch.setattr(AppStoreConnect, "revoke", revoke)
    done = publisher.rotate(publisher.declared(ONE, TWO), revoke=True)
    assert publisher.active() == {NEW} and done.results["changed"]
    told = f"App Store Connect took the revocation of {OLD}, but the team" if lag > 3 else ""
    assert (told in done.message) if told else not done.message


REVOKE, LIST = "revoke_subscription_key", "list_subscription_keys"
# What App Store Connect answers at the end, and what is told of it.
AT_THE_END: dict[str, tuple[list[Json], str]] = {
    "refused": ([{"kind": "status", "status": 409, "body": "{}", "match": {"endpoint": REVOKE}}], "HTTP 409"),
    "session ended": (
        [{"kind": "status", "status": 401, "body": "{}", "match": {"endpoint": REVOKE}}],
        "Sign in again",
    ),
    "no answer": ([{"kind": "status", "status": 503, "body": "{}", "match": {"endpoint": REVOKE}}], "503"),
    "no list": ([{"kind": "status", "status": 409, "body": "{}", "match": {"endpoint": LIST}}], "HTTP 409"),
    "no list after it": (
        [
            {"kind": "delay", "seconds": 0.01, "match": {"endpoint": LIST}, "times": 1},
            {"kind": "status", "status": 409, "body": "{}", "match": {"endpoint": LIST}},
        ],
        "took the revocation",
    ),
}


@pytest.mark.parametrize("name", AT_THE_END)
def test_what_fails_after_the_move_is_told_with_what_has_to_be_declared(publisher: Publisher, name: str) -> None:
    """Else the next run of site moves everything back."""
    faults, told = AT_THE_END[name]
    for fault in faults:
        publisher.sim.fault(**fault)
    done = publisher.rotate(publisher.declared(ONE, TWO), revoke=True, deadline=60)
    assert done.results["failed"] and publisher.held() == {ONE: NEW, TWO: NEW}
    moved = f"2 integrations were moved from {OLD} to {NEW}. Put the new key into your list of keys (key_id {NEW}, "
    assert told in done.message and moved in done.message and done.results["changed"]


def test_a_session_of_another_team_leaves_word_of_what_was_moved(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(self: AppStoreConnect) -> list[t.Any]:
        raise OtherTeam("'Studio'", "'Another'")

    monkeypatch.setattr(AppStoreConnect, "list_keys", other)
    done = publisher.rotate(publisher.declared(ONE, TWO), revoke=True)
    assert "now acts for 'Another'" in done.message and f"Put the new key into your list of keys (key_id {NEW}" in (
        done.message
    )


def test_what_is_declared_with_the_old_key_and_held_nowhere_keeps_it(publisher: Publisher) -> None:
    """Another ledger may hold it: that nothing here uses the old key proves nothing then."""
    keys = publisher.declared(ONE, TWO, "com.example.three")
    done = publisher.both(keys, revoke=True)
    assert f"Declared with {OLD}, but {UNSEEN}: com.example.three. Declare these apps" in done.message
    assert publisher.active() == {OLD, NEW} and "irreversible" not in done.results
    nameless = [{**keys[0], "key": "other", "key_id": None, "apps": ["com.example.three"]}]
    done = publisher.both([*publisher.declared(ONE, TWO), *nameless], revoke=True)
    assert f"Declared with a key whose key_id isn't known, but {UNSEEN}: com.example.three." in done.message
    absent = {"bundle_id": "com.example.three", "state": "absent"}
    done = publisher.rotate(publisher.declared(ONE, TWO, absent), revoke=True)
    assert not done.message and publisher.active() == {NEW}, done.message


def test_a_tracker_that_waits_for_the_new_key_keeps_the_old_one(publisher: Publisher) -> None:
    """Its options are gone from the declaration, so that nobody decides about it; the ledger remembers."""
    both = {"bundle_id": ONE, "trackers": ["ledger", "devtodev"], "devtodev": HANDOFF}
    confirmed = {**both, "devtodev": {**HANDOFF, "confirmed": True}}
    for one in (both, confirmed):
        assert not publisher.site(publisher.declared(one, TWO)).results.get("failed")
    assert not publisher.rotate(publisher.declared(both, TWO)).results.get("failed")
    done = publisher.both(publisher.declared(ONE, TWO), revoke=True)
    told = f"On {NEW}, but not known to be Active: {ONE} at devtodev (project game)."
    assert told in done.message and publisher.active() == {OLD, NEW}, done.message


def test_check_mode_speaks_in_the_conditional_before_the_key_is_made(publisher: Publisher) -> None:
    new = {"private_key_path": str(publisher.folder / "none.p8"), "predicted": True, "issuer_id": ISSUER}
    outcome = publisher.rotate(publisher.declared(ONE, TWO), True, new_key=new, revoke=True)
    message = outcome.results["rotation"]["message"]
    assert outcome.results["changed"] and not outcome.results.get("failed"), outcome.message
    which = f"2 integrations ({ONE} in the ledger, {TWO} in the ledger) would be moved from {OLD} to the new key."
    assert f"{which} {OLD} would be revoked." in message
    # Nothing that looks as if a key were taken away.
    after = outcome.results["diff"]["after"][ONE]
    assert (after["key_id"], after["key_fingerprint"]) == ("(the new key)",) * 2
    assert publisher.held() == {ONE: OLD, TWO: OLD} and publisher.active() == {OLD, NEW}


def test_without_revoke_the_old_key_stays_and_what_it_means_is_said(publisher: Publisher) -> None:
    done = publisher.both(publisher.declared(ONE, TWO))
    assert publisher.active() == {OLD, NEW} and publisher.held() == {ONE: NEW, TWO: NEW}
    message = done.results["rotation"]["message"]
    assert f"{OLD} is still active." in message and "moves the apps back" in message


def test_an_app_that_production_accepted_and_now_refuses_keeps_the_old_key(publisher: Publisher) -> None:
    """The sandbox accepts the new key, production doesn't: "never released" is no proof for such an app."""
    match = {"endpoint": "get_transaction_info", "environment": "production", "key_id": NEW, "bundle_id": TWO}
    publisher.sim.fault(kind="status", status=401, body="Unauthenticated", match=match)
    done = publisher.both(publisher.declared(ONE, TWO), revoke=True)
    assert done.results["failed"] and f"{OLD} stays active." in done.message and TWO in done.message
    assert "production accepted" in done.message.lower()
    assert publisher.held() == {ONE: NEW, TWO: OLD} and publisher.active() == {OLD, NEW}
    assert "irreversible" not in done.results
    publisher.sim.control("DELETE", "/faults")
    done = publisher.rotate(publisher.declared(ONE, TWO), revoke=True)
    assert publisher.held() == {ONE: NEW, TWO: NEW} and publisher.active() == {NEW}, done.message


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "reset"}], ids=["503", "reset"])
def test_an_undecided_check_moves_and_revokes_nothing(publisher: Publisher, fault: Json) -> None:
    publisher.sim.fault(**fault, match={"endpoint": "get_transaction_info", "key_id": NEW})
    done = publisher.rotate(publisher.declared(ONE, TWO), revoke=True, deadline=20)
    assert done.results["failed"] and publisher.held() == {ONE: OLD, TWO: OLD} and publisher.active() == {OLD, NEW}
    # Nobody said anything against the key.
    assert f"{ONE}, {TWO}: {'unreachable' if fault['kind'] == 'reset' else 'service_unavailable'}: " in done.message
    assert "accept" not in done.message and "refuse" not in done.message


def test_it_waits_until_apple_accepts_the_new_key(publisher: Publisher) -> None:
    match = {"endpoint": "get_transaction_info", "key_id": NEW}
    # Two apps, each asked twice in production and once in the sandbox; no try of the second round is refused.
    publisher.sim.fault(kind="status", status=401, body="Unauthenticated", match=match, times=6)
    done = publisher.rotate(publisher.declared(ONE, TWO), wait=60)
    assert not done.results.get("failed"), done.message
    assert publisher.held() == {ONE: NEW, TWO: NEW}


@pytest.mark.parametrize("names", [(ONE,), (ONE, TWO)])
def test_a_new_key_that_apple_does_not_know_yet_is_not_called_revoked(
    sim: Simulator, tmp_path: Path, names: tuple[str, ...]
) -> None:
    publisher = Publisher(sim, tmp_path)
    publisher.site(publisher.declared(*names))
    world = sim.control("GET", "/world")
    world["teams"][0]["iap_keys"][1]["created_at"] = time.time()
    sim.control("PUT", "/world", {**world, "key_propagation_s": 86_400})
    done = publisher.both(publisher.declared(*names), revoke=True)
    assert done.results["failed"] and publisher.held() == dict.fromkeys(names, OLD)
    assert f"{', '.join(names)}: unauthenticated: {NEW_KEY} " in done.message and done.message.count(NEW_KEY) == 1
    assert "revoked" not in done.message.partition(NEW_KEY)[0]
    sim.control("PUT", "/world", {**world, "key_propagation_s": 0})
    assert not publisher.both(publisher.declared(*names), revoke=True).results.get("failed")


def test_both_environments_are_moved(publisher: Publisher) -> None:
    publisher.site(publisher.declared({"bundle_id": ONE, "environment": "sandbox"}))
    done = publisher.rotate(publisher.declared(ONE, TWO), revoke=True)
    assert publisher.held(environment="sandbox") == {ONE: NEW} and publisher.active() == {NEW}
    assert "for both apps; it is" in done.results["irreversible"][0]["proven"], "three integrations, two apps"


def test_an_app_that_was_never_released_moves(sim: Simulator, tmp_path: Path) -> None:
    publisher = Publisher(sim, tmp_path)
    sim.control("PATCH", f"/apps/{TWO}", {"released": False})
    publisher.site(publisher.declared(ONE, TWO))
    done = publisher.both(publisher.declared(ONE, TWO), revoke=True)
    assert publisher.held() == {ONE: NEW, TWO: NEW} and publisher.active() == {NEW}, done.message
    assert "for 1 of 2 apps (the others were never released);" in done.results["irreversible"][0]["proven"]


def test_what_the_sandbox_accepts_is_no_proof_for_production(sim: Simulator, tmp_path: Path) -> None:
    publisher = Publisher(sim, tmp_path)
    sim.control("PATCH", f"/apps/{TWO}", {"released": False})
    publisher.site(publisher.declared(ONE, TWO))
    publisher.site(publisher.declared({"bundle_id": TWO, "environment": "sandbox"}))
    done = publisher.rotate(publisher.declared(ONE, TWO), revoke=True)
    assert publisher.held(environment="sandbox") == {TWO: NEW}, done.message
    assert "for 1 of 2 apps (the others were never released);" in done.results["irreversible"][0]["proven"]


def test_every_declared_tracker_is_moved_and_what_is_entered_by_hand_is_waited_for(publisher: Publisher) -> None:
    keys = publisher.declared({"bundle_id": ONE, "trackers": ["ledger", "devtodev"], "devtodev": HANDOFF}, TWO)
    publisher.site(keys, devtodev={"confirmed": True})
    publisher.site(keys, devtodev={"confirmed": True})
    done = publisher.both(keys, revoke=True)
    # The person has to enter it first: until then, devtodev works with the old key.
    assert done.results["failed"] and "1 integration must be entered by hand: " in done.message, done.message
    assert f"{ONE} at devtodev (project game)" in done.message and publisher.active() == {OLD, NEW}
    told = publisher.both(keys).results["rotation"]["message"]
    assert told.startswith(f"2 integrations use {NEW}, and Apple accepts it. 1 integration must be entered by hand: ")
    confirmed = [{**keys[0], "apps": [{**keys[0]["apps"][0], "devtodev": {**HANDOFF, "confirmed": True}}, TWO]}]
    done = publisher.rotate(confirmed, revoke=True)
    assert not done.results.get("failed") and publisher.active() == {NEW}, done.message


@pytest.mark.parametrize("confirmed", [ONE, TWO])
@pytest.mark.parametrize("is_default", [True, False])
def test_what_is_confirmed_of_one_app_is_confirmed_of_no_other(
    publisher: Publisher, confirmed: str, is_default: bool
) -> None:
    """One project of devtodev has both pages, and a person may have come to one."""
    apps = [{"bundle_id": name, "trackers": ["ledger", "devtodev"], "devtodev": HANDOFF} for name in (ONE, TWO)]
    for _time in range(2):
        publisher.site(publisher.declared(*apps), devtodev={"confirmed": True})
    assert not publisher.rotate(publisher.declared(*apps)).results.get("failed")
    for app in apps:
        said = {"confirmed": True} if app["bundle_id"] == confirmed else {}
        app["devtodev"] = {**HANDOFF, **({} if said else {"confirmed": False}), **({} if is_default else said)}
    more = {"devtodev": {"confirmed": True}} if is_default else {}
    done = publisher.both(publisher.declared(*apps), revoke=True, **more)
    other = {ONE: TWO, TWO: ONE}[confirmed]
    told = f"1 integration must be entered by hand: {other} at devtodev (project game)."
    assert done.results["failed"] and told in done.message and publisher.active() == {OLD, NEW}, done.message
    assert sorted(publisher.row()) == sorted([(confirmed, NEW, "Active"), (other, NEW, "Pending")])


@pytest.mark.parametrize("confirmed", ["task", "app"])
@pytest.mark.parametrize("project", ["task", "app"])
def test_what_nobody_declares_is_confirmed_by_the_task_wherever_the_project_stands(
    publisher: Publisher, confirmed: str, project: str
) -> None:
    both = [{"bundle_id": name, "trackers": ["ledger", "devtodev"], "devtodev": HANDOFF} for name in (ONE, TWO)]
    for _time in range(2):
        publisher.site(publisher.declared(*both), devtodev={"confirmed": True})
    keys = publisher.declared(both[0])
    assert not publisher.rotate(keys).results.get("failed")
    options = {
        place: {**(HANDOFF if place == project else {}), **({"confirmed": True} if place == confirmed else {})}
        for place in ("task", "app")
    }
    keys = publisher.declared({**both[0], "devtodev": options["app"]})
    done = publisher.both(keys, devtodev=options["task"], revoke=True)
    is_told = confirmed == "app"
    told = f"1 integration must be entered by hand: {TWO} at devtodev (project game)."
    assert (told in done.message) is is_told and publisher.active() == ({OLD, NEW} if is_told else {NEW}), done.message
    assert sorted(publisher.row()) == [(ONE, NEW, "Active"), (TWO, NEW, "Pending" if is_told else "Active")]


def test_what_nobody_noted_at_a_tracker_by_hand_is_entered_anew(publisher: Publisher) -> None:
    """A person may have entered the old key there before the tracker was declared."""
    both = {"bundle_id": ONE, "trackers": ["ledger", "devtodev"], "devtodev": HANDOFF}
    done = publisher.both(publisher.declared(both, TWO), revoke=True)
    told = f"1 integration must be entered by hand: {ONE} at devtodev (project game). Enter {NEW} there"
    assert done.results["failed"] and told in done.message and publisher.active() == {OLD, NEW}, done.message
    confirmed = {**both, "devtodev": {**HANDOFF, "confirmed": True}}
    done = publisher.rotate(publisher.declared(confirmed, TWO), revoke=True)
    assert not done.results.get("failed") and publisher.active() == {NEW}, done.message


def test_what_is_held_nowhere_is_not_entered_by_hand(publisher: Publisher) -> None:
    """In another ledger, a person's word would count for the trackers that only the right one knows."""
    nowhere = {"bundle_id": "com.example.three", "trackers": ["ledger", "devtodev"], "devtodev": HANDOFF}
    for _time in range(2):
        done = publisher.both(publisher.declared(ONE, TWO, nowhere), revoke=True)
        assert f"Declared with {OLD}, but {UNSEEN}: com.example.three. Declare these apps" in done.message
        assert "by hand" not in done.message and publisher.active() == {OLD, NEW}
        assert not any("com.example.three" in text for text in done.warnings)


def test_what_is_declared_absent_is_not_moved(publisher: Publisher) -> None:
    by_hand = {"bundle_id": ONE, "trackers": ["ledger", "devtodev"], "devtodev": {**HANDOFF, "confirmed": True}}
    for _time in range(2):
        assert not publisher.site(publisher.declared(by_hand, TWO)).results.get("failed")
    asked = publisher.declared({**by_hand, "devtodev": HANDOFF, "state": "absent"}, TWO)
    publisher.site(asked)
    before = publisher.row()
    done = publisher.both(asked, revoke=True)
    told = f"Declared absent and still held: {ONE} at devtodev (project game). Run storeops.refunds.site, which removes"
    assert told in done.message and publisher.active() == {OLD, NEW} and publisher.held() == {TWO: NEW}, done.message
    assert not any("enter this at" in text for text in done.warnings) and publisher.row() == before
    # What a person says to be gone is gone, and nothing keeps the old key then.
    gone = publisher.declared({**by_hand, "state": "absent"}, TWO, key_id=NEW, file="new.p8")
    assert not publisher.site(gone).results.get("failed")
    done = publisher.rotate(gone, revoke=True)
    assert not done.results.get("failed") and publisher.active() == {NEW}, done.message


def test_no_new_key_is_given_to_a_tracker_for_what_is_declared_absent(publisher: Publisher) -> None:
    options = publisher.revenuecat(ONE, on_unknown="replace")
    app = {"bundle_id": ONE, "trackers": ["ledger", "revenuecat"], "revenuecat": options, "state": "absent"}
    done = publisher.both(publisher.declared(app, TWO), revoke=True)
    told = f"Declared absent and still held: {ONE} in the ledger, {ONE} at revenuecat (project {PROJECT})."
    assert told in done.message and publisher.at_revenuecat() == [OLD] and publisher.active() == {OLD, NEW}
    assert publisher.held() == {ONE: OLD, TWO: NEW}, done.message


def test_what_was_moved_is_told_where_the_ledger_cannot_be_read_then(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, reads = Job.read, []

    def read_once(job: Job) -> Reading:
        reads.append(job)
        if len(reads) > 1:
            raise LedgerError("The ledger is locked.")
        return read(job)

    monkeypatch.setattr(Job, "read", read_once)
    done = publisher.rotate(publisher.declared(ONE, TWO), revoke=True)
    assert done.results["failed"] and done.results["changed"] and set(done.results["diff"]["after"]) == {ONE, TWO}
    assert "Could not be read: what is held after the move: The ledger is locked." in done.message
    assert done.results["rotation"]["uses"] and publisher.active() == {OLD, NEW}


def test_a_tracker_without_options_keeps_the_old_key(publisher: Publisher) -> None:
    publisher.site(publisher.declared({"bundle_id": ONE, "trackers": ["devtodev"], "devtodev": HANDOFF}))
    done = publisher.both(publisher.declared(ONE, TWO), revoke=True)
    assert done.results["failed"] and f"Still with {OLD}: {ONE} at devtodev (project game)" in done.message
    assert publisher.held() == {ONE: NEW, TWO: NEW} and publisher.active() == {OLD, NEW}
    # Else the next run of the declaration would move them back without a word.
    assert f"Put the new key into your list of keys (key_id {NEW}, private" in done.message
    assert "With the old values there, the next run of storeops.refunds.site moves the apps back." in done.message


def test_a_tracker_that_cannot_be_asked_stops_it(publisher: Publisher) -> None:
    gone = {"api_key": "sk_0123456789", "project_id": "proj1", "url": "http://127.0.0.1:9/v2"}
    keys = publisher.declared({"bundle_id": ONE, "trackers": ["ledger", "revenuecat"], "revenuecat": gone}, TWO)
    plan = publisher.rotate(keys, stage="plan", deadline=20)
    assert plan.results["failed"] and "revenuecat" in plan.message and "No key was made" in plan.message
    done = publisher.both(keys, revoke=True, deadline=20)
    assert done.results["failed"] and "Could not be read: revenuecat" in done.message
    assert publisher.active() == {OLD, NEW} and publisher.held() == {ONE: NEW, TWO: NEW}


def test_what_only_the_ledger_knew_before_a_broken_off_save_has_a_way_on(publisher: Publisher) -> None:
    """RevenueCat shows no key, and the ledger then doesn't say which one it has."""
    options = publisher.revenuecat(ONE, on_unknown="replace")
    app = {"bundle_id": ONE, "trackers": ["ledger", "revenuecat"], "revenuecat": options}
    assert not publisher.site(publisher.declared(app, TWO)).results.get("failed")
    publisher.sim.fault(kind="reset", match={"vendor": "revenuecat", "endpoint": "update_app"})
    assert publisher.rotate([], revenuecat=options, revoke=True).results["failed"]
    publisher.sim.control("DELETE", "/faults")
    for _time in range(2):
        done = publisher.rotate([], revenuecat=options, revoke=True)
        told = f"doesn't show its key: {ONE} at revenuecat (project {PROJECT}). Declare these apps with the new key"
        assert told in done.message and publisher.active() == {OLD, NEW}, done.message
    declared = publisher.declared(app, TWO, key_id=NEW, file="new.p8")
    assert not publisher.site(declared).results.get("failed") and publisher.at_revenuecat() == [NEW]
    done = publisher.rotate(declared, revoke=True)
    assert not done.results.get("failed") and publisher.active() == {NEW}, done.message


@pytest.mark.parametrize("key_id", [None, "OTHERKEY01"], ids=["no Key ID", "another key"])
def test_a_tracker_that_hides_its_key_keeps_the_old_one(publisher: Publisher, key_id: str | None) -> None:
    """The ledger never noted it, so nobody knows which one it is, whatever is declared."""
    app = {"bundle_id": ONE, "trackers": ["ledger", "revenuecat"], "revenuecat": publisher.revenuecat(ONE)}
    keys = [*publisher.declared(TWO), {**publisher.declared(app, file="other.p8")[0], "key": "other", "key_id": key_id}]
    done = publisher.both(keys, revoke=True)
    told = (
        f"May still use {OLD}, because the tracker doesn't show its key and no run is known to have applied the "
        f"declared one: {ONE} at revenuecat (project {PROJECT}). Run storeops.refunds.site with on_unknown: replace"
    )
    assert told in done.message and publisher.active() == {OLD, NEW}, done.message
    assert publisher.held() == {ONE: NEW, TWO: NEW} and publisher.at_revenuecat() == [OLD]
    app["revenuecat"]["on_unknown"] = "replace"
    done = publisher.rotate(keys, revoke=True)
    # What is declared with another key gets that one, from site.
    assert told in done.message and publisher.at_revenuecat() == [OLD] and publisher.active() == {OLD, NEW}


def test_an_undeclared_app_of_the_ledger_moves_too(publisher: Publisher) -> None:
    publisher.rotate([], revoke=True, new_key={"key_id": NEW, "private_key_path": str(publisher.folder / "new.p8")})
    assert publisher.held() == {ONE: NEW, TWO: NEW} and publisher.active() == {NEW}


def test_a_key_that_is_not_listed_is_not_said_to_be_revoked(publisher: Publisher) -> None:
    publisher.rotate(publisher.declared(ONE, TWO))
    outcome = publisher.rotate(publisher.declared(), old_key_id="TYPEDWRONG", revoke=True)
    message = outcome.results["rotation"]["message"]
    assert "lists no key TYPEDWRONG, so nothing was revoked" in message and "is revoked" not in message
    assert not outcome.results["changed"] and publisher.active() == {OLD, NEW}


PARTNER = "69a6de70-03db-47e3-e053-5b8c7c11a4d1"
PLANS: dict[str, tuple[Json, str]] = {
    "bad Key ID": ({"old_key_id": "2x9r"}, "isn't a Key ID"),
    "no such short name": ({"old_key_id": "studio_b"}, "there are: studio"),
    "relative path": ({"new_key": {"private_key_path": "keys/new.p8"}}, "keys/new.p8 is relative"),
    "unset variable in a path": ({"new_key": {"private_key_path": "$STOREOPS_NOT_SET/new.p8"}}, "new.p8 is relative"),
    "no path": ({"new_key": {"name": "new key"}}, "new_key.private_key_path: is required"),
    "the old key's name": ({"new_key": {"name": "old key", "private_key_path": "/k/n.p8"}}, f"is the name of {OLD}"),
    "the old key itself": ({"new_key": {"key_id": OLD, "private_key_path": "/k/n.p8"}}, "which is to be replaced"),
    "nothing to do": (
        {"old_key_id": "NEVERUSED1", "new_key": {"name": "third", "private_key_path": "/k/n.p8"}},
        "No integration uses NEVERUSED1",
    ),
    "another team's key": (
        {"new_key": {"name": "third", "private_key_path": "/k/n.p8", "issuer_id": PARTNER}},
        "is another team's. The key OLDKEY0001 belongs to",
    ),
    "no Issuer ID": (
        {"new_key": {"name": "third", "private_key_path": "/k/n.p8", "issuer_id": "partner"}},
        "new_key.issuer_id: 'partner' isn't an Issuer ID",
    ),
    "revoke without a session": ({"revoke": True, "session": None}, "revoke: needs a signed-in session"),
    "a misspelt variable": ({"variables": ["iap_key_rotation_hok"]}, "Did you mean iap_key_rotation_hook?"),
}


@pytest.mark.parametrize(("options", "told"), PLANS.values(), ids=list(PLANS))
def test_what_stops_it_is_told_before_a_key_is_made(publisher: Publisher, options: Json, told: str) -> None:
    for check_mode in (True, False):
        outcome = publisher.rotate(publisher.declared(ONE, TWO), check_mode, stage="plan", **options)
        assert outcome.results.get("failed") and told in outcome.message, outcome


@pytest.mark.parametrize("is_declared", [True, False])
def test_the_default_for_all_keys_does_not_outdo_what_the_old_key_says(publisher: Publisher, is_declared: bool) -> None:
    keys = publisher.declared(ONE, TWO) if is_declared else []
    path = str(publisher.folder / "new.p8")
    # The role gives an empty one where none is said.
    new = {"key_id": NEW, "name": "new key", "private_key_path": path, "issuer_id": ""}
    plan = publisher.rotate(keys, stage="plan", issuer_id=PARTNER, new_key=new)
    assert not plan.results.get("failed") and plan.results["rotation"]["issuer_id"] == ISSUER, plan.message
    done = publisher.both(keys, issuer_id=PARTNER, revoke=True, new_key=new)
    assert not done.results.get("failed") and publisher.active() == {NEW}, done.message


def test_the_old_keys_file_is_no_place_for_the_new_key(publisher: Publisher) -> None:
    new = {"name": "third", "private_key_path": str(publisher.folder / "old.p8")}
    for keys in ([], publisher.declared(ONE)):
        outcome = publisher.rotate(keys, stage="plan", new_key=new)
        assert f"is the file of the key {OLD}" in outcome.message


def test_a_team_is_the_same_in_capitals(publisher: Publisher) -> None:
    new = {"name": "third", "private_key_path": "/k/n.p8", "issuer_id": f" {ISSUER.upper()}"}
    plan = publisher.rotate(publisher.declared(ONE, TWO), stage="plan", new_key=new)
    assert not plan.results.get("failed"), plan.message


def test_a_plan_that_was_begun_goes_on(publisher: Publisher) -> None:
    publisher.rotate(publisher.declared(ONE, TWO))
    outcome = publisher.rotate(publisher.declared(ONE, TWO), stage="plan")
    assert not outcome.results.get("failed") and outcome.results["rotation"]["new_key_id"] == NEW
    assert outcome.results["rotation"]["uses"] == []


def test_the_short_name_of_the_old_key_will_do(publisher: Publisher) -> None:
    outcome = publisher.rotate(publisher.declared(ONE, TWO), old_key_id="studio")
    assert outcome.results["rotation"]["old_key_id"] == OLD and publisher.held() == {ONE: NEW, TWO: NEW}
