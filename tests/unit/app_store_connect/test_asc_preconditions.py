# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can fail locally is tried before the one-time step: the simulator sees no POST."""

from __future__ import annotations

import errno
import functools
import os
import subprocess
import typing as t
from pathlib import Path

import pytest
from asc_support import CREATE, NAME, READ, REVOKE, Person, key
from unit_support import KEY_ID, as_other_user, give_away, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key, key_file

Enter = t.Callable[..., Person]


def refused(person: Person, told: str, **options: t.Any) -> None:
    """Run and expect a message, and no change at App Store Connect."""
    outcome = person.run(**options)
    assert outcome.results["failed"] and told in outcome.message, outcome.message
    assert person.changes() == []


def test_no_folder(person: Person) -> None:
    refused(person, "does not exist", private_key_path=str(person.folder / "nowhere" / "a.p8"))


def test_the_folder_is_a_file(person: Person) -> None:
    (person.folder / "file").touch()
    refused(person, "does not exist", private_key_path=str(person.folder / "file" / "a.p8"))


@pytest.mark.parametrize("target", ["elsewhere.p8", "nowhere.p8"])
def test_a_link(person: Person, target: str, pem: str) -> None:
    write_key(person.folder / "elsewhere.p8", pem)
    person.path.symlink_to(target)
    refused(person, "symbolic link", regenerate="if_lost")
    assert (person.folder / "elsewhere.p8").read_text() == pem and person.path.is_symlink()


def test_no_regular_file(person: Person) -> None:
    os.mkfifo(person.path)
    refused(person, "not a regular file")
    person.path.unlink()
    person.path.mkdir()
    refused(person, "is a folder. So whether")


@pytest.mark.parametrize("mode", [0o500, 0o400, 0o300, 0o600])
def test_a_folder_that_is_closed(person: Person, mode: int) -> None:
    options = {**person.options}
    give_away(person.folder, mode)
    message = as_other_user(lambda: run_task(iap_key.TASK, options).message)
    assert "private_key_path" in message and "fault of storeops" not in message, message
    assert person.changes() == []


def test_a_full_disk(person: Person) -> None:
    place = person.folder / "full"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16k,mode=0700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs can be mounted here; the next test feigns one")
    try:
        for leave in (0, 4096):
            filler = place / "filler"
            room = os.statvfs(place)
            filler.write_bytes(b"x" * (room.f_bavail * room.f_frsize - leave))
            refused(person, "No space left", private_key_path=str(place / "a.p8"))
            assert os.listdir(place) == ["filler"]
            filler.unlink()
        done = person.run(private_key_path=str(place / "a.p8")).results
        assert not done.get("failed") and os.listdir(place) == ["a.p8"]
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("name", ["write", "fsync"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_a_broken_disk(person: Person, monkeypatch: pytest.MonkeyPatch, name: str, error: int) -> None:
    def fail(*_args: object) -> t.NoReturn:
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as broken:
        broken.setattr(os, name, fail)
        outcome = run_task(iap_key.TASK, person.options)
    assert os.strerror(error) in outcome.message and person.changes() == []
    assert os.listdir(person.folder) == []


def test_a_disk_with_less_room_than_tried(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(os, "write", lambda _descriptor, _data: 100)
        outcome = run_task(iap_key.TASK, person.options)
    assert "No space left" in outcome.message and person.changes() == []


@pytest.mark.parametrize("step", ["download", "replace"])
def test_without_hard_links(world: Enter, monkeypatch: pytest.MonkeyPatch, step: str, pem: str) -> None:
    """They are not to be had everywhere, and not of everybody's files."""
    person = world(keys=[key(KEY_ID, downloadable=step == "download")])
    write_key(person.path, pem)

    def fail(*_args: object, **_more: object) -> t.NoReturn:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    with monkeypatch.context() as broken:
        broken.setattr(os, "link", fail)
        done = person.run(regenerate="if_lost" if step == "download" else "always").results
    assert not done.get("failed") and person.fits(done["iap_key"]["key_id"])
    assert Path(done["backup_file"]).read_text() == pem and len(os.listdir(person.folder)) == 2


# What leads to each one-time step where a sound file lies at the path: whether there is a key, and the policy.
OVER_A_FILE: dict[str, tuple[bool | None, str]] = {
    "create": (None, "if_lost"),
    "download": (True, "if_lost"),
    "replace": (False, "always"),
}


def with_a_file(world: Enter, step: str, pem: str) -> tuple[Person, str]:
    """Enter a world in which that step is due, with a file in its way; give the policy that leads to it."""
    downloadable, regenerate = OVER_A_FILE[step]
    person = world(keys=[] if downloadable is None else [key(KEY_ID, downloadable=downloadable)])
    write_key(person.path, pem)
    return person, regenerate


@pytest.mark.parametrize("names", [("link", "rename"), ("unlink",)])
@pytest.mark.parametrize("error", [errno.EPERM, errno.EBUSY, errno.ENOSPC])
@pytest.mark.parametrize("step", OVER_A_FILE)
def test_a_file_that_cannot_be_moved_out_of_the_way(
    world: Enter, monkeypatch: pytest.MonkeyPatch, step: str, error: int, names: tuple[str, ...], pem: str
) -> None:
    """It has the attribute +i, is a mount, or another user's in a sticky folder."""
    person, regenerate = with_a_file(world, step, pem)

    def failing(original: t.Callable[..., object], path: str, *arguments: object, **more: object) -> object:
        if path == str(person.path):
            raise OSError(error, os.strerror(error))
        return original(path, *arguments, **more)

    with monkeypatch.context() as broken:
        for name in names:
            broken.setattr(os, name, functools.partial(failing, getattr(os, name)))
        outcome = person.run(regenerate=regenerate)
    assert f"{person.path} can't be moved to " in outcome.message and os.strerror(error) in outcome.message
    assert person.changes() == [] and not outcome.results.get("changed") and not outcome.results.get("irreversible")
    assert person.path.read_text() == pem and os.listdir(person.folder) == [person.path.name]
    assert not person.run(regenerate=regenerate).results.get("failed")


# Each one-time call that can be refused while the old file is still the one to have.
REFUSED = [("create", CREATE), ("replace", REVOKE), ("replace", CREATE), ("download", READ)]


@pytest.mark.parametrize("status", [401, 403, 404, 409])
@pytest.mark.parametrize("is_put_back", [True, False])
@pytest.mark.parametrize(("step", "endpoint"), REFUSED)
def test_a_refused_step_puts_the_file_back_or_says_where_it_is(
    world: Enter,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    endpoint: str,
    is_put_back: bool,
    status: int,
    pem: str,
) -> None:
    person, regenerate = with_a_file(world, step, pem)
    person.sim.fault(kind="status", status=status, body="{}", match={"endpoint": endpoint}, times=1)

    def only_aside(source: str, target: str) -> None:
        if target == str(person.path):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        move(source, target)

    move = key_file.move
    with monkeypatch.context() as broken:
        if not is_put_back:
            broken.setattr(key_file, "move", only_aside)
        outcome = person.run(regenerate=regenerate)
    (file,) = person.folder.iterdir()
    assert outcome.results["failed"] and str(status) in outcome.message and file.read_text() == pem
    assert (file == person.path) is is_put_back and (str(file) in outcome.message) is not is_put_back
    was_revoked = (step, endpoint) == ("replace", CREATE)
    assert bool(outcome.results.get("changed")) is (was_revoked or not is_put_back)
    assert (f"{KEY_ID} was revoked" in outcome.message) is was_revoked
    assert (person.active() == [KEY_ID]) is (endpoint in (REVOKE, READ))


USED_UP: list[dict[str, t.Any]] = [
    {"kind": "reset"},
    {"kind": "status", "status": 500, "body": "{}"},
    {"kind": "content_type", "content_type": "application/json", "body": "{}"},
]


@pytest.mark.parametrize("fault", USED_UP)
def test_a_download_that_may_be_used_up_leaves_the_old_file_aside(
    world: Enter, fault: dict[str, t.Any], pem: str
) -> None:
    """It could pass for the key whose private key is lost."""
    person, regenerate = with_a_file(world, "download", pem)
    person.sim.fault(**fault, match={"endpoint": READ}, times=1)
    outcome = person.run(regenerate=regenerate)
    (file,) = person.folder.iterdir()
    assert outcome.results["failed"] and outcome.results["changed"] and str(file) in outcome.message
    assert file != person.path and file.read_text() == pem


def test_a_name_that_cannot_be_right(person: Person) -> None:
    """A new key gets an ID of its own, so no file name can say it before."""
    path = str(person.folder / f"SubscriptionKey_{KEY_ID}.p8")
    for check_mode in (True, False):
        refused(person, KEY_ID, check_mode=check_mode, private_key_path=path)


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("kind", ["SubscriptionKey", "AuthKey"])
def test_a_name_that_contradicts_the_key(world: Enter, check_mode: bool, kind: str) -> None:
    person = world(keys=[key("MADEINWEB1")])
    wrong = str(person.folder / f"{kind}_{KEY_ID}.p8")
    refused(person, "MADEINWEB1", check_mode=check_mode, private_key_path=wrong)
    refused(person, KEY_ID, check_mode=check_mode, private_key_path=wrong, key_id="MADEINWEB1")
    right = person.folder / "SubscriptionKey_MADEINWEB1.p8"
    done = person.run(check_mode, private_key_path=str(right)).results
    assert not done.get("failed") and right.exists() is not check_mode


@pytest.mark.parametrize("options", [{"key_id": "no id"}, {"issuer_id": "nonsense"}, {"request_timeout": 0}])
def test_bad_options(person: Person, options: dict[str, t.Any]) -> None:
    refused(person, next(iter(options)), **options)
    assert person.endpoints() == []


def test_a_write_that_fails_after_the_download(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can promise that a disk stays sound; the key is not thrown away then."""

    def fail(*_more: object) -> t.NoReturn:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(key_file, "move", fail)
        outcome = person.run()
    (made,) = person.active()
    rescued = Path(f"{person.path}.{made}.rescued")
    assert outcome.results["failed"] and outcome.results["changed"] and made in outcome.message
    assert str(rescued) in outcome.message and person.fits(made, rescued)
    assert rescued.stat().st_mode & 0o777 == 0o600
    # What lies beside its place is not lost: the next run puts it there, and asks Apple for nothing.
    for check_mode in (True, False):
        again = person.run(check_mode, regenerate="if_lost").results
        assert again["changed"] and again["diff"]["after"]["step"] == "restore" and again["iap_key"]["key_id"] == made
        fingerprint = again["iap_key"]["key_fingerprint"]
        assert fingerprint and fingerprint == again["diff"]["after"]["key_fingerprint"]
    assert person.fits(made) and os.listdir(person.folder) == [person.path.name] and person.changes() == [CREATE, READ]
    assert not person.run(regenerate="if_lost").results["changed"]


@pytest.mark.parametrize("regenerate", ["never", "if_lost"])
def test_what_was_kept_in_another_folder_is_not_lost(
    person: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, regenerate: str
) -> None:
    """Its own folder took nothing more after the download. Of a common folder, only what is this user's own counts."""
    home, fsync, environ = tmp_path / "home", os.fsync, {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}
    home.mkdir()

    def fail(descriptor: int) -> None:
        if READ in person.endpoints() and Path(os.readlink(f"/proc/self/fd/{descriptor}")).parent == person.folder:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        fsync(descriptor)

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        outcome = person.run(environ=environ)
    (made,) = person.active()
    (kept,) = home.glob("iap_key_*/*.rescued")
    told = f"could not be put in its place: {person.folder} can't be written: {os.strerror(errno.EDQUOT)}."
    assert told in outcome.message and str(kept) in outcome.message and person.fits(made, kept)
    again = person.run(environ=environ, regenerate=regenerate)
    assert again.results["cause"] == "key_unreadable" and f"mv -n {kept} {person.path}" in again.message
    assert person.active() == [made]
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert "Ways out" in person.run(environ=environ).message


def test_a_key_that_is_not_the_one_that_was_downloaded_does_not_pass_for_it(person: Person, pem: str) -> None:
    """Somebody put another one into its place, where nothing could be put any more: only what was kept tells."""
    person.run()
    (made,) = person.active()
    kept = Path(f"{person.path}.{made}.rescued")
    person.path.rename(kept)
    write_key(person.path, pem)
    for check_mode in (True, False):
        outcome = person.run(check_mode, regenerate="if_lost")
        assert outcome.results["cause"] == "key_id_mismatch" and str(kept) in outcome.message
    assert person.active() == [made] and person.path.read_text() == pem and person.fits(made, kept)
    person.path.unlink()
    assert person.run().results["changed"] and person.fits(made) and not kept.exists()


def test_nothing_is_left_behind(person: Person) -> None:
    person.run()
    assert os.listdir(person.folder) == [person.path.name]


@pytest.mark.parametrize("fault", ["reset", "truncate", "refuse"])
def test_a_creation_whose_answer_got_lost(person: Person, fault: str) -> None:
    person.sim.fault(kind=fault, match={"endpoint": CREATE}, times=1)
    outcome = person.run()
    assert outcome.results["failed"] and NAME in outcome.message and "next run" in outcome.message
    assert outcome.results["changed"], "what may have been done counts as done"
    assert person.changes() == [CREATE], "a one-time step is never repeated blindly"
    done = person.run().results
    (made,) = person.active()
    assert done["iap_key"]["key_id"] == made and person.fits(made)


@pytest.mark.parametrize("status", [400, 403, 409, 500, 503])
def test_a_creation_that_is_refused(person: Person, status: int) -> None:
    person.sim.fault(kind="status", status=status, body="{}", match={"endpoint": CREATE}, times=1)
    outcome = person.run()
    assert outcome.results["failed"] and str(status) in outcome.message
    assert bool(outcome.results.get("changed")) is (status >= 500), "Apple may have made it all the same"
    assert person.changes() == [CREATE] and person.active() == []


def test_a_replacement_that_is_refused_halfway(world: Enter) -> None:
    person = world(keys=[key(KEY_ID, downloadable=False)])
    person.sim.fault(kind="status", status=500, body="{}", match={"endpoint": CREATE}, times=1)
    outcome = person.run(regenerate="if_lost")
    assert outcome.results["failed"] and outcome.results["changed"]
    assert f"{KEY_ID} was revoked" in outcome.message and person.active() == []
    done = person.run().results
    assert person.active() == [done["iap_key"]["key_id"]] and person.fits(done["iap_key"]["key_id"])


@pytest.mark.parametrize("fault", ["status", "refuse", "content_type"])
def test_a_download_that_fails_is_picked_up(person: Person, fault: str) -> None:
    more = {"status": 500, "body": "{}"} if fault == "status" else {}
    person.sim.fault(kind=fault, match={"endpoint": READ}, times=1, **more)
    outcome = person.run()
    (made,) = person.active()
    assert outcome.results["failed"] and outcome.results["changed"] and made in outcome.message
    assert outcome.results["iap_key"]["key_id"] == made and not person.path.exists()
    assert person.changes() == [CREATE, READ]
    done = person.run().results
    assert done["iap_key"]["key_id"] == made and person.fits(made) and person.changes() == [CREATE, READ, READ]


@pytest.mark.parametrize("fault", ["reset", "truncate"])
def test_a_download_whose_answer_got_lost_is_said(person: Person, fault: str) -> None:
    person.sim.fault(kind=fault, match={"endpoint": READ}, times=1)
    assert person.run().results["failed"]
    (made,) = person.active()
    again = person.run()
    assert again.results["cause"] == "key_unreadable" and made in again.message and "Ways out" in again.message
    assert person.changes() == [CREATE, READ]
    done = person.run(regenerate="if_lost").results
    assert person.active() == [done["iap_key"]["key_id"]] and person.changes()[2:] == [REVOKE, CREATE, READ]


@pytest.mark.parametrize(
    "answer", ['{"data": {"id": "OTHER00001", "attributes": {"privateKey": "x"}}}', '{"data": {}}']
)
def test_a_download_of_something_else(person: Person, answer: str) -> None:
    person.sim.fault(
        kind="content_type", content_type="application/json", body=answer, match={"endpoint": READ}, times=1
    )
    outcome = person.run()
    assert outcome.results["failed"] and person.active()[0] in outcome.message and not person.path.exists()
    assert not person.run().results.get("failed")


@pytest.mark.parametrize("backup", [True, False])
def test_a_sound_file_is_out_of_the_way_while_its_successor_is_made(person: Person, pem: str, backup: bool) -> None:
    """Else the old file would pass for the new key after a kill; a refusal puts it back."""
    write_key(person.path, pem)
    person.sim.fault(kind="status", status=409, body="{}", match={"endpoint": CREATE}, times=1)
    outcome = person.run(regenerate="if_lost", backup=backup)
    assert outcome.results["failed"] and person.path.read_text() == pem
    assert os.listdir(person.folder) == [person.path.name]

    person.sim.fault(kind="reset", match={"endpoint": READ}, times=1)
    outcome = person.run(regenerate="if_lost", backup=backup)
    (kept,) = person.folder.iterdir()
    assert outcome.results["failed"] and str(kept) in outcome.message and kept.read_text() == pem

    # By now the new key is the lost one, and nothing but a person tells that the old file isn't its.
    active = person.active()
    for regenerate in ("never", "if_lost"):
        outcome = person.run(regenerate=regenerate, backup=backup)
        assert outcome.results["cause"] == "key_unreadable" and f"mv -n {kept} {person.path}" in outcome.message
    assert person.active() == active
    away = kept.rename(person.folder / "another.p8")
    done = person.run(regenerate="if_lost", backup=backup).results
    assert not done.get("failed") and person.fits(done["iap_key"]["key_id"]) and away.read_text() == pem


@pytest.mark.parametrize("own", ["studio.p8.old", "studio.p8.20260101T000000Z.bak"])
def test_a_sound_key_is_kept_whatever_was_said_of_backups(person: Person, pem: str, own: str) -> None:
    """Nothing proves that it is worthless: the team may be another one. And a user's own file is never replaced."""
    write_key(person.path, pem)
    write_key(person.folder / own, "the user's own")
    done = person.run(regenerate="if_lost", backup=False).results
    assert not done.get("failed") and person.fits(person.active()[0])
    assert Path(done["backup_file"]).read_text() == pem and (person.folder / own).read_text() == "the user's own"
    assert len(os.listdir(person.folder)) == 3


def test_a_file_that_appears_meanwhile_is_not_replaced(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    move = key_file.move

    def late(source: str, target: str) -> None:
        write_key(person.path, "somebody else's")
        move(source, target)

    monkeypatch.setattr(key_file, "move", late)
    outcome = person.run()
    (made,) = person.active()
    assert outcome.results["failed"] and person.path.read_text() == "somebody else's"
    assert person.fits(made, Path(f"{person.path}.{made}.rescued"))
