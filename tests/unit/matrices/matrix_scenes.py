# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each row of the matrices does: tasks that make every outgoing call, in a simulated world of one publisher."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from matrix_sink import FURTHER, Sink, sink
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, Outcome, public_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._context import Task
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.apps import notification_url
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info, refund_ledger
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration

Json = dict[str, t.Any]
API_KEY_ID, PROJECT, APP_ID, NAME = "ASCKEY0001", "proj1ab2c3d4", "app1a2b3c4d5e", "Studio"
OLD, TRANSACTION = "OLDKEY0001", "2000000000000001"
OTHER_URL, URL = "https://hooks.example.net/apple", "https://refunds.example.com/apple"


@dataclass
class Place:
    """One publisher: a folder with keys and a ledger, and accounts everywhere."""

    sim: Simulator
    folder: Path
    cookie: str = field(default_factory=lambda: secrets.token_hex(20), repr=False)
    api_key: str = field(default_factory=lambda: f"sk_{secrets.token_hex(12)}", repr=False)
    with_app: bool = True
    sink: Sink = field(default_factory=sink)

    def arm(self, call: tuple[str, str], fault: Json) -> None:
        """Let a call fail: vendor and endpoint, or ``further URL`` and its path."""
        if call[0] == FURTHER:
            self.sink.fault = {"path": call[1], **fault}
        else:
            which = {"path": f"*{call[1]}"} if call[1].startswith("/") else {"endpoint": call[1]}
            self.sim.fault(**fault, match={"vendor": call[0], **which})

    def disarm(self) -> int:
        """Let nothing fail any more; give how often the first fault struck."""
        armed = self.sim.control("GET", "/faults")["faults"]
        self.sim.control("DELETE", "/faults")
        self.sink.fault = {}
        return sum(one["applied"] for one in armed[:1]) + self.sink.struck

    def start_over(self) -> None:
        """Make the world and the folder anew."""
        for entry in self.folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        write_key(self.folder / f"SubscriptionKey_{KEY_ID}.p8", self.sim.pem)
        write_key(self.folder / f"AuthKey_{API_KEY_ID}.p8", self.sim.pem)
        self.sim.control("PUT", "/world", self.world())
        self.sink.start_over()
        (self.folder / "root.pem").write_bytes(self._root())

    def _root(self) -> bytes:
        if not hasattr(self.sim, "root_pem"):
            found = self.sim.session.get(f"{self.sim.announced['root_certificate']}?format=pem", timeout=120)
            self.sim.root_pem = found.content  # type: ignore[attr-defined]
        return t.cast("bytes", self.sim.root_pem)  # type: ignore[attr-defined]

    def world(self) -> Json:
        """Give the simulator's world."""
        key = {"public_key": public_pem(self.sim.pem)}
        app = {"bundle_id": BUNDLE_ID, "apple_id": 1, "subscription_status_url": OTHER_URL}
        app |= {"subscription_status_url_version": "V2"}
        now = int(time.time() * 1000)
        told = {"transaction_id": TRANSACTION, "product_id": "coins", "price": 9990, "currency": "EUR"}
        told |= {"purchase_date": now - 7_200_000, "revocation_date": now - 3_600_000}
        told |= {"revocation_type": "REFUND_FULL", "revocation_percentage": 100_000}
        app["transactions"] = [told]
        app["notifications"] = [{"type": "REFUND", "signed_date": now - 3_000_000, "transaction_id": TRANSACTION}]
        team = {"issuer_id": ISSUER, "name": "Studio", "provider_id": 1, "apps": [app]}
        team["iap_keys"] = [{"key_id": KEY_ID, **key}, {"key_id": OLD, "name": "Old", **key}]
        team["app_store_connect_keys"] = [{"key_id": API_KEY_ID, **key}]
        store = {"id": APP_ID, "name": "One", "type": "app_store", "app_store": {"bundle_id": BUNDLE_ID}}
        project = {"id": PROJECT, "name": "Studio", "apps": [store] if self.with_app else []}
        return {
            "teams": [team],
            "rate_limits": dict.fromkeys(_LIMITED, 0),
            "app_store_connect_sessions": [{"myacinfo": self.cookie, "email": "a@example.com", "teams": [ISSUER]}],
            "revenuecat": {"api_keys": [{"secret": self.api_key}], "projects": [project], "requests_per_minute": 0},
            "qonversion": {
                "projects": [{"name": "One", "secret_key": self.api_key, "apple": {"bundle_id": BUNDLE_ID}}]
            },
        }

    def run(self, task: Task, check_mode: bool = False, **options: t.Any) -> Outcome:
        """Run a task with all the options that it has of the usual ones; None takes one away."""
        given = {name: value for name, value in {**self.usual(), **options}.items() if value is not None}
        return run_task(task, given, check_mode)

    def usual(self) -> Json:
        """Give the options that one publisher gives everywhere."""
        announced = self.sim.announced
        return {
            "bundle_id": BUNDLE_ID,
            "app_apple_id": 1,
            "issuer_id": ISSUER,
            "key_id": KEY_ID,
            "private_key_path": str(self.folder / f"SubscriptionKey_{KEY_ID}.p8"),
            "app_store_server_url": self.sim.url,
            "app_store_connect_url": announced["app_store_connect"],
            "app_store_connect_api_url": announced["app_store_connect_api"],
            "api_issuer_id": ISSUER,
            "api_private_key_path": str(self.folder / f"AuthKey_{API_KEY_ID}.p8"),
            "root_certificate_path": str(self.folder / "root.pem"),
            "session": json.dumps([{"name": "myacinfo", "value": self.cookie, "domain": ".apple.com"}]),
            "ledger": {"url": f"sqlite:///{self.folder}/ledger.db"},
        }

    def tracked(self, tracker: str, **options: t.Any) -> Outcome:
        """Declare the app at a tracker."""
        url = self.sim.announced[tracker]
        if options.pop("over_tls", False):
            url = url.replace("http://", "https://")
        account = {"api_key": self.api_key, "url": url, **options.pop("account", {})}
        return self.run(integration.TASK, tracker=tracker, **{tracker: account}, **options)

    def state(self) -> Json:
        """Give what lies at every service, in the folder and in the ledger, without times and made-up IDs."""
        world = self.sim.control("GET", "/world")
        team = world["teams"][0]
        keys = [key for one in world["teams"] for key in one["iap_keys"]]
        stored = [(one["app_store"]["bundle_id"], _has_key(one)) for one in world["revenuecat"]["projects"][0]["apps"]]
        app = {name: value for name, value in team["apps"][0].items() if name.startswith("subscription_status")}
        return {
            "keys": sorted(one.get("name") or "" for one in keys if one.get("active", True)),
            "url": app,
            "revenuecat": sorted(stored),
            "qonversion": bool((world["qonversion"]["projects"][0]["apple"].get("iap_key") or {}).get("key_id")),
            "files": sorted(one.name for one in self.folder.glob("*.p8")),
            "ledger": self.rows(),
            "forwarded": sorted(self.sink.taken),
            "reports": self.reports(),
        }

    def reports(self) -> dict[str, int]:
        """Give the files of an export or a report, tables with their number of lines: the rest tells of times."""
        found = sorted((self.folder / "reports").glob("[!.]*"))
        is_table = (".csv", ".jsonl")
        return {one.name: len(one.read_text().splitlines()) if one.suffix in is_table else 1 for one in found}

    def rows(self) -> list[t.Any]:
        """Give what the ledger holds."""
        path = self.folder / "ledger.db"
        if not path.exists():
            return []
        with sqlite3.connect(path) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
            found = [connection.execute(query).fetchall() for name, query in _QUERIES if name in tables]
        connection.close()
        return [rows for rows in found if rows]

    def secrets(self) -> list[str]:
        """Give what nobody may be shown."""
        lines = [line for line in self.sim.pem.splitlines() if "---" not in line]
        return [self.cookie, self.api_key, *lines]


# Nobody waits here, so that the simulated Apple must not mind.
_LIMITED = (
    "get_transaction_info",
    "get_notification_history",
    "get_refund_history",
    "request_test_notification",
    "get_test_notification_status",
)
_QUERIES = (
    (
        "refund_tracking_integrations",
        "SELECT tracker, bundle_id, status FROM refund_tracking_integrations ORDER BY 1, 2",
    ),
    ("refund_tracking_refunds", "SELECT transaction_id, amount FROM refund_tracking_refunds ORDER BY 1"),
    ("refund_tracking_events", "SELECT COUNT(*) FROM refund_tracking_events HAVING COUNT(*) > 0"),
)


def _has_key(app: Json) -> bool:
    return bool((app["app_store"].get("subscription_key") or {}).get("key_id"))


@dataclass(frozen=True)
class Scene:
    """A task with what comes before it. ``calls``: vendor and endpoint of every call that it makes.

    ``changes``: it is there to change something, and is killed, too.
    """

    name: str
    calls: tuple[tuple[str, str], ...]
    run: t.Callable[[Place, Json], Outcome]
    before: t.Callable[[Place], object] = lambda place: None
    with_app: bool = True
    changes: bool = True

    def prepare(self, place: Place) -> None:
        """Make the world and do what comes before."""
        place.with_app = self.with_app
        place.start_over()
        self.before(place)


def calls(vendor: str, *endpoints: str) -> tuple[tuple[str, str], ...]:
    """Name calls to one vendor; one that the simulator has no endpoint for by its path."""
    return tuple((vendor, endpoint) for endpoint in endpoints)


def make_ledger(place: Place, more: Json) -> Outcome:
    """Declare the app in the ledger."""
    return place.run(integration.TASK, **more)


def _history(place: Place, more: Json) -> Outcome:
    return place.run(refund_ledger.TASK, key_id=None, issuer_id=None, private_key_path=None, **more)


def _refunds(place: Place, more: Json) -> Outcome:
    return place.run(refund_info.TASK, transaction_id=TRANSACTION, **more)


def _url(place: Place, more: Json) -> Outcome:
    return place.run(notification_url.TASK, production_url=URL, verify=True, **more)


def _without_url(place: Place) -> None:
    """Have no URL before: one that is replaced isn't tested in the same run."""
    make_ledger(place, {})
    none = {"subscription_status_url": None, "subscription_status_url_version": None}
    place.sim.control("PATCH", f"/apps/{BUNDLE_ID}", none)


def made_key(place: Place, more: Json) -> Outcome:
    """Make a key."""
    path = str(place.folder / "new.p8")
    return place.run(iap_key.TASK, name=NAME, key_id=None, issuer_id=None, private_key_path=path, **more)


def _revoke(place: Place, more: Json) -> Outcome:
    options = {"name": "Old", "key_id": OLD, "private_key_path": str(place.folder / "old.p8")}
    return place.run(iap_key.TASK, state="absent", revoke=True, **options, **more)


def _revenuecat(place: Place, more: Json) -> Outcome:
    return place.tracked("revenuecat", account={"project_id": PROJECT}, **more)


def _revenuecat_made(place: Place, more: Json) -> Outcome:
    return place.tracked("revenuecat", account={"project_id": PROJECT, "create_app": True, "app_name": "One"}, **more)


def _revenuecat_gone(place: Place, more: Json) -> Outcome:
    return place.tracked("revenuecat", account={"project_id": PROJECT, "delete_app": True}, state="absent", **more)


def qonversion(place: Place, more: Json) -> Outcome:
    """Declare the app at Qonversion."""
    return place.tracked("qonversion", **more)


FIRST = (
    Scene("refund_tracking_integration, ledger", calls("app_store_server", "get_transaction_info"), make_ledger),
    Scene(
        "refund_ledger",
        calls("app_store_server", "get_notification_history"),
        _history,
        lambda place: make_ledger(place, {}),
    ),
    Scene("refund_info, transaction_id", calls("app_store_server", "get_refund_history"), _refunds),
    Scene(
        "app_store_notification_url",
        calls("app_store_connect_api", "list_apps", "update_app")
        + calls("app_store_connect_api", "read_app")
        + calls("app_store_server", "request_test_notification", "get_test_notification_status"),
        _url,
        _without_url,
    ),
    Scene(
        "appstore_iap_key, a new key",
        calls(
            "app_store_connect",
            "get_session",
            "list_subscription_keys",
            "create_subscription_key",
            "read_subscription_key",
        ),
        made_key,
    ),
    Scene("appstore_iap_key, revoke", calls("app_store_connect", "revoke_subscription_key"), _revoke),
    Scene("RevenueCat, update", calls("revenuecat", "list_apps", "update_app"), _revenuecat),
    Scene("RevenueCat, create", calls("revenuecat", "create_app"), _revenuecat_made, with_app=False),
    Scene("RevenueCat, delete", calls("revenuecat", "delete_app"), _revenuecat_gone),
    Scene("Qonversion", calls("qonversion", "get_store_config", "update_store_config"), qonversion),
)
