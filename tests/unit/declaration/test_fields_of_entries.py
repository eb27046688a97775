# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A field of an entry means what the same option of a task means, and an app's own comes before the task's."""

from __future__ import annotations

import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._declaration.apps import App
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.declaration import declare
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import key_entries
from ansible_collections.storeops.refunds.plugins.module_utils._declared_spec import APP, KEY_ENTRY
from ansible_collections.storeops.refunds.plugins.module_utils._tracker_spec import TRACKERS
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_settings import DevtodevSettings

pytestmark = pytest.mark.ansible

Json = dict[str, t.Any]
TEXTS: t.Final = ("~/x", "$HOME/x", "${HOME}/x", "$STOREOPS_NOWHERE/x", "/a/~/x", 7)
OF_KEYS: t.Final = [name for name, field in KEY_ENTRY.items() if field["type"] == "path"]
OF_TRACKERS: t.Final = [
    (tracker, name)
    for tracker, spec in TRACKERS.items()
    for name, field in spec["options"].items()
    if field["type"] == "path"
]
SESSION: t.Final = '{"cookies": [{"name": "a", "value": "b", "domain": "127.0.0.1", "path": "/"}]}'
OTHER: t.Final = SESSION.replace('"b"', '"c"')
TASK: t.Final[Json] = {"mode": "browser", "url": "https://127.0.0.1/p"}


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/one")


def as_an_option(field: Json, value: t.Any) -> t.Any:
    """Return what Ansible makes of the value of a task's own option."""
    return ArgumentSpecValidator({"x": {"type": field["type"]}}).validate({"x": value}).validated_parameters["x"]


def devtodev(own: Json | None, task: Json) -> App:
    entry = {"bundle_id": BUNDLE_ID, "devtodev": own}
    given = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": "/k.p8", "tracker": "devtodev"}
    (app,) = declare({**given, "devtodev": task, "apps": [entry]}).apps
    return app


def test_there_are_paths_in_entries() -> None:
    assert OF_KEYS == ["private_key_path"]
    assert OF_TRACKERS == [("devtodev", "session_path"), ("devtodev", "browser_path")]
    # A path right in the entry of an app would be read by nothing that expands it.
    assert not [name for name, field in APP.items() if field["type"] == "path"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", OF_KEYS)
def test_a_path_in_the_entry_of_a_key(name: str, text: object) -> None:
    (entry,) = key_entries({"keys": [{"key": "a", name: text}]})
    assert entry.fields[name] == as_an_option(KEY_ENTRY[name], text)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("tracker", "name"), OF_TRACKERS)
def test_a_path_in_the_entry_of_an_app(tracker: str, name: str, text: object) -> None:
    assert tracker == "devtodev"
    app = devtodev({"mode": "handoff", name: text}, {})
    assert app.fault == ""
    assert getattr(app.settings[0], name) == as_an_option(TRACKERS[tracker]["options"][name], text)


@pytest.mark.parametrize(
    ("own", "task", "used"),
    [
        (None, {"session": SESSION}, SESSION),
        (None, {"session_path": "/task"}, "/task"),
        ({"session": OTHER}, {}, OTHER),
        ({"session": OTHER}, {"session": SESSION}, OTHER),
        ({"session": OTHER}, {"session_path": "/task"}, OTHER),
        ({"session": OTHER}, {"session": SESSION, "session_path": "/task"}, OTHER),
        ({"session_path": "/own"}, {"session": SESSION}, "/own"),
        ({"session_path": "/own"}, {"session_path": "/task"}, "/own"),
        ({"session_path": "/own"}, {"session": SESSION, "session_path": "/task"}, "/own"),
        ({"session": None}, {"session_path": "/task"}, "/task"),
    ],
)
def test_an_apps_own_session_is_used(own: Json | None, task: Json, used: str) -> None:
    app = devtodev(own, {**TASK, **task})
    settings = app.settings[0]
    assert app.fault == "" and isinstance(settings, DevtodevSettings)
    assert (settings.session.reveal() if settings.session else settings.session_path) == used


def test_an_apps_own_empty_session_is_told() -> None:
    app = devtodev({"session": ""}, {**TASK, "session_path": "/task"})
    assert f"apps[0] ({BUNDLE_ID}): devtodev.session: is given but empty" in app.fault
