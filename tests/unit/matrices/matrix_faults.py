# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every outgoing call x every fault: what the task says, and whether a second run comes to the same end."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field

from matrix_more_scenes import SCENES
from matrix_scenes import Json, Place, Scene
from told_once import twice
from unit_support import Outcome

# Two questions are asked until the deadline at most, each with a pause of two seconds in between.
_MOST_CALLS = 90
_PICTURE = re.compile(r" Screenshot: \S+$")
_LONGEST_MESSAGE = 1500


@dataclass(frozen=True)
class Fault:
    """``armed``: what the simulator is asked to do. ``options``: what the task is given on top."""

    name: str
    armed: Json = field(default_factory=dict)
    options: Json = field(default_factory=dict)


def _status(status: int, name: str = "", **more: t.Any) -> Fault:
    return Fault(name or str(status), {"kind": "status", "status": status, **more})


FAULTS = (
    Fault("refused", {"kind": "refuse"}),
    Fault("reset", {"kind": "reset"}),
    Fault("time-out", {"kind": "delay", "seconds": 2}, {"request_timeout": 0.3}),
    Fault("drip", {"kind": "drip", "seconds": 0.1}, {"request_timeout": 0.3}),
    _status(401),
    _status(403),
    _status(404),
    _status(409),
    _status(423),
    _status(429),
    _status(429, "429, seconds", headers={"Retry-After": "2"}),
    _status(429, "429, a date", headers={"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}),
    _status(429, "429, milliseconds", headers={"Retry-After": "4133980799000"}),
    _status(500),
    _status(503),
    Fault("wrong type", {"kind": "content_type"}),
    Fault("truncated", {"kind": "truncate"}),
    _status(200, "wrong shape", body={"data": {"unexpected": []}, "items": 7}),
    _status(200, "a list", body=[[], 1, None]),
    _status(200, "10 MB", body="x" * 10_000_000, content_type="application/json"),
    _status(200, "deep JSON", body="[" * 100_000, content_type="application/json"),
    _status(302, "redirect", headers={"Location": "https://login.example.com/"}),
    Fault("TLS"),
)
# The ones that are there for a moment: tried again, or found by the next run.
PASSING = ("refused", "reset", "time-out", "drip", "429", "429, seconds", "500", "503", "truncated")
# What takes seconds, or would ask that a machine is quick.
SLOW = {"time-out", "drip"}

Cell = tuple[Scene, tuple[str, str], Fault]


def name_of(cell: Cell) -> tuple[str, str, str]:
    """Return what names a cell in the page: task, call, fault."""
    return cell[0].name, cell[1][1], cell[2].name


def cells() -> list[Cell]:
    """Return every cell, row by row."""
    return [(scene, call, fault) for scene in SCENES for call in scene.calls for fault in FAULTS]


def sample() -> list[Cell]:
    """Return a fixed part: each call with some faults, each fault with some calls."""
    return [cell for number, cell in enumerate(cells()) if number % 13 == 0 and cell[2].name not in SLOW]


@dataclass
class Judge:
    """Does one cell after the other in the same place. ``clean``: how each scene ends when nothing goes wrong."""

    place: Place
    clean: dict[str, Json] = field(default_factory=dict)

    def end_of(self, scene: Scene) -> Json:
        """Return how a scene ends without a fault."""
        if scene.name not in self.clean:
            scene.prepare(self.place)
            outcome = scene.run(self.place, {})
            assert not outcome.results.get("failed"), (scene.name, outcome.message)
            self.clean[scene.name] = self.place.state()
        return self.clean[scene.name]

    def lasting(self, cell: Cell) -> str:
        """Return what comes of a fault that stays until the task has ended."""
        return self._word(cell, {})

    def passing(self, cell: Cell) -> str:
        """Return what comes of a fault that strikes once."""
        return self._word(cell, {"times": 1})

    def _word(self, cell: Cell, more: Json) -> str:
        scene, call, fault = cell
        where = f"{scene.name}, {call[1]}, {fault.name}"
        clean = self.end_of(scene)
        scene.prepare(self.place)
        before = self.place.state()
        sim = self.place.sim
        sim.control("DELETE", "/calls")
        if fault.armed:
            self.place.arm(call, {**fault.armed, **more})
        outcome = scene.run(self.place, {**fault.options, **(_over_tls(self.place) if not fault.armed else {})})
        assert self.place.disarm() or not fault.armed, f"{where}: the call was never made"
        self._check_told(where, told(outcome), outcome.message, bool(outcome.results.get("failed")))
        # What the event source says is a log, in which two questions may meet the same fault. TLS fails everywhere.
        is_of_several = scene.name.startswith("refund_events") or not fault.armed
        lines = [] if is_of_several else [outcome.message, *outcome.warnings]
        assert not twice("\n".join(lines)), f"{where}: {told(outcome)}"
        is_other = self.place.state() != before
        assert outcome.results.get("changed") or not is_other, f"{where}: it changed something, and doesn't say so"
        word = "fails" if outcome.results.get("failed") else "goes on"
        return word + self.again(where, scene, clean)

    def _check_told(self, where: str, shown: str, message: str, has_failed: bool) -> None:
        assert not [one for one in self.place.secrets() if one in shown], f"{where}: a secret is shown"
        assert "Traceback" not in shown and "fault of storeops.refunds" not in shown, f"{where}: {message}"
        if has_failed:
            sentence = _PICTURE.sub("", message.rstrip())
            assert sentence.endswith((".", ")", "?")) and len(message) < _LONGEST_MESSAGE, f"{where}: {message}"
        calls = self.place.sim.control("GET", "/calls?limit=1000")["calls"]
        assert len(calls) <= _MOST_CALLS, f"{where}: {len(calls)} calls"

    def again(self, where: str, scene: Scene, clean: Json) -> str:
        """Run it again without the fault: it comes to the same end, nothing lost and nothing twice."""
        again = scene.run(self.place, {})
        word = ""
        if again.results.get("failed") and "regenerate: if_lost" in again.message:
            # Apple gave the key out once, and nobody has it. Only the user may say that it is to be replaced.
            word = ", then lost"
            again = scene.run(self.place, {"regenerate": "if_lost"})
        assert not again.results.get("failed"), f"{where}, again: {again.message}"
        state = self.place.state()
        assert state == clean, f"{where}, again: {state} instead of {clean}"
        return word


def told(outcome: Outcome) -> str:
    """Give all that a task told."""
    return json.dumps([outcome.results, outcome.warnings])


def _over_tls(place: Place) -> Json:
    """Return options that ask every service over TLS, which the simulator's port doesn't speak."""
    names = ("app_store_server_url", "app_store_connect_url", "app_store_connect_api_url")
    announced = (place.sim.url, place.sim.announced["app_store_connect"], place.sim.announced["app_store_connect_api"])
    secure = [url.replace("http://", "https://") for url in announced]
    return {**dict(zip(names, secure, strict=True)), "over_tls": True}
