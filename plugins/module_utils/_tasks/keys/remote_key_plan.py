# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done to get a key of a name: decided before anything is done, and never more than was allowed."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime

from ..._apple.app_store_connect import AppStoreConnect, RemoteKey, Team
from ..._context import Context
from ..._decisions.irreversible import Gate
from ..._declaration.keys import KeySource
from ..._declaration.meant_key import MeantKey
from ..._model.errors import InputError, RefundsError
from ..._model.identifiers import parse_key_id, shown
from ..._model.key_name import differ_in_capitals, plain_name
from ..._model.private_key import KeyProblem, PrivateKey, read_file_name, settle_key_id
from ..._model.text import few
from .kept_key import kept, moved_aside
from .key_file import Found, look
from .request import Regenerate

Step = t.Literal["keep", "restore", "download", "create", "replace"]
# Observed, and documented nowhere. So a run asks Apple all the same; check mode can't.
_MOST_ACTIVE = 10
WAYS_OUT = (
    "Ways out: put the .p8 back at this path, from your vault or from the machine that downloaded it; give its text in "
    "private_key_content; or give another name, which makes a new key beside it. Only if no copy is left anywhere: "
    "regenerate: if_lost without key_id (of appstore_iap_key, or of the key's entry in the list of keys) revokes this "
    "key, which stops every service that uses it, and creates a new one."
)


@dataclass(frozen=True)
class Job:
    """One run for one key: where, as which team, and what there is. ``key_id``: the Key ID that is declared."""

    connect: AppStoreConnect
    team: Team
    name: str
    path: str
    found: Found
    active: t.Sequence[RemoteKey]
    regenerate: Regenerate
    context: Context
    gate: Gate
    key_id: str | None = None

    def kept(self, key_id: str) -> str | None:
        """Return the file in which an earlier run saved this private key, on the way to its place."""
        return kept(key_id, self.path, self.context.environ)

    def restorable(self, key_id: str) -> str | None:
        """Return that file, else the one that a killed run moved aside before it would have revoked the key."""
        return self.kept(key_id) or next(iter(moved_aside(key_id, self.path)), None)

    @property
    def named_key_id(self) -> str | None:
        """The Key ID that the file name says."""
        return read_file_name(os.path.basename(self.path)).key_id


def key_name(text: str) -> str:
    """Return a key's name without blanks around it. Raises InputError for one that App Store Connect can't have."""
    name = text.strip()
    if not plain_name(name) or any(ord(char) < 32 for char in name):
        raise InputError("name", f"{shown(text)} can't be the name of a key.", "Give a short text on one line.")
    return name


def chosen_key(source: KeySource, job: Job) -> RemoteKey | None:
    """Return the one active key that the task is about, or None."""
    if source.key_id:
        key_id = parse_key_id(source.key_id)
        chosen = next((key for key in job.active if key.key_id == key_id), None)
        if chosen is None:
            raise RefundsError(f"key_id: the team {shown(job.team.name)} has no active key {key_id}.", "Correct it.")
        refuse_other_name(chosen, job.name)
        return chosen
    refuse_nameless(job.active)
    same = [key for key in job.active if key.has_name(job.name)]
    if len(same) > 1:
        raise several(job.name, same)
    return same[0] if same else None


def refuse_other_name(key: RemoteKey, name: str | None) -> None:
    """Raise KeyProblem when ``name`` and ``key_id`` mean two different keys."""
    if name and key.name is not None and not key.has_name(name):
        raise KeyProblem(
            "key_id_mismatch",
            f"key_id is {key.key_id}, whose name is {shown(str(key.name))}, but name is {shown(name)}.",
            "Correct one of them, or leave one out.",
        )


def refuse_nameless(keys: t.Sequence[RemoteKey]) -> None:
    """Raise RefundsError where a name can't tell which key is meant."""
    if any(key.name is None for key in keys):
        raise RefundsError("App Store Connect did not tell the names of all keys.", "Say which one with key_id.")


def refuse_full(job: Job) -> None:
    """Raise RefundsError where Apple would make no further key, as far as a list tells that can't be tried."""
    count = sum(key.is_active is True for key in job.active)
    if count >= _MOST_ACTIVE:
        raise RefundsError(
            f"The team {shown(job.team.name)} has {count} active In-App Purchase keys, and Apple's limit is "
            f"{_MOST_ACTIVE}: the key {shown(job.name)} would not be made.",
            "Revoke one first.",
        )


def warn_of_capitals(job: Job) -> None:
    """Say that a key which is about to be made may be there already: only so many can be."""
    near = next((key for key in job.active if key.name and differ_in_capitals(key.name, job.name)), None)
    if near:
        makes = "would make" if job.context.check_mode else "makes"
        job.context.warn(
            f"name: the team {shown(job.team.name)} has the active key {shown(str(near.name))} ({near.key_id}), which "
            f"differs only in capitals from {shown(job.name)}. This task {makes} another key, one of {_MOST_ACTIVE}. "
            "If that key is meant, write its name as App Store Connect shows it."
        )


def refuse_staying(found: RemoteKey, team: Team, staying: t.Iterable[MeantKey], why: str) -> None:
    """Raise RefundsError where another entry says of a key that is to be revoked, or may say, that it is to be there.

    Only here it is known which key is meant where one of the two has the Key ID, and the other one the name. ``why``:
    what is to become of it, and who says so.
    """
    listed = MeantKey("", found.key_id, found.name, team.issuer_id, str(team.provider_id))
    for other in staying:
        how = other.means(listed)
        if how:
            raise RefundsError(
                f"{found.key_id} {why}, and {other.place} {how} the same key. Nothing was revoked.",
                "Correct one of the two entries, or give key_id in both.",
            )


def several(name: str, keys: t.Sequence[RemoteKey]) -> RefundsError:
    """Return the error for a name that more than one active key has."""
    is_told = all(key.is_active for key in keys)
    named = f"name: there are {len(keys)} {'active ' if is_told else ''}keys named {shown(name)}"
    untold = "" if is_told else ", and App Store Connect doesn't tell which of them are active"
    return RefundsError(
        f"{named}{untold}: {', '.join(sorted(key.key_id for key in keys))}.",
        "Say which one with key_id, and revoke the other one if nothing uses it.",
    )


def decide(remote: RemoteKey | None, job: Job) -> Step:
    """Decide what to do. Raises KeyProblem where doing it would destroy something that nobody allowed to destroy."""
    if job.found.problem:
        raise _undecided(job.found.problem, remote, job)
    step = _create_step(job) if remote is None else _step_for(remote, job)
    if remote and step in ("keep", "restore", "download"):
        settle_key_id(remote.key_id, read_file_name(os.path.basename(job.path)), job.path)
        return step
    if job.named_key_id:
        raise KeyProblem(
            "key_id_mismatch",
            f"{job.path} is named after the key {job.named_key_id}, but a new key has to be made for the name "
            f"{shown(job.name)}, and it gets an ID of its own.",
            "Give a private_key_path without a Key ID in it; or correct name or team_id if the key should be there.",
        )
    if job.key_id:
        # It would be told to everything that uses the key, with the new private key.
        raise KeyProblem(
            "key_id_mismatch",
            f"key_id is {job.key_id}, but a new key has to be made for the name {shown(job.name)} (regenerate: "
            f"{job.regenerate}), and it gets an ID of its own. Nothing was revoked or made.",
            "Leave key_id out, or put the .p8 back if a copy lies elsewhere.",
        )
    others = [key for key in job.active if key != remote]
    refuse_nameless(others)
    same = [key for key in others if key.has_name(job.name)]
    if remote and same:
        raise several(job.name, [remote, *same])
    return step


def _undecided(problem: KeyProblem, remote: RemoteKey | None, job: Job) -> KeyProblem:
    """What can't be read may be the key all the same: nothing is lost, and nothing is revoked, made or removed."""
    wanted = f"{shown(job.name)} ({remote.key_id})" if remote else shown(job.name)
    return KeyProblem(
        problem.cause,
        f"{problem.message} So whether the private key of {wanted} is lost can't be told: nothing was revoked, made "
        "or removed.",
        f"{problem.next_step} If it is another file, give a private_key_path of its own.",
    )


def _create_step(job: Job) -> Step:
    if job.found.key and job.regenerate == "never":
        raise KeyProblem(
            "key_id_mismatch",
            f"{job.path} holds a key, but the team {shown(job.team.name)} has no active key named "
            f"{shown(job.name)}: it was revoked, has another name, or belongs to another team.",
            "Correct name, key_id or team_id; or give another private_key_path; or set regenerate: if_lost to make a "
            "new key (the file is kept under a second name).",
        )
    return "create"


def _step_for(remote: RemoteKey, job: Job) -> Step:
    policy = job.regenerate
    if policy == "always":
        return "replace"
    if job.found.key and remote.can_download is True and policy == "never":
        raise KeyProblem(
            "key_id_mismatch",
            f"{job.path} holds a private key, but that of {shown(job.name)} ({remote.key_id}) was never downloaded: "
            "the file is another key's.",
            "Correct name, key_id or private_key_path; or set regenerate: if_lost, and the key is downloaded (the file "
            "is kept under a second name).",
        )
    if job.found.key and remote.can_download is not True:
        _refuse_another(job.found.key, remote, job.kept(remote.key_id), job)
        return "keep"
    if remote.can_download is True:
        return "download"
    saved = job.restorable(remote.key_id)
    if saved and os.path.dirname(saved) == os.path.dirname(job.path) and look(saved, "own").key:
        return "restore"
    if saved:
        why = look(saved, "own").problem
        did = (
            f"{'kept what it downloaded for' if job.kept(remote.key_id) else 'moved aside the file of'} {remote.key_id}"
        )
        raise KeyProblem(
            "key_unreadable",
            f"{job.path} isn't there, but an earlier run {did} as {saved}.{f' {why.message}' if why else ''}",
            f"Check it, and put it into its place: mv -n {saved} {job.path}. If it isn't the key, move it to another "
            "folder and run again.",
        )
    if remote.can_download is None:
        return "download"
    _refuse_lost(remote, job)
    return "replace"


def _refuse_lost(remote: RemoteKey, job: Job) -> None:
    """Raise KeyProblem unless the private key is lost for certain, and the key may be revoked for that."""
    lost = f"The key {shown(job.name)} ({remote.key_id}) exists at App Store Connect, its one download was used, and "
    lost += f"there is no file {job.path}."
    unsure = moved_aside(None, job.path)
    if unsure:
        raise KeyProblem(
            "key_unreadable",
            f"{lost} What lay there once lies beside it: {few(unsure)}. Nothing tells whether it is this key, so "
            "nothing was revoked.",
            f"If it is, put it into its place: mv -n {unsure[0]} {job.path}. If it isn't, move it to another folder "
            "and run again.",
        )
    if job.regenerate == "never":
        raise KeyProblem("key_unreadable", f"{lost} A copy may lie elsewhere.", WAYS_OUT)
    if remote.last_used and not _is_long_ago(remote.last_used, job.context.now()):
        raise KeyProblem(
            "key_unreadable",
            f"{lost} But it was used on {shown(remote.last_used)}, so somebody has its file. Nothing was revoked.",
            f"Put the .p8 back at this path, from where the key is used. After {_UNUSED_DAYS} days without use, if_lost"
            " takes it for lost. `always` replaces it all the same, and stops who uses it: give it for one run only.",
        )


_UNUSED_DAYS = 30


def _is_long_ago(text: str, now: float) -> bool:
    """Tell whether a time is known to be so long ago that nobody uses the key any more."""
    try:
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return now - (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() > _UNUSED_DAYS * 86400


def _refuse_another(found: PrivateKey, remote: RemoteKey, saved: str | None, job: Job) -> None:
    """Raise KeyProblem when what was downloaded for this key lies beside it still, and is another one."""
    downloaded = look(saved, "own").key if saved else None
    if downloaded and downloaded.fingerprint != found.fingerprint:
        raise KeyProblem(
            "key_id_mismatch",
            f"{job.path} holds the key with the fingerprint {found.fingerprint[:16]}…, but what was downloaded for "
            f"{remote.key_id} has {downloaded.fingerprint[:16]}…, and an earlier run kept it as {saved}.",
            f"Give another private_key_path, or give {job.path} another name and run again.",
        )
