# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the tarball, install it into an empty place and use it there, nothing else in reach."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import paths
import stage
import yaml
from part import Part

# The only things at the top of the tarball; all else belongs into build_ignore of galaxy.yml.
EXPECTED = {
    "CHANGELOG.md",
    "CHANGELOG.rst",
    "FILES.json",
    "LICENSE",
    "LICENSES",
    "MANIFEST.json",
    "README.md",
    "REUSE.toml",
    "SECURITY.md",
    "TESTING.md",
    "changelogs",
    "docs",
    "examples",
    "extensions",
    "meta",
    "playbooks",
    "plugins",
    "roles",
    "tests",
}
NEVER = {"__pycache__", ".git", ".cache", ".venv", ".venvs", "output", "molecule"}
PLAYBOOKS = ("audit", "export_refunds", "rotate_key", "site")
EE_PYTHON = "meta/ee-requirements.txt"
EE_DEFINITION = "extensions/awx/execution-environment.yml"


def _check_files(part: Part, tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = [Path(name) for name in archive.getnames()]
    bad = [
        str(name)
        for name in names
        if name.parts
        and (
            name.parts[0] not in EXPECTED
            or NEVER.intersection(name.parts)
            or name.suffix in (".pyc", ".p8", ".pem")
            or (name.parts[0] == "tests" and str(name) not in ("tests", "tests/config.yml"))
        )
    ]
    part.check(not bad, f"unexpected in the tarball: {bad}")
    part.say(f"{tarball.name}: {len(names)} entries, {tarball.stat().st_size} bytes")


def _check_docs(part: Part, env: dict[str, str], cwd: Path) -> None:
    modules = {file.stem for file in (paths.ROOT / "plugins/modules").glob("*.py") if not file.stem.startswith("_")}
    listed = part.step(["ansible-doc", "-l", "-j", "storeops.refunds"], env, cwd) or ""
    found = {name for name in modules if f'"storeops.refunds.{name}"' in listed}
    part.check(bool(found) and found == modules, f"ansible-doc -l lacks {sorted(modules - found)}")
    # All in one process: to start one takes longer than to read a page.
    names = [f"storeops.refunds.{name}" for name in sorted(modules)]
    pages = part.step(["ansible-doc", "-j", *names], env, cwd) or ""
    for name in names:
        part.check(f'"{name}": {{' in pages, f"ansible-doc has no page of {name}")


def _check_playbooks(part: Part, env: dict[str, str], cwd: Path) -> None:
    present = {file.stem for file in (paths.ROOT / "playbooks").glob("*.yml")}
    names = sorted(present | set(PLAYBOOKS))
    command = ["ansible-playbook", *(f"storeops.refunds.{name}" for name in names), "--syntax-check"]
    checked = part.step(command, env, cwd) or ""
    for name in names:
        part.check(f"/playbooks/{name}.yml\n" in checked, f"the syntax of {name} was not checked")


def _check_import(part: Part, tarball: Path, place: Path) -> None:
    """Galaxy's own importer takes the tarball: what it refuses can't be published."""
    # The part "rules" runs the same linter and fails on what it finds; here its findings would only go to a log.
    env = paths.environment(part.name) | {"GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false"}
    part.step(["python", "-m", "galaxy_importer.main", tarball], env, place)


def _check_ee(part: Part, env: dict[str, str], tarball: Path, place: Path) -> None:
    """The collection's requirements are found, and a build context with it can be made."""
    found = part.step(["ansible-builder", "introspect", place / "installed"], env, place)
    wanted = [
        line.split(">")[0]
        for line in (paths.ROOT / EE_PYTHON).read_text().splitlines()
        if line and not line.startswith(("#", "PyYAML"))  # left out, as Ansible itself brings it
    ]
    lacking = [name for name in wanted if name not in (found or "")]
    part.check(bool(wanted) and not lacking, f"ansible-builder does not see {lacking}")
    # As a platform team has it, with the tarball in place of what is not published yet.
    definition = yaml.safe_load((place / "installed" / paths.COLLECTION / EE_DEFINITION).read_text())
    definition["dependencies"]["galaxy"]["collections"] = [{"name": str(tarball), "type": "file"}]
    (place / "execution-environment.yml").write_text(json.dumps(definition))
    part.step(["ansible-builder", "create", "--output-filename", "Containerfile"], env, place)


def build(part: Part) -> None:
    tree = stage.copy_tree(part.name)
    place = paths.CACHE / "dist"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    env = paths.environment(part.name) | {"ANSIBLE_COLLECTIONS_PATH": str(place / "installed")}
    galaxy = ("ansible-galaxy", "collection")
    if part.step([*galaxy, "build", "--output-path", place, tree], env) is None:
        return
    (tarball,) = place.glob("storeops-refunds-*.tar.gz")
    _check_files(part, tarball)
    _check_import(part, tarball, place)
    installed = str(place / "installed")
    if part.step([*galaxy, "install", "--offline", "-p", installed, tarball], env, place) is None:
        return
    _check_docs(part, env, place)
    _check_playbooks(part, env, place)
    _check_ee(part, env, tarball, place)
