# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every command of README and guides is typed as it stands there, from an empty home on, or left out with a reason."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pages
import pytest
import yaml
from newcomer import SETTINGS, Newcomer, knows_repository, own_pip, repository
from playground import ROOT
from story import COOKIE, WORLD

# By how a command begins: why it isn't run here, and where it is.
LEFT_OUT = {
    "make demo": "a part of make test by itself: demo",
    "make test": "runs this",
    "make sim": "the simulator that it starts runs here, on a free port; its recipe is compared below",
    "ansible-builder build": "needs a container engine; the part build makes the build context of the same definition",
    "pip install ansible-rulebook": "the set-up of the tests installs it; tests/events runs it",
    "ansible-rulebook": "needs Java and goes on until stopped; tests/events runs all three rulebooks with it",
    "pg_dump": "needs a PostgreSQL server; tests/unit/ledger dumps our tables with this line and restores them",
}
API_KEY = "AuthKey_D383SF7391.p8"


def is_left_out(command: str) -> bool:
    return command.startswith(tuple(LEFT_OUT))


@pytest.mark.parametrize("page", pages.PAGES)
def test_fences_are_closed(page: str) -> None:
    assert pages.stray_fences(page) == []


def test_nothing_is_left_out_that_no_page_has() -> None:
    typed = [command for _page, command in pages.all_commands()]
    assert [start for start in LEFT_OUT if not any(command.startswith(start) for command in typed)] == []


def test_make_sim_starts_the_simulator_with_the_world() -> None:
    shown = next(command for _page, command in pages.all_commands() if command.startswith("make sim"))
    ran = subprocess.run(
        ["bash", "-c", shown.rstrip("& ").replace("make ", "make -n ", 1)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "python extensions/simulator --port 8765 --world examples/simulator/world.yml" in ran.stdout


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[str]:
    """The simulator with the README's world, and with an API key for the inventory."""
    world = yaml.safe_load(WORLD.read_text())
    world["teams"][0]["app_store_connect_keys"] = [{"key_id": "D383SF7391"}]
    path = tmp_path_factory.mktemp("world") / "world.json"
    path.write_text(json.dumps(world))
    command = [sys.executable, str(ROOT / "extensions/simulator"), "--port", "0", "--world", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    yield json.loads(process.stdout.readline())["control"]
    process.terminate()
    process.wait(timeout=120)


class Walk:
    """One newcomer through all pages. What the pages call by a name of their own lies in the newcomer's folder."""

    def __init__(self, newcomer: Newcomer) -> None:
        self.newcomer, self.done = newcomer, set[str]()
        self.port = newcomer.control.split(":")[2].partition("/")[0]
        self.places = {
            "/srv/": f"{newcomer.folder}/srv/",
            "/run/secrets/": f"{newcomer.folder}/secrets/",
            ":8765": f":{self.port}",
        }
        for name in ("srv/refunds", "srv/backup", "srv/vault", "srv/keys", "secrets", "home/Downloads", "home/plays"):
            (newcomer.folder / name).mkdir(parents=True)

    def placed(self, text: str) -> str:
        for shown, own in self.places.items():
            text = text.replace(shown, own)
        return text

    def prepare(self) -> None:
        """Put there what a person has: the downloaded keys, a session, a vault's password, the simulator's address."""
        home, folder = self.newcomer.home, self.newcomer.folder
        for name in ("2X9R4HXF34", "9ABCDEF123"):
            text = self.newcomer.ask(f"iap_keys/{name}/private_key")["private_key"]
            (home / f"Downloads/SubscriptionKey_{name}.p8").write_text(text)
        api = self.newcomer.ask("app_store_connect_keys/D383SF7391/private_key")["private_key"]
        (folder / "secrets" / API_KEY).write_text(api)
        session = home / ".fastlane/spaceship/release@example.com/cookie"
        session.parent.mkdir(parents=True)
        session.write_text(COOKIE)
        session.chmod(0o600)
        (home / ".vault_password").write_text("a password of nobody")
        example = self.placed((ROOT / "examples/simulator/keys.py").read_text())
        script = self.newcomer.write("examples/simulator/keys.py", example)
        self.settings = runpy.run_path(str(script))["SETTINGS"].format
        self.set_up()

    def set_up(self) -> None:
        """Write the settings of the example, with the ledger where the pages say that it is."""
        place = self.newcomer.folder / "srv/refunds"
        settings = self.settings(base=f"http://127.0.0.1:{self.port}", place=place, session=COOKIE)
        self.newcomer.write(SETTINGS, settings)
        root = self.newcomer.reads("root_certificate?format=pem")
        (self.newcomer.folder / "srv/refunds/root.pem").write_bytes(root)

    def files_of(self, page: str) -> None:
        """Write the files that a page shows under their names; the keys of its first list are the declaration."""
        for block in pages.blocks(page):
            is_keys = block.language == "yaml" and block.text.startswith("refund_tracking_keys")
            if is_keys and page in ("README.md", "docs/guides/keys.md"):
                self.newcomer.write("refunds.yml", self.placed(block.text))
            elif block.file and block.file[0] != "." and block.language == "yaml":
                self.newcomer.write(block.file, self.placed(block.text))
        self._beside(page)

    def _beside(self, page: str) -> None:
        """Add what makes a page's file one for the simulator, and put it where the page says that it lies."""
        cwd, base = self.newcomer.cwd, f"http://127.0.0.1:{self.port}"
        if page.endswith("field_check.md"):
            with (cwd / "field-check.yml").open("a") as file:
                file.write(f"  app_store_server_url: {base}/app-store-server/{{environment}}\n")
        elif page.endswith("fleet.md"):
            with (cwd / "apps.app_store_connect.yml").open("a") as file:
                file.write(f"app_store_connect_api_url: {base}/app-store-connect-api\n")
            for name in ("2X9R4HXF34", "9ABCDEF123"):
                shutil.copy(self.newcomer.home / f"Downloads/kept_{name}.p8", self._secret(name))
            option = f"        app_store_server_url: {base}/app-store-server/{{environment}}\n"
            for play in (cwd / "fleet.yml", cwd / "fleet_refunds.yml"):
                play.write_text(re.sub(r"(?=        private_key_file_policy: )", option, play.read_text()))
        elif page.endswith("rotation.md"):
            shutil.move(cwd / "keep_key.yml", self.newcomer.home / "plays/keep_key.yml")
        elif page.endswith("keys.md"):
            with (cwd / "refunds.yml").open("a") as file:
                pem = (self.newcomer.home / "Downloads/kept_9ABCDEF123.p8").read_text()
                file.write(yaml.safe_dump({"vault_partner_private_key": pem}))

    def _secret(self, key_id: str) -> Path:
        return self.newcomer.folder / f"secrets/SubscriptionKey_{key_id}.p8"

    def declare_rotated(self) -> None:
        """Do what the rotation's page says first under After the rotation, with the key in the vault."""
        (vaulted,) = (self.newcomer.folder / "srv/vault").glob("*.p8")
        path = self.newcomer.cwd / "refunds.yml"
        text = path.read_text().replace("~/keys/SubscriptionKey_2X9R4HXF34.p8", str(vaulted))
        path.write_text(text.replace("key_id: 2X9R4HXF34", f"key_id: {vaulted.stem}"))

    def runs(self, command: str) -> subprocess.CompletedProcess[str]:
        """Type a command, to the simulator: there is no Apple account here."""
        typed = self.placed(command)
        if command.startswith("ansible localhost"):
            url = f"http://127.0.0.1:{self.port}/app-store-server/{{environment}}"
            typed = f'{typed.removesuffix(chr(34))} app_store_server_url={url}"'
        elif command.startswith("ansible-playbook storeops") and SETTINGS not in command:
            typed += f" -e @{SETTINGS}"
        if command.startswith("mkdir -p -m 700 ~/keys"):
            for path in (self.newcomer.home / "Downloads").glob("SubscriptionKey_*.p8"):
                shutil.copy(path, path.with_name(path.name.replace("SubscriptionKey", "kept")))
        ran = self.newcomer.types(typed)
        if command.endswith("rotate_key -e @refunds.yml -e @rotation.yml"):
            self.declare_rotated()
        if "keys.py" in command:
            self.set_up()
        if command.startswith("python3 -m venv"):
            own_pip(self.newcomer.home / "refunds/bin/python")
        return ran


# The installation comes before what needs it; nothing else is moved.
LATER = ("ansible localhost",)
LAST = ("docs/guides/keys.md", "docs/guides/rotation.md")


def test_every_command_is_typed_and_does_what_it_says(control: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    walk = Walk(Newcomer(tmp_path_factory.mktemp("newcomer") / "all", control))
    knows_repository(walk.newcomer, repository())
    walk.prepare()
    typed = []
    for page in ordered():
        walk.files_of(page)
        found = [command for where, command in pages.all_commands() if where == page and not is_left_out(command)]
        for command in [*(c for c in found if not c.startswith(LATER)), *(c for c in found if c.startswith(LATER))]:
            # What a playbook says depends on what the page declares.
            if command not in walk.done or (command.startswith("ansible-playbook") and page in LAST):
                ran = walk.runs(command)
                assert ran.returncode == 0, f"{page}: {command}\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}"
                typed.append((command, ran.stdout))
                walk.done.add(command)
    shown = {command for _page, command in pages.all_commands() if not is_left_out(command)}
    assert shown == walk.done
    outcomes_are_those_of_the_pages(walk, dict(typed))


def ordered() -> list[str]:
    """README first; the vault's page before the rotation of what it encrypts, and both after what uses the files."""
    return [*(page for page in pages.PAGES if page not in LAST), *LAST]


def outcomes_are_those_of_the_pages(walk: Walk, printed: dict[str, str]) -> None:
    said = {command: text for command, text in printed.items() if "ansible" in command}
    audit = next(text for command, text in said.items() if "storeops.refunds.audit" in command)
    assert "3 apps audited, none needs attention: 3 OK. The report: " in audit
    for line in (text for command, text in said.items() if command.startswith("ansible localhost")):
        assert '"accepted": true' in line
    assert (walk.newcomer.home / "refund-report/refund-audit.html").exists()
    exported = (walk.newcomer.folder / "srv/reports/refunds.csv").read_text()
    assert len(exported.splitlines()) > 4, "the example world has refunds"
    (vaulted,) = (walk.newcomer.folder / "srv/vault").glob("*.p8")
    assert vaulted.read_text().startswith("$ANSIBLE_VAULT;")
    revoked = next(text for command, text in said.items() if "revoke_old" in command)
    assert "2X9R4HXF34 is revoked." in revoked
