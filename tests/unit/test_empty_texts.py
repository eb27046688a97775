# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An empty text never means what leaving an option out means: every option of every module refuses it, or says why not.

A template that comes to nothing, such as a CI secret that isn't set, would otherwise ask Apple instead of a simulator,
or set a URL that was meant for another app.
"""

from __future__ import annotations

import importlib
import typing as t

import pytest
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, run_task, write_key
from unit_tree import PLUGINS, PLUGINS_PACKAGE

from ansible_collections.storeops.refunds.plugins.module_utils._context import Task
from ansible_collections.storeops.refunds.plugins.module_utils._fields import MAY_BE_EMPTY

Json = dict[str, t.Any]
NO_SESSION = "There is no session then, and that of the environment counts."
OWN = "Read where a task uses that tracker; an environment may have an empty secret for another one."
HARMLESS: t.Final = {
    "session": NO_SESSION,
    "session_path": NO_SESSION,
    "name": "All keys are listed, or none is found by its name.",
    "title": "The report has its usual title; the role's default is empty.",
    "prefix": "No variable is of another role; the default is empty.",
    "revenuecat": OWN,
    "qonversion": OWN,
    "devtodev": OWN,
    "keys[].name": "The key has no name at App Store Connect.",
    "keys[].owner": "The file keeps its owner.",
    "keys[].group": "The file keeps its group.",
}
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))


def task_of(module: str) -> Task:
    found: Task = importlib.import_module(f"{PLUGINS_PACKAGE}.modules.{module}").TASK
    return found


def texts(spec: t.Mapping[str, t.Any], where: str = "") -> t.Iterator[str]:
    """Yield the names of texts and paths, with those in mappings (``ledger.url``) and in lists (``apps[].name``)."""
    for name, option in spec.items():
        if option.get("type", "str") in ("str", "path") and "choices" not in option:
            yield f"{where}{name}"
        inner = f"{where}{name}[]." if option.get("type") == "list" else f"{where}{name}."
        yield from texts(option.get("options", {}), inner)


CASES = [(module, name) for module in MODULES for name in texts(task_of(module).argument_spec)]


def reason(name: str) -> str | None:
    return HARMLESS.get(name) or HARMLESS.get(name.partition(".")[0])


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, pem: str) -> Json:
    """Options with which every module begins its work; a service would be asked at a closed port."""
    folder = tmp_path_factory.mktemp("empty")
    key = str(write_key(folder / "key.p8", pem))
    ledger = {"url": f"sqlite:///{folder}/ledger.db"}
    api = {"api_issuer_id": ISSUER, "api_key_id": KEY_ID, "api_private_key_path": key}
    return {
        "bundle_id": BUNDLE_ID,
        **{"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": key, "app_apple_id": 1},
        **api,
        **{f"app_store_{name}_url": "http://127.0.0.1:9" for name in ("server", "connect", "connect_api")},
        **{"ledger": ledger, "from_ledger": ledger, "to_ledger": {"url": f"sqlite:///{folder}/copy.db"}},
        **{"results": [], "path": str(folder / "files"), "production_url": "https://refunds.example.com/apple"},
        **{"old_key_id": "OLDKEY0001", "new_key": {"key_id": KEY_ID, "private_key_path": key}},
        **{"deadline": 1.0, "request_timeout": 1.0},
    }


# What one entry of a list needs beside the text that is empty.
ENTRIES: t.Final[t.Mapping[str, Json]] = {
    "apps": {"bundle_id": BUNDLE_ID},
    "keys": {"key": "studio", "issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": "/none.p8"},
    "waivers": {"bundle_id": "*", "reason": "r", "until": "2999-12-31"},
}


def emptied(given: Json, module: str, name: str, empty: str) -> Json:
    options = {**given, **({"stage": "plan"} if module == "iap_key_rotation" else {})}
    outer, _dot, inner = name.partition(".")
    if outer.endswith("[]"):
        listed = outer.removesuffix("[]")
        if listed != "waivers":
            options = {
                option: value for option, value in options.items() if option not in ("bundle_id", *ENTRIES["keys"])
            }
        return {**options, listed: [{**ENTRIES[listed], inner: empty}]}
    return {**options, outer: {**options.get(outer, {}), inner: empty} if inner else empty}


@pytest.mark.parametrize("empty", ["", " "])
@pytest.mark.parametrize(("module", "name"), [case for case in CASES if reason(case[1]) is None])
def test_an_empty_text_is_named(given: Json, module: str, name: str, empty: str) -> None:
    outcome = run_task(task_of(module), emptied(given, module, name, empty))
    assert outcome.results.get("failed"), outcome
    outer, dot, inner = name.partition(".")
    assert (inner if outer == "keys[]" else f"{outer.replace('[]', '[0]')}{dot}{inner}: ") in outcome.message
    assert "is given but empty" in outcome.message or " is required" in outcome.message or outer == "keys[]"


def test_the_reasons_are_of_options_that_are_there() -> None:
    there = {name for _module, name in CASES}
    assert {name for name in HARMLESS if "." in name} <= there
    names = {name for name in HARMLESS if "." not in name}
    assert names <= {name.partition(".")[0] for name in there}
    assert names - {"revenuecat", "qonversion", "devtodev"} == MAY_BE_EMPTY
    # More than a few are refused.
    assert sum(reason(name) is None for name in there) > 30


def test_a_declared_app_with_an_empty_url_is_named() -> None:
    """The role notification_urls would leave it out."""
    app = {"bundle_id": BUNDLE_ID, "key": "studio", "notification_url": ""}
    declared = {"keys": [ENTRIES["keys"]], "apps": [app]}
    outcome = run_task(task_of("refund_tracking_declaration_info"), declared)
    assert f"apps[0] ({BUNDLE_ID}): notification_url: is given but empty" in outcome.message, outcome
