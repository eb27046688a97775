# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""devtodev by hand, and the options of both modes: nothing here needs a browser."""

from __future__ import annotations

import json
import sys
import types
import typing as t
from pathlib import Path

import pytest
from unit_servers import UNRELEASED, Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, Outcome, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._model.browser_session import parse_browser_session
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    InputError,
    LedgerError,
    RefundsError,
    TransportError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared.devtodev import proxy_for
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration, integration_info
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_settings import page_address
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.page_words import Words

URL = "https://devtodev.invalid/projects/1/settings"
COOKIE = {"name": "sid", "value": "made-up-cookie-value", "domain": ".devtodev.invalid", "path": "/"}
SESSION = json.dumps({"cookies": [COOKIE], "origins": []})
Options = dict[str, t.Any]


class Hand:
    """One app at devtodev, by hand."""

    def __init__(self, sim: Simulator, folder: Path) -> None:
        self.sim = sim
        self.folder = folder
        write_key(folder / "key.p8", sim.pem)
        write_key(folder / "other.p8", sim.other_pem)

    def options(self, devtodev: Options | None = None, **options: t.Any) -> Options:
        """Give a task's options."""
        return {
            "bundle_id": BUNDLE_ID,
            "issuer_id": ISSUER,
            "key_id": KEY_ID,
            "private_key_path": str(self.folder / "key.p8"),
            "tracker": "devtodev",
            "devtodev": {"project": "p1", **(devtodev or {})},
            "ledger": {"url": f"sqlite:///{self.folder}/ledger.db"},
            "app_store_server_url": self.sim.url,
            **options,
        }

    def run(self, check_mode: bool = False, **options: t.Any) -> Outcome:
        """Run the task."""
        return run_task(integration.TASK, self.options(**options), check_mode)

    def both(self, **options: t.Any) -> Outcome:
        """Run in check mode, which must write nothing, and then for real, which must give the same."""
        path = self.folder / "ledger.db"
        before = path.read_bytes() if path.exists() else None
        predicted = self.run(True, **options)
        assert (path.read_bytes() if path.exists() else None) == before
        done = self.run(False, **options)
        for name in ("failed", "msg", "changed", "diff", "integration"):
            assert predicted.results.get(name) == done.results.get(name), name
        new = [text for text in done.warnings if not text.startswith("A new ledger")]
        assert predicted.warnings == new
        return Outcome(done.results, new)

    def status(self) -> str:
        """Give the status that the ledger has."""
        return str(self.info(credential_check="skip")["integrations"][0]["status"])

    def info(self, **options: t.Any) -> Options:
        """Give what refund_tracking_integration_info tells."""
        return run_task(integration_info.TASK, self.options(**options)).results


@pytest.fixture
def hand(sim: Simulator, tmp_path: Path) -> Hand:
    """The app, not set up yet."""
    return Hand(sim, tmp_path)


def test_told_confirmed_and_told_again(hand: Hand, other_pem: str) -> None:
    told = hand.both(devtodev={"url": URL})
    assert told.results["changed"] and told.results["integration"]["status"] == "Pending"
    for part in (URL, "IA refunds tracking", BUNDLE_ID, ISSUER, KEY_ID, str(hand.folder / "key.p8"), "confirmed: true"):
        assert part in told.warnings[0]

    reminded = hand.both()
    assert not reminded.results["changed"] and len(reminded.warnings) == 1 and "project p1" in reminded.warnings[0]

    step = (
        "Enter the key at devtodev by hand, at project p1, Settings → Payments integration → IA refunds tracking "
        f"(Issuer ID {ISSUER}, Key ID {KEY_ID}, .p8 file {hand.folder / 'key.p8'}). Once the page shows Active, run "
        "storeops.refunds.site with devtodev.confirmed: true, for that run only."
    )
    assert reminded.results["next_step"] == step, "an audit tells it, of all such apps with one key at once"

    confirmed = hand.both(devtodev={"confirmed": True})
    assert confirmed.results["next_step"] == "" and confirmed.results["confirmed_by_hand"]
    assert not told.results["confirmed_by_hand"] and not reminded.results["confirmed_by_hand"]
    assert confirmed.results["confirmed_now"] and not reminded.results["confirmed_now"]
    assert not confirmed.results["changed"] and confirmed.results["integration"]["status"] == "Active"
    later = hand.both()
    assert not later.results["confirmed_now"]
    assert later.results["confirmed_by_hand"], "whoever reads it knows that devtodev was not asked"
    assert later.warnings == [] and later.results["integration"]["status"] == "Active"

    other = {"key_id": "ROTATED001", "private_key_path": str(hand.folder / "other.p8")}
    drifted = hand.both(devtodev={"confirmed": True}, **other)
    assert drifted.results["changed"] and drifted.results["integration"]["status"] == "Pending", "it confirms no change"
    assert "ROTATED001" in drifted.warnings[0] and hand.status() == "Pending"
    assert hand.both(devtodev={"confirmed": True}, **other).results["integration"]["status"] == "Active"


def test_only_what_is_written_needs_a_ledger_that_can_be(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = {"devtodev": {"confirmed": True}, "state": "absent"}
    closed = {"ledger": {"url": f"sqlite:///{hand.folder}/none/ledger.db"}}
    for asked in ({}, gone):
        assert "none does not exist" in hand.both(**asked, **closed).message, "an absent disk tells of no absent app"
    hand.run()

    def refuse(_ledger: Ledger) -> t.NoReturn:
        raise LedgerError("ledger.url: it is not writable.")

    monkeypatch.setattr(Ledger, "check_place", refuse)
    reminded = hand.both()
    assert not reminded.message and len(reminded.warnings) == 1 and hand.status() == "Pending"
    assert not hand.both(**gone, bundle_id="com.example.never").message, "nothing is held, so nothing is removed"
    for written in ({"devtodev": {"confirmed": True}}, gone, {"key_id": "ROTATED001", "credential_check": "skip"}):
        assert "is not writable" in hand.both(**written).message, written
        assert hand.status() == "Pending"


def test_the_address_is_filled_in(hand: Hand) -> None:
    given = {"url": "https://devtodev.invalid/projects/{project}/refunds?app={bundle_id}", "project": "my shop"}
    told = hand.both(devtodev=given)
    assert f"https://devtodev.invalid/projects/my%20shop/refunds?app={BUNDLE_ID} (Settings" in told.warnings[0]
    assert "p1" not in told.warnings[0].replace(str(hand.folder), "")
    kept = hand.both(devtodev=given, state="absent")
    assert f"refunds?app={BUNDLE_ID}" in kept.warnings[0]
    failed = hand.both(devtodev=given | {"project": ""})
    assert failed.results["failed"] and "devtodev.project: is required" in failed.message


def test_the_same_ids_with_another_key_are_drift(hand: Hand) -> None:
    hand.run()
    hand.run(devtodev={"confirmed": True})
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    drifted = hand.both(private_key_path=str(hand.folder / "other.p8"), credential_check="skip")
    assert drifted.results["changed"] and hand.status() == "Pending"


def test_a_refused_key_is_handed_to_nobody(hand: Hand) -> None:
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    refused = hand.both()
    assert refused.results["failed"] and refused.warnings == [] and hand.status() == "Absent"


def test_a_confirmation_outlives_a_bad_day(hand: Hand) -> None:
    hand.run()
    hand.run(devtodev={"confirmed": True})
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    bad = hand.both(credential_check="advisory")
    assert not bad.results["changed"] and bad.results["integration"]["status"] == "Failed"
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": True})
    good = hand.both()
    assert good.results["integration"]["status"] == "Active" and good.warnings == []


@pytest.mark.parametrize("policy", ["skip", "advisory"])
def test_only_a_key_that_apple_accepts_becomes_active(hand: Hand, policy: str) -> None:
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    hand.run(credential_check=policy)
    unsure = hand.both(credential_check=policy, devtodev={"confirmed": True})
    assert unsure.results["integration"]["status"] == {"skip": "Pending", "advisory": "Failed"}[policy]
    assert hand.status() != "Active"


def test_a_confirmation_is_kept_while_the_app_is_unreleased(hand: Hand) -> None:
    app = {"bundle_id": UNRELEASED}
    assert len(hand.both(**app).warnings) == 2, "the verdict, and what to enter"
    pending = hand.both(**app, devtodev={"confirmed": True}).results
    assert not pending["changed"] and pending["integration"]["status"] == "Pending"
    later = hand.both(**app)
    assert not later.results.get("failed"), "a confirmation is no proof that Apple ever accepted the key"
    assert later.results["integration"]["status"] == "Pending"
    assert not [text for text in later.warnings if "by hand" in text], "nobody is asked twice"
    document = hand.sim.control("GET", "/world")
    for team in document["teams"]:
        for one in team["apps"]:
            one["released"] = True
    hand.sim.control("PUT", "/world", document)
    released = hand.both(**app)
    assert released.results["integration"]["status"] == "Active" and released.warnings == []


def test_absent(hand: Hand) -> None:
    assert not hand.both(state="absent").results["changed"]
    hand.run()
    kept = hand.both(state="absent")
    assert kept.results["finding"] == "still_held"
    assert not kept.results["changed"] and "confirmed: true" in kept.warnings[0] and hand.status() == "Pending"
    gone = hand.both(state="absent", devtodev={"confirmed": True})
    assert gone.results["finding"] is None and gone.warnings == []
    assert gone.results["changed"] and gone.results["diff"]["after"] == {} and hand.status() == "Absent"


def test_a_removal_that_nobody_was_asked_for_is_not_confirmed(hand: Hand) -> None:
    """The confirmation was meant for another app: else a key could be revoked on it."""
    hand.run()
    hand.run(devtodev={"confirmed": True})
    early = hand.both(state="absent", devtodev={"confirmed": True})
    assert (early.results["finding"], early.results["changed"], hand.status()) == ("still_held", False, "Pending")
    assert "devtodev.confirmed: true was left aside" in early.warnings[0] and early.results["confirmed_by_hand"]
    # Who declares it again has to look: it may be gone.
    for confirmed in (True, False):
        back = hand.both(devtodev={"confirmed": confirmed})
        assert back.results["integration"]["status"] == "Pending" and "enter this at" in back.warnings[0]
        assert ("was left aside" in back.warnings[0]) is confirmed and back.results["next_step"]
        hand.run(state="absent")
    assert hand.both(state="absent", devtodev={"confirmed": True}).results["changed"] and hand.status() == "Absent"


def test_the_list_tells_a_person_s_word_and_a_removal_that_was_asked_for(hand: Hand) -> None:
    def told() -> list[tuple[str, bool]]:
        asked = hand.info()["integrations"] + hand.info(tracker="ledger", bundle_id=None)["applied_elsewhere"]
        return [(one["status"], one["confirmed_by_hand"]) for one in asked]

    hand.run()
    assert told() == [("Pending", False)] * 2
    hand.run(devtodev={"confirmed": True})
    assert told() == [("Active", True)] * 2, "devtodev was not asked"
    hand.run(state="absent")
    assert told() == [("Pending", False)] * 2, "it may be gone"
    unreleased = {"bundle_id": UNRELEASED}
    hand.run(**unreleased)
    hand.run(**unreleased, devtodev={"confirmed": True})
    (waiting,) = hand.info(**unreleased)["integrations"]
    assert (waiting["status"], waiting["confirmed_by_hand"]) == ("Pending", True)
    hand.run(state="absent", devtodev={"confirmed": True})
    assert hand.info()["integrations"][0]["confirmed_by_hand"] is False


def test_what_apple_refused_is_not_taken_for_refused_by_devtodev(hand: Hand) -> None:
    """Failed is Apple's verdict of that day; in the ledger it would pass for devtodev's, whom nobody asked."""
    hand.run()
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    refused = hand.both(credential_check="advisory").results
    assert (refused["integration"]["status"], hand.status()) == ("Failed", "Pending")
    unasked = hand.both(credential_check="skip").results
    assert unasked["integration"]["status"] == "Pending" and unasked["next_step"]
    hand.both(state="absent")
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": True})
    back = hand.both()
    assert (back.results["changed"], back.results["integration"]["status"]) == (False, "Pending")


def test_a_confirmation_on_a_bad_day_is_kept(hand: Hand) -> None:
    hand.run()
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    hand.both(credential_check="advisory")
    bad = hand.both(credential_check="advisory", devtodev={"confirmed": True})
    assert (bad.results["integration"]["status"], bad.results["confirmed_by_hand"]) == ("Failed", False)
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": True})
    good = hand.both()
    assert good.results["integration"]["status"] == "Active" and good.warnings == []
    # Nor is it forgotten while Apple's answer keeps the app from being looked at.
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    refused = hand.both()
    assert refused.message and refused.results["confirmed_by_hand"]


def test_a_confirmation_counts_though_apple_refuses_the_key_that_day(hand: Hand) -> None:
    """Given once more, it would confirm what the day's run asked of other apps."""
    hand.run()
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    assert hand.both().message and hand.status() == "Pending", "nobody said anything"
    other = hand.both(devtodev={"confirmed": True}, key_id="NEVERSEEN1", private_key_path=str(hand.folder / "other.p8"))
    assert other.message and not other.results["confirmed_by_hand"], "another key than what was asked for"
    refused = hand.both(devtodev={"confirmed": True})
    assert "unauthenticated" in refused.message and refused.results["confirmed_by_hand"]
    assert not refused.results["changed"] and refused.results["integration"]["status"] == hand.status() == "Pending"
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": True})
    good = hand.both()
    assert good.results["integration"]["status"] == "Active" and good.warnings == []


def test_a_confirmation_that_can_not_be_written_is_none(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    hand.run()
    hand.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})

    def refuse(_ledger: Ledger) -> t.NoReturn:
        raise LedgerError("ledger.url: it is not writable.")

    monkeypatch.setattr(Ledger, "check_place", refuse)
    refused = hand.both(devtodev={"confirmed": True})
    assert not refused.results["confirmed_by_hand"] and hand.status() == "Pending"
    assert "unauthenticated" in refused.message and "it is not writable" in refused.message, "both are to be mended"


def test_content_without_a_path(hand: Hand, pem: str) -> None:
    told = hand.both(private_key_path=None, private_key_content=pem)
    assert "the key that private_key_content holds" in told.warnings[0]
    assert pem.splitlines()[1] not in repr(told)


@pytest.mark.parametrize(
    ("devtodev", "named"),
    [
        ({"mode": "browser"}, "devtodev.url"),
        ({"mode": "browser", "url": URL}, "devtodev.session"),
        ({"session": SESSION}, "devtodev.url"),
        ({"session": SESSION, "url": "http://devtodev.invalid/"}, "devtodev.url"),
        ({"session": SESSION, "url": "https://user@devtodev.invalid/"}, "devtodev.url"),
        ({"session": SESSION, "url": "https://elsewhere.invalid/"}, "elsewhere.invalid"),
        ({"session": "hunter22", "url": URL}, "devtodev.session"),
        ({"session": '{"cookies": [{"name": "hunter22"}]}', "url": URL}, "devtodev.session"),
        ({"session": "{}", "url": URL}, "nobody is signed in"),
        ({"session_path": "/no/such/file", "url": URL}, "devtodev.session_path"),
        ({"url": "ftp://devtodev.invalid/"}, "devtodev.url"),
    ],
)
def test_what_is_missing_or_wrong_is_named(hand: Hand, devtodev: Options, named: str) -> None:
    failed = hand.both(devtodev=devtodev)
    assert failed.results["failed"] and named in failed.message
    assert "hunter22" not in repr(failed) and COOKIE["value"] not in repr(failed)


def test_production_only(hand: Hand) -> None:
    failed = hand.both(environment="sandbox")
    assert failed.message.startswith(f"{BUNDLE_ID}: environment: ") and not (hand.folder / "ledger.db").exists()


def test_a_session_in_the_environment_means_browser(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREOPS_DEVTODEV_SESSION", SESSION)
    failed = hand.both()
    assert "devtodev.url: is required" in failed.message
    assert not hand.both(devtodev={"mode": "handoff"}).results.get("failed")
    assert not hand.run(tracker="ledger").results.get("failed")


@pytest.mark.parametrize(
    "debug", ["pw:api", "*", "a,*", "foo pw:api", " pw:api", "a\tpw:*", "p*", "pw*:api", "-x,pw:protocol", "*:api"]
)
def test_playwright_is_told_nothing_to_print(hand: Hand, debug: str) -> None:
    options = hand.options(devtodev={"session": SESSION, "url": URL})
    failed = run_task(integration.TASK, options, environ={"DEBUG": debug})
    assert "DEBUG: " in failed.message


@pytest.mark.parametrize("debug", ["express:*", "-pw:api", "express:*,-pw:*", "spw:api", " , "])
def test_others_may_print(hand: Hand, debug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    options = hand.options(devtodev={"session": SESSION, "url": URL})
    failed = run_task(integration.TASK, options, environ={"DEBUG": debug})
    assert "DEBUG: " not in failed.message and "pip install 'playwright" in failed.message


def test_without_playwright(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    failed = hand.both(devtodev={"session": SESSION, "url": URL})
    assert "pip install 'playwright" in failed.message and "mode: handoff" in failed.message
    assert not hand.both().results.get("failed"), "handoff needs no Playwright"


def test_a_browser_that_is_none(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    pretended = types.ModuleType("playwright.sync_api")
    monkeypatch.setitem(sys.modules, "playwright", types.ModuleType("playwright"))
    monkeypatch.setitem(sys.modules, "playwright.sync_api", pretended)
    failed = hand.both(devtodev={"session": SESSION, "url": URL, "browser_path": str(hand.folder / "key.p8")})
    assert "devtodev.browser_path: " in failed.message and "isn't a program" in failed.message


def test_a_page_has_a_query_and_a_fragment() -> None:
    for address in (f"{URL}/?app=1#/refunds", "http://127.0.0.1:1/x/"):
        assert page_address(f" {address}\n", "devtodev.url") == address
    with pytest.raises(InputError, match=r"devtodev\.url"):
        page_address("https://devtodev.invalid/a b", "devtodev.url")


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://devtodev.invalid/", True),
        ("https://www.devtodev.invalid/", True),
        ("https://notdevtodev.invalid/", False),
        ("https://app.other.invalid/x", True),
        ("http://app.other.invalid/x", False),
        ("https://host.invalid/", True),
        ("https://www.host.invalid/", False),
    ],
)
def test_whom_a_session_is_for(url: str, fits: bool) -> None:
    origins = [{"origin": "https://app.other.invalid", "localStorage": [{"name": "token", "value": "made-up-7"}]}]
    host_only = {**COOKIE, "domain": "host.invalid"}
    session = parse_browser_session(json.dumps({"cookies": [COOKIE, host_only], "origins": origins}), "session")
    assert session.fits(url) is fits
    assert session.mask(f"'{COOKIE['value']}' made-up-7") == "'********' ********" and "made-up" not in repr(session)


@pytest.mark.parametrize(
    ("status", "texts"),
    [
        ("Active", ["Active", "ACTIVE", " active. "]),
        (None, ["", "-", "—", "Inactive", "Not active", "Not configured", "not  connected", "None"]),
        ("Pending", ["Pending", "Activating", "Checking…", "in progress", "In-progress"]),
        ("Failed", ["Error", "Validation failed", "Expired", "Key revoked", "Suspended", "Unauthorized"]),
        ("Failed", ["Active: error", "Pending, the last try was rejected", "ERROR 42"]),
        ("Unknown", ["Terrorist", "Deactivated", "Not allowed", "No access", "Active soon", "Готово", "Aktiv"]),
    ],
)
def test_the_words_of_the_page(status: str | None, texts: list[str]) -> None:
    assert {text: Words().status(text) for text in texts} == dict.fromkeys(texts, status)


def test_words_of_ones_own() -> None:
    own = Words(active=("Aktiv",), waiting=("Wird geprüft",), failed=("kaputt",))
    texts = ("AKTIV", "wird geprüft…", "Ganz kaputt!", "Active", "Error")
    assert [own.status(text) for text in texts] == ["Active", "Pending", "Failed", "Unknown", "Unknown"]


def test_proxies_are_only_those_of_the_context() -> None:
    proxies = {"https": "http://user:p%40ss@proxy.invalid:3128", "no": "inside.invalid"}
    found = proxy_for("https://devtodev.invalid/", proxies)
    assert found is not None and found["server"] == "http://proxy.invalid:3128"
    assert (found["username"], found["password"]) == ("user", "p@ss")
    assert proxy_for("https://inside.invalid/", proxies) is None
    assert proxy_for("http://127.0.0.1:1/", {"http": "http://proxy.invalid:3128"}) is None


@pytest.mark.parametrize("proxy", ["http://user:hunt/er2@proxy.invalid:3128", "http://a:hunter2@[::1", "http://p:x9"])
def test_a_proxy_that_is_no_url_shows_nothing_of_its_password(proxy: str) -> None:
    url = "https://devtodev.invalid/"
    with pytest.raises(RefundsError, match="https_proxy: isn't a URL") as caught:
        proxy_for(url, {"https": proxy})
    with pytest.raises(TransportError) as asked:
        Transport(HttpSettings(proxies={"https": proxy})).get(url, lambda: Secret("t"))
    for error in (caught.value, asked.value):
        assert "hunt" not in str(error)
