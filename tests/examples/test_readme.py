# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A newcomer types what the README says, in an empty folder with an empty home, against the simulator."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import typing as t
from pathlib import Path

import pytest
import yaml
from playground import ROOT

README = (ROOT / "README.md").read_text()
FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
BLOCKS = [(language, textwrap.dedent(text)) for language, text in FENCE.findall(README)]
DECLARED = next(text for language, text in BLOCKS if language == "yaml" and text.startswith("refund_tracking_keys"))
COMMANDS = next(
    text for language, text in BLOCKS if language == "shell" and "storeops.refunds.site -e @refunds.yml --check" in text
)
ONE_LINER = next(text for language, text in BLOCKS if language == "shell" and text.startswith("ansible localhost"))

SPECIFICATION = yaml.safe_load((ROOT / "roles/refund_tracking/meta/argument_specs.yml").read_text())
IS_LIST = SPECIFICATION["argument_specs"]["main"]["options"]["refund_tracking_keys"]["type"] == "list"


class Newcomer:
    def __init__(self, folder: Path, control: str) -> None:
        self.home, self.cwd, self.control = folder / "home", folder / "empty", control
        for place in (self.home, self.cwd):
            place.mkdir()

    def types(self, command: str) -> subprocess.CompletedProcess[str]:
        env = {
            "HOME": str(self.home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache/root")),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
        }
        return subprocess.run(
            ["bash", "-c", command], cwd=self.cwd, env=env, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Newcomer]:
    folder = tmp_path_factory.mktemp("newcomer")
    command = [sys.executable, str(ROOT / "extensions/simulator"), "--port", "0"]
    world = ["--world", str(ROOT / "examples/simulator/world.yml")]
    process = subprocess.Popen([*command, *world], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    announced: dict[str, t.Any] = json.loads(process.stdout.readline())
    made = Newcomer(folder, announced["control"])
    example = (ROOT / "examples/simulator/simulator.yml").read_text()
    port = announced["control"].split(":")[2].partition("/")[0]
    settings = example.replace(":8765/", f":{port}/").replace("/tmp/refunds-simulator.db", f"{folder}/ledger.db")
    (made.cwd / "simulator.yml").write_text(settings)
    (made.cwd / "refunds.yml").write_text(DECLARED)
    ran = made.types(f"python3 {ROOT}/examples/simulator/keys.py {made.control}")
    assert ran.returncode == 0, ran.stderr
    try:
        yield made
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_the_keys_are_put_away_and_never_replaced(newcomer: Newcomer) -> None:
    keys = sorted((newcomer.home / "keys").iterdir())
    before = [(path.name, path.stat().st_mode & 0o777, path.read_text()) for path in keys]
    assert [mode for _name, mode, _text in before] == [0o600, 0o600]
    again = newcomer.types(f"python3 {ROOT}/examples/simulator/keys.py {newcomer.control}")
    assert again.returncode == 0 and again.stdout.count("stays as it is") == 2
    assert before == [(path.name, path.stat().st_mode & 0o777, path.read_text()) for path in keys]


def test_the_line_that_asks_whether_apple_accepts_a_key(newcomer: Newcomer) -> None:
    url = re.findall(r"app_store_server_url: (\S+)", (newcomer.cwd / "simulator.yml").read_text())[0]
    command = ONE_LINER.rstrip().removesuffix('"') + f' app_store_server_url={url}"'
    ran = newcomer.types(command)
    assert ran.returncode == 0 and '"accepted": true' in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.skipif(not IS_LIST, reason="refund_tracking_keys is no list yet")
def test_the_five_minutes(newcomer: Newcomer) -> None:
    commands = [line for line in COMMANDS.splitlines() if line]
    assert [shlex.split(line)[1].rpartition(".")[2] for line in commands] == ["site", "site", "audit", "refunds"]
    for line in commands:
        ran = newcomer.types(line.replace("-e @refunds.yml", "-e @refunds.yml -e @simulator.yml"))
        assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
    report = json.loads((newcomer.cwd / "report/refund-audit.json").read_text())
    assert report["totals"]["ok"] == report["totals"]["apps"] == 3
    summary = (newcomer.cwd / "report/refund-audit.md").read_text()
    assert "3 apps audited, none needs attention." in summary
