# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release made with a throw-away key: what others' tools say of its parts, and of one that was changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "dev"))

import paths
import release
import stage

WHO = "Throw Away <throw-away@storeops.example>"


class Made(t.NamedTuple):
    """A release, and the public key of who made it."""

    folder: Path
    ring: Path
    version: str
    home: Path

    @property
    def tarball(self) -> Path:
        """The collection."""
        return self.folder / f"storeops-refunds-{self.version}.tar.gz"


def run(*argv: str | Path, **options: t.Any) -> subprocess.CompletedProcess[str]:
    """Run a program."""
    return subprocess.run(list(map(str, argv)), capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Made]:
    """Make a release of the tree as it is, signed by a key that is made now."""
    if shutil.which("gpg") is None:
        assert not os.environ.get("CI"), "In CI a missing GnuPG is a failure"
        pytest.skip("NO GNUPG HERE: apt-get install gnupg")
    base = tmp_path_factory.mktemp("release")
    # The path of GnuPG's socket must be short.
    home = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    tree = stage.copy_tree("release-test")
    version = release.version_of(tree)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GNUPGHOME", str(home))
        patch.setenv("HOME", str(base))
        try:
            passphrase = ("--batch", "--passphrase", "", "--quick-generate-key", WHO, "ed25519", "sign", "never")
            assert run("gpg", *passphrase).returncode == 0
            ring = base / "ring.gpg"
            assert run("gpg", "--batch", "--output", ring, "--export", WHO).returncode == 0
            changelog = paths.VENV / "bin/antsibull-changelog"
            told = run(changelog, "release", "--version", version, "--date", "2026-11-28", cwd=tree)
            assert told.returncode == 0, told.stderr
            files = release.release(tree, base / "out", WHO, datetime(2026, 11, 28, tzinfo=UTC))
            assert all(file.stat().st_size for file in files)
            assert sorted(file.name for file in files) == sorted(file.name for file in (base / "out").iterdir())
            yield Made(base / "out", ring, version, home)
        finally:
            run("gpgconf", "--kill", "all")
            shutil.rmtree(home, ignore_errors=True)


def galaxy(made: Made, folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run ansible-galaxy without the link to the tree, which would be taken for what is installed."""
    env = paths.environment("release-test") | {"ANSIBLE_COLLECTIONS_PATH": str(folder)}
    return run(paths.VENV / "bin/ansible-galaxy", "collection", *arguments, env=env | {"GNUPGHOME": str(made.home)})


def verified(made: Made, folder: Path) -> subprocess.CompletedProcess[str]:
    """Verify what is installed against the signature."""
    signature = f"file://{made.folder}/storeops-refunds-{made.version}.asc"
    options = ("--offline", "--keyring", made.ring, "--required-valid-signature-count", "+1", "--signature", signature)
    return galaxy(made, folder, "verify", *options, "storeops.refunds")


def test_ansible_galaxy_verifies_what_was_installed_and_nothing_else(made: Made, tmp_path: Path) -> None:
    assert galaxy(made, tmp_path, "install", "--offline", "-p", tmp_path, made.tarball).returncode == 0
    done = verified(made, tmp_path)
    assert done.returncode == 0 and "Successfully verified" in done.stdout, done.stdout + done.stderr
    for name in ("MANIFEST.json", "plugins/modules/refund_info.py"):
        changed = tmp_path / "ansible_collections/storeops/refunds" / name
        text = changed.read_text()
        changed.write_text(text + " ")
        assert verified(made, tmp_path).returncode != 0, name
        changed.write_text(text)


def test_the_checksums_are_signed_and_true(made: Made) -> None:
    assert run("gpg", "--batch", "--verify", "SHA256SUMS.asc", "SHA256SUMS", cwd=made.folder).returncode == 0
    assert run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=made.folder).returncode == 0
    named = {line.split()[1] for line in (made.folder / "SHA256SUMS").read_text().splitlines()}
    assert named == {made.tarball.name, f"storeops-refunds-{made.version}.cdx.json", "RELEASE_NOTES.md"}


def test_the_bill_of_materials_is_cyclonedx(made: Made) -> None:
    text = (made.folder / f"storeops-refunds-{made.version}.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    document = json.loads(text)
    names = {component["name"] for component in document["components"]}
    assert {"requests", "SQLAlchemy", "urllib3", "playwright"} <= names
    urllib3 = next(component for component in document["components"] if component["name"] == "urllib3")
    assert (urllib3["version"], urllib3["scope"]) == ("2.6", "required")


def test_the_notes_are_the_changelogs(made: Made) -> None:
    text = (made.folder / "RELEASE_NOTES.md").read_text().replace("\\", "")
    fragment = yaml.safe_load((paths.ROOT / f"changelogs/fragments/{made.version}.yml").read_text())
    assert text.startswith(f"# storeops.refunds {made.version}\n")
    assert fragment["release_summary"].strip() in text


@pytest.mark.parametrize("changelog", [None, "", "# Notes\n\n## v9.9.9\n\ntext\n", "## v0.1.0\n\n## v0.0.9\n\ntext\n"])
def test_a_version_without_notes_is_not_released(changelog: str | None, tmp_path: Path) -> None:
    if changelog is not None:
        (tmp_path / "CHANGELOG.md").write_text(changelog)
    with pytest.raises(SystemExit, match=r"nothing about 0\.1\.0"):
        release.notes(tmp_path, "0.1.0")


def test_the_notes_of_one_version_among_others(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text(
        "# N\n\n<a id='v0-2-0'></a>\n## v0\\.2\\.0\n\nnew\n\n<a id='v0-1-0'></a>\n## v0\\.1\\.0\n\nold\n"
    )
    assert release.notes(tmp_path, "0.2.0") == "# storeops.refunds 0.2.0\n\nnew\n"
