# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why Apple refuses, as far as what is held, other apps and other keys tell: which reason is told, and which first."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from types import SimpleNamespace

import pytest
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._apple import hints
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.refusal import (
    Counts,
    Facts,
    Others,
    facts,
    infer_across_apps,
    is_unasked,
    known_released,
    of_released,
    settled_kind,
)
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    CONFIRMED,
    Credentials,
    Identity,
    Integration,
    Status,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import CAUSES, Cause, Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.holdings import Holdings
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.protocol import Tracker

IDENTITY = Identity("ledger", "", "production", BUNDLE_ID)
KEY = Credentials(ISSUER, KEY_ID, t.cast(t.Any, SimpleNamespace(fingerprint="f1")), "/k/a.p8")
HELD = Integration(IDENTITY, ISSUER, KEY_ID, "f1", "Active", "/k/a.p8")
MINE, SAME_KEY, OTHER = (ISSUER, KEY_ID, "f1"), ("other issuer", KEY_ID, "f1"), (ISSUER, "OTHERKEY01", "f2")
REFUSED = Verdict("unauthenticated", "Apple refused.", "production")
HALF = replace(REFUSED, is_half=True)
IN_SANDBOX = replace(REFUSED, sandbox_accepts=True)
GOOD = Verdict("accepted", "All is well.", "production")
SILENT = Verdict("unreachable", "No answer.", "production")
ONCE = "2026-01-01T00:00:00Z"
ACCEPTED = Facts(was_accepted=True, was_released=True)


@pytest.mark.parametrize(
    ("verdict", "wanted"),
    [
        (SILENT, True),
        (replace(SILENT, checked_at="2026-11-28T00:00:00Z"), False),
        (Verdict("not_checked", "", "production"), False),
        (GOOD, False),
    ],
)
def test_who_was_never_asked(verdict: Verdict, wanted: bool) -> None:
    assert is_unasked(verdict) is wanted


@pytest.mark.parametrize("cause", CAUSES)
def test_a_file_named_as_another_kind_is_taken_for_it_where_apple_settled_nothing(cause: Cause) -> None:
    verdict = Verdict(cause, "A hint.", "production", checked_at="2026-11-28T00:00:00Z")
    named = KeySource(ISSUER, KEY_ID, "/k/AuthKey_ABC.p8", None, "required")
    undecided = ("rate_limited", "service_unavailable", "unreachable", "unexpected_response", "not_checked")
    found = settled_kind(named, verdict)
    assert found.cause == ("key_wrong_kind" if cause in undecided else cause)
    assert ("/k/AuthKey_ABC.p8 is by its name an App Store Connect API key" in found.hint) is (cause in undecided)
    assert (f"({cause})" in found.hint) is (cause in undecided)
    assert settled_kind(replace(named, path="/k/SubscriptionKey_ABC.p8"), verdict) is verdict
    assert settled_kind(replace(named, path=None), verdict) is verdict
    # What Apple wasn't asked for want of time says nothing either way.
    assert settled_kind(named, SILENT) is SILENT


@pytest.mark.parametrize(
    ("current", "credentials", "hint"),
    [
        (HELD, KEY, hints.known_released(True)),
        (replace(HELD, key_fingerprint="f2"), KEY, hints.known_released(False)),
        # Accepted once, with whichever key: nobody knows that it was this one.
        (replace(HELD, status="Failed", accepted_at=ONCE), KEY, hints.known_released(False)),
        (replace(HELD, is_only_shown=True, accepted_at=ONCE), KEY, hints.known_released(False)),
        (HELD, None, hints.known_released(False)),
        (replace(HELD, status="Pending"), KEY, None),
        (None, KEY, None),
    ],
)
def test_an_app_that_was_accepted_once_is_released(
    current: Integration | None, credentials: Credentials | None, hint: str | None
) -> None:
    verdict = Verdict("app_not_released", "A hint.", "production", sandbox_accepts=True)
    found = known_released(verdict, [current] if current else [], credentials)
    assert found == (verdict if hint is None else replace(verdict, cause="unauthenticated", hint=hint))
    assert of_released(GOOD, True) is GOOD and of_released(REFUSED, True) is REFUSED


def test_another_tracker_may_know_that_just_this_key_was_accepted() -> None:
    verdict = Verdict("app_not_released", "A hint.", "production", sandbox_accepts=True)
    asked = replace(HELD, identity=replace(IDENTITY, tracker="devtodev"), status="Pending", accepted_at=ONCE)
    assert known_released(verdict, [asked, HELD], KEY).hint == hints.known_released(True)
    assert known_released(verdict, [asked, replace(HELD, key_id="K2")], KEY).hint == hints.known_released(False)
    assert known_released(verdict, [], KEY) is verdict
    assert "with another key" not in hints.known_released(False)


@pytest.mark.parametrize(
    ("current", "credentials", "wanted"),
    [
        (HELD, None, Facts(was_released=True)),
        (None, KEY, Facts(held_name="COM.example", was_released=True)),
        (HELD, KEY, Facts(is_unchanged=True, was_accepted=True, was_released=True)),
        (replace(HELD, status="Failed"), KEY, Facts(is_unchanged=True)),
        (replace(HELD, status="Failed", accepted_at=ONCE), KEY, Facts(is_unchanged=True, was_released=True)),
        # What the tracker can't show is no difference, and not known to be the same.
        (replace(HELD, key_fingerprint=None), KEY, ACCEPTED),
        (replace(HELD, issuer_id=None, key_id=None, key_fingerprint=None), KEY, ACCEPTED),
        (replace(HELD, issuer_id="x"), KEY, replace(ACCEPTED, differing=(("issuer_id", "x", ISSUER),))),
        (
            replace(HELD, key_id="y", key_fingerprint="z", status="Pending"),
            KEY,
            Facts((("key_id", "y", KEY_ID), ("the private key's fingerprint", "z", "f1"))),
        ),
    ],
)
def test_what_differs_from_what_is_held(
    current: Integration | None, credentials: Credentials | None, wanted: Facts
) -> None:
    twin = replace(HELD, identity=replace(IDENTITY, bundle_id="COM.example"))
    assert facts(current, credentials, twin) == wanted


@pytest.mark.parametrize(("status", "is_kept"), [("Active", False), ("Pending", True)])
def test_an_app_that_was_accepted_in_other_capitals_was_released(status: Status, is_kept: bool) -> None:
    twin = replace(HELD, identity=replace(IDENTITY, bundle_id="COM.example"), status=status)
    verdict = replace(REFUSED, hint=hints.unauthenticated("production", None, 0.0, "refuses"))
    known = replace(facts(None, KEY, twin), held_at="ledger")
    found = Others.of([(MINE, REFUSED)]).explain(MINE, verdict, known)
    assert found.lead == hints.other_capitals("COM.example", "ledger")
    assert found.hint == (f"{found.lead} {hints.NEVER_RELEASED}" if is_kept else found.lead)
    assert facts(None, KEY, None) == Facts()


# Tracker, status, the tracker's own word, whether Active is the page's word alone.
STANDINGS: list[tuple[str, Status, str, bool]] = [
    ("ledger", "Active", "", False),
    ("ledger", "Failed", "", False),
    ("ledger", "Pending", "", False),
    ("devtodev", "Pending", "", False),
    ("devtodev", "Pending", CONFIRMED, False),
    ("devtodev", "Pending", "Pending", False),
    ("devtodev", "Failed", "Error", False),
    ("devtodev", "Unknown", "Odd", False),
    ("devtodev", "Active", "Active", True),
    ("revenuecat", "Failed", "", False),
    ("qonversion", "Pending", "", False),
]


@pytest.mark.parametrize("others", ["no others", "another is refused", "another works", "another tracker knows"])
@pytest.mark.parametrize("accepted_at", [None, ONCE])
@pytest.mark.parametrize(("tracker", "status", "word", "is_only_shown"), STANDINGS)
def test_what_apple_accepted_is_never_called_unaccepted_nor_unreleased(
    tracker: str, status: Status, word: str, is_only_shown: bool, accepted_at: str | None, others: str
) -> None:
    identity = replace(IDENTITY, tracker=tracker)
    held = replace(
        HELD, identity=identity, status=status, word=word, is_only_shown=is_only_shown, accepted_at=accepted_at
    )
    elsewhere = replace(HELD, key_id="ANOTHERKEY") if others == "another tracker knows" else None
    checks = {"another is refused": TWO, "another works": MIXED}.get(others, ONE)
    for sandbox in ("refuses", "no answer"):
        general = hints.unauthenticated("production", None, 0.0, t.cast(t.Any, sandbox))
        verdict = replace(REFUSED, hint=general)
        hint = Others.of(checks).explain(MINE, verdict, facts(held, KEY, None, elsewhere)).hint
        was_released = held.was_accepted or elsewhere is not None
        assert ("never released" in hint or "whether it was released" in hint) <= (not was_released), hint
        assert ("doesn't know that Apple ever accepted" in hint) is (not was_released and checks is ONE), hint
        assert ("since Apple last accepted them" in hint) <= held.is_accepted, hint
        if was_released and checks is MIXED:
            assert "the app moved to another team" in hint


def test_of_a_released_app_nothing_speaks_of_a_first_release() -> None:
    """Even where nothing else is known: the fingerprint isn't."""
    held = replace(HELD, key_fingerprint=None)
    verdict = replace(REFUSED, hint=hints.unauthenticated("production", None, 0.0, "refuses"))
    found = Others.of(ONE).explain(MINE, verdict, facts(held, KEY, None))
    assert found.lead == "" and found.hint.startswith(hints.REFUSED) and "never released" not in found.hint
    assert Others.of(ONE).explain(MINE, verdict, facts(None, KEY, None)) is verdict


def test_another_tracker_tells_that_just_these_settings_were_accepted() -> None:
    asked = replace(HELD, identity=replace(IDENTITY, tracker="devtodev"), status="Pending")
    assert facts(asked, KEY, None, HELD) == SAME
    assert facts(asked, KEY, None, replace(HELD, key_id="K2")) == Facts(is_unchanged=True, was_released=True)
    # What Apple accepted elsewhere says nothing of what is held here and differs.
    assert not facts(replace(asked, key_id="K2"), KEY, None, HELD).was_accepted


@pytest.mark.parametrize(
    ("group", "wanted", "everywhere"),
    [
        ([], Counts(0, 0, 0), False),
        ([REFUSED], Counts(1, 0, 1), False),
        ([REFUSED, REFUSED], Counts(2, 0, 2), True),
        ([REFUSED, HALF], Counts(2, 0, 1), False),
        ([REFUSED, SILENT], Counts(2, 0, 1), False),
        ([REFUSED, GOOD], Counts(2, 1, 1), False),
        ([REFUSED, IN_SANDBOX], Counts(2, 1, 2), True),
    ],
)
def test_how_the_apps_of_a_key_fare(group: list[Verdict], wanted: Counts, everywhere: bool) -> None:
    assert Counts.of(group) == wanted and wanted.is_refused_everywhere is everywhere


@pytest.mark.parametrize(
    ("checks", "key", "wanted"),
    [
        ([(MINE, REFUSED), (MINE, REFUSED)], MINE, True),
        ([(MINE, REFUSED), (MINE, GOOD)], MINE, False),
        ([(MINE, REFUSED), (MINE, REFUSED)], OTHER, False),
        # The key itself is sound: it works under other IDs.
        ([(MINE, REFUSED), (MINE, REFUSED), (SAME_KEY, GOOD)], MINE, False),
        ([(MINE, REFUSED), (MINE, REFUSED), (OTHER, GOOD)], MINE, True),
    ],
)
def test_whether_a_key_is_refused_everywhere(checks: t.Any, key: tuple[str, ...], wanted: bool) -> None:
    assert Others.of(checks).is_refused_everywhere(key) is wanted


DIFFERENT = (("key_id", "OLD", "NEW"),)
SAME = Facts(is_unchanged=True, was_accepted=True, was_released=True)
BEFORE = Facts(is_unchanged=True, was_released=True)
ONE, TWO = [(MINE, REFUSED)], [(MINE, REFUSED), (MINE, REFUSED)]
MIXED = [(MINE, REFUSED), (MINE, GOOD)]
SOUND = [(MINE, REFUSED), (SAME_KEY, GOOD)]
LEADS: dict[str, tuple[t.Any, Facts, str]] = {
    "nothing is known": (ONE, Facts(), ""),
    "another key works": (SOUND, Facts(DIFFERENT, other_key="studio"), hints.other_key("studio", KEY_ID, 0)),
    "another key works, and this one for other apps": (
        MIXED,
        Facts(DIFFERENT, other_key="studio"),
        hints.other_key("studio", KEY_ID, 1),
    ),
    "it differs": (SOUND, Facts(DIFFERENT, was_accepted=True), hints.changed(DIFFERENT, True)),
    "it differs from what was stored": (TWO, Facts(DIFFERENT), hints.changed(DIFFERENT, False)),
    "it works under other IDs": (SOUND, Facts(held_name="COM"), hints.other_ids(SAME_KEY, MINE)),
    "capitals": (MIXED, Facts(held_name="COM", held_at="ledger"), hints.other_capitals("COM", "ledger")),
    "it works elsewhere": (MIXED, Facts(), hints.the_app(KEY_ID, 1, 2)),
    "it works elsewhere, and was never accepted": (MIXED, Facts(is_unchanged=True), hints.the_app(KEY_ID, 1, 2)),
    "it works elsewhere, and did here": (MIXED, SAME, hints.moved(KEY_ID, 1, 2)),
    "it works elsewhere, and the app was released": (MIXED, BEFORE, hints.moved(KEY_ID, 1, 2, False)),
    "it works elsewhere, and the app was released, its key unknown": (
        MIXED,
        Facts(was_released=True),
        hints.the_app(KEY_ID, 1, 2, True),
    ),
    "it works nowhere, and the app was released": (TWO, BEFORE, hints.the_key(KEY_ID, ISSUER, 2)),
    "nothing changed, and the app was released": (ONE, BEFORE, hints.unchanged(False)),
    "it works nowhere": (TWO, Facts(), hints.the_key(KEY_ID, ISSUER, 2)),
    "it works nowhere, and never did": (TWO, Facts(is_unchanged=True), hints.the_key(KEY_ID, ISSUER, 2)),
    "it works nowhere any more": (TWO, SAME, hints.revoked(KEY_ID, ISSUER, 2)),
    "it works nowhere, and the other key is of the same team": (
        ONE,
        Facts(other_key="studio", is_same_team=True),
        hints.other_key("studio", KEY_ID, 0, True),
    ),
    "nothing changed": (ONE, SAME, hints.unchanged(True)),
    "nothing changed, and it was never accepted": (ONE, Facts(is_unchanged=True), hints.NEVER_ACCEPTED),
    "of nobody's key": ([(OTHER, REFUSED)], Facts(), ""),
    "only it works": ([(MINE, GOOD)], Facts(), ""),
    "it works here and under other IDs": ([*MIXED, (SAME_KEY, GOOD)], Facts(), hints.the_app(KEY_ID, 1, 2)),
    "half a refusal": ([(MINE, REFUSED), (MINE, HALF)], Facts(), ""),
}


@pytest.mark.parametrize("case", LEADS)
def test_the_likeliest_reason_is_told_first(case: str) -> None:
    checks, known, lead = LEADS[case]
    found = Others.of(checks).explain(MINE, REFUSED, known)
    assert (found.lead, found.cause) == (lead, "unauthenticated")
    assert found.hint == (f"{lead} Apple refused." if lead else "Apple refused.")
    if lead:
        # The name of the file is told before it.
        named = replace(REFUSED, hint=f"{hints.API_KEY_NAME} Apple refused.")
        found = Others.of(checks).explain(MINE, named, known)
        assert (found.lead, found.hint) == (
            f"{hints.API_KEY_NAME} {lead}",
            f"{hints.API_KEY_NAME} {lead} Apple refused.",
        )


@pytest.mark.parametrize(
    ("checks", "known", "is_told"),
    [
        (ONE, SAME, True),
        (TWO, SAME, True),
        (ONE, BEFORE, True),
        (ONE, Facts(is_unchanged=True), False),
        (TWO, Facts(), False),
        (MIXED, SAME, False),
    ],
)
def test_a_simulator_that_forgot_its_keys_is_thought_of(checks: t.Any, known: Facts, is_told: bool) -> None:
    verdict = replace(REFUSED, other_host="127.0.0.1:8765")
    aside = f" {hints.not_apple('127.0.0.1:8765')}"
    found = Others.of(checks).explain(MINE, verdict, known)
    assert found.lead.endswith(aside) is is_told and (aside in found.lead) is is_told
    assert aside not in Others.of(checks).explain(MINE, REFUSED, known).lead


@pytest.mark.parametrize("verdict", [GOOD, SILENT, IN_SANDBOX, Verdict("app_not_released", "A hint.", "production")])
def test_only_a_refusal_is_explained(verdict: Verdict) -> None:
    assert Others.of(TWO).explain(MINE, verdict, Facts(DIFFERENT)) is verdict


def test_a_key_without_a_fingerprint_is_nobody_elses() -> None:
    blank, other = (ISSUER, KEY_ID, ""), ("other issuer", KEY_ID, "")
    found = Others.of([(blank, REFUSED), (other, GOOD)])
    assert found.sound == {} and found.explain(blank, REFUSED).lead == ""


def test_every_app_of_a_task_is_explained_by_the_others() -> None:
    checks = [(MINE, REFUSED), (OTHER, GOOD), (MINE, GOOD)]
    wanted = [Others.of(checks).explain(MINE, REFUSED), GOOD, GOOD]
    assert infer_across_apps(checks) == wanted and wanted[0].lead == hints.the_app(KEY_ID, 1, 2)


def test_names_without_their_capitals() -> None:
    entries = [replace(HELD, identity=replace(IDENTITY, bundle_id=name)) for name in ("Com.A", "com.a", "com.B")]
    holdings = Holdings(t.cast(Tracker, SimpleNamespace(list=lambda _environment: entries)))
    assert holdings.names("sandbox") == {"com.a": entries[0], "com.b": entries[2]}


def test_a_key_that_works_for_other_apps_is_not_called_revoked() -> None:
    works, nowhere = hints.other_key("studio", KEY_ID, 1), hints.other_key("studio", KEY_ID, 0)
    assert f"{KEY_ID} works for other apps" in works and "revoked" not in works
    assert f"{KEY_ID} is revoked, or the app belongs to the team of 'studio'" in nowhere


def test_of_one_team_no_key_is_a_reason_to_declare_another() -> None:
    works, nowhere = (hints.other_key("studio", KEY_ID, works, is_same_team=True) for works in (1, 0))
    assert f"so {KEY_ID} is revoked, or its Key ID is wrong, or it was made just now." in nowhere
    assert "Declare the app with" not in works + nowhere and "revoked" not in works


EVERY_FACT = [
    Facts(
        differing, is_unchanged, was_accepted, False, held_name, "ledger" if held_name else "", other_key, is_same_team
    )
    for differing, is_unchanged in (((), False), ((), True), (DIFFERENT, False))
    for was_accepted in (True, False)
    for held_name in ("", "COM.example")
    for other_key in ("", "studio")
    for is_same_team in (True, False)
]


@pytest.mark.parametrize("checks", [ONE, TWO, MIXED, SOUND])
def test_what_changed_since_apple_accepted_it_is_told_whatever_else_is_known(checks: t.Any) -> None:
    changed = hints.changed(DIFFERENT, True)
    for known in EVERY_FACT:
        lead = Others.of(checks).explain(MINE, REFUSED, known).lead
        assert (changed in lead) is bool(known.differing and known.was_accepted), known
        if known.other_key:
            # Of another team, the app's team is told first; of the same one, what changed.
            assert "Apple accepts the declared key 'studio'" in lead
            assert lead.startswith("Changed: ") is bool(known.differing and known.was_accepted and known.is_same_team)
