# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading refunds from Apple: first and daily runs of many apps, and an app with many, against a script by hand."""

from __future__ import annotations

import json
import time
import typing as t
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import processes
import publisher
from simulator_process import Simulator
from works import HERE, Bench

# What Apple's service is assumed to take for an answer.
ANSWER_S = 0.15
_DAY = 86_400_000
_THREADS = (8, 64)


@dataclass(frozen=True)
class Reading:
    """``most``: our time over that of the script, at most.

    ``is_daily``: the second reading, against the calls alone and an empty play.
    """

    title: str
    apps: int
    refunds: int
    most: float
    is_daily: bool = False


READINGS = (
    Reading("40 apps with 50 refunds each, first reading", 40, 50, 1.0),
    Reading("300 apps, daily run", 300, 2, 1.5, is_daily=True),
    Reading("10,000 refunds of one app, first reading", 1, 10_000, 0.2),
)
SMALL = (Reading("2 apps with 30 refunds each", 2, 30, 1.0), Reading("3 apps, daily run", 3, 1, 1.5, is_daily=True))


def measure(bench: Bench, readings: t.Sequence[Reading]) -> list[str]:
    """Measure each reading without and with Apple's time to answer; return the section of the page."""
    lines = [
        "| reading | answers after | script (best) | ours | ratio | bar | calls |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for reading in readings:
        for delay in (0.0, ANSWER_S) if readings is READINGS else (0.0,):
            lines.append(_line(bench, reading, delay))
            bench.say(lines[-1])
    return [
        "## Reading refunds",
        "Whole processes; the script verifies with Apple's library as it is.",
        "\n".join(lines),
    ]


def _line(bench: Bench, reading: Reading, delay: float) -> str:
    place = bench.folder / f"reading_{reading.apps}_{reading.refunds}_{delay:g}"
    place.mkdir()
    made = publisher.make(place, reading.apps)
    world = json.loads((place / "world.json").read_text())
    found = [app for team in world["teams"] for app in team["apps"]]
    numbers = {app["bundle_id"]: app["apple_id"] for app in found}
    for app in found:
        app |= _history(app["apple_id"], reading.refunds)
    # Apple's limit counts calls of a second; here it would slow the script down, which knows none.
    (place / "world.json").write_text(json.dumps({**world, "rate_limits": {"get_notification_history": 0}}))
    with Simulator(place / "world.json") as simulator:
        variables = _variables(place, made, simulator, numbers)
        if delay:
            simulator.arm([{"kind": "delay", "seconds": delay}])
        what = "calls" if reading.is_daily else "verify"
        command = ["python", str(HERE / "bare_refunds.py"), str(variables)]
        floor = min(_seconds(bench, [*command, str(threads), what], place) for threads in _THREADS)
        ours = ["ansible-playbook", str(HERE / "playbooks" / "refund_list.yml"), "-e", f"@{variables}"]
        if reading.is_daily:
            floor += _seconds(bench, ["ansible-playbook", str(HERE / "playbooks" / "empty.yml")], place)
            _seconds(bench, ours, place)
        simulator.forget_calls()
        seconds = _seconds(bench, ours, place)
        calls, _connections = simulator.calls()
    ratio = seconds / floor
    is_met = "met" if ratio <= reading.most else "NOT MET"
    return (
        f"| {reading.title} | {delay * 1000:.0f} ms | {floor:.2f} s | {seconds:.2f} s | {ratio:.2f} | "
        f"≤ {reading.most:g}: {is_met} | {calls:,} |"
    )


def _seconds(bench: Bench, command: list[str], place: Path) -> float:
    return processes.run(command, bench.environment, place / "reading.log").seconds


def _history(number: int, count: int) -> dict[str, t.Any]:
    now = int(time.time() * 1000)
    transactions = [
        {
            "transaction_id": f"3{number:012}{one:06}",
            "product_id": "coins",
            "price": 990,
            "currency": "USD",
            "purchase_date": now - 200 * _DAY,
            "revocation_date": now - 170 * _DAY + 160 * _DAY * one // count,
        }
        for one in range(count)
    ]
    notifications = [
        {"type": "REFUND", "signed_date": one["revocation_date"], "transaction_id": one["transaction_id"]}
        for one in transactions
    ]
    url = {"subscription_status_url": "https://example.com/refunds", "subscription_status_url_version": "V2"}
    return {**url, "transactions": transactions, "notifications": notifications}


def _variables(place: Path, made: publisher.Publisher, simulator: Simulator, numbers: t.Mapping[str, int]) -> Path:
    root = place / "root.der"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(simulator.root_certificate) as answer:
        root.write_bytes(answer.read())
    file = made.variables(len(made.apps), simulator.app_store_server)
    declared = json.loads(file.read_text())
    apps = [{**app, "app_apple_id": numbers[app["bundle_id"]]} for app in declared["refund_tracking_apps"]]
    file.write_text(json.dumps({**declared, "refund_tracking_apps": apps, "bench_root_certificate_path": str(root)}))
    return file
