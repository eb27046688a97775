# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of variables: those that are read are known, and one that resembles them is told."""

from __future__ import annotations

import re
import typing as t

import pytest
import yaml
from unit_support import ROOT, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._declaration.variables import _PREFIXES, KNOWN, misspelt
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import declaration_info


def test_every_variable_of_roles_and_playbooks_is_known() -> None:
    found: set[str] = set()
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        found |= set(yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"])
    for path in (*ROOT.glob("playbooks/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")):
        text = path.read_text()
        found |= set(re.findall(r"^#\s+(\w+):", text, re.MULTILINE)) | set(re.findall(r"register: (\w+)", text))
    ours = {name for name in found if name.startswith(_PREFIXES)}
    assert len(ours) > 30 and ours <= KNOWN, ours - KNOWN


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_no_known_variable_is_misspelt(name: str) -> None:
    assert misspelt([name]) == []
    # A name of the user's own that begins like one of ours.
    assert misspelt([f"{name}_of_mine"]) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("refund_tracking_app", "refund_tracking_apps"),
        ("refund_tracking_default", "refund_tracking_defaults"),
        ("refund_audit_pth", "refund_audit_path"),
        ("refund_traking_keys", "refund_tracking_keys"),
        ("refund_histroy_apps", "refund_history_apps"),
        ("iap_key_rotation_wiat", "iap_key_rotation_wait"),
        ("iap_key_custody_keep_files", "iap_key_custody_keep_file"),
        ("notification_urls_verfy", "notification_urls_verify"),
        ("refund_history_export_foldr", "refund_history_export_folder"),
        ("refund_export_option", "refund_export_options"),
        ("field_check_option", "field_check_options"),
    ],
)
def test_a_slip_is_told(name: str, meant: str) -> None:
    assert misspelt([name, "unrelated"]) == [f"{name}: no such variable is read. Did you mean {meant}?"]


@pytest.mark.parametrize(
    "beginning", ["refund_report", "refund_import", "refund_trading", "refund_store", "refund_debit"]
)
@pytest.mark.parametrize("ending", ["result", "results", "folder", "options", "keys", "apps", "retention_days"])
def test_a_name_of_the_user_s_own_may_end_like_one_of_ours(beginning: str, ending: str) -> None:
    """What another role of the play has registered is no slip, and would stop a run."""
    assert misspelt([f"{beginning}_{ending}"]) == []


@pytest.mark.parametrize(
    ("name", "option"),
    [("environment", "environment"), ("enviroment", "environment"), ("ledger", "ledger"), ("trackers", "tracker")],
)
def test_an_option_of_all_tasks_that_is_given_as_a_variable_is_warned_of(name: str, option: str) -> None:
    """It may be a variable of the user's own, which stands in refund_tracking_defaults."""
    key = {"key": "studio", "issuer_id": "57246542-96fe-1a63-e053-0824d011072a", "key_id": "2X9R4HXF34"}
    params = {"keys": [{**key, "private_key_path": "/k.p8"}], "apps": [], "variables": [f"refund_tracking_{name}"]}
    done = run_task(declaration_info.TASK, params)
    (told,) = done.warnings
    assert told.startswith(f"refund_tracking_{name}: ") and f"refund_tracking_defaults: {{{option}: ...}}." in told
    # The user's own, and an option of a single module, which no default can set.
    others = ["refund_tracking_team", "refund_tracking_purge_limit"]
    done = run_task(declaration_info.TASK, {**params, "variables": others})
    assert not done.results.get("failed") and not done.warnings


@pytest.mark.parametrize(
    ("prefix", "names", "meant"),
    [
        ("refund_history", ["refund_export_folder"], "refund_history_export_folder"),
        ("refund_history", ["refund_export_folder", "refund_history_export_folder"], ""),
        ("refund_export", ["refund_history_export_folder"], "refund_export_folder"),
        ("refund_tracking", ["refund_audit_hosts"], "refund_tracking_hosts"),
        ("refund_tracking", ["refund_audit_defaults"], "refund_tracking_defaults"),
        ("refund_tracking", ["refund_audit_defaults", "refund_tracking_defaults"], ""),
        ("refund_tracking", ["refund_history_apps", "refund_tracking_apps"], ""),
        ("refund_audit", ["refund_history_keys"], "refund_audit_keys"),
        ("refund_audit", ["notification_urls_keys"], "refund_audit_keys"),
        # Read by the role that is included.
        ("refund_tracking", ["notification_urls_keys"], ""),
        # One variables file serves all playbooks.
        ("refund_audit", ["refund_tracking_keys", "refund_tracking_apps", "refund_tracking_defaults"], ""),
        ("refund_history", ["refund_audit_path", "refund_audit_waivers", "refund_audit_refund_days"], ""),
        # What another role left behind.
        ("refund_audit", ["refund_history_result", "refund_tracking_results", "refund_tracking_removed"], ""),
        ("", ["refund_export_folder"], ""),
    ],
)
def test_a_variable_of_another_playbook_is_warned_of(prefix: str, names: list[str], meant: str) -> None:
    key = {"key": "studio", "issuer_id": "57246542-96fe-1a63-e053-0824d011072a", "key_id": "2X9R4HXF34"}
    params = {"keys": [{**key, "private_key_path": "/k.p8"}], "apps": [], "variables": names, "prefix": prefix}
    done = run_task(declaration_info.TASK, params)
    owner = next(one for one in _PREFIXES if names[0].startswith(one))
    wanted = [f"{names[0]} belongs to {owner} and isn't read here. Did you mean {meant}?"] if meant else []
    assert done.warnings == wanted and not done.results.get("failed")


def test_every_first_look_says_whose_names_are_read() -> None:
    for path in (*ROOT.glob("roles/*/tasks/main.yml"), ROOT / "playbooks/export_refunds.yml"):
        text = path.read_text()
        if path.parts[-3] == "refund_tracking":
            # It looks at the names of the role that it includes, too.
            text = text.replace("^(refund|notification_urls)_", "^refund_")
        asked = re.findall(r"varnames', '\^refund_'\) }}\"\n *(prefix: \w+)?", text)
        assert all(asked), path
        assert "varnames', '^refund_'" not in text or {one.split()[1] for one in asked} <= set(_PREFIXES), path


@pytest.mark.parametrize("role", ["iap_key_rotation", "iap_key_custody"])
def test_what_a_role_about_keys_does_not_read_is_refused(role: str) -> None:
    (told,) = misspelt([f"{role}_private_key_content", f"{role}s_mine", f"{role}_name_of_mine"])
    assert told.startswith(f"{role}_private_key_content: no such variable is read. A key's text belongs in its entry")
    (told,) = misspelt([f"{role}_regenerate"])
    assert (
        told
        == f"{role}_regenerate: no such variable is read. Remove it, or give it a name that doesn't begin with {role}_."
    )


# What these two read is required, and fails where it is missing.
OF_RULEBOOKS = ("refund_message.yml", "refund_ticket.yml")
FIRST = [
    *sorted(ROOT.glob("roles/*/tasks/main.yml")),
    *(path for path in sorted(ROOT.glob("playbooks/*.yml")) if path.name not in OF_RULEBOOKS),
]


@pytest.mark.parametrize("path", FIRST, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_first_task_looks_at_the_names(path: t.Any) -> None:
    """A misspelt variable would leave a role with nothing to do, which looks like a good end."""
    steps = yaml.safe_load(path.read_text())
    if path.parent.name == "playbooks":
        steps = steps[-1].get("tasks", [])
        if not steps:
            return  # Its role does.
    steps = steps[0].get("block", steps)
    # An audit first says in its files that it began.
    is_begun = steps[0].get("storeops.refunds.refund_audit_report", {}).get("stage") == "begun"
    first = steps[1 if is_begun else 0]
    (options,) = (value for name, value in first.items() if name.startswith("storeops.refunds."))
    (pattern,) = re.findall(r"varnames', '(.+?)'", options["variables"])
    assert "when" not in first
    files = path.parent.glob("*.yml") if path.parent.name == "tasks" else [path]
    for name in set(re.findall(r"\w+", "".join(one.read_text() for one in files))) & KNOWN:
        assert re.search(pattern, name), name


def test_without_a_declaration_only_names_are_checked() -> None:
    done = run_task(declaration_info.TASK, {"variables": ["refund_export_folder"]})
    assert done.message == ""
    done = run_task(declaration_info.TASK, {"variables": ["refund_export_folders"]})
    assert "Did you mean refund_export_folder?" in done.message
    for nothing in ({}, {"keys": [], "apps": [], "variables": ["refund_export_folder"]}):
        assert "there is nothing to do" in run_task(declaration_info.TASK, nothing).message
