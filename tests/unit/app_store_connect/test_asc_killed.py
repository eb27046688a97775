# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Killed anywhere, the next run brings the work to its end: one active key, and its .p8 on disk."""

from __future__ import annotations

import shutil
import signal
import typing as t
from pathlib import Path

import pytest
from asc_support import CREATE, NAME, READ, Person, enter, key
from unit_killing import each_point, run_and_die
from unit_servers import Simulator
from unit_support import KEY_ID, public_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key

Prepare = t.Callable[[Simulator, Path, str], Person]


def _empty(sim: Simulator, place: Path, _pem: str) -> Person:
    return enter(sim, place)


def _made_in_a_browser(sim: Simulator, place: Path, _pem: str) -> Person:
    return enter(sim, place, keys=[key(KEY_ID)])


def _lost(sim: Simulator, place: Path, _pem: str) -> Person:
    return enter(sim, place, keys=[key(KEY_ID, downloadable=False)])


def _another_file(sim: Simulator, place: Path, pem: str) -> Person:
    person = enter(sim, place, keys=[key(KEY_ID, active=False)])
    write_key(person.path, pem)
    return person


def _used(sim: Simulator, place: Path, pem: str) -> Person:
    person = enter(sim, place, keys=[key(KEY_ID, downloadable=False, public_key=public_pem(pem))])
    write_key(person.path, pem)
    return person


# What there is, with which policy it is killed, and with which one the next run follows.
CASES: dict[str, tuple[Prepare, str, str]] = {
    "created": (_empty, "never", "never"),
    "created if lost": (_empty, "if_lost", "if_lost"),
    "downloaded": (_made_in_a_browser, "never", "never"),
    "lost": (_lost, "if_lost", "if_lost"),
    "another file": (_another_file, "if_lost", "if_lost"),
    "always": (_used, "always", "always"),
    "always, then never": (_used, "always", "never"),
    "always, then if lost": (_used, "always", "if_lost"),
}
WITH_FILE = ("another file", *(case for case in CASES if case.startswith("always")))
INTERRUPTED = ("created", "another file", "always, then never", "always, then if lost")
WAYS = [*((case, signal.SIGKILL) for case in CASES), *((case, signal.SIGINT) for case in INTERRUPTED)]


@pytest.mark.parametrize(("case", "how"), WAYS)
def test_every_point_of_making_a_key(
    _simulator: Simulator, tmp_path: Path, pem: str, case: str, how: signal.Signals
) -> None:
    prepare, first, regenerate = CASES[case]
    people: list[Person] = []

    def again() -> t.Callable[[], object]:
        shutil.rmtree(tmp_path / "keys", ignore_errors=True)
        people[:] = [prepare(_simulator, tmp_path, pem)]
        options = {**people[0].options, "regenerate": first}
        return lambda: run_task(iap_key.TASK, options)

    lost_at = []
    for points in each_point(again, how, before_calls=True):
        (person,) = people
        assert len(person.active()) <= 1
        is_sound = case.startswith("always, then") and KEY_ID in person.active()
        if is_sound and how == signal.SIGINT:
            # Who reads the file meanwhile finds it.
            assert person.path.read_text() == pem, points
        outcome = person.run(regenerate=regenerate)
        if not person.active():
            # Ctrl-C amid the revocation put the file back, and nobody knew yet that the key is revoked.
            assert (how, regenerate) == (signal.SIGINT, "never") and "it was revoked" in outcome.message, points
            assert person.path.read_text() == pem
            outcome = person.run(regenerate="if_lost")
        (made,) = person.active()
        if is_sound:
            # What was moved aside before the revocation is no lost key.
            assert not outcome.results.get("failed"), (points, outcome)
            assert made == KEY_ID and person.path.read_text() == pem, points
        if case == "another file" and outcome.results.get("failed"):
            _a_person_says_which_key_it_is(person, outcome.message, made)
            outcome = person.run(regenerate=regenerate)
            (made,) = person.active()
        if outcome.results.get("failed"):
            lost_at.append(points[-1])
            assert regenerate == "never" and outcome.results["cause"] == "key_unreadable"
            assert made in outcome.message and "Ways out" in outcome.message
            outcome = person.run(regenerate="if_lost")
            (made,) = person.active()
        assert not outcome.results.get("failed"), (points, outcome)
        assert outcome.results["iap_key"]["key_id"] == made and person.fits(made), points
        _nothing_is_open(person, pem if case in WITH_FILE else None)
        if regenerate != "always":
            assert not person.run(regenerate=regenerate).results["changed"]
            _nothing_stays_of(made, person)
    # The one gap that nobody can close: Apple has answered, and nothing was written yet. It is always said.
    if first == "never":
        assert lost_at[0].startswith("answer GET") and lost_at[0].endswith("privateKey")
        assert lost_at[1:] == ["before keep_somewhere"]


def _a_person_says_which_key_it_is(person: Person, message: str, made: str) -> None:
    """Nothing tells that what lay there before isn't the lost key: it is named, and nothing was revoked."""
    (kept,) = person.folder.glob("*.bak")
    assert f"mv -n {kept} {person.path}" in message and made in message and "nothing was revoked" in message
    kept.rename(person.folder / "another.p8")


def _nothing_stays_of(key_id: str, person: Person) -> None:
    """Who removes the key then has it nowhere on the disk: what the killed run left goes with its file."""
    text = person.path.read_text()
    done = person.run(state="absent", name=None, session=None, private_key_content=text, key_id=key_id)
    assert not done.results.get("failed") and done.warnings == [], done
    assert [one.name for one in person.folder.iterdir() if one.read_text() == text] == []


def _nothing_is_open(person: Person, old_pem: str | None) -> None:
    """Whatever a killed run left is private, and a replaced key is still there, under whichever name."""
    files = list(person.folder.iterdir())
    assert not [file for file in files if file.stat().st_mode & 0o077]
    if old_pem:
        assert old_pem in [file.read_text() for file in files]


def test_a_kill_never_makes_a_second_key(_simulator: Simulator, tmp_path: Path) -> None:
    """Killed again and again, each time one point further, in one world."""
    person = enter(_simulator, tmp_path)
    options = person.options
    for at in range(60):
        points = run_and_die(lambda: run_task(iap_key.TASK, options), at)
        assert person.changes().count(CREATE) <= 1 and len(person.active()) <= 1
        if len(points) <= at:
            break
    assert person.changes().count(READ) <= 1 and len(person.active()) == 1


def test_every_point_of_revoking(_simulator: Simulator, tmp_path: Path, pem: str) -> None:
    people: list[Person] = []
    absent = {"state": "absent", "revoke": True}

    def again() -> t.Callable[[], object]:
        people[:] = [_used(_simulator, tmp_path, pem)]
        options = {**people[0].options, **absent}
        return lambda: run_task(iap_key.TASK, options)

    for _points in each_point(again):
        (person,) = people
        assert not person.run(**absent).results.get("failed")
        assert person.active(NAME) == [] and not person.path.exists()
        assert not person.run(**absent).results["changed"]
