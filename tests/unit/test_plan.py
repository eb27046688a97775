# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: complete, and at rest after it was applied once."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_examples import examples

from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    Identity,
    Integration,
    Observation,
)
from ansible_collections.storeops.refunds.plugins.module_utils._plan import (
    COMPARED,
    COMPARED_IN_LEDGER,
    Plan,
    plan,
    settle_unknown,
    stand_still,
)

IDENTITY = Identity("ledger", "", "production", "com.example.one")
FULL = Integration(IDENTITY, "issuer", "KEY", "f" * 64, "Active", "/keys/a.p8", 1)
# An Apple ID is noted there for later, and no other tracker holds it.
ELSEWHERE = dataclasses.replace(FULL, identity=Identity("revenuecat", "proj1", "production", "com.example.one"))
OBSERVED = {"status": "Failed"}

SHORT = st.sampled_from(["a", "b"])
WANTED = st.builds(
    Integration,
    st.just(IDENTITY),
    SHORT,
    SHORT,
    SHORT,
    st.sampled_from(["Active", "Pending", "Failed"]),
    st.none() | SHORT,
    st.none() | st.integers(1, 2),
)
HELD = st.none() | st.builds(
    Integration, st.just(IDENTITY), st.none() | SHORT, st.none() | SHORT, st.none() | SHORT, st.just("Active")
)


def applied(step: Plan) -> Integration | None:
    """Give what a tracker holds after a plan."""
    return step.desired if step.changed or step.needs_saving else step.current


@settings(max_examples=examples(80))
@given(HELD, st.none() | WANTED)
def test_a_plan_applied_twice_changes_nothing_the_second_time(
    held: Integration | None, wanted: Integration | None
) -> None:
    step = plan(held, wanted)
    again = plan(applied(step), wanted)
    assert (again.action, again.changed, again.needs_saving) == ("unchanged", False, False)
    assert again.diff()["before"] == again.diff()["after"]


@settings(max_examples=examples(80))
@given(HELD, st.none() | WANTED)
def test_the_diff_tells_all_that_changes_and_no_more(held: Integration | None, wanted: Integration | None) -> None:
    step = plan(held, wanted)
    diff = step.diff()
    assert (diff["before"] != diff["after"]) is step.changed
    if held is not None:
        assert set(diff["before"]) == set(COMPARED)
    if step.changed and wanted is not None:
        own = {"app_apple_id": wanted.app_apple_id, "private_key_path": wanted.private_key_path}
        after = {**wanted.as_result(), **{name: value for name, value in own.items() if value}}
        assert diff["after"] == {name: after[name] for name in COMPARED_IN_LEDGER if name in after}
        assert {name for name in after if diff["before"].get(name) != after[name]} >= set(step.differing)
    assert not {"status"} & (set(diff["before"]) | set(diff["after"]))


@pytest.mark.parametrize(
    ("held", "wanted", "action", "differing"),
    [
        (None, None, "unchanged", ()),
        (None, FULL, "create", COMPARED_IN_LEDGER),
        (FULL, None, "delete", ()),
        (FULL, FULL, "unchanged", ()),
        (FULL, dataclasses.replace(FULL, issuer_id="other"), "update", ("issuer_id",)),
        (FULL, dataclasses.replace(FULL, app_apple_id=2), "update", ("app_apple_id",)),
        (dataclasses.replace(FULL, app_apple_id=None), FULL, "update", ("app_apple_id",)),
        (FULL, dataclasses.replace(FULL, app_apple_id=None), "unchanged", ()),
        (ELSEWHERE, dataclasses.replace(ELSEWHERE, app_apple_id=2), "unchanged", ()),
        (FULL, dataclasses.replace(FULL, private_key_path="/b.p8"), "update", ("private_key_path",)),
        (dataclasses.replace(FULL, private_key_path=None), FULL, "update", ("private_key_path",)),
        (FULL, dataclasses.replace(FULL, private_key_path=None), "unchanged", ()),
        (ELSEWHERE, dataclasses.replace(ELSEWHERE, private_key_path="/b.p8"), "unchanged", ()),
        (FULL, dataclasses.replace(FULL, key_id="B", key_fingerprint="a"), "update", ("key_id", "key_fingerprint")),
        (dataclasses.replace(FULL, key_fingerprint=None), FULL, "unknown", ("key_fingerprint",)),
        (dataclasses.replace(FULL, key_id=None, key_fingerprint=None), FULL, "unknown", ("key_id", "key_fingerprint")),
        (dataclasses.replace(FULL, issuer_id="x", key_fingerprint=None), FULL, "update", ("issuer_id",)),
    ],
)
def test_actions(held: Integration | None, wanted: Integration | None, action: str, differing: tuple[str, ...]) -> None:
    step = plan(held, wanted)
    assert (step.action, step.differing) == (action, differing)
    assert step.changed is (action in ("create", "update", "delete"))


def test_what_a_tracker_rejects_is_written_again_once_apple_accepts_the_key() -> None:
    rejected = FULL.seen_as(Observation("Failed", "Key revoked"))
    step = plan(rejected, FULL)
    assert (step.action, step.differing) == ("update", ("key_fingerprint",))
    assert step.diff()["before"]["key_fingerprint"] is None
    assert not plan(rejected, FULL.seen_as(Observation("Pending"))).changed, "not before: it would be rejected again"
    assert not plan(FULL.seen_as(Observation("Failed")), FULL).changed, "a status of ours is no word of the tracker's"
    assert not plan(FULL.seen_as(Observation("Unknown", "On hold")), FULL).changed


@pytest.mark.parametrize("name", OBSERVED)
def test_observations_are_saved_and_no_change(name: str) -> None:
    step = plan(FULL, dataclasses.replace(FULL, **{name: OBSERVED[name]}))
    assert (step.action, step.changed, step.needs_saving) == ("unchanged", False, True)


def test_before_and_after_are_complete() -> None:
    created, deleted = plan(None, FULL).diff(), plan(FULL, None).diff()
    assert created["before"] == deleted["after"] == {}
    assert (
        created["after"]
        == deleted["before"]
        == {
            "bundle_id": "com.example.one",
            "issuer_id": "issuer",
            "key_id": "KEY",
            "key_fingerprint": "f" * 64,
            "environment": "production",
            "app_apple_id": 1,
            "private_key_path": "/keys/a.p8",
        }
    )
    for diff in (created, deleted):
        assert diff["before_header"] == diff["after_header"] == "com.example.one (ledger, production)"


@pytest.mark.parametrize("held", [None, FULL])
def test_standing_still(held: Integration | None) -> None:
    step = stand_still(held)
    assert not step.changed and not step.needs_saving
    assert step.diff()["before"] == step.diff()["after"]
    assert step == Plan("unchanged", held, held) and bool(step.diff()["before_header"]) is (held is not None)


@pytest.mark.parametrize("action", ["unknown", "update", "unchanged"])
@pytest.mark.parametrize("on_unknown", ["keep", "fail", "replace"])
def test_only_what_nobody_can_tell_is_replaced(action: str, on_unknown: str) -> None:
    made = Plan(action, ELSEWHERE, FULL, ("key_id",))
    is_settled = (action, on_unknown) == ("unknown", "replace")
    assert settle_unknown(made, on_unknown) == (dataclasses.replace(made, action="update") if is_settled else made)
