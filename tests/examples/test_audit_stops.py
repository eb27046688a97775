# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""However an audit stops, the report of an earlier one can't be taken for its own, and isn't lost."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import settled
from newcomer import SETTINGS, Newcomer
from story import Sim

KINDS = {".html", ".md", ".csv", ".json", ".xml"}
OUTPUT_TELLS = "what it printed says why"
# How it is stopped: more arguments; and what the report says of it, which is only what an audit lives to hear.
STOPS: dict[str, tuple[dict[str, t.Any], str]] = {
    "a variable that nobody reads": ({"refund_audit_wavers": []}, "refund_audit_wavers: no such variable is read."),
    "no declaration": ({"refund_audit_keys": []}, "No keys and no apps are declared"),
    "another type": ({"refund_audit_refund_days": "many"}, OUTPUT_TELLS),
    "a secret that isn't there": (
        {"refund_audit_keys": [{"key": "a", "private_key_content": "{{ vault_nothing }}"}]},
        OUTPUT_TELLS,
    ),
    "no host": ({"refund_audit_hosts": "nobody"}, OUTPUT_TELLS),
    "a default that no module has": ({"refund_audit_defaults": {"ledgr": {}}}, "ledgr"),
    "a waiver": ({"refund_audit_waivers": [{"bundle_id": "*"}]}, "refund_audit_waivers[0].reason: is required."),
    "a setting of the calls": ({"refund_audit_defaults": {"ca_path": "/nowhere.pem"}}, "/nowhere.pem"),
    "a file that can't be written": ({}, "refund-audit.csv is a directory."),
    "killed": ({}, OUTPUT_TELLS),
}


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Newcomer]:
    """Somebody with a report of yesterday, which found nothing."""
    sim = Sim()
    sim.start()
    found = settled(sim, tmp_path_factory.mktemp("audited"))
    assert found.plays("site").returncode == 0 and found.plays("audit", options("report")).returncode == 0
    yield found
    sim.stop()


def options(folder: str, more: t.Mapping[str, t.Any] | None = None) -> str:
    return f"-e refund_audit_path=$PWD/{folder} -e '{json.dumps(more or {})}'"


def texts(folder: Path, previous: bool = False) -> dict[str, str]:
    """Return what lies there, by the kind of the file: the reports, or those kept aside."""
    found: dict[str, str] = {}
    for path in folder.glob("refund-audit.*"):
        # What an audit that runs moves away meanwhile isn't there.
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            if (".previous." in path.name) is previous:
                found[path.suffix] = path.read_text()
    return found


def has_stand_ins(folder: Path) -> bool:
    """Tell whether every report is kept aside and another text is at its place: for a moment it has both names."""
    kept, now = texts(folder, previous=True), texts(folder)
    return kept.keys() >= KINDS and now.keys() >= KINDS and not set(kept.values()) & set(now.values())


def audits(stop: str, newcomer: Newcomer, folder: str) -> str:
    """Run an audit that stops; return what it printed."""
    arguments = options(folder, STOPS[stop][0])
    if stop != "killed":
        ran = newcomer.plays("audit", arguments, "2>&1")
        assert ran.returncode != 0, ran.stdout
        return ran.stdout
    newcomer.tells("POST", "faults", {"kind": "delay", "seconds": 600})
    # It's killed with all that it started: it is no fork of another process.
    program = Path(sys.executable).parent / "ansible-playbook"
    command = f"exec {program} storeops.refunds.audit -e @refunds.yml -e @{SETTINGS} {arguments}"
    running = subprocess.Popen(["bash", "-c", command], cwd=newcomer.cwd, env=newcomer.env, start_new_session=True)
    ends = time.monotonic() + 300
    while not has_stand_ins(newcomer.cwd / folder):
        assert running.poll() is None and time.monotonic() < ends
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    assert running.wait(timeout=120) == -signal.SIGKILL
    newcomer.tells("DELETE", "faults", {})
    return ""


@pytest.mark.parametrize("stop", STOPS)
def test_a_stopped_audit_leaves_no_report_of_another(stop: str, audited: Newcomer) -> None:
    folder = audited.cwd / re.sub(r"\W", "-", stop)
    shutil.copytree(audited.cwd / "report", folder)
    before = texts(folder)
    lost = {".csv"} if "written" in stop else set()
    for suffix in lost:
        (folder / f"refund-audit{suffix}").unlink()
        (folder / f"refund-audit{suffix}").mkdir()
    printed = audits(stop, audited, folder.name)
    now, said = texts(folder), STOPS[stop][1]
    assert texts(folder, previous=True) == {kind: text for kind, text in before.items() if kind not in lost}, printed
    assert now.keys() == KINDS - lost
    for kind, text in now.items():
        told = " ".join(html.unescape(text).split())
        assert "nothing is known about the apps." in told and said in told, f"{kind}: {told}\n{printed}"
        assert "none needs attention" not in told and "com.example.one" not in told
    root = ElementTree.fromstring(now[".xml"])
    assert (root.get("tests"), root.get("errors"), len(root.findall(".//error"))) == ("1", "1", 1)
    assert json.loads(now[".json"])["failed"] is True


def test_the_next_report_is_compared_with_the_last_that_was_finished(audited: Newcomer) -> None:
    folder = audited.cwd / "compared"
    shutil.copytree(audited.cwd / "report", folder)
    before = json.loads((folder / "refund-audit.json").read_text())
    for _twice in range(2):
        audits("no declaration", audited, "compared")
    assert audited.plays("audit", options("compared")).returncode == 0
    found = json.loads((folder / "refund-audit.json").read_text())
    assert found["changes"]["since"] == before["generated_at"] and texts(folder, previous=True) == {}


def test_the_first_audit_ever_stops(audited: Newcomer) -> None:
    audits("no declaration", audited, "first")
    assert texts(audited.cwd / "first").keys() == KINDS and texts(audited.cwd / "first", previous=True) == {}
