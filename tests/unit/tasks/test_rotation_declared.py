# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new key that the declaration has: it is taken from there, and never called lost."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from rotation_support import OLD, ONE, TWO, Json, Publisher
from unit_servers import Simulator
from unit_support import ISSUER, Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key

NAME = "third key"


@pytest.fixture
def publisher(sim: Simulator, tmp_path: Path) -> Publisher:
    """Two apps on the old key, in the ledger."""
    made = Publisher(sim, tmp_path)
    assert made.site(made.declared(ONE, TWO)).results["changed"]
    return made


def walk(publisher: Publisher, keys: list[Json], **more: t.Any) -> tuple[Outcome, bool]:
    """Do what the role does; give the end, and whether a key was made or looked for at the path."""
    new = {"name": NAME, "private_key_path": str(publisher.folder / "third.p8")}
    plan = publisher.rotate(keys, stage="plan", new_key=new, **more)
    if plan.results.get("failed"):
        return plan, False
    given = plan.results["rotation"]["new_key"]
    if given:
        return publisher.rotate(keys, new_key=given, **more), False
    shared = {name: publisher.shared[name] for name in ("session", "app_store_connect_url")}
    made = run_task(iap_key.TASK, {**shared, **new})
    if made.results.get("failed"):
        return made, True
    return publisher.rotate(keys, new_key=made.results["iap_key"], **more), True


@pytest.mark.parametrize(("names", "revoke"), [(["revoke_old"], False), (["revoke_old"], True), ([], False)])
def test_the_roles_option_without_the_roles_name_is_warned_of(
    publisher: Publisher, names: list[str], revoke: bool
) -> None:
    new = {"name": NAME, "private_key_path": str(publisher.folder / "third.p8")}
    keys = publisher.declared(ONE, TWO)
    plan = publisher.rotate(keys, stage="plan", new_key=new, variables=names, revoke=revoke)
    said = [text for text in plan.warnings if "iap_key_rotation_revoke_old" in text]
    assert len(said) == (names != [] and not revoke), plan


def rotated(publisher: Publisher) -> tuple[str, Path]:
    """Rotate without an end; give the new key's ID and file."""
    done, is_made = walk(publisher, publisher.declared(ONE, TWO))
    assert is_made and not done.results.get("failed"), done.message
    return done.results["rotation"]["new_key_id"], publisher.folder / "third.p8"


def entry(key_id: str, *apps: str, **place: str) -> Json:
    """Give the declared new key."""
    return {"key": "third", "issuer_id": ISSUER, "key_id": key_id, "apps": list(apps), **place}


@pytest.mark.parametrize("left", ["nothing", "the vaulted file"])
def test_a_new_key_declared_with_its_text_needs_no_file(publisher: Publisher, left: str) -> None:
    key_id, path = rotated(publisher)
    keys = [entry(key_id, ONE, TWO, private_key_content=path.read_text())]
    path.unlink()
    if left != "nothing":
        path.write_text("$ANSIBLE_VAULT;1.1;AES256\n3132\n")
        path.chmod(0o600)
    before = sorted(publisher.folder.iterdir())
    done, is_made = walk(publisher, keys, revoke=True)
    assert not is_made and not done.results.get("failed"), done.message
    assert OLD not in publisher.active() and key_id in publisher.active()
    message = done.results["rotation"]["message"]
    assert f"{OLD} is revoked." in message and "Put the new key" not in message and "old values" not in message
    assert sorted(publisher.folder.iterdir()) == before
    # Once more, with the old key declared beside it and the apps still below that.
    text = keys[0]["private_key_content"]
    done, is_made = walk(publisher, [*publisher.declared(ONE, TWO), entry(key_id, private_key_content=text)])
    told = f"Apps are still declared with {OLD}: declare them with {key_id}."
    assert not is_made and told in done.results["rotation"]["message"], done.message
    assert set(publisher.held().values()) == {key_id}


def test_a_new_key_declared_with_a_file_of_its_own_is_taken(publisher: Publisher) -> None:
    key_id, path = rotated(publisher)
    moved = path.rename(publisher.folder / "elsewhere.p8")
    done, is_made = walk(publisher, [entry(key_id, ONE, TWO, private_key_path=str(moved))], revoke=True)
    assert not is_made and not done.results.get("failed"), done.message
    assert OLD not in publisher.active() and key_id in publisher.active()


def test_a_declared_key_that_cannot_be_read_is_not_called_lost(publisher: Publisher) -> None:
    key_id, path = rotated(publisher)
    path.unlink()
    done, is_made = walk(publisher, [entry(key_id, ONE, TWO, private_key_content="no key")], revoke=True)
    assert done.results["failed"] and not is_made and f"The new key {key_id} is declared" in done.message
    assert "regenerate" not in done.message and "lost" not in done.message and OLD in publisher.active()


def test_a_key_that_is_not_declared_is_looked_for_at_its_path(publisher: Publisher) -> None:
    """Neither another key's text nor a file that isn't there is the new key."""
    key_id, path = rotated(publisher)
    for keys in (
        publisher.declared(ONE, TWO),
        [entry(key_id, ONE, TWO, private_key_path=str(path))],
        [entry(key_id, ONE, TWO, private_key_path=str(publisher.folder / "none.p8"))],
        [{**entry(key_id, private_key_content="x"), "state": "absent"}, *publisher.declared(ONE, TWO)],
    ):
        done, is_made = walk(publisher, keys)
        assert is_made and not done.results.get("failed"), done.message
