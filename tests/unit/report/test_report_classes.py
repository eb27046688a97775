# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an app counts as, from every kind of result; and waivers."""

from __future__ import annotations

import csv
import re
import typing as t
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from report_support import REFUSAL, Json, a_bit_of_all, audit, bulk, document, item, refunds, single
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.variable_names import named
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import CAUSES
from ansible_collections.storeops.refunds.plugins.module_utils._report.classify import OWN_CAUSES
from ansible_collections.storeops.refunds.plugins.module_utils._report.entries import absent_keys_of, bad_keys_of
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit.audit_report import TASK
from ansible_collections.storeops.refunds.plugins.modules.refund_audit_report import DOCUMENTATION

CLASSES = {
    "accepted": "ok",
    "key_unreadable": "refused",
    "key_wrong_kind": "refused",
    "key_id_mismatch": "refused",
    "clock_skew": "refused",
    "unauthenticated": "refused",
    "app_not_released": "pending",
    "key_not_yet_created": "pending",
    "rate_limited": "unknown",
    "service_unavailable": "unknown",
    "unreachable": "unknown",
    "unexpected_response": "unknown",
    "not_checked": "unknown",
}
# Those beside a verdict's.
OWN_CLASSES = {
    **dict.fromkeys(("drift", "still_held", "wrong_apple_id"), "drift"),
    **dict.fromkeys(("plan_unknown", "not_tried", "host_unreachable", "failed", "tracker_unknown"), "unknown"),
    "tracker_failed": "refused",
    "tracker_pending": "pending",
}
BUNDLE = "com.example.one"
LATER = "2999-12-31"


def class_of(folder: Path, result: Json, **options: t.Any) -> tuple[str, list[str]]:
    """What the only app of a result counts as, and the causes of its problems."""
    audit(folder, result, **options)
    (app,) = document(folder)["apps"]
    return app["result"], [problem["cause"] for problem in app["problems"]]


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("make", [lambda cause: bulk(item(BUNDLE, cause)), lambda cause: single(BUNDLE, cause)])
def test_every_cause_has_a_class(cause: str, make: t.Callable[[str], Json], tmp_path: Path) -> None:
    assert class_of(tmp_path, make(cause))[0] == CLASSES[cause]


OWN: dict[str, Json] = {
    "drift": bulk(item(BUNDLE, action="create")),
    "plan_unknown": bulk(item(BUNDLE, action="unknown")),
    "failed": bulk(item(BUNDLE, outcome="failed")),
    "not_tried": bulk(item(BUNDLE, outcome="not_tried")),
    "host_unreachable": {"bundle_id": BUNDLE, "unreachable": True},
    "tracker_pending": bulk(item(BUNDLE, status="Pending")),
    **{
        cause: bulk(item(BUNDLE, finding=cause))
        for cause in ("still_held", "wrong_apple_id", "tracker_failed", "tracker_unknown")
    },
}


@pytest.mark.parametrize("cause", OWN_CAUSES)
def test_every_cause_of_our_own_has_a_class(cause: str, tmp_path: Path) -> None:
    assert class_of(tmp_path, OWN[cause]) == (OWN_CLASSES[cause], [cause])


def test_the_module_s_page_names_every_cause_under_its_kind() -> None:
    told = {}
    for line in yaml.safe_load(DOCUMENTATION)["description"]:
        kind, *causes = re.findall(r"C\((\w+)\)", line)[: None if re.match(r"C\(\w+\)\. ", line) else 0] or [""]
        told.update(dict.fromkeys(causes, kind))
    keys = {one.cause: one.kind for one in absent_keys_of([{"key": "a", "changed": True}])}
    keys |= {one.cause: one.kind for one in bad_keys_of([{"keys_with_problems": [{"cause": "key_in_use"}]}])}
    wanted = {**CLASSES, **OWN_CLASSES, **keys}
    assert {cause: kind for cause, kind in told.items() if cause != "app_apple_id"} == {
        cause: kind for cause, kind in wanted.items() if cause != "accepted"
    }


@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_what_a_run_would_change_is_drift(action: str, tmp_path: Path) -> None:
    for result in (bulk(item(BUNDLE, action=action)), single(BUNDLE, action=action)):
        assert class_of(tmp_path, result) == ("drift", ["drift"])
        (app,) = document(tmp_path)["apps"]
        assert app["action"] == action and app["differences"]
        # Of what a run would remove, the result tells the status after it.
        assert app["tracker_status"] == {"create": "Absent", "update": "Active", "delete": None}[action]
    # The role says changed_when: false.
    assert class_of(tmp_path, single(BUNDLE, action=action, changed=False)) == ("drift", ["drift"])


UNKNOWN: dict[str, tuple[Json, str]] = {
    "not tried": (bulk(item(BUNDLE, "not_checked", "unknown", outcome="not_tried", msg="Too late.")), "not_tried"),
    "failed otherwise": (bulk(item(BUNDLE, outcome="failed", msg="The tracker is down.")), "failed"),
    "plan unknown": (bulk(item(BUNDLE, action="unknown")), "plan_unknown"),
    "plan unknown, one app": (single(BUNDLE, action="unknown"), "plan_unknown"),
    "no plan": ({name: value for name, value in single(BUNDLE).items() if name != "action"}, "plan_unknown"),
    "no verdict": ({"bundle_id": BUNDLE, "failed": True, "msg": "issuer_id: is required."}, "failed"),
    "no verdict, quietly": ({"bundle_id": BUNDLE, "failed": False, "msg": "issuer_id: is required."}, "failed"),
    "failed after the verdict": (single(BUNDLE, failed=False, outcome="failed", msg="Not Active."), "failed"),
    "host": ({"bundle_id": BUNDLE, "unreachable": True, "msg": "ssh"}, "host_unreachable"),
    "skipped": ({"bundle_id": BUNDLE, "skipped": True}, "not_tried"),
    "new word": (bulk(item(BUNDLE, "moon_phase")), "failed"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_could_not_be_checked_is_unknown(name: str, tmp_path: Path) -> None:
    result, cause = UNKNOWN[name]
    assert class_of(tmp_path, result) == ("unknown", [cause])


def test_absent_as_declared_is_in_order(tmp_path: Path) -> None:
    assert class_of(tmp_path, bulk(item(BUNDLE, "not_checked", status="Absent"))) == ("ok", [])


def test_not_active_at_the_tracker_is_pending(tmp_path: Path) -> None:
    assert class_of(tmp_path, bulk(item(BUNDLE, status="Pending"))) == ("pending", ["tracker_pending"])
    asked = {"next_step": "Enter the key by hand."}
    one = single(BUNDLE)
    one["integration"] = {**one["integration"], "status": "Pending"}
    for result in (bulk({**item(BUNDLE, status="Pending"), **asked}), {**one, **asked}):
        assert class_of(tmp_path, result) == ("pending", ["tracker_pending"])
        assert asked["next_step"] in (tmp_path / "refund-audit.md").read_text(), "and what a person has to do"
    assert class_of(tmp_path, bulk(item(BUNDLE, status="Failed"))) == ("refused", ["tracker_failed"])
    assert class_of(tmp_path, bulk(item(BUNDLE, status="Unknown"))) == ("unknown", ["tracker_unknown"])


def test_what_nobody_noted_may_be_there_all_the_same(tmp_path: Path) -> None:
    """A person enters it, and this ledger may be a new one."""
    asked = {"next_step": "Enter the key by hand."}
    assert class_of(tmp_path, bulk({**item(BUNDLE, action="create", tracker="devtodev"), **asked})) == (
        "drift",
        ["drift"],
    )
    assert document(tmp_path)["apps"][0]["tracker_status"] is None


def test_what_is_left_in_another_project_is_told_beside_what_goes(tmp_path: Path) -> None:
    left = {"bundle_id": BUNDLE, "environment": "production", "tracker": "devtodev", "label": f"{BUNDLE} in p2"}
    for action, is_told in (("delete", True), ("update", False)):
        given = bulk(item(BUNDLE, action=action, tracker="devtodev", status="Active"))
        audit(tmp_path, {**given, "undeclared": [left]})
        assert (f"{BUNDLE} in p2" in (tmp_path / "refund-audit.md").read_text()) is is_told


@pytest.mark.parametrize("make", [lambda said: bulk({**item(BUNDLE), **said}), lambda said: single(BUNDLE, **said)])
def test_a_person_s_word_is_told_from_a_tracker_s(make: t.Callable[[Json], Json], tmp_path: Path) -> None:
    for is_by_hand in (True, False):
        assert class_of(tmp_path, make({"confirmed_by_hand": is_by_hand})) == ("ok", [])
        (app,) = document(tmp_path)["apps"]
        assert (app["tracker_status"], app["confirmed_by_hand"]) == ("Active", is_by_hand)
        with (tmp_path / "refund-audit.csv").open(newline="") as file:
            assert [row["confirmed_by_hand"] for row in csv.DictReader(file)] == ["yes" if is_by_hand else ""]
        assert ("Active, by a person's word" in (tmp_path / "refund-audit.html").read_text()) is is_by_hand


@pytest.mark.parametrize("make", [lambda said: bulk({**item(BUNDLE), **said}), lambda said: single(BUNDLE, **said)])
def test_a_confirmation_that_no_run_has_recorded_is_not_yet_true(
    make: t.Callable[[Json], Json], tmp_path: Path
) -> None:
    """The variable was left in the file: the ledger still says Pending, and an audit writes nothing."""
    said: Json = {"confirmed_by_hand": True, "confirmed_now": True}
    assert class_of(tmp_path, make(said)) == ("pending", ["tracker_pending"])
    (app,) = document(tmp_path)["apps"]
    assert (app["tracker_status"], app["confirmed_by_hand"]) == ("Pending", False)
    told = "devtodev.confirmed: true was given to this audit, and an audit records nothing. Run storeops.refunds.site"
    for kind in ("md", "csv", "junit.xml"):
        assert told in (tmp_path / f"refund-audit.{kind}").read_text(), kind
    # Beside what else is waited for.
    early = bulk({**item(BUNDLE, "app_not_released", status="Pending"), **said})
    assert class_of(tmp_path, early) == ("pending", ["app_not_released", "tracker_pending"])
    # What is gone by a person's word is still in the ledger.
    gone = bulk(item(BUNDLE, action="delete", tracker="devtodev", status="Absent", confirmed_now=True))
    assert class_of(tmp_path, gone) == ("drift", ["drift"])
    hint = document(tmp_path)["apps"][0]["problems"][0]["hint"]
    assert hint.startswith(f"Declared absent, and the ledger still has it. {told}")


def test_refused_and_drifted_counts_as_refused_and_shows_both(tmp_path: Path) -> None:
    assert class_of(tmp_path, bulk(item(BUNDLE, "unauthenticated", "update"))) == (
        "refused",
        ["unauthenticated", "drift"],
    )
    assert document(tmp_path)["totals"]["would_change"] == 1


def test_loops_and_their_items(tmp_path: Path) -> None:
    failed = {"failed": True, "msg": "no key", "item": {"bundle_id": "com.example.two"}}
    audit(tmp_path, {"results": [single(BUNDLE), failed]})
    found = {app["bundle_id"]: app["result"] for app in document(tmp_path)["apps"]}
    assert found == {BUNDLE: "ok", "com.example.two": "unknown"}


LEFT: t.Final = {"bundle_id": "com.example.left", "environment": "production", "tracker": "ledger"}
BAD_KEY: t.Final = {"key": "partner", "cause": "key_unreadable", "msg": "It is not there."}
LOOPED: dict[str, Json] = {
    **{name: result for name, (result, _cause) in UNKNOWN.items()},
    "a bit of all": {**a_bit_of_all(), "undeclared": [LEFT], "keys_with_problems": [BAD_KEY]},
    "one app": single(BUNDLE, undeclared=[LEFT]),
    "nothing but keys": {**bulk(), "keys_with_problems": [BAD_KEY]},
    "a loop": {"results": [{**bulk(item(BUNDLE)), "undeclared": [LEFT]}, single("com.example.two")]},
}


@pytest.mark.parametrize("name", LOOPED)
def test_what_ran_in_a_loop_is_told_as_if_it_had_not(name: str, tmp_path: Path) -> None:
    for folder, result in (("plain", LOOPED[name]), ("looped", {"results": [LOOPED[name]]})):
        audit(tmp_path / folder, result)
    assert document(tmp_path / "plain") == document(tmp_path / "looped")


@pytest.mark.parametrize(
    ("results", "place"),
    [
        ([{"failed": True, "msg": "x"}], "results[0]"),
        ([bulk(), {"integrations": ["x"]}], "results[1].integrations[0]"),
        ([{"results": [{"failed": True}]}], "results[0].results[0]"),
    ],
)
def test_bad_results_are_named_by_place(results: list[Json], place: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        audit(tmp_path / "none", *results)
    assert str(caught.value).startswith(f"{place}: ") and not (tmp_path / "none").exists()


def test_the_result_names_the_bad_ones_the_worst_first(tmp_path: Path) -> None:
    done = audit(tmp_path, a_bit_of_all())
    report = done.results["report"]
    assert report["counts"] == {"refused": 2, "unknown": 1, "drift": 2, "pending": 1, "ok": 2, "waived": 0}
    assert [app["result"] for app in report["apps"]] == ["refused", "refused", "unknown", "drift", "drift"]
    assert done.results["failed"] and "5 of 8 apps" in done.message and "com.example.both" in done.message
    assert "unauthenticated: " in done.message
    assert not audit(tmp_path, a_bit_of_all(), fail_on=[]).results.get("failed")
    only = audit(tmp_path, a_bit_of_all(), fail_on=["unknown"])
    assert only.results["failed"] and only.results["report"]["failing"] == 1


KINDS = ("refused", "drift", "unknown")


@pytest.mark.parametrize("fail_on", [chosen for size in (1, 2, 3) for chosen in combinations(KINDS, size)])
def test_the_console_and_the_page_say_no_sentence_with_two_numbers(fail_on: tuple[str, ...], tmp_path: Path) -> None:
    bad_keys = [BAD_KEY, {**BAD_KEY, "key": "other", "cause": "failed"}]
    given = {**bulk(*a_bit_of_all()["integrations"]), "keys_with_problems": bad_keys}
    done = audit(tmp_path, given, fail_on=list(fail_on))
    (head, *_causes), page = done.message.split("\n"), (tmp_path / "refund-audit.html").read_text()
    found = [f"{count} {kind}" for kind, count in (("refused", 2), ("unknown", 1), ("drift", 3)) if kind in fail_on]
    if fail_on == KINDS:
        assert head == "5 of 8 apps need attention (2 refused, 1 unknown, 2 drift). " + keys_of(page)
        return
    # One of the refused has drifted, too.
    alone = found if "refused" not in fail_on else [text.replace("3 drift", "2 drift") for text in found]
    total = sum(int(text.split()[0]) for text in alone)
    keys = [name for name, kind in (("partner", "refused"), ("other", "unknown")) if kind in fail_on]
    verb = "fails" if total == 1 else "fail"
    assert head.startswith(f"{total} of 8 apps {verb} the audit ({', '.join(alone)}).")
    assert "attention" not in head and re.findall(r"(\d) keys? fails? the audit: (.*)\.$", head) == (
        [(str(len(keys)), ", ".join(keys))] if keys else []
    )
    assert "5 of 8 apps need attention." in page and "attention" in keys_of(page)


def keys_of(page: str) -> str:
    """Give the page's sentence about keys."""
    (found,) = re.findall(r"\d keys? needs? attention: .*?\.(?=<| )", page)
    return re.sub(r"<.*?>", "", found)


def test_any_open_problem_can_fail_the_task(tmp_path: Path) -> None:
    """What an app counts as is its worst problem; with the check skipped, every app is unknown before all else."""
    hidden = bulk(
        item(BUNDLE, "not_checked", "create"),
        item("com.example.fine", "not_checked"),
        item("com.example.refused", "unauthenticated", "update"),
        item("com.example.waived", "unauthenticated", "update"),
    )
    waivers = [waiver(bundle_id="com.example.waived", cause="drift")]
    done = audit(tmp_path, hidden, fail_on=["drift"], waivers=waivers)
    assert done.results["failed"] and document(tmp_path)["failed"]
    assert done.message.startswith("2 of 4 apps fail the audit (2 drift).\ncom.example.one: drift: The ledger")
    report = done.results["report"]
    assert (report["failing"], report["counts"]["drift"], report["counts"]["refused"]) == (2, 0, 2)
    assert [(app["result"], app["cause"]) for app in report["apps"]] == [("drift", "drift")] * 2
    both = audit(tmp_path, hidden, fail_on=["drift", "refused"], waivers=waivers).results["report"]["apps"]
    assert [(app["bundle_id"].rpartition(".")[2], app["result"]) for app in both] == [
        ("refused", "refused"),
        ("waived", "refused"),
        ("one", "drift"),
    ]
    only = bulk(item(BUNDLE, "unauthenticated", "update"))
    every = audit(tmp_path, only, fail_on=["drift"], waivers=[waiver(cause="drift")])
    assert not every.results.get("failed") and not document(tmp_path)["failed"]


def test_an_audit_of_nothing_is_no_success(tmp_path: Path) -> None:
    done = audit(tmp_path)
    assert done.results["failed"] and done.message.startswith("Nothing was audited: no app is declared.")
    assert document(tmp_path)["failed"] and "Nothing was audited." in (tmp_path / "refund-audit.html").read_text()
    assert not audit(tmp_path, fail_on=[]).results.get("failed") and not document(tmp_path)["failed"]


def messages(folder: Path) -> t.Iterator[str]:
    """Give what the task says in a role: of nothing, of input, and of what it found."""
    given: list[Json] = [
        {"waivers": [waiver(until="soon")]},
        {"waivers": [waiver(), waiver(bundle_id="a b")]},
        {"refunds": [{}]},
        {"refunds": [{**refunds(), "environment": ""}]},
        {"refunds": [refunds(), refunds()]},
        {"path": "reports"},
        {"path": ""},
        {"waivers": [waiver(until="2001-01-01")]},
        {},
    ]
    for options in given:
        for results in ([], [a_bit_of_all()]):
            try:
                done = audit(folder, *results, **options)
            except InputError as error:
                yield str(error)
            else:
                yield from (done.message, *done.warnings)


def test_in_the_role_every_option_that_is_named_is_one_of_the_role_s(tmp_path: Path) -> None:
    block = yaml.safe_load((ROOT / "roles/refund_audit/tasks/main.yml").read_text())[0]["block"]
    (task,) = [one for one in block if one.get("register") == "refund_audit_result"]
    specs = yaml.safe_load((ROOT / "roles/refund_audit/meta/argument_specs.yml").read_text())
    offered = set(specs["argument_specs"]["main"]["options"])
    said = [named(message, task, {}) for message in messages(tmp_path)]
    assert any(text.startswith("refund_audit_waivers[1].bundle_id: ") for text in said)
    for text in said:
        # A word with something behind it that is no sentence's, and whatever no word of English looks like.
        words = set(re.findall(r"(?<![\w.])(\w+)(?=: |\[\d|\.\w)|(?<![\w./])(\w+_path)(?![\w/])", text))
        assert not {word for pair in words for word in pair} & set(TASK.argument_spec) - offered, text


def test_what_a_result_without_an_app_says_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^results\[0\]: has no bundle_id; it says: apps\[3\]\.bundle_id: isn't a bundle"
    ):
        audit(tmp_path, {"failed": True, "msg": "apps[3].bundle_id: isn't a bundle ID."})
    with pytest.raises(InputError) as caught:
        audit(tmp_path, {"failed": True, "msg": "-----BEGIN PRIVATE KEY-----\nMIGT\n-----END PRIVATE KEY-----"})
    assert "MIGT" not in str(caught.value)


def waiver(**fields: t.Any) -> Json:
    return {"bundle_id": BUNDLE, "cause": "unauthenticated", "reason": "Known", "until": LATER, **fields}


def test_a_waiver_waives_one_cause_of_one_app(tmp_path: Path) -> None:
    two = bulk(item(BUNDLE, "unauthenticated"), item("com.example.two", "unauthenticated"))
    done = audit(tmp_path, two, waivers=[waiver()])
    assert [app["result"] for app in document(tmp_path)["apps"]] == ["waived", "refused"]
    assert done.results["report"]["failing"] == 1
    both = bulk(item(BUNDLE, "unauthenticated", "update"))
    assert class_of(tmp_path, both, waivers=[waiver()])[0] == "drift"
    assert class_of(tmp_path, both, waivers=[waiver(cause=None)])[0] == "waived"


@pytest.mark.parametrize(
    ("pattern", "fits"), [("com.*", True), ("*.one", True), ("*", True), ("com", False), ("com.example.on", False)]
)
def test_patterns(pattern: str, fits: bool, tmp_path: Path) -> None:
    found = class_of(tmp_path, bulk(item(BUNDLE, "unauthenticated")), waivers=[waiver(bundle_id=pattern)])[0]
    assert found == ("waived" if fits else "refused")


def test_a_waiver_ends_with_its_last_day(tmp_path: Path) -> None:
    result, waivers = bulk(item(BUNDLE, "unauthenticated")), [waiver(until="2026-11-23")]
    for now, kind, expired in (
        (datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC), "waived", 0),
        (datetime(2026, 11, 24, tzinfo=UTC), "refused", 1),
    ):
        done = audit(tmp_path, result, now=now, waivers=waivers)
        assert document(tmp_path)["apps"][0]["result"] == kind
        assert len(done.results["report"]["expired_waivers"]) == expired
        assert done.results["report"]["unused_waivers"] == []


def test_an_unused_waiver_is_listed(tmp_path: Path) -> None:
    done = audit(tmp_path, bulk(item(BUNDLE)), waivers=[waiver()])
    assert [entry["state"] for entry in done.results["report"]["unused_waivers"]] == ["unused"]
    assert not done.results.get("failed")


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("cause", ["accepted", "unauthenticated"])
def test_waivers_to_look_at_are_warned_of(cause: str, check_mode: bool, tmp_path: Path) -> None:
    """Whether the task fails or not: nobody opens a report to find out that a waiver has to be renewed."""
    waivers = [
        waiver(cause="drift"),
        waiver(cause="drift", until="2026-11-22"),
        waiver(bundle_id="com.other.*", cause=None),
        *([waiver()] if cause == "unauthenticated" else []),
    ]
    result = bulk(item(BUNDLE, cause), item("com.example.bad", "unauthenticated"))
    done = audit(tmp_path, result, waivers=waivers, check_mode=check_mode, fail_on=["drift", "refused"])
    assert done.results["failed"] and done.warnings == [
        f"waivers[1] (bundle_id {BUNDLE}, cause drift) expired with 2026-11-22 and waives nothing any more. "
        "Renew or remove it.",
        f"waivers[0] (bundle_id {BUNDLE}, cause drift) was not needed: no failure of an app matches it. "
        "Correct or remove it.",
        "waivers[2] (bundle_id com.other.*, cause *) was not needed: no failure of an app matches it. "
        "Correct or remove it.",
    ]
    assert audit(tmp_path, bulk(item(BUNDLE, "unauthenticated")), waivers=[waiver()]).warnings == []


@pytest.mark.parametrize(("count", "shown"), [(10, 10), (11, 11), (300, 11)])
def test_of_many_waivers_ten_are_named(count: int, shown: int, tmp_path: Path) -> None:
    done = audit(tmp_path, bulk(item(BUNDLE)), waivers=[waiver(bundle_id=f"com.old.a{n}") for n in range(count)])
    assert len(done.warnings) == shown
    last = f"And {count - 10} more waivers " if count > 10 else "waivers[9] (bundle_id com.old.a9, "
    assert done.warnings[-1].startswith(last)


@pytest.mark.parametrize(
    ("fields", "option"),
    [
        ({"bundle_id": None}, "bundle_id"),
        ({"bundle_id": "com.example one"}, "bundle_id"),
        ({"cause": "bad_weather"}, "cause"),
        ({"cause": "app_not_released"}, "cause"),
        ({"reason": " "}, "reason"),
        ({"until": None}, "until"),
        ({"until": "2026-02-30"}, "until"),
        ({"until": "31.12.2026"}, "until"),
    ],
)
def test_bad_waivers_are_named_by_place(fields: Json, option: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        audit(tmp_path / "none", bulk(), waivers=[waiver(), waiver(**fields)])
    assert str(caught.value).startswith(f"waivers[1].{option}: ") and not (tmp_path / "none").exists()


def test_each_hint_of_a_cause_names_its_apps(tmp_path: Path) -> None:
    refused = [item(name, "unauthenticated", hint=f"Hint {name[-1]}.") for name in ("com.a", "com.b", "com.c")]
    refused.append(item("com.d", "unauthenticated", hint="Hint b."))
    audit(tmp_path, bulk(*refused))
    page = (tmp_path / "refund-audit.html").read_text()
    said = re.findall(r"<li>(Hint .)\. <span class=\"muted\">\(([^:]*): (.*?)\)</span></li>", page)
    wanted = [("Hint b", "2 apps", ["com.b", "com.d"]), ("Hint a", "1 app", ["com.a"]), ("Hint c", "1 app", ["com.c"])]
    assert [(hint, count, re.findall(r"com\.\w", names)) for hint, count, names in said] == wanted
    assert [hint["count"] for hint in document(tmp_path)["causes"][0]["hints"]] == [2, 1, 1]


def test_a_key_is_accepted_where_the_sandbox_accepts_it(tmp_path: Path) -> None:
    causes = ("accepted", "app_not_released", "unauthenticated")
    audit(tmp_path, bulk(*(item(f"com.{cause.replace('_', '-')}", cause) for cause in causes)))
    assert [(key["accepted"], key["integrations"]) for key in document(tmp_path)["keys"]] == [(2, 3)]


@pytest.mark.parametrize("cause", ["not_checked", "unreachable", "key_unreadable", "key_not_yet_created", ""])
def test_a_key_that_nobody_asked_about_is_accepted_by_an_unknown_number(cause: str, tmp_path: Path) -> None:
    def told(*items: Json) -> tuple[str, Json]:
        audit(tmp_path, bulk(*items), fail_on=[])
        page = (tmp_path / "refund-audit.html").read_text()
        (key,) = document(tmp_path)["keys"]
        return re.findall(r'data-label="Accepted"[^>]*>(.*?)</td>', page)[0], key

    cell, key = told(item(BUNDLE, cause))
    assert "unknown" in cell and "0" not in cell and (key["accepted"], key["unknown"]) == (0, 1)
    cell, key = told(item(BUNDLE, cause), item("com.two", "unauthenticated"), item("com.three"))
    assert "1 of 2, 1 unknown" in cell and (key["accepted"], key["unknown"]) == (1, 1)


def test_hints_stay_whole(tmp_path: Path) -> None:
    audit(tmp_path, a_bit_of_all())
    cause = document(tmp_path)["causes"][0]
    assert (cause["cause"], cause["count"]) == ("unauthenticated", 2)
    assert cause["hints"] == [{"hint": REFUSAL, "count": 2}]
