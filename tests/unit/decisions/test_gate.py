# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate before what can't be undone: what it asks for, what it says, and what it keeps."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.irreversible import DID, DOES, Gate
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permit, Proof, Step

NOW = "2026-11-28T00:00:00Z"


def gate(said: list[str], check_mode: bool = False) -> Gate:
    """A gate that says into a list."""
    return Gate(lambda: NOW, said.append, check_mode)


def record(step: Step, outcome: str, target: str = "it") -> dict[str, str]:
    """What is kept."""
    start = {"step": step, "target": target, "asked_by": "revoke: true", "outcome": outcome}
    return {**start, "proven": "nobody uses it", "answer": "yes", "proven_at": NOW}


@pytest.mark.parametrize("step", t.get_args(Step))
def test_a_step_that_was_asked_for_and_proven(step: Step) -> None:
    said: list[str] = []
    made = gate(said)
    permit = made.ask(step, "it", "revoke: true", "nobody uses it", "yes")
    assert permit == Permit(step, "it", Proof("nobody uses it", "yes", NOW)) and permit is not None
    told = f"About to {DOES[step]} it, as revoke: true asks for. Proven: nobody uses it (yes, {NOW})."
    assert said == [told] and made.records == [record(step, "begun")]
    made.done(permit)
    assert said[1:] == [f"Done: {DID[step]} it."] and made.records == [record(step, "done")]


def test_check_mode_keeps_it_and_does_not_allow_it() -> None:
    said: list[str] = []
    made = gate(said, check_mode=True)
    assert made.ask("purge", "it", "revoke: true", "nobody uses it", "yes") is None
    assert said == [] and made.records == [record("purge", "would be done")]


@pytest.mark.parametrize(
    ("asked_by", "what", "answer", "lack"),
    [
        ("", "a", "b", "no option asks for it"),
        ("", "", "", "no option asks for it"),
        ("x", "", "b", "nothing proves that it is right"),
        ("x", "a", "", "nothing proves that it is right"),
    ],
)
def test_a_step_without_a_wish_or_a_proof_is_not_done(asked_by: str, what: str, answer: str, lack: str) -> None:
    said: list[str] = []
    made = gate(said)
    with pytest.raises(RefundsError) as caught:
        made.ask("delete_app", "it", asked_by, what, answer)
    assert str(caught.value) == f"To delete the app entry of it can't be undone, and {lack}: it was not done."
    assert said == [] and made.records == []


def test_the_outcome_is_that_of_the_step_and_of_its_last_try() -> None:
    said: list[str] = []
    made = gate(said)
    for step, target in (("purge", "a"), ("revoke_key", "a"), ("purge", "b"), ("purge", "a"), ("purge", "b")):
        permit = made.ask(t.cast(Step, step), target, "revoke: true", "nobody uses it", "yes")
    assert permit is not None
    made.done(Permit("purge", "a", permit.proof), "failed")
    assert [one["outcome"] for one in made.records] == ["begun", "begun", "begun", "failed", "begun"]
    assert said[-1] == f"Failed: {DOES['purge']} a."
    made.done(Permit("remove_key_file", "a", permit.proof))
    assert [one["outcome"] for one in made.records] == ["begun", "begun", "begun", "failed", "begun"]
