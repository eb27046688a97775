# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of the role iap_key_rotation, killed anywhere: no app is ever without an Active integration."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

from asc_support import APPS, Person, enter, key
from unit_killing import each_point
from unit_servers import Simulator
from unit_support import ISSUER, public_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._context import Task
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation import rotation
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration, integration_info

OLD, OLD_NAME = "OLDKEY0001", "old key"
Results = dict[str, t.Any]


class Rotation:
    """One publisher with two integrations on the old key."""

    def __init__(self, sim: Simulator, place: Path, pem: str, ledger: Path) -> None:
        old = key(OLD, OLD_NAME, public_key=public_pem(pem))
        self.person: Person = enter(sim, place, keys=[old])
        self.ledger = ledger
        self.old_path = write_key(self.person.folder / "old.p8", pem)

    def step(self, task: Task, **options: t.Any) -> Results:
        """Run a task as the role does; a failure ends the rotation."""
        shared = {"ledger": {"url": f"sqlite:///{self.ledger}"}, "app_store_server_url": self.person.sim.url}
        results = run_task(task, {**shared, **options}).results
        if results.get("failed"):
            raise RuntimeError(results["msg"])
        return results

    def declare(self, bundle_id: str, key_id: str, path: Path) -> Results:
        """Make an integration Active with a key."""
        given = {"issuer_id": ISSUER, "key_id": key_id, "private_key_path": str(path)}
        return self.step(integration.TASK, bundle_id=bundle_id, **given)

    def held(self, check: str) -> list[Results]:
        """Read the ledger."""
        return list(self.step(integration_info.TASK, credential_check=check)["integrations"])

    def rotate(self) -> list[bool]:
        """Do what the role does, in its order; give what changed."""
        options = self.person.options
        session = {name: options[name] for name in ("session", "app_store_connect_url")}
        asked = {**session, "old_key_id": OLD, "revoke": True, "wait": 0}
        new = {"name": options["name"], "private_key_path": options["private_key_path"]}
        self.step(rotation.TASK, stage="plan", new_key=new, **asked)
        made = self.step(iap_key.TASK, **options)
        moved = self.step(rotation.TASK, stage="move", new_key=made["iap_key"], **asked)
        return [made["changed"], moved["changed"]]

    def is_active_everywhere(self) -> bool:
        """Ask the ledger, and Apple about every entry."""
        held = self.held("required")
        live = [entry["status"] == "Active" and entry["credential_check"]["accepted"] for entry in held]
        return sorted(entry["bundle_id"] for entry in held) == sorted(APPS) and all(live)


def test_every_point_of_a_rotation(_simulator: Simulator, tmp_path: Path, pem: str) -> None:
    original, ledger = tmp_path / "original.db", tmp_path / "ledger.db"
    first = Rotation(_simulator, tmp_path, pem, original)
    for bundle_id in APPS:
        first.declare(bundle_id, OLD, first.old_path)
    rotations: list[Rotation] = []

    def again() -> t.Callable[[], object]:
        for place in (tmp_path / "keys", *tmp_path.glob("ledger.db*")):
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        shutil.copy2(original, ledger)
        rotations[:] = [Rotation(_simulator, tmp_path, pem, ledger)]
        return rotations[0].rotate

    lost = total = 0
    for points in each_point(again):
        (one,) = rotations
        person = one.person
        total += 1
        assert one.is_active_everywhere(), points
        try:
            one.rotate()
        except RuntimeError as stopped:
            lost += 1
            assert "Ways out" in str(stopped) and person.active()[0] in str(stopped), points
            assert one.is_active_everywhere() and person.active(OLD_NAME) == [OLD]
            one.step(iap_key.TASK, **person.options, regenerate="if_lost")
            one.rotate()
        assert one.is_active_everywhere(), points
        assert len(person.active()) == 1 and person.active(OLD_NAME) == [] and person.fits(person.active()[0])
        assert not any(one.rotate()), "nothing is left to do"
        person.search("")
    assert total > 20 and lost == 2
