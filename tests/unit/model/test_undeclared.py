# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is set up and nobody declares is told with the step that removes it, and never one that removes another."""

from __future__ import annotations

import typing as t

from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import Environment
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, absent
from ansible_collections.storeops.refunds.plugins.module_utils._model.text import other_capitals
from ansible_collections.storeops.refunds.plugins.module_utils._model.undeclared import held_undeclared, undeclared_of

LEDGER = "with state: absent, trackers: [ledger], environment: production"
HERE = "Held in the ledger, and declared only for another tracker or environment"
THERE = "Set up at {}, and not declared for it"
OTHER = f"Held in the ledger and not declared: com.c. Declare it, or remove it {LEDGER}."


def at(name: str, tracker: str = "ledger", project: str = "", environment: Environment = "production") -> Identity:
    return Identity(tracker, project, environment, name)


DECLARED = (at("com.A"), at("com.a"), at("com.b"))


def told(*left: Identity, declared: t.Sequence[Identity] = DECLARED, gone: t.Sequence[Identity] = ()) -> str:
    entries = undeclared_of(map(absent, left), declared, gone)
    return held_undeclared(entries, [identity.bundle_id for identity in declared])


def test_an_app_that_nobody_declares_is_removed_from_the_ledger_whatever_tracker_is_the_default() -> None:
    assert told() == "" and told(at("com.c")) == OTHER == told(at("com.c"), declared=[])
    sandbox = at("com.c", environment="sandbox")
    assert told(sandbox) == OTHER.replace("com.c", "com.c (sandbox)").replace("production", "sandbox")
    # Each is an entry of its own, and both are named: nothing is to be chosen.
    both = f"com.c, com.c (sandbox). Declare them, or remove them {LEDGER} and "
    assert told(at("com.c"), sandbox).endswith(f"not declared: {both}trackers: [ledger], environment: sandbox.")
    others = f"Held in the ledger and not declared: com.c, com.d. Declare them, or remove them {LEDGER}."
    assert told(at("com.c"), at("com.d")) == others


def test_what_is_left_at_one_place_of_a_declared_app_is_removed_there() -> None:
    step = "or remove it with state: absent, trackers: [ledger], environment:"
    left = told(at("com.b"), declared=[at("com.b", "revenuecat")])
    assert left == f"{HERE}: com.b. Declare it for the ledger in production, too, {step} production."
    sandbox = told(at("com.b", environment="sandbox"))
    assert sandbox == f"{HERE}: com.b (sandbox). Declare it for the ledger in the sandbox, too, {step} sandbox."


def test_what_was_applied_elsewhere_is_removed_there_by_hand_first() -> None:
    for name in ("com.b", "com.c"):
        title = THERE.format("revenuecat")
        assert told(at(name, "revenuecat", "proj1")) == (
            f"{title}: {name} at revenuecat (project proj1). A key was applied at this tracker and may still be "
            "there. Declare the app for this tracker, or remove its integration on the tracker's page and then declare "
            "the app, for one run, with state: absent, trackers: [revenuecat], environment: production, and the same "
            "options of the tracker, such as project and mode (at devtodev by hand, for a second run with "
            "devtodev.confirmed: true, too)."
        )
    # Each tracker is a step of its own, and what it names is counted there.
    both = told(at("com.c"), at("com.b", "revenuecat"), at("com.b", "devtodev", "Three"))
    step = "A key was applied at this tracker and may still be there. Declare the app for this tracker, or remove its "
    assert both.startswith(f"{OTHER} {THERE.format('devtodev')}: com.b at devtodev (project Three). {step}integration ")
    assert f"{THERE.format('revenuecat')}: com.b at revenuecat. {step}integration on" in both
    assert both.count("state: absent, trackers: [devtodev], environment: production, and the same options") == 1
    twice = told(at("com.b", "devtodev", "One"), at("com.b", "devtodev", "Two"))
    assert f"(project One), com.b at devtodev (project Two). {step}integrations on the tracker's page" in twice
    several = told(at("com.b", "devtodev"), at("com.c", "devtodev"))
    assert "Declare the apps for this tracker, or remove their integrations on" in several


def test_a_project_with_another_name_may_be_the_same() -> None:
    declared = [at("com.b", "devtodev", "New")]
    assert told(at("com.b", "devtodev", "Old"), declared=declared) == ""
    assert "Old" in told(at("com.b", "devtodev", "Old", "sandbox"), declared=declared)
    assert "Old" in told(at("com.b", "revenuecat", "Old"), declared=declared)


def test_what_is_declared_absent_in_another_project_says_nothing_of_this_one() -> None:
    """It is seen to be absent there, where it never was, and nobody has looked here."""
    bare, old = at("com.b", "devtodev"), at("com.b", "devtodev", "Old")
    assert "com.b at devtodev (project Old)" in told(old, declared=[bare], gone=[bare])
    # As long as it is declared to be in one.
    assert told(old, declared=[bare, at("com.b", "devtodev", "New")], gone=[bare]) == ""


def test_what_differs_in_capitals_alone_is_kept() -> None:
    assert other_capitals(["COM.A", "com.a", "com.c"], ["com.A", "com.a", "com.b"]) == {"COM.A": "com.A"}
    twin = (
        "Held with other capitals than declared: COM.B (declared: com.b). This is most likely the same "
        "app: keep it, and write the bundle ID in the declaration as App Store Connect shows it."
    )
    assert told(at("COM.B")) == twin and told(at("com.c"), at("COM.B")) == f"{twin} {OTHER}"
    pairs = "COM.B (declared: com.b), COM.A (declared: com.A). These are most likely the same apps: keep them, and"
    assert pairs in told(at("COM.B"), at("COM.A"))
