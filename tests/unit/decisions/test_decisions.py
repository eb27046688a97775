# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of an integration, for every verdict and whatever is held. Nothing is read, asked or written."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
import yaml
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.doc_fragments._shared import ModuleDocFragment
from ansible_collections.storeops.refunds.plugins.module_utils._decisions import key_removal
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.decision import (
    Decision,
    give_up,
    leave_open,
    standing,
    unread,
)
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.integration import (
    NO_KEY_NEEDED,
    Rules,
    Wanted,
    decide_absent,
    decide_present,
)
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.status import (
    best_status,
    proven_status,
    warn_about_verdict,
)
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    Credentials,
    Identity,
    Integration,
    Observation,
    Status,
    absent,
    asked_to_remove,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import CAUSES, Cause, Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._plan import Plan, plan
from ansible_collections.storeops.refunds.plugins.module_utils._tracker_spec import TRACKERS

ACTIVE = Observation("Active")
IDENTITY = Identity("revenuecat", "game", "production", BUNDLE_ID)
KEY = Credentials(ISSUER, KEY_ID, t.cast(t.Any, SimpleNamespace(fingerprint="f1")), "/k/a.p8")
HELD = Integration(IDENTITY, ISSUER, KEY_ID, "f1", "Active", "/k/a.p8")
POLICIES = ("required", "advisory", "skip")
LOCAL = ("key_unreadable", "key_wrong_kind", "key_id_mismatch")
UNDECIDED = ("rate_limited", "service_unavailable", "unreachable", "unexpected_response", "not_checked", "clock_skew")


def verdict(cause: Cause) -> Verdict:
    """A verdict with a hint of three sentences."""
    return Verdict(cause, "One. Two. Three.", "production")


@pytest.mark.parametrize("proven", [None, "Active", "Failed"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("cause", CAUSES)
def test_the_status_that_a_verdict_allows(cause: Cause, policy: str, proven: Status | None) -> None:
    wanted: Status | None = "Failed"
    if cause == "accepted":
        wanted = "Active"
    elif cause in ("app_not_released", "key_not_yet_created"):
        wanted = "Pending"
    elif cause in LOCAL or policy == "required":
        wanted = None
    elif cause in UNDECIDED:
        wanted = proven or "Pending"
    assert best_status(verdict(cause), policy, proven) == wanted


@pytest.mark.parametrize("policy", POLICIES)
def test_the_page_says_what_comes_of_no_answer(policy: str) -> None:
    page = yaml.safe_load(ModuleDocFragment.TRACKER)["options"]["credential_check"]["description"]
    (said,) = (text for text in page if text.startswith("Without an answer"))
    (sentence,) = (one for one in re.split(r"[.;] ", said) if f"V({policy})" in one)
    proven: tuple[Status | None, ...] = (None, "Active", "Failed", "Pending")
    found = {(before, best_status(verdict(cause), policy, before)) for cause in UNDECIDED for before in proven}
    if "fails and writes nothing" in sentence:
        assert found == {(before, None) for before in proven}
    else:
        assert "keep the status found before, else write C(Pending)" in sentence
        assert found == {(before, before or "Pending") for before in proven}
    assert "A key that can't be used always fails." in said
    assert {best_status(verdict(cause), policy, before) for cause in LOCAL for before in proven} == {None}


@pytest.mark.parametrize(
    ("current", "credentials", "wanted"),
    [
        (HELD, KEY, "Active"),
        (replace(HELD, status="Pending"), KEY, "Pending"),
        (replace(HELD, status="Failed"), KEY, "Failed"),
        (replace(HELD, status="Unknown"), KEY, None),
        (replace(HELD, status="Absent"), KEY, None),
        # The tracker's own word is no verdict of Apple's; its word for what Apple accepted takes nothing away.
        (replace(HELD, word="Connected"), KEY, "Active"),
        (replace(HELD, word="Connected", is_only_shown=True), KEY, None),
        (replace(HELD, status="Pending", word="Checking"), KEY, None),
        (replace(HELD, status="Failed", word="Error"), KEY, None),
        (replace(HELD, key_fingerprint="f2"), KEY, None),
        (replace(HELD, key_fingerprint=None), KEY, None),
        (HELD, None, None),
        (None, KEY, None),
    ],
)
def test_what_was_proven_before_counts_for_the_same_key_alone(
    current: Integration | None, credentials: Credentials | None, wanted: Status | None
) -> None:
    assert proven_status(current, credentials) == wanted


def test_what_apple_accepts_for_the_first_time_is_noted_whatever_the_page_says() -> None:
    """When Apple can't be asked, or refuses the key of a released app, that is known then."""
    shown = replace(HELD, word="Connected", is_only_shown=True)
    waiting = replace(shown, status="Pending", word="Checking")
    cases: list[tuple[t.Any, str, Integration, str | None]] = [
        ("accepted", "required", shown, "note"),
        ("unreachable", "advisory", shown, None),
        ("accepted", "required", waiting, "note"),
        ("accepted", "required", replace(waiting, accepted_at="2026-01-01T00:00:00Z"), None),
        ("app_not_released", "required", waiting, None),
    ]
    for cause, policy, current, written in cases:
        seen = Observation(current.status, current.word)
        found, _said = present(cause, current, Tracker(seen), policy)
        assert (found.write, found.step.changed) == (written, False), (cause, current.status)


@pytest.mark.parametrize(("cause", "policy"), [("not_checked", "skip"), ("unreachable", "advisory")])
@pytest.mark.parametrize("word", ["", "Active"])
@pytest.mark.parametrize("tracker", TRACKERS)
def test_what_was_accepted_stays_active_whatever_word_its_tracker_has_for_it(
    tracker: str, word: str, cause: Cause, policy: str
) -> None:
    seen: list[Status] = []

    class Looking(Tracker):
        def observe(self, desired: Integration, current: Integration | None, changed: bool) -> Observation:
            seen.append(desired.status)
            return Observation(desired.status, word)

    identity = replace(IDENTITY, tracker=tracker)
    found, _said = present(cause, replace(HELD, identity=identity, word=word), Looking(), policy, identity=identity)
    assert seen == ["Active"] and (found.held.status, found.error, found.write) == ("Active", "", None)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("cause", CAUSES)
def test_who_is_warned(cause: Cause, policy: str) -> None:
    said: list[str] = []
    warn_about_verdict(IDENTITY, verdict(cause), policy, said.append)
    is_told = cause == "app_not_released" or (policy == "advisory" and cause not in ("accepted", "key_not_yet_created"))
    assert said == ([f"{BUNDLE_ID}: credential check: {cause}. One. Two. Three."] if is_told else [])


@dataclass
class Tracker:
    """Shows what a test says."""

    seen: Observation | Exception = ACTIVE
    on_unknown: str = "keep"
    reason: str = ""
    name: str = "revenuecat"
    changed: bool | None = None
    current: Integration | None = None
    asked: bool = False
    has_no_api: bool = False

    def observe(self, desired: Integration, current: Integration | None, changed: bool) -> Observation:
        """Give what is seen."""
        self.changed, self.current = changed, current
        if isinstance(self.seen, Exception):
            raise self.seen
        return self.seen

    def doubt(self, identity: Identity) -> str:
        """It knows what is gone."""
        return ""

    def irremovable(self, identity: Identity) -> str:
        """Say why it stays."""
        assert identity == IDENTITY
        self.asked = True
        return self.reason


def present(
    cause: Cause = "accepted",
    current: Integration | None = HELD,
    tracker: Tracker | None = None,
    policy: str = "required",
    check_mode: bool = False,
    **wanted: t.Any,
) -> tuple[Decision, list[str]]:
    """Decide about a declared app; give the warnings too."""
    said: list[str] = []
    source = KeySource(ISSUER, KEY_ID, "/k/a.p8", None, "required")
    asked = replace(Wanted(IDENTITY, source, KEY, None), **wanted)
    rules = Rules(t.cast(t.Any, tracker or Tracker()), policy, check_mode, said.append)
    return decide_present(asked, current, verdict(cause), rules), said


@pytest.mark.parametrize(
    ("current", "action", "write"),
    [
        (HELD, "unchanged", None),
        (replace(HELD, status="Pending"), "unchanged", "note"),
        (replace(HELD, private_key_path="/k/b.p8"), "unchanged", "note"),
        (replace(HELD, key_fingerprint="f2"), "update", "save"),
        (replace(HELD, key_fingerprint=None), "unknown", None),
        (None, "create", "save"),
    ],
)
def test_an_accepted_key_is_applied_where_it_is_not_held(
    current: Integration | None, action: str, write: str | None
) -> None:
    tracker = Tracker()
    found, said = present(current=current, tracker=tracker)
    assert (found.step.action, found.write, found.error, found.is_refusal) == (action, write, "", False)
    assert found.credentials is KEY and found.verdict == verdict("accepted")
    assert tracker.changed is found.step.changed and tracker.current == current
    assert found.held.status == "Active" and found.held.key_fingerprint == (None if action == "unknown" else "f1")
    assert bool(said) is (action == "unknown")


def test_the_key_itself_says_its_names() -> None:
    found, _said = present(current=None, source=KeySource(None, None, None, None, "required"))
    assert (found.held.issuer_id, found.held.key_id, found.held.key_fingerprint) == (ISSUER, KEY_ID, "f1")


def test_what_is_observed_is_what_is_stored() -> None:
    found, _said = present(current=None, tracker=Tracker(Observation("Pending", "Checking")))
    assert (found.held.status, found.held.word) == ("Pending", "Checking") and found.step.desired == found.held
    assert found.held == Integration(IDENTITY, ISSUER, KEY_ID, "f1", "Pending", "/k/a.p8", word="Checking")


@pytest.mark.parametrize(("on_unknown", "action", "write"), [("keep", "unknown", None), ("replace", "update", "save")])
def test_a_key_that_nobody_can_see_is_kept_or_replaced(on_unknown: str, action: str, write: str | None) -> None:
    found, said = present(current=replace(HELD, key_id=None), tracker=Tracker(on_unknown=on_unknown))
    assert (found.step.action, found.write, found.error) == (action, write, "")
    assert found.held.key_id == (None if action == "unknown" else KEY_ID)
    told = f"{BUNDLE_ID} (revenuecat game, production): revenuecat does not show key_id, and the ledger does not know"
    assert len(said) == (action == "unknown") and all(told in text for text in said)


def test_a_key_that_nobody_can_see_fails_where_that_is_asked_for() -> None:
    current = replace(HELD, key_id=None, key_fingerprint=None)
    found, said = present(current=current, tracker=Tracker(on_unknown="fail"))
    assert (found.step.action, found.held, found.write, said) == ("unchanged", current, None, [])
    assert "does not show key_id, key_fingerprint, and" in found.error
    assert "Set revenuecat.on_unknown: replace once" in found.error and not found.is_refusal
    assert found.verdict == verdict("accepted")


@pytest.mark.parametrize(
    ("cause", "check_mode", "told", "aside"),
    [
        ("unauthenticated", False, "failed: unauthenticated", False),
        ("key_unreadable", False, "failed: key_unreadable", False),
        ("key_unreadable", True, "failed: key_unreadable", True),
        ("unreachable", True, "decided nothing: unreachable", False),
        ("not_checked", False, "decided nothing: not_checked", False),
        ("clock_skew", False, "failed: clock_skew", False),
    ],
)
def test_a_refusal_leaves_all_as_it_is(cause: Cause, check_mode: bool, told: str, aside: bool) -> None:
    for current in (HELD, None):
        found, said = present(cause, current, check_mode=check_mode)
        assert (found.step.action, found.write, found.is_refusal, said) == ("unchanged", None, True, [])
        assert found.held == (current or absent(IDENTITY))
        start = f"{BUNDLE_ID}: the credential check {told}. One. Two."
        assert found.error.startswith(f"{start} Three.") and found.brief.startswith(start)
        assert "Three" not in found.brief and found.verdict == verdict(cause)
        assert ("key_predicted" in found.error) is aside and ("key_predicted" in found.brief) is aside


def test_under_an_advisory_check_a_refused_key_is_applied_as_failed() -> None:
    found, said = present("unauthenticated", None, Tracker(Observation("Failed")), "advisory")
    assert (found.held.status, found.write, found.error, len(said)) == ("Failed", "save", "", 1)


def test_what_apple_did_not_decide_takes_nothing_away() -> None:
    seen: list[Status] = []

    class Looking(Tracker):
        def observe(self, desired: Integration, current: Integration | None, changed: bool) -> Observation:
            seen.append(desired.status)
            return Observation(desired.status)

    for current in (HELD, replace(HELD, key_fingerprint="f2"), None):
        present("unreachable", current, Looking(), "advisory")
    assert seen == ["Active", "Pending", "Pending"]


@pytest.mark.parametrize(
    ("seen", "current", "told"),
    [
        (Observation("Failed", "Broken"), HELD, "revenuecat says 'Broken'. Look at its page."),
        (Observation("Unknown", "Odd"), HELD, "revenuecat says 'Odd', which isn't a known word. Look at its page."),
        (Observation("Unknown"), HELD, "revenuecat shows no status. Look at its page."),
        (Observation("Pending", "Checking"), HELD, ""),
        (Observation("Active"), HELD, ""),
        # It is written again: what is seen is of before.
        (Observation("Failed", "Broken"), replace(HELD, issuer_id="other"), ""),
        (Observation("Unknown"), None, ""),
    ],
)
def test_a_tracker_that_contradicts_apple_is_told(seen: Observation, current: Integration | None, told: str) -> None:
    found, _said = present(current=current, tracker=Tracker(seen))
    assert told in found.error and bool(found.error) is bool(told)
    if told:
        assert found.error.startswith(f"{BUNDLE_ID}: Apple accepts the key, but {told}")
        assert ("revenuecat.page" in found.error) is (seen.status == "Unknown")
        # What is seen is written down all the same.
        assert (found.bad_status, found.write) == (seen.status, "note")
        unasked, _said = present("app_not_released", tracker=Tracker(seen))
        assert unasked.error.startswith(f"{BUNDLE_ID}: {told}") and unasked.bad_status == seen.status


def test_what_a_tracker_would_refuse_to_save_fails_before() -> None:
    problem = InputError("revenuecat.create_app", "No such app.", "Set it.")
    for current in (None, replace(HELD, key_fingerprint="f2")):
        found, _said = present(current=current, tracker=Tracker(problem))
        assert (found.error, found.step.action, found.write) == (str(problem), "unchanged", None)
        assert found.held == (current or absent(IDENTITY)) and found.verdict == verdict("accepted")


@pytest.mark.parametrize(
    ("current", "source_path", "path"),
    [
        (replace(HELD, private_key_path="/old.p8"), None, "/old.p8"),
        (replace(HELD, private_key_path="/old.p8"), "/new.p8", "/new.p8"),
        # Another key's place is not this key's.
        (replace(HELD, private_key_path="/old.p8", key_fingerprint="f2"), None, None),
        (None, None, None),
    ],
)
def test_the_place_of_a_key_is_not_forgotten(
    current: Integration | None, source_path: str | None, path: str | None
) -> None:
    source = KeySource(ISSUER, KEY_ID, source_path, None, "required")
    found, _said = present(current=current, source=source)
    assert found.step.desired is not None and found.step.desired.private_key_path == path


@pytest.mark.parametrize(("given", "held", "wanted"), [(7, 5, 7), (None, 5, 5), (None, None, None), (7, None, 7)])
def test_the_apple_id_is_kept(given: int | None, held: int | None, wanted: int | None) -> None:
    found, _said = present(current=replace(HELD, app_apple_id=held), app_apple_id=given)
    assert found.step.desired is not None and found.step.desired.app_apple_id == wanted
    if held is None:
        found, _said = present(current=None, app_apple_id=given)
        assert found.step.desired is not None and found.step.desired.app_apple_id == given


def test_a_key_that_check_mode_predicts_is_applied_as_far_as_it_is_known() -> None:
    source = KeySource(ISSUER, KEY_ID, "/k/a.p8", None, "required", is_predicted=True, fingerprint="f9")
    found, _said = present(
        "key_not_yet_created", None, Tracker(Observation("Pending")), credentials=None, source=source
    )
    assert found.step.action == "create" and found.write is None and not found.error
    assert found.held == Integration(IDENTITY, ISSUER, KEY_ID, "f9", "Pending", "/k/a.p8")
    found, _said = present("key_not_yet_created", HELD, Tracker(Observation("Pending")), credentials=None)
    assert found.step.desired is not None and found.step.desired.private_key_path == "/k/a.p8"


@pytest.mark.parametrize(
    ("current", "reason", "wanted", "is_confirmation"),
    [
        (HELD, "Remove it.", asked_to_remove(HELD), False),
        (HELD, "", absent(IDENTITY), True),
        (None, "", absent(IDENTITY), False),
        # Nobody is asked to remove what isn't there.
        (absent(IDENTITY), "Remove it.", absent(IDENTITY), False),
    ],
)
def test_what_a_person_is_asked_to_remove_is_noted(
    current: Integration | None, reason: str, wanted: Integration, is_confirmation: bool
) -> None:
    """Only then, a later run may take it for removed on a person's word."""
    rules = Rules(t.cast(t.Any, Tracker(reason=reason, has_no_api=True)), "required", False, lambda text: None)
    found = decide_absent(IDENTITY, current, rules)
    assert (found.held, found.is_confirmation) == (wanted, is_confirmation)
    assert found.step.desired == (wanted if reason else None) and found.why_kept == reason
    assert (
        found.write == {"Remove it.": None if wanted == current else "note", "": "remove" if current else None}[reason]
    )


@pytest.mark.parametrize(
    ("current", "reason", "action", "write", "warns"),
    [
        (HELD, "", "delete", "remove", 0),
        (None, "", "unchanged", None, 0),
        (HELD, "It can't.", "unchanged", None, 1),
        (None, "It can't.", "unchanged", None, 0),
        # There is no key: nothing is left to be removed.
        (absent(IDENTITY), "It can't.", "unchanged", None, 0),
    ],
)
def test_what_is_declared_absent(
    current: Integration | None, reason: str, action: str, write: str | None, warns: int
) -> None:
    said: list[str] = []
    rules = Rules(t.cast(t.Any, Tracker(reason=reason)), "required", False, said.append)
    found = decide_absent(IDENTITY, current, rules)
    assert rules.tracker.asked is (current is not None)
    assert (found.step.action, found.write, len(said)) == (action, write, warns)
    hint = "Declared absent, and still held. It can't." if warns else NO_KEY_NEEDED
    assert found.verdict == Verdict("not_checked", hint, "production") and not found.error
    assert found.held == (current if reason and current else absent(IDENTITY))
    assert all(f"{BUNDLE_ID} (revenuecat game, production) is left as it is: It can't." in text for text in said)


def test_decisions_that_leave_all_as_it_is() -> None:
    one = standing(HELD, IDENTITY, verdict("accepted"), "Why.")
    assert (one.held, one.error, one.write, one.step) == (HELD, "Why.", None, Plan("unchanged", HELD, HELD))
    none = standing(None, IDENTITY, verdict("accepted"))
    assert (none.held, none.error, none.write) == (absent(IDENTITY), "", None)
    unknown = unread(IDENTITY, verdict("not_checked"), "Why.")
    assert (unknown.held.status, unknown.held.identity, unknown.error) == ("Unknown", IDENTITY, "Why.")
    assert unknown.step == Plan("unchanged", None, None) and unknown.verdict == verdict("not_checked")


@pytest.mark.parametrize("current", [HELD, None])
def test_what_could_not_be_carried_out(current: Integration | None) -> None:
    made = replace(HELD, key_fingerprint="f2")
    one = Decision(verdict("accepted"), plan(current, made), made, KEY)
    assert one.write == "save"
    give_up(one, "Why.")
    assert (one.held, one.error) == (current or absent(IDENTITY), "Why.")
    assert one.step == Plan("unchanged", current, current)
    two = Decision(verdict("accepted"), plan(current, made), made, KEY)
    leave_open(two, "Why.")
    assert two.held == replace(absent(IDENTITY), status="Unknown") and two.step.changed
    assert two.error == "Why. The change may have been made; run again."


def held(
    bundle_id: str, status: Status = "Active", tracker: str = "ledger", word: str = "", key: str = "K"
) -> Integration:
    """An integration of an app."""
    project = "" if tracker == "ledger" else "game"
    return Integration(Identity(tracker, project, "production", bundle_id), ISSUER, key or None, "f", status, word=word)


@pytest.mark.parametrize(
    ("cause", "entry", "in_run", "in_check_mode"),
    [
        ("accepted", held("a"), False, False),
        ("accepted", held("a", "Absent"), False, False),
        ("accepted", held("a", "Pending"), True, True),
        ("accepted", held("a", "Unknown"), True, True),
        ("unauthenticated", held("a", "Failed"), True, True),
        ("app_not_released", held("a", "Pending"), False, False),
        ("app_not_released", held("a", "Pending", "revenuecat"), False, False),
        # A person may have to enter it there all the same, until its page or its own word confirms it.
        ("app_not_released", held("a", "Pending", "devtodev"), True, True),
        ("app_not_released", held("a", "Pending", "devtodev", "confirmed"), False, False),
        # Nobody knows which key is there, or the tracker says that it doesn't work: that is no matter of the release.
        ("app_not_released", held("a", "Unknown", "revenuecat"), True, True),
        ("app_not_released", held("a", "Failed", "devtodev", "Error"), True, True),
        ("app_not_released", held("a", "Unknown", "devtodev", "Moon phase"), True, True),
        ("key_not_yet_created", held("a", "Unknown", "revenuecat"), True, True),
        ("key_not_yet_created", held("a", "Pending"), True, False),
        ("key_not_yet_created", held("a", "Pending", "devtodev"), True, True),
    ],
)
def test_where_the_key_of_before_may_be_in_use(
    cause: Cause, entry: Integration, in_run: bool, in_check_mode: bool
) -> None:
    one = Decision(verdict(cause), plan(entry, entry), entry)
    assert key_removal.waiting([one, one], False) == (["a"] if in_run else [])
    assert key_removal.waiting([one, one], True) == (["a"] if in_check_mode else [])


def test_who_may_use_a_key() -> None:
    entries = [held("a", key="K1"), held("b", key="K2"), held("c", key=""), held("a", key="K1")]
    assert key_removal.users(["K1"], entries) == ["a in the ledger", "c in the ledger"]
    assert key_removal.users(["K3"], entries) == ["c in the ledger"]
    # Whose ID nobody knows may be anybody's.
    assert key_removal.users([None], entries) == ["a in the ledger", "b in the ledger", "c in the ledger"]


@pytest.mark.parametrize(
    ("keys", "trouble", "apps", "users", "check_mode", "told"),
    [
        ([], "trouble", ["a"], ["b"], False, ""),
        (["k"], "", [], [], False, ""),
        (["k"], "2 apps failed.", ["a"], ["b"], False, "The key k was not removed or revoked: 2 apps failed."),
        (["k"], "See X.", [], [], False, "The key k was not removed or revoked: See X."),
        (["k", "l"], "", ["a"], ["b"], False, "The keys k, l were not removed or revoked: a isn't Active yet."),
        (["k", "l"], "", ["a"], [], True, "The keys k, l would not be removed or revoked: a isn't Active yet."),
        (
            ["k"],
            "",
            [],
            ["b in the ledger"],
            False,
            "The key k was not removed or revoked: b in the ledger may still use it and isn't declared. Declare it "
            "for the same tracker, below another key or with state: absent. What a tracker can't remove, remove there "
            "by hand.",
        ),
    ],
)
def test_why_keys_stay(
    keys: list[str], trouble: str, apps: list[str], users: list[str], check_mode: bool, told: str
) -> None:
    assert key_removal.left(keys, trouble, apps, users, check_mode) == told
