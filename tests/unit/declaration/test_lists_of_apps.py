# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What comes of a declaration: several trackers, keys in trouble, and hints that know what else is declared."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, causes, outcomes, predicted
from unit_servers import FOREIGN, FOREIGN_KEY_ID, UNRELEASED, Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, Outcome, fingerprint_of, new_pem, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._report.entries import apps_of
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared import progress, trackers

Json = dict[str, t.Any]
TWO = "com.example.two"
HAND: Json = {"mode": "handoff", "project": "p1"}


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    return Bulk(sim, tmp_path)


def below(bulk: Bulk, *apps: t.Any, **changes: t.Any) -> list[Json]:
    """Give both teams' keys, the first one with apps below it."""
    return [{**bulk.keys[0], "apps": list(apps), **changes}, bulk.keys[1]]


def both(name: str, **own: t.Any) -> Json:
    return {"bundle_id": name, "trackers": ["ledger", "devtodev"], **own}


def hints(done: Outcome) -> list[str]:
    return [entry["credential_check"]["hint"] for entry in done.results["integrations"]]


def test_an_app_at_several_trackers_is_one_app_and_one_call(bulk: Bulk) -> None:
    keys = below(bulk, both(BUNDLE_ID), TWO)
    done = bulk.both([], keys=keys, devtodev=HAND)
    assert [(one["label"], one["tracker"], one["status"]) for one in done.results["integrations"]] == [
        (f"{BUNDLE_ID} at ledger", "ledger", "Active"),
        (f"{BUNDLE_ID} at devtodev", "devtodev", "Pending"),
        (TWO, "ledger", "Active"),
    ]
    assert done.results["summary"] == "2 apps: 2 changed (of these not Active: com.example.one)."
    assert done.results["http"]["calls"] == 2
    assert list(done.results["diff"]["after"]) == [f"{BUNDLE_ID} at ledger", f"{BUNDLE_ID} at devtodev", TWO]
    again = bulk.both([], keys=keys, devtodev=HAND)
    assert (
        again.results["summary"] == f"2 apps: 1 not Active ({BUNDLE_ID}), 1 unchanged." and not again.results["changed"]
    )
    for said in (f" Confirmed by hand: {BUNDLE_ID} at devtodev (project p1).", ""):
        confirmed = bulk.both([], keys=keys, devtodev={**HAND, "confirmed": True})
        assert confirmed.results["summary"] == f"2 apps: 2 unchanged.{said}" and not confirmed.results["changed"]
        assert [one["confirmed_by_hand"] for one in confirmed.results["integrations"]] == [False, True, False]


def test_a_confirmation_that_comes_too_early_is_named(bulk: Bulk) -> None:
    """Else whoever gave the variable looks for a slip in it."""
    keys, confirmed = below(bulk, both(BUNDLE_ID)), {**HAND, "confirmed": True}
    place = f"{BUNDLE_ID} at devtodev (project p1)"
    predicted = bulk.run([], True, keys=keys, devtodev=confirmed).results["summary"]
    assert f" Would not be confirmed, because this run would ask for it first: {place}." in predicted
    early = bulk.both([], keys=keys, devtodev=confirmed).results["summary"]
    assert f" Not confirmed, because this run asks for it first: {place}." in early
    assert f" Confirmed by hand: {place}." in bulk.both([], keys=keys, devtodev=confirmed).results["summary"]


def test_of_many_apps_by_hand_few_are_warned_of_and_all_have_their_step(bulk: Bulk) -> None:
    names = [f"com.example.n{number}" for number in range(12)]
    bulk.world(names)
    keys = below(bulk, *({"bundle_id": name, "trackers": ["devtodev"]} for name in names))
    for _run in range(2):
        done = bulk.both([], keys=keys, devtodev=HAND)
        told = [text for text in done.warnings if "new ledger" not in text]
        assert len(told) == 11 and told[-1] == "And 2 more apps with a warning like these: see integrations."
        # The next confirmation counts for all of them, so the last line has each name.
        asked = done.results["summary"].partition("nter these by hand: ")[2]
        assert all(f"{name} at devtodev" in asked for name in names)
        for one in done.results["integrations"]:
            assert f"Key ID {KEY_ID}, .p8 file {keys[0]['private_key_path']}" in one["next_step"]


def test_one_app_in_two_projects_of_a_tracker(bulk: Bulk) -> None:
    entries = [both(BUNDLE_ID), {"bundle_id": BUNDLE_ID, "trackers": ["devtodev"], "devtodev": {"project": "p2"}}]
    done = bulk.both([], keys=below(bulk, *entries), devtodev=HAND)
    labels = [f"{BUNDLE_ID} at ledger", f"{BUNDLE_ID} at devtodev p1", f"{BUNDLE_ID} at devtodev p2"]
    assert list(done.results["diff"]["after"]) == labels
    assert done.results["summary"] == "1 app: 1 changed (of these not Active: com.example.one)."


def test_counts_and_names_are_those_of_apps(bulk: Bulk) -> None:
    names = [f"com.example.n{number}" for number in range(4)]
    done = bulk.both([], keys=below(bulk, *map(both, names))[:1], devtodev=HAND)
    headline, line = done.message.split("\n")
    assert headline == "4 of 4 apps need attention, 1 of 1 key needs attention."
    assert line.endswith(f" Apps: {', '.join(names)}."), "each once, whatever the number of its trackers"


def test_a_revoked_key_is_one_line_that_names_its_apps(bulk: Bulk) -> None:
    keys = below(bulk, BUNDLE_ID, TWO)
    bulk.run([{"bundle_id": FOREIGN, "key": "b"}], keys=keys)
    bulk.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    done = bulk.both([{"bundle_id": FOREIGN, "key": "b"}], keys=keys)
    headline, line = done.message.split("\n")
    assert headline == "2 of 3 apps need attention, 1 of 2 keys needs attention."
    assert line.startswith(
        f"key a: unauthenticated: Key {KEY_ID} is refused for both apps here, and your settings haven't changed since "
        f"Apple last accepted them. Most likely the key was revoked (Issuer ID {ISSUER})"
    )
    assert line.endswith(f". Apps: {BUNDLE_ID}, {TWO}.")
    assert ": a simulator that was started again has to be shown its keys again. Apps:" in line, "Apple wasn't asked"
    assert not any("Apple accepts the declared key" in hint for hint in hints(done)), "and no other key is tried"


def test_settings_that_have_not_changed_say_so(bulk: Bulk) -> None:
    keys = below(bulk, BUNDLE_ID)
    bulk.run([], keys=keys[:1])
    bulk.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    done = bulk.both([], keys=keys[:1])
    wanted = "Your settings haven't changed since Apple last accepted them. Most likely the key was revoked, or the app"
    assert hints(done)[0].startswith(wanted) and f"{BUNDLE_ID}: unauthenticated: {wanted}" in done.message


def test_an_app_that_another_declared_key_may_read(bulk: Bulk) -> None:
    done = bulk.both([], keys=below(bulk, BUNDLE_ID, FOREIGN))
    assert outcomes(done) == [(BUNDLE_ID, "create", "changed"), (FOREIGN, "unchanged", "failed")]
    assert hints(done)[1].startswith("Apple accepts the declared key 'b' for this app")
    headline, line = done.message.split("\n")
    assert headline == "1 of 2 apps needs attention." and line.startswith(
        f"{FOREIGN}: unauthenticated: Apple accepts the declared key 'b'"
    )
    assert FOREIGN not in bulk.held(), "it is told, and not done"


def test_a_fault_while_other_keys_are_tried_hides_no_refusal(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.storeops.refunds.plugins.module_utils._apple.credential_check import CredentialCheck

    check = CredentialCheck.check

    def faulty(self: CredentialCheck, credentials: t.Any, bundle_id: str, place: t.Any) -> t.Any:
        if credentials.key_id == FOREIGN_KEY_ID:
            raise AttributeError("as a mistake would")
        return check(self, credentials, bundle_id, place)

    monkeypatch.setattr(CredentialCheck, "check", faulty)
    done = bulk.both([], keys=below(bulk, BUNDLE_ID, FOREIGN))
    assert causes(done) == ["accepted", "unauthenticated"] and done.message.startswith("1 of 2 apps needs attention.\n")
    assert any("the hint says less than it could" in text for text in done.warnings)


def test_a_tracker_that_can_not_be_opened_stops_no_other(bulk: Bulk) -> None:
    browser = {"mode": "browser", "url": "https://devtodev.invalid/x", "session_path": str(bulk.folder / "none.json")}
    keys = below(bulk, both(BUNDLE_ID, devtodev=browser), TWO)
    done = bulk.both([], keys=keys)
    assert outcomes(done) == [
        (BUNDLE_ID, "create", "changed"),
        (BUNDLE_ID, "unchanged", "failed"),
        (TWO, "create", "changed"),
    ]
    assert [one["status"] for one in done.results["integrations"]] == ["Active", "Unknown", "Active"]
    headline, line = done.message.split("\n")
    assert headline == "1 of 2 apps needs attention." and line.startswith(f"{BUNDLE_ID} at devtodev: devtodev.session")


def test_a_tracker_whose_list_fails_stops_no_other(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = trackers.Trackers.open

    class Silent:
        name, is_listable, has_no_api = "devtodev", True, True

        def list(self, _environment: str) -> t.NoReturn:
            raise RefundsError("devtodev gave no list.")

    def open_silent(self: t.Any, settings: t.Any) -> t.Any:
        return Silent() if settings.tracker == "devtodev" else opened(self, settings)

    monkeypatch.setattr(trackers.Trackers, "open", open_silent)
    done = bulk.both([], keys=below(bulk, both(BUNDLE_ID), TWO), devtodev=HAND)
    assert [entry["outcome"] for entry in done.results["integrations"]] == ["changed", "failed", "changed"]
    assert f"{BUNDLE_ID} at devtodev: devtodev gave no list." in done.message
    alone = bulk.run([], keys=below(bulk, BUNDLE_ID, TWO), tracker="devtodev", devtodev=HAND)
    assert alone.message == "devtodev gave no list.", "where it is the only one, no app can be done"


def test_an_app_that_apple_accepted_at_one_tracker_was_released(bulk: Bulk) -> None:
    bulk.run([], keys=below(bulk, BUNDLE_ID))
    bulk.sim.control("PATCH", f"/apps/{BUNDLE_ID}", {"released": False})
    done = bulk.both([], keys=below(bulk, both(BUNDLE_ID), UNRELEASED), devtodev=HAND)
    assert causes(done) == ["unauthenticated", "unauthenticated", "app_not_released"]
    assert len([text for text in done.warnings if UNRELEASED in text]) == 1


def test_a_warning_about_an_app_at_two_trackers_is_told_once(bulk: Bulk) -> None:
    done = bulk.both([], keys=below(bulk, both(UNRELEASED)), devtodev=HAND)
    assert len([text for text in done.warnings if "app_not_released" in text]) == 1


def test_a_key_that_could_not_be_put_in_place_fails_its_apps_only_by_a_fault_of_its_own(bulk: Bulk) -> None:
    made = [{"key": "a", "failed": True, "msg": "The session is over. Sign in again.", "cause": None}]
    keys = below(bulk, BUNDLE_ID, TWO)
    bad = [{**made[0], "msg": "It is damaged. Replace it.", "cause": "key_unreadable"}]
    done = bulk.both([{"bundle_id": FOREIGN, "key": "b"}], keys=keys, iap_keys=bad)
    assert sorted(outcome for *_rest, outcome in outcomes(done)) == ["changed", "failed", "failed"]
    headline, line = done.message.split("\n")
    assert headline == "2 of 3 apps need attention, 1 of 2 keys needs attention."
    assert line == f"key a: key_unreadable: It is damaged. Replace it. Apps: {BUNDLE_ID}, {TWO}."
    done = bulk.both([{"bundle_id": FOREIGN, "key": "b"}], keys=keys, iap_keys=made)
    assert sorted(outcome for *_rest, outcome in outcomes(done)) == ["changed", "changed", "unchanged"]
    assert done.message == "1 of 2 keys needs attention.\nkey a: The session is over. Sign in again."
    idle = bulk.both([{"bundle_id": FOREIGN, "key": "b"}], keys=bulk.keys, iap_keys=made)
    assert idle.message.startswith("1 of 2 keys needs attention.\nkey a: The session is over. Sign in again.\nHeld in ")
    assert [entry["outcome"] for entry in idle.results["integrations"]] == ["unchanged"]


def test_a_key_that_would_be_made_is_planned_with_what_is_known(bulk: Bulk) -> None:
    bare = [{"key": "a", "apps": [BUNDLE_ID, both(TWO)]}]
    known = {"key_id": KEY_ID, "issuer_id": ISSUER, "private_key_path": str(bulk.folder / "new.p8")}
    made = predicted("a", fingerprint_of(bulk.sim.pem), **known)
    planned = bulk.run([], True, keys=bare, iap_keys=made, devtodev=HAND)
    assert not planned.message and causes(planned) == ["key_not_yet_created"] * 3
    assert not any(one["is_of_key"] for one in planned.results["integrations"]), "a key to be made has no fault"
    assert planned.results["summary"] == "2 apps: 2 would change (of these would not be Active: com.example.two)."
    write_key(bulk.folder / "new.p8", bulk.sim.pem)
    done = bulk.run([], keys=bare, iap_keys=[{**made[0], "predicted": False}], devtodev=HAND)
    assert done.results["diff"] == planned.results["diff"] and causes(done) == ["accepted"] * 3


def test_report_mode_tells_each_fault_and_does_the_rest(bulk: Bulk) -> None:
    faulty = bulk.key("c", issuer_id="nonsense", apps=["com.example.three"])
    keys = [*below(bulk, BUNDLE_ID, both(TWO, devtodev={"mode": "lax"}), {"bundle_id": "com..x"}), faulty, {"key": "b"}]
    done = bulk.both([], keys=keys, on_faulty_app="report")
    found = {(one["bundle_id"], one["tracker"]): one["outcome"] for one in done.results["integrations"]}
    assert found == {
        (BUNDLE_ID, "ledger"): "changed",
        (TWO, "ledger"): "failed",
        (TWO, "devtodev"): "failed",
        ("keys[0] (a).apps[2]", "ledger"): "failed",
        ("com.example.three", "ledger"): "failed",
    }
    lines = done.message.split("\n")
    assert lines[0] == "3 of 4 apps need attention, 1 of 3 keys needs attention."
    assert any(line.startswith("keys[2] (c): issuer_id: 'nonsense' isn't an Issuer ID") for line in lines)
    assert any("keys[3] (b): key 'b' stands in an entry before." in line for line in lines)
    assert bulk.held() == [BUNDLE_ID] and done.results["summary"].startswith("4 apps: 3 need attention, 1 changed.")


def test_a_flat_key_with_a_fault_in_report_mode_is_told_for_its_app(bulk: Bulk) -> None:
    flat = {**bulk.keys[0], "issuer_id": "nonsense", "keys": None}
    done = bulk.both([BUNDLE_ID], **flat, on_faulty_app="report")
    assert "issuer_id: 'nonsense' isn't an Issuer ID" in done.message
    assert done.results["integrations"][0]["declared"] == {"issuer_id": None, "key_id": None, "key_fingerprint": None}


def test_progress_counts_apps(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    totals: list[int] = []
    made = progress.Progress.__post_init__
    monkeypatch.setattr(progress.Progress, "__post_init__", lambda self: (totals.append(self.total), made(self))[1])
    bulk.both([], keys=below(bulk, both(BUNDLE_ID), both(TWO)), devtodev=HAND)
    assert set(totals) == {2}


def test_nothing_is_declared_of_a_team_is_named(bulk: Bulk) -> None:
    bulk.run([], keys=below(bulk, BUNDLE_ID, TWO))
    done = bulk.both([], keys=below(bulk, TWO))
    assert [entry["bundle_id"] for entry in done.results["undeclared"]] == [BUNDLE_ID]
    assert done.results["summary"].endswith(
        f" Held in the ledger and not declared: {BUNDLE_ID}. Declare it, or remove it with state: absent, "
        "trackers: [ledger], environment: production."
    )
    left = "com.example.left"
    bulk.run([], keys=below(bulk, {"bundle_id": left, "environment": "sandbox"}), credential_check="skip")
    gone: list[Json] = [
        {"private_key_path": str(bulk.folder / "nowhere.p8")},
        {"private_key_path": None, "private_key_content": "no key"},
        {"mode": []},
        {"apps": [{"bundle_id": TWO, "state": "absent"}]},
    ]
    for changes in ({}, *gone):
        for more in ([], [FOREIGN], [{"bundle_id": FOREIGN, "trackers": ["devtodev"]}]):
            keys = [bulk.key("a", **changes), {**bulk.keys[1], "apps": more}]
            told = bulk.run([], keys=keys, check_mode=True, on_faulty_app="report", devtodev=HAND)
            names = [entry["bundle_id"] for entry in told.results["undeclared"]]
            assert names == [BUNDLE_ID, *[TWO] * ("apps" not in changes), left], (changes, more)
    other = bulk.both([], keys=[{**bulk.keys[1], "apps": [FOREIGN]}])
    assert other.results["undeclared"] == [] and OTHER_ISSUER in repr(other)


def test_what_is_left_at_a_tracker_of_an_app_that_is_declared_elsewhere_is_named(bulk: Bulk) -> None:
    def left(*apps: t.Any) -> tuple[list[str], str]:
        done = bulk.both([], keys=below(bulk, *apps), devtodev=HAND, on_faulty_app="report")
        return [entry["label"] for entry in done.results["undeclared"]], done.results["summary"]

    assert left(both(BUNDLE_ID)) == ([], "1 app: 1 changed (of these not Active: com.example.one).")
    here, there = f"{BUNDLE_ID} in the ledger", f"{BUNDLE_ID} at devtodev (project p1)"
    found, told = left(BUNDLE_ID)
    assert (
        found == [there]
        and f"not declared for it: {there}. A key was applied at this tracker and may still be there." in told
    )
    found, told = left({"bundle_id": BUNDLE_ID, "trackers": ["devtodev"]})
    assert (
        found == [here]
        and f"tracker or environment: {BUNDLE_ID}. Declare it for the ledger in production, too, or remove it with"
        in told
    )
    assert left(TWO)[0] == [BUNDLE_ID, there]
    # Where a line can't be read, nobody knows of which app or of which trackers it tells.
    for line in ({"bundle_id": BUNDLE_ID, "trackers": ["nowhere"]}, {"bundle": BUNDLE_ID}):
        assert left(line, TWO)[0] == []
    # In another project, it isn't the one that is there.
    elsewhere = {"trackers": ["devtodev"], "devtodev": {**HAND, "project": "p2"}, "state": "absent"}
    assert left({"bundle_id": BUNDLE_ID, **elsewhere}, BUNDLE_ID, TWO)[0] == [there]
    removed: Json = {"devtodev": {**HAND, "confirmed": True}, "state": "absent"}
    gone = {"bundle_id": BUNDLE_ID, "trackers": ["devtodev"], **removed}
    # A person is asked for it first, and each is named, however many there are.
    assert f" Remove these by hand: {there}." in left(gone, BUNDLE_ID, TWO)[1]
    found, told = left(gone, BUNDLE_ID, TWO)
    assert found == [] and f" Confirmed by hand: {there}." in told and left(BUNDLE_ID, TWO)[0] == []


def test_a_file_named_as_an_api_key_s_is_told_first_whatever_else_changed(bulk: Bulk, tmp_path: Path) -> None:
    bulk.run([], keys=below(bulk, BUNDLE_ID)[:1])
    named = tmp_path / "AuthKey_ABCDEFGHIJ.p8"
    write_key(named, new_pem())
    (key,) = below(bulk, BUNDLE_ID)[:1]
    other = {**key, "private_key_path": str(named), "key_id": "ABCDEFGHIJ"}
    done = bulk.both([], keys=[{name: value for name, value in other.items() if name != "private_key_content"}])
    assert hints(done)[0].startswith("The file is named AuthKey_…, as App Store Connect API keys are")
    assert "never accepts those. Changed: key_id was " in done.message and done.message.count("AuthKey_…") == 1


def test_the_audit_says_what_a_person_has_to_enter_by_hand(bulk: Bulk) -> None:
    keys = below(bulk, both(BUNDLE_ID), both(TWO))
    bulk.run([], keys=keys, devtodev=HAND)
    audited = bulk.both([], keys=keys, devtodev=HAND).results
    found = {app.bundle_id: app.problems for app in apps_of([audited]) if app.tracker == "devtodev"}
    (one,), (two,) = found[BUNDLE_ID], found[TWO]
    assert one == two and (one.kind, one.cause) == ("pending", "tracker_pending"), "told once for both"
    assert one.hint.startswith("Enter the key at devtodev by hand, at ") and KEY_ID in one.hint
