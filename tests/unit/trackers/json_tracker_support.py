# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator's RevenueCat and Qonversion, and steps that run in check mode first."""

from __future__ import annotations

import json
import secrets
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, Outcome, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration, integration_info

Json = dict[str, t.Any]
PROJECT = "proj1ab2c3d4"
ROTATED = "ROTATED001"
COMPARED = ("failed", "changed", "diff", "integration")


def store_app(app_id: str, bundle_id: str, **details: t.Any) -> Json:
    """Describe an App Store entry of RevenueCat."""
    return {
        "id": app_id,
        "name": f"Name of {app_id}",
        "type": "app_store",
        "app_store": {"bundle_id": bundle_id, **details},
    }


@dataclass
class Place:
    """One user: a folder with keys and a ledger, and accounts at both services."""

    sim: Simulator
    folder: Path
    tracker: str
    secret: str = field(default_factory=lambda: f"sk_{secrets.token_hex(12)}")
    own: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        write_key(self.folder / "key.p8", self.sim.pem)
        write_key(self.folder / "other.p8", self.sim.other_pem)
        self.sim.start_over()

    def world(self, **changes: Json) -> Json:
        """Read the world, or change parts of it."""
        world: Json = self.sim.control("GET", "/world")
        if changes:
            self.sim.control("PUT", "/world", world | changes)
        return world | changes

    def options(self, **changes: t.Any) -> Json:
        """Give the ordinary options; None takes one away."""
        account = {"api_key": self.secret, "url": self.sim.announced[self.tracker], **self.own}
        ordinary: Json = {
            "bundle_id": BUNDLE_ID,
            "issuer_id": ISSUER,
            "key_id": KEY_ID,
            "private_key_path": str(self.folder / "key.p8"),
            "app_store_server_url": self.sim.url,
            "ledger": {"url": f"sqlite:///{self.folder}/ledger.db"},
            "tracker": self.tracker,
            self.tracker: account | changes.pop("account", {}),
        }
        return {name: value for name, value in (ordinary | changes).items() if value is not None}

    def rotated(self, **changes: t.Any) -> Json:
        """Give the options with the other key."""
        return self.options(**{"key_id": ROTATED, "private_key_path": str(self.folder / "other.p8"), **changes})

    def content(self) -> dict[str, bytes]:
        """Give every file's bytes."""
        return {entry.name: entry.read_bytes() for entry in sorted(self.folder.iterdir())}

    def step(self, options: Json) -> Outcome:
        """Run in check mode and for real: the same told, and nothing written before."""
        before, files = self.world(), self.content()
        predicted = run_task(integration.TASK, options, check_mode=True)
        assert self.world() == before and self.content() == files, "check mode wrote something"
        done = run_task(integration.TASK, options)
        for name in (*COMPARED, "msg"):
            assert predicted.results.get(name) == done.results.get(name), (name, predicted, done)
        assert predicted.warnings == [text for text in done.warnings if "new ledger" not in text]
        if done.results.get("failed"):
            assert self.world() == before and self.content() == files, "a failed item wrote something"
        elif "diff" in done.results:
            assert (done.results["diff"]["before"] != done.results["diff"]["after"]) is done.results["changed"]
        self.check_secrets(predicted, done)
        return done

    def run(self, options: Json, check_mode: bool = False) -> Outcome:
        """Run once."""
        done = run_task(integration.TASK, options, check_mode=check_mode)
        self.check_secrets(done)
        return done

    def info(self, **changes: t.Any) -> list[Json]:
        """List what the tracker holds."""
        nobody: Json = dict.fromkeys(("bundle_id", "issuer_id", "key_id", "private_key_path"))
        options = self.options(**(nobody | changes))
        files = self.content()
        outcome = run_task(integration_info.TASK, options)
        assert self.content() == files and not outcome.results.get("failed"), outcome
        self.check_secrets(outcome)
        return list(outcome.results["integrations"])

    def check_secrets(self, *outcomes: Outcome) -> None:
        """No result, warning or file beside the keys shows a secret."""
        lines = [line for pem in (self.sim.pem, self.sim.other_pem) for line in pem.splitlines() if "---" not in line]
        ledger = self.folder / "ledger.db"
        stored = ledger.read_bytes() if ledger.exists() else b""
        shown = repr(outcomes) + json.dumps([outcome.results for outcome in outcomes])
        for secret in (self.secret, *lines):
            assert secret not in shown and secret.encode() not in stored

    def endpoints(self, vendor: str) -> list[str]:
        """Give the names of the calls to a service, in order."""
        return [call["endpoint"] for call in self.sim.calls("?limit=1000")["calls"] if call["vendor"] == vendor]
