# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who runs a role never typed a module's option: its messages name the role's variables."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._model.variable_names import named
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.one_key import _MAKE_IT

TASKS: dict[str, dict[str, t.Any]] = {
    task["name"]: task for task in yaml.safe_load((ROOT / "roles/iap_key_rotation/tasks/main.yml").read_text())
}
KNOWN = {"refund_tracking_keys": [], "iap_key_rotation_keys": "{{ refund_tracking_keys | default([]) }}"}
PLAN, MAKE = TASKS["Check what could stop the rotation, before a key is made"], TASKS["Put the new key in place"]
MOVE = TASKS["Move every integration to the new key as soon as Apple accepts it, which may take minutes"]


@pytest.mark.parametrize(
    ("task", "message", "wanted"),
    [
        (MAKE, "team_id: this session has several teams.", "iap_key_rotation_team_id: this session has several teams."),
        (MAKE, "Set team_id or issuer_id.", "Set iap_key_rotation_team_id or iap_key_rotation_issuer_id."),
        (MAKE, "Give session or session_path.", "Give iap_key_rotation_session or iap_key_rotation_session_path."),
        (
            MAKE,
            _MAKE_IT,
            "To make the key now, or to take it from App Store Connect, give a signed-in session: "
            "iap_key_rotation_session or iap_key_rotation_session_path (in site refund_tracking_session or "
            "refund_tracking_session_path), or FASTLANE_SESSION.",
        ),
        (MAKE, "The session has ended, and its name is gone.", "The session has ended, and its name is gone."),
        (MAKE, "name: 'x' is taken.", "iap_key_rotation_name: 'x' is taken."),
        (MAKE, "see api_key_id, my_team_id and apps[0].key_id", "see api_key_id, my_team_id and apps[0].key_id"),
        (PLAN, "Set issuer_id.", "Set iap_key_rotation_issuer_id."),
        (
            MOVE,
            "About to revoke the key X, as revoke: true asks for.",
            "About to revoke the key X, as iap_key_rotation_revoke_old: true asks for.",
        ),
        (PLAN, "new_key.private_key_path: a is relative.", "iap_key_rotation_private_key_path: a is relative."),
        (
            PLAN,
            "keys[0].name: too long.\napps: none.",
            "refund_tracking_keys[0].name: too long.\niap_key_rotation_apps: none.",
        ),
        (
            PLAN,
            "keys[1] (studio): is keys[0] (studio) once more. Its apps[0] is keys_of[0].keys[0].",
            "refund_tracking_keys[1] (studio): is refund_tracking_keys[0] (studio) once more. Its apps[0] is "
            "keys_of[0].keys[0].",
        ),
        # The fields of a declared entry are those that stand in the list.
        (PLAN, "the key 'studio' is declared without a key_id.", "the key 'studio' is declared without a key_id."),
        (
            PLAN,
            "keys[0] (studio): private_key_path: is empty. Set issuer_id.",
            "refund_tracking_keys[0] (studio): private_key_path: is empty. Set issuer_id.",
        ),
        (
            PLAN,
            "team_id, issuer_id: no such team. Correct team_id or issuer_id.",
            "iap_key_rotation_team_id, iap_key_rotation_issuer_id: no such team. "
            "Correct iap_key_rotation_team_id or iap_key_rotation_issuer_id.",
        ),
    ],
)
def test_options_are_named_as_they_were_typed(task: dict[str, t.Any], message: str, wanted: str) -> None:
    assert named(message, task, KNOWN) == wanted


def test_a_list_of_the_roles_own_is_named() -> None:
    own = {**KNOWN, "iap_key_rotation_keys": [{"key": "studio"}]}
    assert named("keys[0]: no.", PLAN, own) == "iap_key_rotation_keys[0]: no."


def test_tasks_of_others_keep_their_messages() -> None:
    task = {"storeops.refunds.appstore_iap_key": {"team_id": "{{ my_team }}", "name": "x", "key_id": "{{ a }}"}}
    assert named("team_id: no.", task, {}) == "team_id: no." and named("team_id: no.", {}, {}) == "team_id: no."
