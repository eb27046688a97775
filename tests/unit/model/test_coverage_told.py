# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What results and warnings say of a coverage."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import (
    Coverage,
    Window,
    after_known,
    before_known,
    faults_of,
    gaps_told,
    judged,
    time_or_none,
)

DAY = 86_400_000
# 2023-11-14T22:13:20Z
NOW = 1_700_000_000_000


def test_what_is_missing_is_told_with_its_counts() -> None:
    assert faults_of([], {}) == []
    (gaps,) = faults_of([Window(NOW, NOW + DAY), Window(NOW + 3 * DAY, NOW + 5 * DAY)], {})
    assert gaps.startswith("Not known: 2023-11-14 to 2023-11-15, 2023-11-17 to 2023-11-19. Apple's history")
    sound, forged, advice = faults_of([], {"wrong_type": 1, "unexpected_fields": 2, "wrong_root": 4, "broken_chain": 3})
    assert sound.startswith("3 of Apple's payloads are sound") and "(2 unexpected_fields, 1 wrong_type)" in sound
    assert forged.startswith("7 of Apple's payloads could not be verified")
    assert "(3 broken_chain, 4 wrong_root)" in forged and advice.startswith("wrong_root: ")
    for reason in ("wrong_apple_id", "unsuitable_chain", "wrong_root"):
        assert len(faults_of([], {reason: 1})) == 2
    for reason in ("unexpected_fields", "wrong_type", "missing_transaction", "tampered"):
        assert len(faults_of([], {reason: 1})) == 1


def test_apps_with_the_same_reason_are_told_together() -> None:
    many = [(f"app{number}", "unknown", "One.") for number in range(7)]
    few = [("b", "incomplete", "One."), ("a", "incomplete", "Two."), ("c", "incomplete", "Two.")]
    told = gaps_told([*few, *many])
    assert told == [
        "Not all refunds of app0, app1, app2, app3, app4 and 2 more are known (unknown): One.",
        "Not all refunds of a, c are known (incomplete): Two.",
        "Not all refunds of b are known (incomplete): One.",
    ]
    told = gaps_told((f"app{number}", "unknown", f"Reason {number}.") for number in range(1007))
    assert len(told) == 6 and told[5] == "Not all refunds of 1,002 more apps are known: coverage.reason says why."
    assert len(gaps_told((f"app{number}", "unknown", f"Reason {number}.") for number in range(5))) == 5
    told = gaps_told((f"app{number}", "unknown", f"Reason {number}.") for number in range(6))
    assert told[5] == "Not all refunds of 1 more app are known: coverage.reason says why."
    assert gaps_told([]) == []


def test_the_result_names_times_in_utc() -> None:
    made = Coverage(NOW, NOW + DAY, NOW + DAY, NOW, (Window(NOW, NOW + 1000),), NOW + 2000, NOW - DAY, NOW + 3000)
    assert replace(made, state="incomplete", reason="Why.").as_result() == {
        "state": "incomplete",
        "reason": "Why.",
        "covered_from": "2023-11-14T22:13:20Z",
        "covered_until": "2023-11-15T22:13:20Z",
        "known_from": "2023-11-13T22:13:20Z",
        "known_until": "2023-11-15T22:13:20Z",
        "gaps": [{"from": "2023-11-14T22:13:20Z", "until": "2023-11-14T22:13:21Z"}],
        "last_notification_at": "2023-11-14T22:13:22Z",
    }
    assert time_or_none(None) is None
    assert before_known(NOW).startswith("Known from 2023-11-14T22:13:20Z on only")
    assert after_known(NOW).startswith(
        "Known until 2023-11-14T22:13:20Z only"
    ) and "of 2023-11-07 and counts for 7 days" in after_known(NOW)


def test_all_faults_stand_in_one_reason() -> None:
    quarantined = {"wrong_type": 1, "wrong_root": 2}
    reason = judged(Coverage(0, NOW, NOW, NOW, known_from=0, proven_at=NOW), quarantined).reason
    assert reason == " ".join(faults_of([], quarantined))
