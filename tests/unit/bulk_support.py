# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of apps with its ledger, and what came of them."""

from __future__ import annotations

import shutil
import typing as t
from dataclasses import dataclass
from pathlib import Path

from unit_servers import FOREIGN_KEY_ID, Simulator
from unit_support import ISSUER, KEY_ID, OTHER_ISSUER, Outcome, public_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration_info, integrations

Json = dict[str, t.Any]
COMPARED = ("failed", "msg", "changed", "diff")
ITEM_COMPARED = ("bundle_id", "environment", "action", "outcome", "msg", "status", "key_fingerprint", "declared")


@dataclass
class Bulk:
    """``folder`` holds the key files and the ledger."""

    sim: Simulator
    folder: Path

    def __post_init__(self) -> None:
        write_key(self.folder / "mine.p8", self.sim.pem)
        write_key(self.folder / "foreign.p8", self.sim.other_pem)

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.folder / "ledger.db"

    @property
    def keys(self) -> list[Json]:
        """Give the keys of both teams."""
        mine, foreign = str(self.folder / "mine.p8"), str(self.folder / "foreign.p8")
        return [
            {"key": "a", "issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": mine},
            {"key": "b", "issuer_id": OTHER_ISSUER, "key_id": FOREIGN_KEY_ID, "private_key_path": foreign},
        ]

    def key(self, name: str, **changes: t.Any) -> Json:
        """Give the first team's key under another short name, with changes."""
        return {**self.keys[0], "key": name, **changes}

    def world(self, names: t.Iterable[str], unreleased: t.Collection[str] = ()) -> None:
        """Bring in other apps of the first team."""
        keys = [{"key_id": KEY_ID, "public_key": public_pem(self.sim.pem)}]
        apps = [
            {"bundle_id": name, "apple_id": number, "released": name not in unreleased}
            for number, name in enumerate(names, 1)
        ]
        team = {"issuer_id": ISSUER, "iap_keys": keys, "apps": apps}
        self.sim.control("PUT", "/world", {"teams": [team], "rate_limits": {"get_transaction_info": 0}})

    def options(self, apps: list[Json], **more: t.Any) -> Json:
        """Give the options of a task."""
        ledger = {"url": f"sqlite:///{self.ledger}"}
        return {"keys": self.keys, "apps": apps, "app_store_server_url": self.sim.url, "ledger": ledger, **more}

    def run(self, apps: list[Json], check_mode: bool = False, **more: t.Any) -> Outcome:
        """Run the task once."""
        return run_task(integrations.TASK, self.options(apps, **more), check_mode)

    def both(self, apps: list[Json], **more: t.Any) -> Outcome:
        """Run it in check mode, which writes nothing, and for real; both must tell the same."""
        before = self.content()
        predicted = self.run(apps, check_mode=True, **more)
        assert self.content() == before, "check mode wrote something"
        done = self.run(apps, **more)
        for name in COMPARED:
            assert predicted.results.get(name) == done.results.get(name), (name, predicted, done)
        assert compared_items(predicted) == compared_items(done)
        assert predicted.warnings == [text for text in done.warnings if "new ledger" not in text]
        return done

    def content(self) -> dict[str, bytes]:
        """Give every file's bytes."""
        return {entry.name: entry.read_bytes() for entry in sorted(self.folder.iterdir()) if entry.is_file()}

    def held(self, **more: t.Any) -> list[str]:
        """Give the bundle IDs in the ledger."""
        options = {"ledger": {"url": f"sqlite:///{self.ledger}"}, "credential_check": "skip", **more}
        found = run_task(integration_info.TASK, options).results["integrations"]
        return [entry["bundle_id"] for entry in found]

    def start_over(self) -> None:
        """Throw the ledger away."""
        self.ledger.unlink(missing_ok=True)

    def copy_of_ledger(self) -> Path:
        """Keep the ledger as it is now."""
        return Path(shutil.copy(self.ledger, self.folder / "copy.db"))


def compared_items(outcome: Outcome) -> list[Json]:
    """Give what must be the same in check mode and in the run."""
    entries = [{name: entry[name] for name in ITEM_COMPARED} for entry in outcome.results.get("integrations", [])]
    # The advice for check mode is the one thing that only check mode says.
    return [{**entry, "msg": entry["msg"].partition(" (In check mode")[0]} for entry in entries]


def outcomes(outcome: Outcome) -> list[tuple[str, str, str]]:
    """Give bundle ID, action and outcome of each item."""
    return [(entry["bundle_id"], entry["action"], entry["outcome"]) for entry in outcome.results["integrations"]]


def causes(outcome: Outcome) -> list[str]:
    """Give the causes of the verdicts."""
    return [entry["credential_check"]["cause"] for entry in outcome.results["integrations"]]


def apps(*names: str, key: str = "a", **more: t.Any) -> list[Json]:
    """Give entries of apps."""
    return [{"bundle_id": name, "key": key, **more} for name in names]


def predicted(key: str, fingerprint: str | None = None, **more: t.Any) -> list[Json]:
    """Give what appstore_iap_key tells in check mode of a key that it would make or mend."""
    return [{"key": key, "predicted": True, "failed": False, "key_fingerprint": fingerprint, **more}]
