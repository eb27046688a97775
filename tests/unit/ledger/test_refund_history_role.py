# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role refund_history exports and adds up the refunds of every environment that it read."""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import pytest
import unit_forks
from ledger_support import ledger_at
from refund_support import DAY, URL_V2, Desk
from unit_servers import Simulator
from unit_support import ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import Environment
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration

pytestmark = pytest.mark.services
APPS: t.Final[dict[Environment, str]] = {"production": "com.example.live", "sandbox": "com.example.trial"}
FILES = ("refunds-sums.csv", "refunds.csv", "refunds.jsonl")


def refunded(place: Environment, number: int) -> dict[str, object]:
    """An app of the simulator with one refund, which Apple told of yesterday."""
    then = int(time.time() * 1000) - DAY
    transaction = {
        "transaction_id": f"200000000000000{number}",
        "product_id": "coins",
        "price": 990,
        "currency": "EUR",
        "environment": place.title(),
        "purchase_date": then - DAY,
        "revocation_date": then - 3_600_000,
        "revocation_reason": 1,
    }
    note = {"type": "REFUND", "signed_date": then, "environment": place.title(), "transaction": transaction}
    urls = {**URL_V2, **{f"{name}_for_sandbox": value for name, value in URL_V2.items()}}
    return {"bundle_id": APPS[place], "apple_id": number, **urls, "notifications": [note]}


def prepared(sim: Simulator, tmp_path: Path, known: t.Iterable[Environment]) -> Desk:
    """Give a ledger that has both apps, and an Apple that knows those of some environments, each with a refund."""
    desk = Desk(sim, tmp_path, f"sqlite:///{tmp_path}/ledger.db")
    desk.prepare()
    desk.world({}, [refunded(place, number) for number, place in enumerate(known, 1)])
    sim.control("PUT", "/clock", {"frozen_at_ms": None})
    ledger = ledger_at(desk.url)
    key = str(tmp_path / "key.p8")
    held = [
        Integration(Identity("ledger", "", place, name), ISSUER, KEY_ID, None, "Active", key, number)
        for number, (place, name) in enumerate(APPS.items(), 1)
    ]
    put_integrations(ledger, held, "2026-01-01T00:00:00Z")
    ledger.close()
    return desk


@pytest.mark.parametrize("places", [("production", "sandbox"), ("sandbox",), ("production",)])
def test_every_environment_that_was_read(places: tuple[Environment, ...], sim: Simulator, tmp_path: Path) -> None:
    desk = prepared(sim, tmp_path, APPS)
    ran, sums = played(desk, places)
    assert ran.code == 0, ran
    folders = {place: tmp_path / "files" / ("sandbox" if place == "sandbox" else "") for place in APPS}
    for place, folder in folders.items():
        found = sorted(path.name for path in folder.glob("refunds*"))
        assert found == (list(FILES) if place in places else []), ran
    for place in places:
        rows = [json.loads(row) for row in (folders[place] / "refunds.jsonl").read_text().splitlines()]
        assert [(row["bundle_id"], row["environment"]) for row in rows] == [(APPS[place], place)], ran
    assert sums == [[place, [APPS[place]]] for place in places]


def test_an_environment_that_was_never_read_costs_the_other_one_nothing(sim: Simulator, tmp_path: Path) -> None:
    desk = prepared(sim, tmp_path, ["production"])
    ran, _sums = played(desk, ["production", "sandbox"])
    assert ran.code == 2 and "never read the refunds" not in ran.output, ran
    assert sorted(path.name for path in (tmp_path / "files").glob("refunds*")) == list(FILES), ran


def played(desk: Desk, places: t.Sequence[Environment]) -> tuple[unit_forks.Ran, list[t.Any]]:
    """Run the role for one app of each environment; give what it added up, by environment."""
    shared = {"ledger": {"url": desk.url}, "root_certificate_path": str(desk.folder / "root.pem")}
    url = desk.sim.announced["app_store_server"]["production"].replace("/production", "/{environment}")
    called = {**shared, "app_store_server_url": url}
    told = {
        "content": "{{ refund_history_sums.results | to_json }}",
        "dest": str(desk.folder / "sums.json"),
        "mode": "0600",
    }
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "connection": "local",
        "module_defaults": {
            "storeops.refunds.refund_ledger": called,
            "storeops.refunds.refund_info": called,
            "storeops.refunds.refund_export": shared,
        },
        "vars": {
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "refund_history_apps": [{"bundle_id": APPS[place], "environment": place} for place in places],
            "refund_history_keys": [],
            "refund_history_export_folder": str(desk.folder / "files"),
            "refund_history_sums_by": ["bundle_id"],
        },
        "roles": ["storeops.refunds.refund_history"],
        "post_tasks": [{"ansible.builtin.copy": told}],
    }
    book = desk.folder / "play.yml"
    book.write_text(json.dumps([play]))
    ran = unit_forks.run_playbook(book, "localhost,", folder=desk.folder)
    path = desk.folder / "sums.json"
    results = json.loads(path.read_text()) if path.exists() else []
    return ran, [[one["environment"], [row["bundle_id"] for row in one["sums"]]] for one in results]
