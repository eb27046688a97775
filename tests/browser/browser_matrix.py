# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a browser asks devtodev for x what can fail: the same judge as for all other calls, with a real Chromium."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import typing as t
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "matrices"))

from browser_support import FORM, PATIENCE, PROJECT, SharedBrowser, state, unhurried
from matrix_faults import FAULTS, Cell, Judge, name_of
from matrix_scenes import Json, Place, Scene, calls
from unit_servers import simulator
from unit_support import BUNDLE_ID, PACKAGE, Outcome, new_pem, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.field import field_check
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration

# To a browser, all forms of 429 are one, and JSON where a page should be is of one kind.
_ALIKE = {"429, seconds", "429, a date", "429, milliseconds", "a list", "deep JSON"}
_WAIT: Json = {"wait_timeout": 1.0, "request_timeout": 2.0, "deadline": 3600.0}
# For what Chromium may wait for in vain: an answer that isn't whole, or leads away. What is slow takes longer.
_IMPATIENT = {"patience": 20.0}
_SLOW = {"time-out": {"kind": "delay", "seconds": 60}, "drip": {"kind": "drip", "seconds": 0.1}}
BROWSER_FAULTS = tuple(
    replace(fault, armed=_SLOW.get(fault.name, fault.armed), options=_IMPATIENT)
    if fault.armed.get("kind", "status") != "status" or fault.name == "redirect"
    else fault
    for fault in FAULTS
    if fault.name not in _ALIKE
)
# What another page than the form's own is asked for, and is met by: the menu is walked once.
_ON_THE_WAY = {"refused", "time-out", "403", "500", "truncated", "wrong shape", "redirect"}


@dataclass
class BrowserPlace(Place):
    """The publisher has an account at devtodev, too."""

    def world(self) -> Json:
        """Add it."""
        projects = [{"id": PROJECT, "name": "Example"}]
        return {**super().world(), "devtodev": {"sessions": [{"cookie": self.cookie}], "projects": projects}}

    def state(self) -> Json:
        """Add what devtodev holds."""
        held = self.sim.control("GET", f"/devtodev/projects/{PROJECT}")["integration"]
        return {**super().state(), "devtodev": held and (held["bundle_id"], held["key_id"], held["status"])}

    def visit(self, task: t.Any, more: Json, path: str = FORM, **options: t.Any) -> Outcome:
        """Run a task that visits the page."""
        url = f"{self.sim.announced['devtodev']}/{path}"
        url = url.replace("http://", "https://") if more.get("over_tls") else url
        tracker = {"url": url, "project": PROJECT, "session": state(url, self.cookie)}
        usual = {name: value for name, value in self.usual().items() if not name.startswith(("api_", "session"))}
        given = {**usual, "tracker": "devtodev", "devtodev": tracker, **_WAIT, **options}
        given |= {name: value for name, value in more.items() if name in ("wait_timeout", "request_timeout")}
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        kept = {name: value for name, value in given.items() if value is not None}
        with mock.patch.object(SharedBrowser, "patience", more.get("patience", PATIENCE)):
            return run_task(task, kept, environ=environ)


def _form(place: Place, more: Json) -> Outcome:
    return t.cast(BrowserPlace, place).visit(integration.TASK, more)


def _slowly(place: Place, more: Json) -> Outcome:
    return t.cast(BrowserPlace, place).visit(integration.TASK, {"wait_timeout": PATIENCE, **more})


def _takes_its_time(place: Place) -> None:
    world = place.sim.control("GET", "/world")
    world["devtodev"]["activation_s"] = 1
    place.sim.control("PUT", "/world", world)


def _menu(place: Place, more: Json) -> Outcome:
    return _asked(place, more, f"projects/{PROJECT}")


def _asked(place: Place, more: Json, path: str = FORM) -> Outcome:
    """Let the field check look at the page alone; what isn't seen counts as failed."""
    none = {"private_key_path": None, "issuer_id": None, "key_id": None, "bundle_id": BUNDLE_ID}
    outcome = t.cast(BrowserPlace, place).visit(field_check.TASK, more, path, **none)
    bad = [one for one in outcome.results["assumptions"] if one["outcome"] in ("broken", "not_seen")]
    seen = [one for one in bad if one["name"] != "status_word"]
    message = f"{seen[0]['name']}: {seen[0]['seen']}." if seen else ""
    return Outcome({**outcome.results, "failed": bool(seen), "msg": message}, outcome.warnings)


SCENES = (
    Scene(
        "devtodev, the form",
        calls("devtodev", "refunds_tracking", "save_refunds_tracking"),
        _form,
    ),
    Scene("devtodev, being checked", calls("devtodev", "refunds_tracking_status"), _slowly, _takes_its_time),
    Scene("field_check_info, devtodev", calls("devtodev", "refunds_tracking"), _asked, changes=False),
    Scene(
        "field_check_info, devtodev's menu",
        calls("devtodev", "project", "settings", "payments_integration"),
        _menu,
        changes=False,
    ),
)


def browser_cells() -> list[Cell]:
    """Return every cell, row by row: all faults of the form, and some of what comes before it."""
    return [
        (scene, call, fault)
        for scene in SCENES
        for call in scene.calls
        for fault in BROWSER_FAULTS
        if scene is SCENES[0] or fault.name in _ON_THE_WAY
    ]


def browser_sample() -> list[Cell]:
    """Return the cells of every run of the tests: each call of the form, and a fault after which nobody knows."""
    wanted = {
        ("refunds_tracking", "500"),
        ("save_refunds_tracking", "reset"),
        ("save_refunds_tracking", "403"),
        ("refunds_tracking_status", "refused"),
        ("payments_integration", "truncated"),
    }
    # The page is one and the same to the form and to the field check.
    return [cell for cell in browser_cells() if (cell[1][1], cell[2].name) in wanted and cell[0] is not SCENES[2]]


def main() -> None:
    """Run every cell in one browser, and print what came of each as JSON."""
    with (
        simulator(new_pem(), new_pem()) as sim,
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as home,
        unhurried(),
    ):
        browser = SharedBrowser(Path(home))
        with mock.patch(f"{PACKAGE}._tasks.shared.devtodev.Browser", browser.serve):
            judge = Judge(BrowserPlace(sim, Path(folder)))
            words = []
            for cell in browser_cells():
                try:
                    words.append((*name_of(cell), judge.lasting(cell)))
                except AssertionError as error:
                    # All is told at the end.
                    print(error, file=sys.stderr)
        browser.end()
    print(json.dumps(words))
    sys.exit(len(words) != len(browser_cells()))


if __name__ == "__main__":
    main()
