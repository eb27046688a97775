# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A publisher whose apps move from an old key to a new one."""

from __future__ import annotations

import sqlite3
import typing as t
from dataclasses import dataclass
from pathlib import Path

from unit_servers import Simulator
from unit_support import ISSUER, Outcome, public_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation import rotation
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration_info, integrations

Json = dict[str, t.Any]
OLD, NEW = "OLDKEY0001", "NEWKEY0001"
ONE, TWO = "com.example.one", "com.example.two"
PROJECT = "proj1ab2c3d4"
HANDOFF = {"mode": "handoff", "project": "game"}


@dataclass
class Publisher:
    """Two apps on the old key, and the new one at hand. ``folder`` has the files and the ledger."""

    sim: Simulator
    folder: Path
    cookie: str = "5e55104e5e55104e5e55104e"

    def __post_init__(self) -> None:
        write_key(self.folder / "old.p8", self.sim.pem)
        write_key(self.folder / "new.p8", self.sim.other_pem)
        keys = [
            {"key_id": OLD, "name": "old key", "public_key": public_pem(self.sim.pem)},
            {"key_id": NEW, "name": "new key", "public_key": public_pem(self.sim.other_pem)},
        ]
        apps = [{"bundle_id": name, "apple_id": number} for number, name in enumerate((ONE, TWO), 1)]
        team = {"issuer_id": ISSUER, "iap_keys": keys, "apps": apps}
        person = {"myacinfo": self.cookie, "email": "release@example.com", "teams": [ISSUER]}
        world = {"teams": [team], "app_store_connect_sessions": [person]}
        self.sim.control("PUT", "/world", {**world, "rate_limits": {"get_transaction_info": 0}})

    @property
    def shared(self) -> Json:
        """Give what all tasks are told."""
        return {
            "app_store_server_url": self.sim.url,
            "ledger": {"url": f"sqlite:///{self.folder}/ledger.db"},
            "session": f'[{{"name": "myacinfo", "value": "{self.cookie}", "domain": "apple.com"}}]',
            "app_store_connect_url": self.sim.announced["app_store_connect"],
        }

    def declared(self, *apps: t.Any, key_id: str = OLD, file: str = "old.p8") -> list[Json]:
        """Give the declaration."""
        path = str(self.folder / file)
        return [{"key": "studio", "issuer_id": ISSUER, "key_id": key_id, "private_key_path": path, "apps": list(apps)}]

    def site(self, keys: list[Json], **more: t.Any) -> Outcome:
        """Make what is declared Active."""
        return run_task(integrations.TASK, {**self.shared, "keys": keys, **more})

    def rotate(self, keys: list[Json], check_mode: bool = False, stage: str = "move", **more: t.Any) -> Outcome:
        """Run a stage; the new key is at hand."""
        new = {"key_id": NEW, "name": "new key", "private_key_path": str(self.folder / "new.p8")}
        options = {**self.shared, "keys": keys, "old_key_id": OLD, "stage": stage, "new_key": new, "wait": 0, **more}
        return run_task(
            rotation.TASK, {name: value for name, value in options.items() if value is not None}, check_mode
        )

    def both(self, keys: list[Json], **more: t.Any) -> Outcome:
        """Run the move in check mode and for real: both must tell the same, and check mode writes nothing."""
        before = (self.folder / "ledger.db").read_bytes(), self.active()
        predicted = self.rotate(keys, True, **more)
        assert ((self.folder / "ledger.db").read_bytes(), self.active()) == before
        done = self.rotate(keys, **more)
        for name in ("failed", "changed", "diff"):
            assert predicted.results.get(name) == done.results.get(name), (name, predicted, done)
        return done

    def revenuecat(self, *apps: str, **options: t.Any) -> Json:
        """Let RevenueCat hold a key for apps, which the ledger never noted; give the options."""
        key = {"key_id": OLD, "issuer_id": ISSUER, "has_private_key": True}
        held = [{"bundle_id": name, "subscription_key": key} for name in apps]
        entries = [
            {"id": f"app{number}", "name": "App", "type": "app_store", "app_store": one}
            for number, one in enumerate(held)
        ]
        project = {"id": PROJECT, "name": "Studio", "apps": entries}
        account = {"projects": [project], "api_keys": [{"secret": "sk_0123456789"}], "requests_per_minute": 0}
        self.sim.control("PUT", "/world", {**self.sim.control("GET", "/world"), "revenuecat": account})
        url = self.sim.announced["revenuecat"]
        return {"api_key": "sk_0123456789", "project_id": PROJECT, "url": url, **options}

    def at_revenuecat(self) -> list[str]:
        """Give the Key IDs that RevenueCat holds."""
        apps = self.sim.control("GET", "/world")["revenuecat"]["projects"][0]["apps"]
        return [app["app_store"]["subscription_key"]["key_id"] for app in apps]

    def held(self, **more: t.Any) -> dict[str, str]:
        """Give the Key ID of each app in the ledger."""
        found = run_task(integration_info.TASK, {**self.shared, "credential_check": "skip", **more}).results
        return {entry["bundle_id"]: entry["key_id"] for entry in found["integrations"]}

    def row(self) -> list[t.Any]:
        """Give what the ledger knows of devtodev."""
        with sqlite3.connect(self.folder / "ledger.db") as ledger:
            query = "select bundle_id, key_id, status from refund_tracking_integrations where tracker = 'devtodev'"
            return ledger.execute(query).fetchall()

    def active(self) -> set[str]:
        """Give the active keys."""
        keys = self.sim.control("GET", "/world")["teams"][0]["iap_keys"]
        return {key["key_id"] for key in keys if key.get("active", True)}
