# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Over whole declarations: check mode says what the run then does, and after the run it says that all is done."""

from __future__ import annotations

import shutil
import tempfile
import typing as t
from pathlib import Path

from bulk_support import Bulk, compared_items, predicted
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_servers import FOREIGN, REVOKED_KEY_ID, UNRELEASED, Simulator
from unit_support import BUNDLE_ID, OTHER_ISSUER, Outcome, fingerprint_of

Json = dict[str, t.Any]
TWO = "com.example.two"
# What may differ: the run has happened.
WORDS = (
    ("Would be confirmed", "Confirmed"),
    ("Would not be confirmed, because this run would ask", "Not confirmed, because this run asks"),
    *(("would change", "changed"), ("would be removed", "removed"), ("would not be Active", "not Active")),
)

PLACES: Json = {
    "state": st.sampled_from(["present", "present", "absent"]),
    "trackers": st.sampled_from([["ledger"], ["devtodev"], ["ledger", "devtodev"]]),
    "devtodev": st.sampled_from([{"project": "p2"}, {"confirmed": True}]),
    "credential_check": st.sampled_from(["required", "advisory", "skip"]),
}
SOUND = st.fixed_dictionaries(
    {"bundle_id": st.sampled_from([BUNDLE_ID, TWO, UNRELEASED, FOREIGN, "com.example.ONE"])},
    optional={**PLACES, "app_apple_id": st.sampled_from([7, "8"])},
)
SANDBOX = st.fixed_dictionaries({"bundle_id": st.sampled_from([BUNDLE_ID, TWO]), "environment": st.just("sandbox")})
FAULTY = st.sampled_from(
    [
        {"bundle_id": "com..bad"},
        {"bundle_id": TWO, "colour": "red"},
        {"bundle_id": TWO, "app_apple_id": 0},
        {"bundle_id": TWO, "environment": "sandbox", "trackers": ["devtodev"]},
        {"bundle_id": BUNDLE_ID, "trackers": ["ledger", "qonversion"]},
        {"bundle_id": BUNDLE_ID, "trackers": ["devtodev"], "devtodev": {"mode": "lax"}},
    ]
)
APPS = st.one_of(SOUND, SOUND, SOUND, SOUND, SANDBOX, FAULTY)
KEYS = st.sampled_from(["a", "a", "a", "wide", "b", "revoked", "gone", "other team", "nonsense", "failed"])
DECLARATIONS = st.tuples(
    st.lists(st.tuples(KEYS, st.lists(APPS, min_size=1, max_size=3)), max_size=3, unique_by=lambda pair: pair[0]),
    st.lists(st.tuples(st.sampled_from(["a", "b"]), SOUND), min_size=1, max_size=2),
    st.sampled_from(["report", "report", "report", "refuse"]),
)


def sources(bulk: Bulk) -> dict[str, Json]:
    """Give every kind of key by its name."""
    mine, foreign = bulk.keys
    return {
        "a": mine,
        "b": foreign,
        "revoked": bulk.key("revoked", key_id=REVOKED_KEY_ID),
        "gone": bulk.key("gone", private_key_path="/none/key.p8"),
        "wide": bulk.key("wide", private_key_path=str(bulk.folder / "wide.p8")),
        "other team": bulk.key("other team", issuer_id=OTHER_ISSUER),
        "nonsense": bulk.key("nonsense", issuer_id="nonsense"),
        "failed": bulk.key("failed"),
    }


def options(bulk: Bulk, given: t.Any, check_mode: bool) -> Json:
    """Give the options of a task as the tasks before it would have left things."""
    below, beside, on_faulty_app = given
    known = sources(bulk)
    used = dict(below)
    keys = [{**known[name], "apps": apps} for name, apps in {"a": [], "b": [], **used}.items()]
    made = [{"key": "failed", "failed": True, "msg": "It could not be made."}]
    made += predicted("wide", fingerprint_of(bulk.sim.pem)) if check_mode else []
    return {
        "keys": keys,
        "apps": [{**app, "key": name} for name, app in beside],
        "iap_keys": made,
        "on_faulty_app": on_faulty_app,
        "devtodev": {"mode": "handoff", "project": "p1"},
    }


def run(bulk: Bulk, given: t.Any, check_mode: bool) -> Outcome:
    found = options(bulk, given, check_mode)
    return bulk.run(found.pop("apps"), check_mode, **found)


def told(outcome: Outcome) -> Json:
    """Give all that a person or a playbook sees and that must not depend on the mode."""
    names = ("failed", "msg", "changed", "diff", "undeclared", "summary")
    found = {name: outcome.results.get(name) for name in names}
    for name in ("msg", "summary"):
        text = found[name] or ""
        for planned, done in WORDS:
            text = text.replace(planned, done)
        found[name] = text.partition(" (In check mode")[0]
    return {**found, "items": compared_items(outcome), "causes": causes(outcome), "warnings": warnings(outcome)}


def causes(outcome: Outcome) -> list[str]:
    return [one["credential_check"]["cause"] for one in outcome.results.get("integrations", [])]


def warnings(outcome: Outcome) -> list[str]:
    return [text for text in outcome.warnings if "new ledger" not in text]


def test_check_mode_says_what_the_run_does(sim: Simulator) -> None:
    @settings(max_examples=40)
    @given(DECLARATIONS, DECLARATIONS)
    def check(before: t.Any, wanted: t.Any) -> None:
        folder = Path(tempfile.mkdtemp())
        try:
            bulk = Bulk(sim, folder)
            wide = folder / "wide.p8"
            shutil.copy(folder / "mine.p8", wide)
            run(bulk, before, check_mode=False)
            wide.chmod(0o644)
            files, calls = bulk.content(), sim.calls()["total"]
            planned = run(bulk, wanted, check_mode=True)
            assert bulk.content() == files, "check mode wrote something"
            asked = sim.calls()["total"] - calls
            wide.chmod(0o600)
            done = run(bulk, wanted, check_mode=False)
            assert told(planned) == told(done)
            assert sim.calls()["total"] - calls == 2 * asked, "and asks the same"
            wide.chmod(0o644)
            again = run(bulk, wanted, check_mode=True)
            assert not again.results.get("changed"), again.results
            assert bool(again.results.get("failed")) == bool(done.results.get("failed"))
            assert "fault of storeops" not in planned.message + done.message
        finally:
            shutil.rmtree(folder)

    check()
