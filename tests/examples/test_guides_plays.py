# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every play and task that stands alone in a guide runs against the simulator, or is left out with a reason."""

from __future__ import annotations

import importlib
import json
import shutil
import typing as t
from pathlib import Path

import pages
import pytest
import yaml
from newcomer import Newcomer
from story import COOKIE, WORLD, Sim, settled

Play = dict[str, t.Any]
API_KEY_ID = "9XK2M4N6P8"
# By page: why it isn't run here, and where it is.
LEFT_OUT = {
    "docs/guides/automation-platform.md": "needs AWX and its collection; tests/dev/test_awx.py reads the types",
}
# What stands for a server that isn't here.
POSTGRESQL = "postgresql://refunds:{{ vault_password }}@db.example.com/refunds"
OWN = "storeops.refunds."


def is_play(entry: t.Any) -> bool:
    """Tell a play or a task from an entry of a declaration."""
    return isinstance(entry, dict) and ("hosts" in entry or any("." in str(name) for name in entry))


# A file with a name is one of a command; test_pages_run types it.
STANDING_ALONE = [
    (block.page, block.text)
    for page in pages.PAGES
    for block in pages.blocks(page)
    if page != "README.md" and block.language == "yaml" and not block.file
    if isinstance(found := yaml.safe_load(block.text), list) and all(map(is_play, found))
]


def test_nothing_is_left_out_that_no_guide_has() -> None:
    assert LEFT_OUT.keys() <= {page for page, _text in STANDING_ALONE}
    assert len(STANDING_ALONE) - len(LEFT_OUT) >= 6


def test_a_file_of_a_guide_is_one_of_a_command() -> None:
    files = {block.file for page in pages.PAGES for block in pages.blocks(page) if page != "README.md" and block.file}
    used = "\n".join([*(command for _page, command in pages.all_commands()), *(b.text for b in shown())])
    assert {name for name in files if name not in used.replace(f"# {name}", "")} == set()


def shown() -> list[pages.Block]:
    return [block for page in pages.PAGES for block in pages.blocks(page)]


@pytest.fixture(scope="module")
def established(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Newcomer]:
    yield from establish(tmp_path_factory.mktemp("established"))


@pytest.fixture
def about_to_rotate(tmp_path: Path) -> t.Iterator[Newcomer]:
    yield from establish(tmp_path)


def establish(folder: Path) -> t.Iterator[Newcomer]:
    """Give somebody whose apps are Active, who is signed in to App Store Connect and has an API key of it."""
    world = yaml.safe_load(WORLD.read_text())
    world["teams"][0]["app_store_connect_keys"] = [{"key_id": API_KEY_ID}]
    # The guide makes one of the world's name.
    world["teams"][0]["iap_keys"][0]["name"] = "another"
    world["app_store_connect_sessions"][0]["teams"] = [world["teams"][0]["issuer_id"]]
    (folder / "world.json").write_text(json.dumps(world))
    sim = Sim(folder / "world.json")
    sim.start()
    found = settled(sim, folder)
    session = found.write("../home/.fastlane/spaceship/release@example.com/cookie", COOKIE)
    api_key = found.write(
        f"srv/keys/AuthKey_{API_KEY_ID}.p8",
        found.ask(f"app_store_connect_keys/{API_KEY_ID}/private_key")["private_key"],
    )
    for path in (session, api_key):
        path.chmod(0o600)
    for name in ("srv/refunds", "srv/backup", "srv/secrets"):
        (found.cwd / name).mkdir()
    (found.home / ".vault_password").write_text("a password of nobody")
    url = f"{found.control.removesuffix('/_sim')}/app-store-connect"
    own = {"vault_ledger_url": ledger(found), "ledger_url": ledger(found), "iap_key_custody_app_store_connect_url": url}
    found.write("vars.json", json.dumps(own))
    assert found.plays("site").returncode == 0
    shutil.copy(found.cwd / ".cache/simulator/ledger.db", found.cwd / "srv/refunds/ledger.db")
    yield found
    sim.stop()


def ledger(newcomer: Newcomer) -> str:
    return f"sqlite:///{newcomer.cwd}/.cache/simulator/ledger.db"


def defaults(newcomer: Newcomer, module: str) -> dict[str, t.Any]:
    """Return the simulator's settings for the options that a module has."""
    base = newcomer.control.removesuffix("/_sim")
    wanted = {
        "app_store_server_url": f"{base}/app-store-server/{{environment}}",
        "app_store_connect_url": f"{base}/app-store-connect",
        "app_store_connect_api_url": f"{base}/app-store-connect-api",
        "root_certificate_path": f"{newcomer.cwd}/.cache/simulator/root.pem",
        "ledger": {"url": ledger(newcomer)},
    }
    known = importlib.import_module(f"ansible_collections.storeops.refunds.plugins.modules.{module}").TASK.argument_spec
    return {name: value for name, value in wanted.items() if name in known}


def as_plays(newcomer: Newcomer, text: str) -> list[Play]:
    placed = text.replace("/srv/", f"{newcomer.cwd}/srv/").replace(POSTGRESQL, f"sqlite:///{newcomer.cwd}/srv/new.db")
    found = yaml.safe_load(placed)
    plays = found if "hosts" in found[0] else [{"hosts": "localhost", "gather_facts": False, "tasks": found}]
    for play in plays:
        modules = {name for task in play.get("tasks", ()) for name in task if name.startswith(OWN)}
        own = {name: defaults(newcomer, name.removeprefix(OWN)) for name in modules}
        play["module_defaults"] = {**play.get("module_defaults", {}), **own}
    return plays


@pytest.mark.parametrize(
    ("page", "text"), STANDING_ALONE, ids=[f"{page[12:]}-{i}" for i, (page, _text) in enumerate(STANDING_ALONE)]
)
def test_it_runs(page: str, text: str, established: Newcomer) -> None:
    if page in LEFT_OUT:
        pytest.skip(LEFT_OUT[page])
    established.write("play.yml", json.dumps(as_plays(established, text)))
    ran = established.types("ansible-playbook play.yml -e @vars.json")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_key_from_the_custody_replaces_another(about_to_rotate: Newcomer) -> None:
    """The custody guide's play, declaration and steps, with a key whose file is gone when the rotation begins."""
    page, one = "docs/guides/custody.md", about_to_rotate
    (play,) = (text for where, text in STANDING_ALONE if where == page)
    changed = {
        "password}": "password, variable: iap_key_new}",
        "studio.yml": "new.yml",
        "Studio key": "a new key",
    }
    for shown_there, other in changed.items():
        assert shown_there in play
        play = play.replace(shown_there, other)
    one.write("play.yml", json.dumps(as_plays(one, play)))
    made = one.types("ansible-playbook play.yml -e @vars.json")
    assert made.returncode == 0 and not (one.cwd / "srv/keys/studio.p8").exists(), made.stdout + made.stderr
    (declared,) = (b.text for b in pages.blocks(page) if b.text.startswith("refund_tracking_keys"))
    (key,) = yaml.safe_load(declared.replace("iap_key.", "iap_key_new."))["refund_tracking_keys"]
    known = yaml.safe_load((one.cwd / "refunds.yml").read_text())
    known["refund_tracking_keys"].append({name: key[name] for name in key if name != "apps"} | {"key": "new"})
    rotation = next(b.text for b in pages.blocks("docs/guides/rotation.md") if b.file == "rotation.yml")
    asked = {name: text for name, text in yaml.safe_load(rotation).items() if not name.endswith("hook")}
    asked |= {"iap_key_rotation_name": "a new key", "iap_key_rotation_private_key_path": f"{one.cwd}/none.p8"}
    one.write("rotation.json", json.dumps({**known, **asked}))
    one.types("export ANSIBLE_VAULT_PASSWORD_FILE=~/.vault_password")
    moved = one.plays("rotate_key", "-e @rotation.json", "-e @srv/secrets/new.yml")
    assert moved.returncode == 0 and "2 integrations were moved from 2X9R4HXF34" in moved.stdout, moved.stdout
