# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two runs at once: on one machine one key is made; from two machines a second one is noticed, and nothing is lost."""

from __future__ import annotations

import fcntl
import os
import pickle
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from asc_support import CREATE, LIST, READ, Person
from unit_support import Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import AppStoreConnect
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key

PATIENCE = 300.0


def in_children(functions: t.Sequence[t.Callable[[], Outcome]]) -> list[dict[str, t.Any]]:
    """Call functions at the same time, each in a process of its own; give their results."""
    readers = []
    for function in functions:
        reader, writer = os.pipe()
        if os.fork() == 0:
            try:
                os.write(writer, pickle.dumps(function().results))
            finally:
                os._exit(0)
        os.close(writer)
        readers.append(reader)
    told = []
    for reader in readers:
        with os.fdopen(reader, "rb") as pipe:
            told.append(pickle.loads(pipe.read()))
        os.wait()
    return told


@pytest.mark.usefixtures("real_pauses")
def test_on_one_machine(person: Person) -> None:
    options = person.options
    person.sim.fault(kind="delay", seconds=0.3, match={"endpoint": LIST}, times=1)
    results = in_children([lambda: run_task(iap_key.TASK, options)] * 4)
    assert not [result for result in results if result.get("failed")]
    assert sorted(result["changed"] for result in results) == [False, False, False, True]
    assert person.changes() == [CREATE, READ] and person.fits(person.active()[0])
    assert {result["iap_key"]["key_id"] for result in results} == set(person.active())
    person.search(repr(results))


@pytest.mark.usefixtures("real_pauses")
def test_different_names_in_one_folder(person: Person) -> None:
    more = [{"name": f"key {n}", "private_key_path": str(person.folder / f"{n}.p8")} for n in range(3)]
    calls = [lambda options={**person.options, **each}: run_task(iap_key.TASK, options) for each in more]  # type: ignore[misc]
    results = in_children(calls)
    assert [result["changed"] for result in results] == [True, True, True]
    assert len({result["iap_key"]["key_id"] for result in results}) == 3


def test_a_lock_that_is_never_given_back(person: Person) -> None:
    descriptor = os.open(person.folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        outcome = person.run(deadline=0.2)
        assert outcome.results["failed"] and "another run" in outcome.message and person.endpoints() == []
        assert person.run(check_mode=True).results["changed"], "check mode waits for nobody"
    finally:
        os.close(descriptor)
    assert not person.run().results.get("failed")


def test_who_has_nothing_to_write_waits_for_nobody(person: Person, pem: str) -> None:
    done = person.run(session=None, private_key_content=pem)
    assert done.results["changed"]
    descriptor = os.open(person.folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for same in (
            {"private_key_content": pem},
            {"state": "absent", "private_key_path": str(person.folder / "gone.p8")},
        ):
            found = person.run(session=None, deadline=0.2, **same)
            assert (found.message, found.results["changed"]) == ("", False)
    finally:
        os.close(descriptor)


def on_another_machine(person: Person) -> dict[str, t.Any]:
    """The options of a run elsewhere: another folder, so no common lock."""
    folder = person.folder.parent / "elsewhere"
    folder.mkdir(exist_ok=True, mode=0o700)
    return {**person.options, "private_key_path": str(folder / "studio.p8")}


def test_both_create_at_the_same_time(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    barrier = threading.Barrier(2)
    for name in ("create", "download"):
        together(monkeypatch, name, barrier)
    both = [person.options, on_another_machine(person)]
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda options: run_task(iap_key.TASK, options), both))
    made = person.active()
    assert len(made) == 2
    for outcome, options in zip(outcomes, both, strict=True):
        assert outcome.results["failed"] and outcome.results["changed"]
        assert all(key_id in outcome.message for key_id in made), outcome.message
        assert "key_id" in outcome.message and "revoke" in outcome.message
        path = Path(options["private_key_path"])
        assert person.fits(outcome.results["iap_key"]["key_id"], path) and path.stat().st_mode & 0o777 == 0o600
    person.search(repr(outcomes))
    # The way out that the message tells.
    monkeypatch.undo()
    kept, other = (outcome.results["iap_key"]["key_id"] for outcome in outcomes)
    assert not person.run(key_id=kept).results["changed"]
    person.run(state="absent", revoke=True, key_id=other, name=None, private_key_path=None)
    assert not person.run().results["changed"] and person.active() == [kept]


def together(monkeypatch: pytest.MonkeyPatch, name: str, barrier: threading.Barrier) -> None:
    """Let nobody begin a step before both have come to it."""
    original = getattr(AppStoreConnect, name)

    def waiting(connect: AppStoreConnect, argument: str) -> t.Any:
        barrier.wait(PATIENCE)
        return original(connect, argument)

    monkeypatch.setattr(AppStoreConnect, name, waiting)


def test_one_comes_between_the_other_s_look_and_creation(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    options = on_another_machine(person)
    inner: list[Outcome] = []
    create = AppStoreConnect.create

    def create_second(connect: AppStoreConnect, name: str) -> t.Any:
        monkeypatch.setattr(AppStoreConnect, "create", create)
        inner.append(run_task(iap_key.TASK, options))
        return create(connect, name)

    monkeypatch.setattr(AppStoreConnect, "create", create_second)
    outer = person.run()
    first = inner[0].results["iap_key"]["key_id"]
    assert not inner[0].results.get("failed") and person.fits(first, Path(options["private_key_path"]))
    second = outer.results["iap_key"]["key_id"]
    assert outer.results["failed"] and first in outer.message and second in outer.message and person.fits(second)


def test_one_comes_between_the_other_s_creation_and_download(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds the key and takes the one download; the first run says so, and no second key is made."""
    options = on_another_machine(person)
    download = AppStoreConnect.download

    def download_second(connect: AppStoreConnect, key_id: str) -> t.Any:
        monkeypatch.setattr(AppStoreConnect, "download", download)
        assert not run_task(iap_key.TASK, options).results.get("failed")
        return download(connect, key_id)

    monkeypatch.setattr(AppStoreConnect, "download", download_second)
    outcome = person.run()
    (made,) = person.active()
    assert outcome.results["failed"] and made in outcome.message and not person.path.exists()
    assert person.fits(made, Path(options["private_key_path"]))


def test_whether_there_is_a_twin_is_unknown(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    download = AppStoreConnect.download

    def broken_afterwards(connect: AppStoreConnect, key_id: str) -> t.Any:
        content = download(connect, key_id)
        person.sim.fault(kind="status", status=403, body="{}", match={"endpoint": LIST})
        return content

    monkeypatch.setattr(AppStoreConnect, "download", broken_afterwards)
    outcome = person.run()
    assert not outcome.results.get("failed") and person.fits(person.active()[0])
    assert len(outcome.warnings) == 1 and "unknown" in outcome.warnings[0]
