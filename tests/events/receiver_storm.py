# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many notifications at a receiver, some of them forged, while its process is killed again and again.

``python tests/events/receiver_storm.py --count 10000 --connections 50 --kills 5 --rate 200`` prints one JSON line. A
notification that got no 200 is posted again, as Apple does. ``p99_ms`` is measured with ``--rate`` requests a second,
after the storm and without kills.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import typing as t
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/unit"), str(ROOT / "tests/unit/events"), str(ROOT / "extensions/simulator")]

from events_support import APPLE_ID, BUNDLE_ID, Apple, declare, ledger_at  # noqa: E402
from unit_ports import free_port  # noqa: E402

from ansible_collections.storeops.refunds.plugins.module_utils._apple.signed_data import SignedData  # noqa: E402
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import Consumer  # noqa: E402

_RECEIVER = """
import asyncio, os, sys, time, uuid
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.source import World, run
class Nowhere:
    async def put(self, event):
        pass
say = lambda text: print(text, file=sys.stderr, flush=True)
world = World(os.environ, time.time, time.monotonic, say, say, str(uuid.uuid4()))
args = {"mode": "listen", "port": int(sys.argv[1]), "path": "/apple", "root_certificate_path": sys.argv[2]}
asyncio.run(run(Nowhere(), args, world))
"""


@dataclass
class Storm:
    """``bodies``: (number, is sound, body). What has its answer is in ``answered``."""

    folder: Path
    bodies: list[tuple[int, bool, bytes]]
    port: int
    answered: dict[int, int] = field(default_factory=dict)
    kills: int = 0
    turned_away: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the receiver, and wait until it listens."""
        env = {**os.environ, "STOREOPS_LEDGER_URL": f"sqlite:///{self.folder}/ledger.db"}
        command = [sys.executable, "-c", _RECEIVER, str(self.port), str(self.folder / "root.pem")]
        with (self.folder / "receiver.log").open("a") as log:
            self._process = subprocess.Popen(command, env=env, stderr=log, cwd=self.folder)
        ends = time.monotonic() + 300
        while time.monotonic() < ends:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError((self.folder / "receiver.log").read_text()[-2000:])

    def kill(self) -> None:
        """Kill it without a word, and start it again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.kills += 1
        self.start()

    def cpu_seconds(self) -> float:
        """Return the CPU time that the receiver has used since it was started."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def post_all(self, connections: int, kills: int) -> None:
        """Post everything until each has its answer; kill after equal shares of the answers."""
        waiting = list(reversed(self.bodies))
        marks = [len(self.bodies) * number // (kills + 1) for number in range(1, kills + 1)]
        lock = asyncio.Lock()

        async def worker() -> None:
            link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
            while waiting:
                number, is_sound, body = waiting.pop()
                try:
                    link = link or await asyncio.open_connection("127.0.0.1", self.port)
                    status = await _post(*link, body)
                except (OSError, asyncio.IncompleteReadError):
                    link, status = None, 0
                    await asyncio.sleep(0.05)
                if status == 200 or (status == 400 and not is_sound):
                    self.answered[number] = status
                else:
                    waiting.insert(0, (number, is_sound, body))
                if marks and len(self.answered) >= marks[0]:
                    async with lock:
                        if marks and len(self.answered) >= marks[0]:
                            marks.pop(0)
                            await asyncio.to_thread(self.kill)

        await asyncio.gather(*(worker() for _number in range(connections)))

    async def latencies(self, bodies: t.Sequence[bytes], rate: int) -> list[float]:
        """Post at a steady rate over kept connections; give the seconds until each answer."""
        idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        found: list[float] = []

        async def one(body: bytes) -> None:
            begun = time.perf_counter()
            try:
                link = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", self.port)
                is_taken = await _post(*link, body) == 200
            except (OSError, asyncio.IncompleteReadError):
                is_taken = False
            # A machine that can't keep up turns some away, for Apple to send again; that closes the connection.
            self.turned_away += not is_taken
            found.append(time.perf_counter() - begun)
            if is_taken:
                idle.append(link)

        begun, tasks = time.perf_counter(), []
        for number, body in enumerate(bodies):
            await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(one(body)))
        await asyncio.gather(*tasks)
        return sorted(found)


async def _post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> int:
    head = f"POST /apple HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    answer = await reader.readuntil(b"\r\n\r\n")
    return int(answer.split(b" ", 2)[1])


def storm(folder: Path, count: int, connections: int, kills: int, rate: int) -> dict[str, t.Any]:
    """Make everything, let it happen, and count. One in a hundred is forged with a chain of its own."""
    apple, forger, chance = Apple(), Apple(), random.Random(7)
    forged = set(chance.sample(range(count), max(1, count // 100)))
    bodies = [
        (number, number not in forged, (forger if number in forged else apple).body(number=number + 1))
        for number in range(count)
    ]
    (folder / "root.pem").write_bytes(apple.chain.root_pem())
    ledger = ledger_at(f"sqlite:///{folder}/ledger.db")
    declare(ledger)
    # Somebody consumed events before anything was signed, and has gone.
    assert Consumer(ledger, "rulebook", "nobody").claim(0)
    port = free_port()
    made = Storm(folder, bodies, port)
    try:
        made.start()
        begun = time.perf_counter()
        asyncio.run(made.post_all(connections, kills))
        took = time.perf_counter() - begun
        calm = [apple.body(number=count + number + 1) for number in range(min(count, rate * 10))]
        before = made.cpu_seconds()
        seconds = asyncio.run(made.latencies(calm, rate))
        cpu = (made.cpu_seconds() - before) / len(calm)
    finally:
        made.end()
    with ledger.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT transaction_id, count(*) FROM refund_tracking_notifications WHERE bundle_id = ? GROUP BY 1",
            (BUNDLE_ID,),
        ).all()
        events = connection.exec_driver_sql("SELECT count(*) FROM refund_tracking_events").scalar()
    ledger.close()
    stored = {int(row[0]) - 1: row[1] for row in rows if int(row[0]) <= count}
    return {
        "count": count,
        "forged": len(forged),
        "kills": made.kills,
        "statuses": dict(Counter(made.answered.values())),
        "stored_once": sum(1 for number in stored.values() if number == 1),
        "forged_stored": len(forged & set(stored)),
        "events": events,
        "seconds": round(took, 1),
        "rate": rate,
        "turned_away": made.turned_away,
        "p50_ms": round(seconds[len(seconds) // 2] * 1000, 1),
        "p99_ms": round(seconds[len(seconds) * 99 // 100] * 1000, 1),
        # What an answer costs the receiver, and how much of that is to verify what Apple signed.
        "cpu_ms": round(cpu * 1000, 2),
        "verify_ms": round(_verification(apple, calm[:100]) * 1000, 2),
    }


def _verification(apple: Apple, bodies: t.Sequence[bytes]) -> float:
    """Return the seconds of CPU that it takes to verify a notification and nothing else."""
    verifier = SignedData(apple.root, "production", BUNDLE_ID, APPLE_ID)
    payloads = [json.loads(body)["signedPayload"] for body in bodies]
    verifier.told(payloads[0])
    begun = time.process_time()
    for payload in payloads:
        verifier.told(payload)
    return (time.process_time() - begun) / len(payloads)


def main() -> None:
    """Run it with the numbers of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("count", 10_000), ("connections", 50), ("kills", 5), ("rate", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="receiver-storm-") as name:
        found = storm(Path(name), options.count, options.connections, options.kills, options.rate)
    print(json.dumps(found))
    sound = options.count - found["forged"]
    if found["statuses"] != {200: sound, 400: found["forged"]} or (found["stored_once"], found["forged_stored"]) != (
        sound,
        0,
    ):
        sys.exit("Not every sound notification was stored once, or a forged one was.")


if __name__ == "__main__":
    main()
