# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module x every trouble of many apps at once: what it tells, warnings too, has no sentence twice.

The playbooks print what these modules tell. What one app alone may meet at each call is in tests/unit/matrices.
"""

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

import pytest
from rotation_support import NEW, OLD, Publisher
from told_once import twice
from unit_ports import free_port
from unit_servers import Simulator
from unit_support import ISSUER, OTHER_ISSUER, ROOT, Outcome, public_pem, run_task, write_key

Json = dict[str, t.Any]
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
APPS = [f"com.example.{name}" for name in ("one", "two", "three", "four")]
API_KEY = "ASCKEY0001"
ONE_APP = ("bundle_id", "app_apple_id")
ONE_KEY = ("issuer_id", "key_id", "private_key_path")
# What a module takes of the publisher's options is what it has, but for these.
WITHOUT: dict[str, tuple[str, ...]] = {
    "appstore_credential_check_info": (*ONE_APP, *ONE_KEY),
    "appstore_iap_key": (*ONE_KEY, "name", "private_key_path"),
    "app_store_notification_url": (*ONE_APP,),
    "iap_key_rotation": (),
    "refund_export": ONE_APP,
    "refund_info": (*ONE_APP, *ONE_KEY),
    "refund_ledger": (*ONE_APP, *ONE_KEY),
    "refund_tracking_declaration_info": (),
    "refund_tracking_integration": ("keys", "apps"),
    "refund_tracking_integration_info": ONE_APP,
}
MORE: dict[str, Json] = {
    "app_store_notification_url": {
        "apps": [{"bundle_id": name} for name in APPS],
        "production_url": "https://refunds.example.com/apple",
        "on_other_url": "replace",
        "verify": True,
    },
    "iap_key_rotation": {"stage": "move"},
    "appstore_iap_key_info": {"name": "old key"},
    "refund_info": {"unread": "ignore"},
}


class Many(Publisher):
    """Four apps on two keys, of which everything is declared, and an API key."""

    def __init__(self, sim: Simulator, folder: Path) -> None:
        super().__init__(sim, folder)
        world = sim.control("GET", "/world")
        told = {"subscription_status_url": "https://hooks.example.net/a", "subscription_status_url_version": "V2"}
        team = world["teams"][0]
        team["apps"] = [{"bundle_id": name, "apple_id": at, **told} for at, name in enumerate(APPS, 1)]
        team["app_store_connect_keys"] = [{"key_id": API_KEY, "public_key": public_pem(sim.pem)}]
        limits = dict.fromkeys(("get_transaction_info", "get_notification_history", "request_test_notification"), 0)
        sim.control("PUT", "/world", {**world, "rate_limits": limits})
        write_key(folder / f"AuthKey_{API_KEY}.p8", sim.pem)
        (folder / "root.pem").write_bytes(
            sim.session.get(f"{sim.announced['root_certificate']}?format=pem", timeout=60).content
        )
        self.options = self._options()

    def _options(self) -> Json:
        old, new = (str(self.folder / name) for name in ("old.p8", "new.p8"))
        keys = [
            {"key": "old", "issuer_id": ISSUER, "key_id": OLD, "private_key_path": old, "apps": APPS[:3]},
            {"key": "new", "issuer_id": ISSUER, "key_id": NEW, "private_key_path": new, "apps": APPS[3:]},
        ]
        return {
            **self.shared,
            "app_store_connect_api_url": self.sim.announced["app_store_connect_api"],
            "keys": keys,
            **{"bundle_id": APPS[0], "app_apple_id": 1, "bundle_ids": APPS},
            **{"issuer_id": ISSUER, "key_id": OLD, "private_key_path": old, "name": "old key"},
            **{"api_issuer_id": ISSUER, "api_private_key_path": str(self.folder / f"AuthKey_{API_KEY}.p8")},
            "root_certificate_path": str(self.folder / "root.pem"),
            **{"old_key_id": OLD, "wait": 0},
            "new_key": {"key_id": NEW, "name": "new key", "private_key_path": new},
            "path": str(self.folder / "reports"),
            "results": [],
            "from_ledger": self.shared["ledger"],
            "to_ledger": {"url": f"sqlite:///{self.folder}/copy.db"},
        }

    def ask(self, module: str, check_mode: bool = False, **more: t.Any) -> Outcome:
        """Run a module with all the options of the publisher that it has."""
        task = importlib.import_module(f"ansible_collections.storeops.refunds.plugins.modules.{module}").TASK
        given = {name: value for name, value in self.options.items() if name not in WITHOUT.get(module, ())}
        return run_task(task, {**given, **MORE.get(module, {}), **more}, check_mode)

    def every_key(self, **fields: t.Any) -> None:
        """Change a field of each declared key, and of the one that is given alone."""
        self.options["keys"] = [{**key, **fields} for key in self.options["keys"]]
        self.options |= {name: value for name, value in fields.items() if name in self.options}

    def nobody_answers(self) -> None:
        port = free_port()
        for name, url in self.options.items():
            if name.startswith("app_store_") and name.endswith("_url"):
                self.options[name] = f"http://127.0.0.1:{port}/{url.split('/', 3)[3]}"

    def revoked(self) -> None:
        for name in (OLD, NEW):
            self.sim.control("PATCH", f"/iap_keys/{name}", {"active": False})

    def renamed(self) -> None:
        keys = self.options["keys"]
        self.options["keys"] = [{**key, "apps": [name.upper() for name in key["apps"]]} for key in keys]
        self.options |= {"bundle_id": APPS[0].upper(), "bundle_ids": [name.upper() for name in APPS]}

    def spoilt_files(self) -> None:
        for name in ("old.p8", "new.p8", f"AuthKey_{API_KEY}.p8"):
            (self.folder / name).write_text("no key")

    def open_files(self) -> None:
        for name in ("old.p8", "new.p8", f"AuthKey_{API_KEY}.p8"):
            (self.folder / name).chmod(0o644)

    def no_ledger(self) -> None:
        (self.folder / "ledger.db").write_text("no database" * 100)


def faulty(**fault: t.Any) -> t.Callable[[Many], None]:
    return lambda place: place.sim.fault(**fault)


Spoil = t.Callable[[Many], object]
TROUBLES: dict[str, Spoil] = {
    "none": lambda place: None,
    "nobody answers": Many.nobody_answers,
    "revoked keys": Many.revoked,
    "a wrong issuer": lambda place: place.every_key(issuer_id=OTHER_ISSUER),
    "a wrong key ID": lambda place: place.every_key(key_id="WR0NGKEY00"),
    "an issuer that is none": lambda place: place.every_key(issuer_id="studio"),
    "wrong capitals": Many.renamed,
    "files that are gone": lambda place: place.every_key(private_key_path=str(place.folder / "gone.p8")),
    "files without keys": Many.spoilt_files,
    "files for everybody": Many.open_files,
    "the other key's file": lambda place: place.every_key(private_key_path=str(place.folder / "new.p8")),
    "no ledger": Many.no_ledger,
    "an empty ledger": lambda place: (place.folder / "ledger.db").unlink(),
    "no database server": lambda place: place.options.update(ledger={"url": "postgresql://a@127.0.0.1:9/refunds"}),
    "another root": lambda place: place.options.pop("root_certificate_path"),
    "a session that is over": lambda place: place.sim.control(
        "PATCH", "/app_store_connect_sessions/0", {"expired": True}
    ),
    "no certificates": lambda place: place.options.update(ca_path=str(place.folder / "gone.pem")),
    **{
        str(status): faulty(kind="status", status=status, headers={"Retry-After": "86400"})
        for status in (401, 403, 404, 429, 500)
    },
    "a proxy's page": faulty(kind="content_type"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_sentence_is_told_twice(trouble: str, sim: Simulator, tmp_path: Path) -> None:
    place = Many(sim, tmp_path)
    assert not place.ask("refund_tracking_integrations").results.get("failed")
    assert not place.ask("refund_ledger").results.get("failed")
    TROUBLES[trouble](place)
    found = []
    # The report is about what the engine found just before, and a rotation moves everything.
    for module in sorted(MODULES, key=lambda name: (name == "iap_key_rotation", name == "refund_audit_report", name)):
        outcome = place.ask(module)
        told = "\n".join([outcome.message, *outcome.warnings])
        found += [f"{module}, twice: {sentence}\n{told}" for sentence in twice(told)[:1]]
        if module == "refund_tracking_integrations":
            # As an audit asks: what can't be used stands in the report.
            place.options["results"] = [place.ask(module, check_mode=True, on_faulty_app="report").results]
        if module == "refund_info":
            place.options["refunds"] = [outcome.results]
        assert trouble != "none" or not outcome.results.get("failed"), f"{module}: {outcome.message}"
    sim.control("DELETE", "/faults")
    assert not found, "\n\n".join(found)
