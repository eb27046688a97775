# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CI secret that is not set arrives as an empty text. Which option or key has it is said, and nothing is done."""

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

import pytest
from unit_support import ISSUER, KEY_ID, ROOT, Outcome, new_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._context import Task
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.apps import connect_apps
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key, iap_key_info
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import (
    credential_check_info,
    integration,
    integrations,
)

Json = dict[str, t.Any]
Place = tuple[str, ...]
APP = "com.example.game"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
FIELD_CHECK = "field_check_info"
# Of a tracker that a task doesn't use, nobody needs a secret; the environment may have an empty one.
VARIABLES = {
    "revenuecat": ("api_key", "STOREOPS_REVENUECAT_API_KEY"),
    "qonversion": ("api_key", "STOREOPS_QONVERSION_API_KEY"),
    "devtodev": ("session", "STOREOPS_DEVTODEV_SESSION"),
}


def task_of(module: str) -> Task:
    return t.cast(Task, importlib.import_module(f"ansible_collections.storeops.refunds.plugins.modules.{module}").TASK)


def places(spec: t.Mapping[str, t.Any], path: Place = ()) -> t.Iterator[Place]:
    """Yield every path and every secret among a module's options. The shared ones of lists are those of an entry."""
    for name, option in spec.items():
        if option.get("type") == "dict" and "options" in option:
            yield from places(option["options"], (*path, name))
        elif option.get("type") == "path" or option.get("no_log"):
            yield (*path, name)


# An empty session of App Store Connect counts as none, see below.
PLACES = [
    (module, place)
    for module in MODULES
    for place in places(task_of(module).argument_spec)
    if place not in (("session",), ("session_path",))
]


def sound(task: Task, folder: Path) -> Json:
    """Give options with which a module comes to its work; addresses lead nowhere."""
    key = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": str(folder / "key.p8")}
    given: Json = {
        "bundle_id": APP,
        "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
        "from_ledger": {"url": f"sqlite:///{folder}/ledger.db"},
        "to_ledger": {"url": f"sqlite:///{folder}/copy.db"},
        "path": str(folder / "report"),
        "results": [],
        "stage": "plan" if "hook" in task.argument_spec else "finished",
        "old_key_id": KEY_ID,
        "new_key": {"key_id": "NEWKEY0001", "private_key_path": str(folder / "new.p8")},
        "deadline": 0.1,
        "production_url": "https://refunds.example.com/apple",
    }
    if "production_url" in task.argument_spec:
        write_key(folder / "api.p8", new_pem())
        given |= {"api_issuer_id": ISSUER, "api_key_id": KEY_ID, "api_private_key_path": str(folder / "api.p8")}
    is_list = "keys" in task.argument_spec and task is not iap_key.TASK
    return {**given, **({"keys": [{"key": "studio", "apps": [APP], **key}]} if is_list else key)}


def run_with(module: str, place: Place, value: str, folder: Path, **more: t.Any) -> Outcome:
    task = task_of(module)
    option, *below = place
    given = {**sound(task, folder), **more}
    if below:
        given |= {option: {**given.get(option, {}), below[0]: value}}
        given |= {"tracker": option} if option in VARIABLES else {}
    else:
        given[option] = value
    return run_task(task, given, check_mode=True)


@pytest.mark.parametrize("empty", ["", " "])
@pytest.mark.parametrize(
    ("module", "place"), PLACES, ids=lambda value: ".".join([value] if isinstance(value, str) else value)
)
def test_no_path_and_no_secret_may_be_empty(module: str, place: Place, empty: str, tmp_path: Path) -> None:
    more: Json = {"devtodev": {"url": "https://devtodev.invalid/"}, "revenuecat": {"project_id": "proj1"}}
    outcome = run_with(module, place, empty, tmp_path, **more)
    told = f"{'.'.join(place)}: is given but empty"
    if module == FIELD_CHECK and place[0] in VARIABLES and len(place) > 1 and "path" not in place[1]:
        # What stops one part of it is a finding, and stops no other.
        assert told in repr(outcome.results["assumptions"])
    else:
        assert outcome.results["failed"] and told in outcome.message
    assert [path.name for path in tmp_path.iterdir() if path.name != "api.p8"] == []


def test_every_secret_and_path_is_tried() -> None:
    tried = {place for _module, place in PLACES}
    assert {("devtodev", "session"), ("devtodev", "session_path"), ("ledger", "url"), ("ca_path",)} <= tried
    assert {(name, secret) for name, (secret, _variable) in VARIABLES.items()} <= tried and len(PLACES) > 50


@pytest.mark.parametrize("tracker", VARIABLES)
def test_an_empty_variable_of_the_environment_counts_for_its_tracker(
    tracker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    option, variable = VARIABLES[tracker]
    monkeypatch.setenv(variable, "")
    given = {**sound(integrations.TASK, tmp_path), "revenuecat": {"project_id": "proj1"}}
    told = f"{tracker}.{option}: is given but empty (or {variable} is). "
    assert told in run_task(integrations.TASK, {**given, "tracker": tracker}, check_mode=True).message
    assert variable not in run_task(integrations.TASK, {**given, "tracker": "ledger"}, check_mode=True).message


@pytest.mark.parametrize("field", ["session", "session_path", "browser_path"])
def test_an_empty_session_of_devtodev_is_no_word_of_a_person(field: str, tmp_path: Path) -> None:
    """Else a row that the browser noted as Active would pass for confirmed by hand, and nobody would have looked."""
    url = "https://devtodev.invalid/"
    given = sound(integrations.TASK, tmp_path)
    app = {"bundle_id": APP, "trackers": ["devtodev"], "devtodev": {"url": url, field: " "}}
    given["keys"][0]["apps"] = [app]
    outcome = run_task(integrations.TASK, given, check_mode=True)
    assert f"keys[0] (studio).apps[0] ({APP}): devtodev.{field}: is given but empty" in outcome.message
    for ways in ({"mode": "handoff"}, {"session_path": "/no/such/session.json"}):
        # By hand nobody needs a session, and a path comes before what the environment says.
        app["devtodev"] = {"url": url, "session": "", **ways}
        assert "is given but empty" not in run_task(integrations.TASK, given, check_mode=True).message
    app["devtodev"] = {"url": url, "session": "", "mode": "browser"}
    told = run_task(integrations.TASK, given, check_mode=True).message
    assert told.count("devtodev.session: ") == 1, "that it is required is no news then"


@pytest.mark.parametrize("empty", ["", " "])
@pytest.mark.parametrize("option", ["issuer_id", "key_id", "private_key_path", "private_key_content"])
def test_which_option_is_empty(tmp_path: Path, option: str, empty: str) -> None:
    key: dict[str, t.Any] = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": str(tmp_path / "key.p8")}
    key[option] = empty
    ledger = {"url": f"sqlite:///{tmp_path}/ledger.db"}
    for task in (integration.TASK, iap_key.TASK):
        outcome = run_task(task, {"bundle_id": APP, "ledger": ledger, **key})
        assert outcome.results["failed"] and f"{option}: is given but empty." in outcome.message
    for task in (integrations.TASK, credential_check_info.TASK):
        outcome = run_task(task, {"keys": [{"key": "studio", "apps": [APP], **key}], "ledger": ledger})
        assert outcome.results["failed"] and "is given but empty." in outcome.message and option in outcome.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["api_private_key_path", "api_private_key_content"])
def test_the_inventory_names_it_too(option: str) -> None:
    outcome = run_task(connect_apps.TASK, {"api_issuer_id": ISSUER, "api_key_id": KEY_ID, option: ""})
    assert outcome.message.startswith(f"{option}: is given but empty. ")


@pytest.mark.parametrize("option", ["session", "session_path"])
def test_an_empty_session_of_app_store_connect_is_none(option: str, tmp_path: Path) -> None:
    """What the environment has counts then, and without it the task goes on as without a session.

    So a task hides the session that its group's defaults have. Nothing is taken for done by it: without a session, no
    key is looked for at App Store Connect, and what needs one fails and says that it is empty.
    """
    outcome = run_task(iap_key_info.TASK, {option: ""})
    assert outcome.message.startswith("session: this or private_key_path is required.")
    outcome = run_task(iap_key_info.TASK, {option: ""}, environ={"FASTLANE_SESSION": "[oops"})
    assert outcome.message.startswith("FASTLANE_SESSION: ")
    made = {"name": "studio", "private_key_path": str(tmp_path / "key.p8"), option: ""}
    assert "does not exist" in run_task(iap_key.TASK, made).message
    revoked = run_task(iap_key.TASK, {"key_id": KEY_ID, "state": "absent", "revoke": True, option: ""})
    assert revoked.message.startswith("session: is given but empty.")
