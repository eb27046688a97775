# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key whose file is mounted, with a session at hand: the file is read, and never changed or replaced."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from asc_support import CREATE, NAME, READ, Person, key
from unit_support import KEY_ID, Attributes, fingerprint_of, new_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key

Enter = t.Callable[..., Person]
MOUNTED = {"private_key_file_policy": "mounted"}
SHAPES = ("link", "open to all", "read-only")


class Untouched(Attributes):
    """Ansible's file attributes, which are neither looked at nor set."""

    def apply(self, path: str, diff: dict[str, t.Any], without: t.Container[str] = ()) -> bool:
        raise AssertionError(f"attributes of {path} are set")

    def of_entry(self, *_attributes: object) -> Untouched:
        return self

    def unusable(self, folder: str) -> None:
        raise AssertionError(f"attributes are asked about for {folder}")


def mount(person: Person, shape: str, pem: str) -> None:
    """Put a key where the task expects it, as a platform does."""
    if shape == "link":
        person.path.symlink_to(write_key(person.folder / "..data", pem, 0o644))
    else:
        write_key(person.path, pem, 0o444 if shape == "read-only" else 0o644)


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.lstat().st_mode, path.read_bytes()) for path in folder.iterdir() if path.exists()}


@pytest.mark.parametrize("is_listed", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_mounted_secret_is_only_read(world: Enter, pem: str, shape: str, is_listed: bool) -> None:
    person = world(keys=[key(KEY_ID, downloadable=False)])
    mount(person, shape, pem)
    before = contents(person.folder)
    options = {**person.options, **MOUNTED}
    if is_listed:
        own = {name: options.pop(name) for name in ("name", "private_key_path", *MOUNTED)}
        options["keys"] = [{"key": "a", **own}]
    for check_mode in (True, False):
        results = run_task(iap_key.TASK, options, check_mode, attributes=Untouched()).results
        assert not results.get("failed") and not results["changed"], results
        found = results["iap_keys"][0] if is_listed else results["iap_key"]
        assert (found["key_id"], found["key_fingerprint"]) == (KEY_ID, fingerprint_of(pem))
        assert not found["predicted"]
    assert contents(person.folder) == before and person.changes() == []


# What App Store Connect has, what is allowed, and what would come to the place of the mounted file.
STEPS: dict[str, tuple[list[dict[str, object]], str, str]] = {
    "create": ([], "if_lost", f"a new key named '{NAME}' would have to be put there"),
    "download": ([key(KEY_ID)], "if_lost", f"the private key of {KEY_ID} would have to be downloaded to it"),
    "replace": ([key(KEY_ID, downloadable=False)], "always", f"a new key named '{NAME}' would have to be put there"),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("step", STEPS)
def test_nothing_takes_the_place_of_a_mounted_secret(world: Enter, pem: str, step: str, shape: str) -> None:
    keys, regenerate, what = STEPS[step]
    person = world(keys=keys)
    mount(person, shape, pem)
    before = contents(person.folder)
    for check_mode in (True, False):
        outcome = person.run(check_mode, regenerate=regenerate, **MOUNTED)
        assert outcome.results["failed"] and outcome.message == (
            f"private_key_path: {person.path} is a mounted file (private_key_file_policy: mounted) and is only read, "
            f"but {what}. Nothing was revoked, made or removed. Give a private_key_path where nothing lies, then put "
            "the key into the secret that is mounted."
        )
    assert contents(person.folder) == before and person.changes() == []


@pytest.mark.parametrize("regenerate", ["never", "if_lost", "always"])
def test_a_mount_that_is_gone_is_no_lost_key(world: Enter, regenerate: str) -> None:
    person = world(keys=[key(KEY_ID, downloadable=False)])
    person.path.symlink_to(person.folder / "gone")
    for check_mode in (True, False):
        outcome = person.run(check_mode, regenerate=regenerate, **MOUNTED)
        assert "a symbolic link to a file that is gone" in outcome.message
        assert "nothing was revoked, made or removed" in outcome.message
        assert "set private_key_file_policy" not in outcome.message
    assert person.changes() == [] and person.path.is_symlink()


def test_where_nothing_lies_a_key_is_made_as_ever(person: Person) -> None:
    done = person.run(**MOUNTED).results
    assert done["changed"] and person.changes() == [CREATE, READ] and person.fits(done["iap_key"]["key_id"])
    assert os.stat(person.path).st_mode & 0o777 == 0o600
    assert not person.run(**MOUNTED).results["changed"]


def test_another_mounted_key_is_told_as_it_is(world: Enter) -> None:
    """What never was downloaded can't be what is mounted: that is said, and not that the file is a link."""
    person = world(keys=[key(KEY_ID)])
    mount(person, "link", new_pem())
    outcome = person.run(**MOUNTED)
    assert "the file is another key's" in outcome.message and person.changes() == []


@pytest.mark.parametrize("is_mounted", [True, False])
@pytest.mark.parametrize("revoke", [True, False])
@pytest.mark.parametrize("shape", [*SHAPES, "dangling", "nothing"])
def test_a_mounted_key_that_is_to_be_gone(world: Enter, pem: str, shape: str, revoke: bool, is_mounted: bool) -> None:
    """It is revoked as any other; the file is the platform's."""
    person = world(keys=[key(KEY_ID, downloadable=False)])
    if shape == "dangling":
        person.path.symlink_to(person.folder / "gone")
    elif shape != "nothing":
        mount(person, shape, pem)
    before = contents(person.folder)
    options = {"state": "absent", "revoke": revoke, "backup": False, **(MOUNTED if is_mounted else {})}
    stays = f"{person.path} stays: it is mounted. Remove it from the secret."
    if not is_mounted:
        outcome = person.run(**options)
        # Its own file goes, and a link is no file of its own.
        is_link = shape in ("link", "dangling")
        assert bool(outcome.results.get("failed")) is is_link and ("symbolic link" in outcome.message) is is_link
        assert person.path.is_symlink() is is_link and "it is mounted" not in str(outcome.results.get("summary"))
        return
    for check_mode in (True, False):
        done = person.run(check_mode, **options).results
        assert not done.get("failed") and done["changed"] is revoke, done
        assert (stays in done.get("summary", "")) is (shape != "nothing")
        assert person.active() == ([] if revoke and not check_mode else [KEY_ID])
    assert contents(person.folder) == before and person.path.is_symlink() is (shape in ("link", "dangling"))
    again = person.run(**options).results
    assert not again.get("failed") and not again["changed"]
