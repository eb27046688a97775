# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make what a release consists of, below .cache/release: "make release KEY=<ID of the maintainer's GnuPG key>".

The tarball; its bill of materials (CycloneDX); the notes, out of the changelog; SHA256SUMS of all these with a detached
signature; and the detached signature of MANIFEST.json that "ansible-galaxy collection verify --signature" checks.
Nothing is uploaded and no tag is made. The version is galaxy.yml's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import typing as t
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paths
import stage
import yaml

LICENSE = "GPL-3.0-or-later"
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?(>=[0-9.]+)?")


def _run(*argv: str | Path, cwd: Path | None = None) -> None:
    subprocess.run(
        list(map(str, argv)), check=True, cwd=cwd, stdout=subprocess.DEVNULL, env=os.environ | {"LC_ALL": "C.UTF-8"}
    )


def version_of(tree: Path) -> str:
    """Return the version that galaxy.yml names."""
    return str(yaml.safe_load((tree / "galaxy.yml").read_text())["version"])


def notes(tree: Path, version: str) -> str:
    """Return what CHANGELOG.md says of the version. Exits when it says nothing."""
    changelog = tree / "CHANGELOG.md"
    text = changelog.read_text() if changelog.exists() else ""
    heading = r"^(?:<a id=[^\n]*\n)?## "
    # antsibull-changelog puts backslashes before the periods.
    wanted = version.replace(".", r"\\?\.")
    found = re.search(rf"{heading}v?{wanted}\n(.*?)(?={heading}|\Z)", text, re.M | re.S)
    if found is None or not found[1].strip():
        sys.exit(f"CHANGELOG.md has nothing about {version}: run antsibull-changelog release, and commit.")
    return f"# storeops.refunds {version}\n\n{found[1].strip()}\n"


def _requirements(tree: Path) -> Iterator[tuple[str, str, str]]:
    """Yield name, lowest version and scope of everything that a user's Python is asked for."""
    for name, scope in (("ee-requirements.txt", "required"), ("ee-requirements-browser.txt", "optional")):
        for line in (tree / "meta" / name).read_text().splitlines():
            if line and not line.startswith("#"):
                found = REQUIREMENT.fullmatch(line)
                assert found is not None, line
                yield found[1], (found[2] or ">=0").removeprefix(">="), scope


def bill_of_materials(tree: Path, tarball: Path, version: str, made_at: datetime) -> dict[str, Any]:
    """Return a CycloneDX 1.5 document: the collection, and the lowest versions of what it asks for."""
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    own = f"pkg:generic/storeops/refunds@{version}"
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name.lower()}",
            "name": name,
            "version": lowest,
            "scope": scope,
            "purl": f"pkg:pypi/{name.lower()}@{lowest}",
            "properties": [{"name": "storeops:version", "value": "the lowest that works; newer ones do"}],
        }
        for name, lowest, scope in _requirements(tree)
    ]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{own}#{digest}')}",
        "version": 1,
        "metadata": {
            "timestamp": made_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "component": {
                "type": "library",
                "bom-ref": own,
                "group": "storeops",
                "name": "refunds",
                "version": version,
                "purl": own,
                "licenses": [{"license": {"id": LICENSE}}],
                "hashes": [{"alg": "SHA-256", "content": digest}],
            },
        },
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": [component["bom-ref"] for component in components]}],
    }


def _signed(key: str, text: Path, signature: Path) -> None:
    signature.unlink(missing_ok=True)
    _run("gpg", "--batch", "--yes", "--armor", "--local-user", key, "--output", signature, "--detach-sign", text)


def release(tree: Path, target: Path, key: str, made_at: datetime) -> list[Path]:
    """Make everything in ``target`` from a copy of the tree, signed by that GnuPG key; return the files."""
    version = version_of(tree)
    said = notes(tree, version)
    target.mkdir(parents=True, exist_ok=True)
    name = f"storeops-refunds-{version}"
    _run(paths.VENV / "bin/ansible-galaxy", "collection", "build", "--force", "--output-path", target, tree)
    tarball = target / f"{name}.tar.gz"
    bill = target / f"{name}.cdx.json"
    bill.write_text(json.dumps(bill_of_materials(tree, tarball, version, made_at), indent=2) + "\n")
    (target / "RELEASE_NOTES.md").write_text(said)
    files = [tarball, bill, target / "RELEASE_NOTES.md"]
    sums = target / "SHA256SUMS"
    sums.write_text("".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files))
    _signed(key, sums, target / "SHA256SUMS.asc")
    manifest = target / "MANIFEST.json"
    with tarfile.open(tarball) as archive:
        # In Debian's Python 3.11 `extract` knows no filter.
        manifest.write_bytes(t.cast(t.IO[bytes], archive.extractfile(manifest.name)).read())
    _signed(key, manifest, target / f"{name}.asc")
    manifest.unlink()
    return [*files, sums, target / "SHA256SUMS.asc", target / f"{name}.asc"]


def main() -> None:
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit("Say with which GnuPG key: make release KEY=<its ID or fingerprint>")
    state = subprocess.run(["git", "status", "--porcelain"], cwd=paths.ROOT, capture_output=True, text=True, check=True)
    if state.stdout:
        sys.exit("There are changes that are not committed: a release is made of a commit.")
    when = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=paths.ROOT, capture_output=True, check=True)
    tree = stage.copy_tree("release")
    target = paths.CACHE / "release" / version_of(tree)
    for file in release(tree, target, sys.argv[1], datetime.fromtimestamp(int(when.stdout), UTC)):
        print(file.relative_to(paths.ROOT))


if __name__ == "__main__":
    main()
