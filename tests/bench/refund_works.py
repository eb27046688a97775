# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger with many refunds, on SQLite and PostgreSQL: how long reading, adding up and bringing up to date take."""

from __future__ import annotations

import datetime
import hashlib
import json
import statistics
import subprocess
import sys
import typing as t
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import filling
import processes
import psycopg
import publisher
from postgresql_process import postgresql
from processes import BenchFailed
from works import HERE, RUNS, Bench

COUNT = 1_000_000


ONE_APP = "com.example.app00000"


@dataclass(frozen=True)
class Question:
    """A task on the ledger; ``rows``: which part of its result has to hold something."""

    title: str
    playbook: str
    rows: str
    group_by: tuple[str, ...] = ()
    bundle_ids: tuple[str, ...] = ()
    limit: int = 0
    is_of_one_month: bool = False

    def variables(self) -> dict[str, t.Any]:
        """Return what the playbook is told; the month is the last whole one."""
        asked = {f"bench_{name}": getattr(self, name) for name in ("group_by", "bundle_ids", "limit")}
        if self.is_of_one_month:
            until = datetime.datetime.now(datetime.UTC).date().replace(day=1)
            since = (until - datetime.timedelta(days=1)).replace(day=1)
            asked |= {"bench_since": f"{since}", "bench_until": f"{until}"}
        return asked


QUESTIONS = (
    Question(
        "`refund_info`: one app, one month, its refunds",
        "refund_info",
        "refunds",
        bundle_ids=(ONE_APP,),
        limit=1000,
        is_of_one_month=True,
    ),
    Question("`refund_info`: all apps, all time, sums by month", "refund_info", "sums", group_by=("month",)),
    Question(
        "`refund_info`: all apps, one month, sums by app and day",
        "refund_info",
        "sums",
        group_by=("bundle_id", "day"),
        is_of_one_month=True,
    ),
    Question("`refund_ledger`: one app, what is new", "refund_ledger", "refunds", bundle_ids=(ONE_APP,)),
)


def measure(bench: Bench, count: int) -> list[str]:
    """Fill a ledger of each kind and ask it; return the section of the page."""
    root = bench.folder / "root.der"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(bench.simulator.root_certificate) as answer:
        root.write_bytes(answer.read())
    source = f"other:{hashlib.sha256(root.read_bytes()).hexdigest()[:16]}"
    kinds: list[tuple[str, str, list[float], str]] = []
    file = bench.folder / "refunds.db"
    kinds += _asked(bench, "SQLite", f"sqlite:///{file}", count, source, root)
    size = {"SQLite": f"{file.stat().st_size / 2**20:,.0f} MB"}
    with postgresql() as url:
        if url:
            kinds += _asked(bench, "PostgreSQL", url, count, source, root)
            size["PostgreSQL"] = _database_size(url)
        else:
            bench.say("*** NO POSTGRESQL HERE: left out ***")
    lines = ["| ledger | task | seconds (median) | runs: least to most | result |", "|---|---|--:|---|---|"]
    for kind, title, seconds, found in kinds:
        spread = f"{len(seconds)}: {min(seconds):.2f} to {max(seconds):.2f}"
        lines.append(f"| {kind} | {title} | {statistics.median(seconds):.2f} | {spread} | {found} |")
    sizes = ", ".join(f"{kind} {text}" for kind, text in size.items())
    head = (
        f"{count:,} refunds of {filling.APPS} apps over {filling.DAYS} days, put straight into the tables. "
        f"On disk: {sizes}."
    )
    return [
        f"## The ledger with {count:,} refunds",
        f"{head} Each figure is a whole ansible-playbook process.",
        "\n".join(lines),
    ]


def _asked(
    bench: Bench, kind: str, url: str, count: int, source: str, root: Path
) -> list[tuple[str, str, list[float], str]]:
    publisher.fill_ledger(bench.publisher, url, 1)
    command = [sys.executable, str(HERE / "filling.py"), str(count), source]
    subprocess.run(command, input=url, text=True, check=True, env=bench.environment)
    found = []
    for question in QUESTIONS:
        seconds = []
        # Only its first run finds something to record.
        for _number in range(1 if question.playbook == "refund_ledger" else min(RUNS, bench.runs)):
            ran, rows = _ask(bench, question, url, root)
            seconds.append(ran.seconds)
        bench.say(f"{kind:<12} {question.title}: {', '.join(f'{s:.2f}' for s in seconds)} s")
        found.append((kind, question.title, seconds, rows))
    return found


def _ask(bench: Bench, question: Question, url: str, root: Path) -> tuple[processes.Ran, str]:
    results, variables = bench.folder / "results.json", bench.folder / "question.json"
    server = bench.simulator.app_store_server.replace("/production", "/{environment}")
    told = {
        "bench_app_store_server_url": server,
        "bench_ledger_url": url,
        "bench_root_certificate_path": str(root),
        **question.variables(),
    }
    variables.touch(mode=0o600)
    variables.write_text(json.dumps(told))
    environment = {**bench.environment, "ANSIBLE_CALLBACKS_ENABLED": "bench_results", "BENCH_RESULTS": str(results)}
    command = ["ansible-playbook", str(HERE / "playbooks" / f"{question.playbook}.yml"), "-e", f"@{variables}"]
    ran = processes.run(command, environment, bench.folder / "question.log")
    counted = json.loads(results.read_text())
    rows = counted["rows"].get(question.rows, 0)
    is_short = question.playbook == "refund_ledger" and rows != publisher.NEW_REFUNDS
    if counted["failed"] or not rows or is_short:
        raise BenchFailed(f"{question.title}: {counted}\n{ran.output[-2000:]}")
    return ran, f"{rows:,} {question.rows}"


def _database_size(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return f"{(row or [0])[0] / 2**20:,.0f} MB"
