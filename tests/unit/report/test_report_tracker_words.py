# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a tracker's page says now stands in the results and in every file, whatever a run would do about it."""

from __future__ import annotations

import csv
import typing as t
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_support import audit, document
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, new_pem

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.decision import Decision
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.integration import (
    Rules,
    Wanted,
    decide_absent,
    decide_present,
)
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.declaration import Declaration
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    CONFIRMED,
    Credentials,
    Identity,
    Integration,
    Observation,
    Status,
    asked_to_remove,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import parse_content
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration_info, outcomes
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev import DevtodevByBrowser
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_page import Shown
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_settings import DevtodevSettings
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.protocol import Times

IDENTITY = Identity("devtodev", "p1", "production", BUNDLE_ID)
CREDENTIALS = Credentials(ISSUER, KEY_ID, parse_content(new_pem()))
SOURCE = KeySource(ISSUER, KEY_ID, None, None, "strict")
OURS = Integration(IDENTITY, ISSUER, KEY_ID, CREDENTIALS.private_key.fingerprint, "Active")
# What the page shows: the word, and the status that it stands for.
WORDS: dict[str, Status] = {
    "Active": "Active",
    "In review": "Pending",
    "Error": "Failed",
    "Invalid key": "Failed",
    "Moon phase": "Unknown",
}
# The issuer that the page shows, and what the ledger knows to have been applied last.
KEYS: dict[str, tuple[str, Integration | None]] = {
    "known": (ISSUER, OURS),
    "unknown": (ISSUER, None),
    "other": (OTHER_ISSUER, OURS),
}
VERDICTS = {
    "accepted": Verdict("accepted", "Yes.", "production", 404, 4040010),
    "app_not_released": Verdict("app_not_released", "Not yet.", "production", 401),
    "unreachable": Verdict("unreachable", "No connection.", "production"),
    "not_checked": Verdict("not_checked", "Nobody asked.", "production"),
    "unauthenticated": Verdict("unauthenticated", "No.", "production", 401),
}


class Rows:
    """The ledger's row about the integration."""

    def __init__(self, row: Integration | None) -> None:
        self.row = row

    def find(self, _identity: Identity) -> Integration | None:
        """Give what was applied last."""
        return self.row

    def check_place(self) -> None:
        """It can be written."""


class Page(DevtodevByBrowser):
    """The tracker with a page that shows what it is told to."""

    shown: Shown

    def _visit(self, *_arguments: t.Any) -> t.Any:
        return self.shown


def page(word: str, key: str) -> Page:
    issuer, row = KEYS[key]
    made = Page(
        t.cast(t.Any, Rows(row)), t.cast(t.Any, None), DevtodevSettings("browser"), Times(1, 1), str, lambda: 60.0
    )
    made.shown = Shown(BUNDLE_ID, issuer, KEY_ID, word)
    return made


def decided(word: str, key: str, cause: str, on_unknown: str, policy: str = "required") -> Decision:
    tracker = page(word, key)
    tracker.on_unknown = t.cast(t.Any, on_unknown)
    rules = Rules(tracker, policy, True, lambda _text: None)
    decision = decide_present(
        Wanted(IDENTITY, SOURCE, CREDENTIALS, None), tracker.find(IDENTITY), VERDICTS[cause], rules
    )
    decision.declared = {"issuer_id": ISSUER, "key_id": KEY_ID, "key_fingerprint": "f" * 64}
    return decision


@pytest.mark.sweep
@pytest.mark.parametrize("on_unknown", ["keep", "replace"])
@pytest.mark.parametrize("cause", ["accepted", "app_not_released", "unreachable"])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("word", WORDS)
def test_nothing_is_active_but_what_the_page_calls_so(
    word: str, key: str, cause: str, on_unknown: str, tmp_path: Path
) -> None:
    decision = decided(word, key, cause, on_unknown)
    (result,) = outcomes.items([decision])
    audit(tmp_path, {"integrations": [result], "diff": outcomes.diff([decision])}, fail_on=[])
    (app,) = document(tmp_path)["apps"]
    causes = [problem["cause"] for problem in app["problems"]]
    if word != "Active":
        assert "Active" not in (result["status"], app["tracker_status"])
        assert app["result"] not in ("ok", "drift") or WORDS[word] == "Pending"
    if WORDS[word] != "Failed":
        return
    assert result["status"] == app["tracker_status"] == "Failed"
    assert causes[0] == "tracker_failed" or causes[1] == "tracker_failed" != causes[0] == cause
    assert app["result"] == "refused" and ("drift" in causes) is decision.step.changed
    with (tmp_path / "refund-audit.csv").open(newline="") as file:
        assert [(row["tracker_status"], row["cause"]) for row in csv.DictReader(file)] == [("Failed", "tracker_failed")]
    for name in ("html", "md", "junit.xml"):
        audit(tmp_path, {"integrations": [result], "diff": outcomes.diff([decision])})
        text = (tmp_path / f"refund-audit.{name}").read_text()
        assert "tracker_failed" in text.replace("&#95;", "_") and '"Active"' not in text


ASKING = [
    ("accepted", "required"),
    ("app_not_released", "required"),
    ("app_not_released", "skip"),
    ("unreachable", "advisory"),
    ("not_checked", "skip"),
    ("unauthenticated", "advisory"),
]


@pytest.mark.sweep
@pytest.mark.parametrize(("cause", "policy"), ASKING)
@pytest.mark.parametrize("word", [*WORDS, ""])
def test_site_fails_for_what_the_page_says_as_the_audit_does(
    word: str, cause: str, policy: str, tmp_path: Path
) -> None:
    """Whatever Apple says, or wasn't asked: what is neither Active nor a waiting state is green in no exit code."""
    decision, status = decided(word, "known", cause, "keep", policy), WORDS.get(word, "Unknown")
    # What Apple accepts and the page rejects is submitted again. To Apple's refusal a page without a word adds nothing.
    is_bad = status in ("Failed", "Unknown") and (status, cause) != ("Failed", "accepted")
    is_bad = is_bad and (word, cause) != ("", "unauthenticated")
    assert bool(decision.error) is is_bad and decision.step.changed is ((status, cause) == ("Failed", "accepted"))
    told, says = outcomes.troubles([decision], Declaration({}, ())), f"says {word!r}" if word else "shows no status"
    assert bool(told) is is_bad and (not is_bad or (f"{BUNDLE_ID}: " in told and f"devtodev {says}" in told))
    line = outcomes.summary([decision], False)
    if not is_bad and decision.told.status != "Active":
        assert f"(of these not Active: {BUNDLE_ID}" in line or f"1 not Active ({BUNDLE_ID}" in line
        assert (f": devtodev says {word!r}" in line) is bool(word)
    audit(tmp_path, {"integrations": outcomes.items([decision]), "diff": outcomes.diff([decision])}, fail_on=[])
    (app,) = document(tmp_path)["apps"]
    found = {one["cause"]: one["hint"] for one in app["problems"]}
    cause_of = {"Failed": "tracker_failed", "Unknown": "tracker_unknown"}.get(status, "")
    assert ("failed" not in found) and (not is_bad or f"devtodev {says}" in found[cause_of])
    assert is_bad or decision.step.changed or not {"tracker_failed", "tracker_unknown"} & set(found)


@pytest.mark.parametrize(("cause", "policy"), [("not_checked", "skip"), ("unreachable", "advisory")])
@pytest.mark.parametrize("row", [OURS, replace(OURS, word="Active"), replace(OURS, status="Pending", word="Active")])
@pytest.mark.parametrize("word", ["Active", "In review"])
def test_what_apple_did_not_decide_takes_nothing_from_what_it_accepted_and_adds_nothing(
    cause: str, policy: str, row: Integration, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page always has a word. That it says Active of a key that Apple was never asked about proves nothing."""
    monkeypatch.setitem(KEYS, "known", (ISSUER, row))
    decision = decided(word, "known", cause, "keep", policy)
    assert decision.held.status == ("Active" if row.status == "Active" and word == "Active" else "Pending")
    assert (decision.error, decision.step.changed, decision.held.word) == ("", False, word)


@pytest.mark.parametrize(
    ("row", "was_accepted"),
    [
        (OURS, True),
        # Without a note, the page is all there is to go by: better keep a key than revoke it.
        (None, True),
        (replace(OURS, status="Pending", word="Active"), False),
        (replace(OURS, key_id="OTHERKEY01"), False),
        (replace(OURS, status="Pending", accepted_at="2026-01-01T00:00:00Z"), True),
    ],
)
def test_a_page_that_says_active_is_no_release(row: Integration | None, was_accepted: bool) -> None:
    tracker = page("Active", "known")
    tracker.last_applied = t.cast(t.Any, Rows(row))
    found = tracker.find(IDENTITY)
    assert found is not None and found.was_accepted is was_accepted


@pytest.mark.parametrize("key", ["known", "unknown"])
@pytest.mark.parametrize(("word", "status"), [("", "Unknown"), ("Not connected", "Failed"), ("Active", "Active")])
def test_what_a_page_only_veils_is_there(word: str, status: Status, key: str) -> None:
    """Taken for gone, it would be forgotten, and its key revoked."""
    tracker = page(word, key)
    tracker.shown = Shown(BUNDLE_ID, None, None, word, is_veiled=True)
    found = tracker.find(IDENTITY)
    assert found is not None and found.status == status
    assert found.key_id == (KEY_ID if key == "known" else None)
    kept = decide_absent(IDENTITY, found, Rules(tracker, "required", True, str))
    assert kept.held == found and kept.why_kept
    tracker.shown = replace(tracker.shown, is_veiled=False)
    assert (tracker.find(IDENTITY) is None) is (word != "Active")


ASKED = replace(OURS, status="Pending")


@pytest.mark.parametrize("row", [ASKED, replace(OURS, status="Failed"), asked_to_remove(ASKED)])
@pytest.mark.parametrize("shows", [(None, None), (ISSUER, None), (None, KEY_ID)])
def test_what_a_person_was_only_asked_to_enter_is_not_known_to_be_there(
    row: Integration, shows: tuple[str | None, str | None]
) -> None:
    """The key of before may be: the page says Active, and hides of which."""
    tracker = page("Active", "known")
    tracker.last_applied = t.cast(t.Any, Rows(row))
    tracker.shown = Shown(BUNDLE_ID, *shows, "Active", is_veiled=True)
    found = tracker.find(IDENTITY)
    assert found == Integration(IDENTITY, *shows, None, "Active", word="Active") and not found.is_outdated
    wanted = Wanted(IDENTITY, SOURCE, CREDENTIALS, None)
    decision = decide_present(wanted, found, VERDICTS["accepted"], Rules(tracker, "required", True, lambda _text: None))
    assert (decision.step.action, decision.held.status) == ("unknown", "Unknown")


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (ASKED, Shown(BUNDLE_ID, ISSUER, KEY_ID, "Active")),
        (OURS, Shown(BUNDLE_ID, None, None, "Active")),
        (replace(ASKED, word=CONFIRMED), Shown(BUNDLE_ID, None, None, "Active")),
        # What the browser itself entered, while the page said so.
        (replace(ASKED, word="In review"), Shown(BUNDLE_ID, None, None, "Active")),
    ],
)
def test_what_the_page_or_a_person_says_to_be_there_is_known(row: Integration, shown: Shown) -> None:
    tracker = page("Active", "known")
    tracker.last_applied, tracker.shown = t.cast(t.Any, Rows(row)), shown
    found = tracker.find(IDENTITY)
    assert found is not None and found.has_key(CREDENTIALS)


@pytest.mark.parametrize("action", ["create", "update"])
def test_what_a_run_would_do_is_not_what_is_there(action: str, tmp_path: Path) -> None:
    """The trackers without a word: nothing is held, or nobody knows which key is."""
    tracker = page("", "unknown")
    current = None if action == "create" else Integration(IDENTITY, None, None, None, "Unknown", is_outdated=True)
    seen = t.cast(t.Any, tracker)
    seen.observe = lambda *_arguments: Observation("Active")
    wanted = Wanted(IDENTITY, SOURCE, CREDENTIALS, None)
    decision = decide_present(wanted, current, VERDICTS["accepted"], Rules(seen, "required", True, str))
    results = {"integrations": outcomes.items([decision]), "diff": outcomes.diff([decision])}
    audit(tmp_path, results, fail_on=[])
    (app,) = document(tmp_path)["apps"]
    assert (app["action"], app["tracker_status"]) == (action, "Absent" if action == "create" else "Unknown")
    assert app["result"] == "drift"
    assert ("(unknown) is held" in app["problems"][0]["hint"]) is (action == "update")


@pytest.mark.parametrize("word", ["Active", "Error"])
def test_what_is_to_be_absent_and_stays_has_a_cause_of_its_own(word: str, tmp_path: Path) -> None:
    """Whatever the tracker says of it: it is to go."""
    tracker = page(word, "known")
    decision = decide_absent(IDENTITY, tracker.find(IDENTITY), Rules(tracker, "required", True, str))
    decision.is_absent = True
    given = {"integrations": outcomes.items([decision]), "diff": outcomes.diff([decision])}
    done = audit(tmp_path, given)
    (app,) = document(tmp_path)["apps"]
    hint = "Declared absent, and still held. devtodev documents no way to remove an integration. Remove it at "
    assert app["result"] == "drift" and [one["cause"] for one in app["problems"]] == ["still_held"]
    assert app["problems"][0]["hint"].startswith(hint) and f"{BUNDLE_ID}: still_held: {hint}" in done.message
    for name in ("html", "md", "csv", "junit.xml"):
        text = (tmp_path / f"refund-audit.{name}").read_text().replace("&#95;", "_")
        assert "still_held" in text and hint in text, name
    (failure,) = ElementTree.parse(tmp_path / "refund-audit.junit.xml").getroot().iter("failure")
    assert failure.get("type") == "still_held"
    waiver = {"bundle_id": BUNDLE_ID, "cause": "still_held", "reason": "Sold", "until": "2099-12-31"}
    assert not audit(tmp_path, given, waivers=[waiver]).message
    # A failure says more than that nothing was removed.
    decision.error = "The page could not be read."
    assert decision.finding is None


@pytest.mark.parametrize("tracker", ["revenuecat", "qonversion", "devtodev", "ledger"])
@pytest.mark.parametrize("word", ["", *WORDS])
@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_held_is_active_only_if_the_key_is_known_or_the_tracker_says_so(
    tracker: str, word: str, is_known: bool
) -> None:
    identity = Identity(tracker, "p1", "production", BUNDLE_ID)
    fingerprint = OURS.key_fingerprint if is_known else None
    held = Integration(identity, ISSUER, KEY_ID, fingerprint, WORDS.get(word, "Unknown"), word=word)
    found = integration_info._observed(held, VERDICTS["accepted"])
    if word:
        assert found == WORDS[word]
    elif not is_known:
        assert found != "Active"
