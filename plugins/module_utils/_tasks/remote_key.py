# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key at App Store Connect: found by name, or created, downloaded once and written; or revoked.

The order of steps makes a kill harmless. Nothing needs to be remembered between runs: a key that was created but not
downloaded is found by its name and can still be downloaded. What was downloaded is written before anything else.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._apple.app_store_connect import AppStoreConnect, RemoteKey, Team
from .._context import Context, Params, Results, TaskFailed
from .._files import locked_folder, refuse_unwritable, try_writing, write_key_file
from .._model.errors import FileError, InputError, RefundsError, TransportError
from .._model.identifiers import parse_key_id, shown
from .._model.private_key import KeyProblem, PrivateKey, read_file_name, settle_key_id
from .._model.secret import Secret
from .key_file import Found, backup_path, described, look, make_private, parse_download, put
from .options import KeySource, identifiers
from .session import open_app_store_connect

Step = t.Literal["keep", "download", "create", "replace"]
_WAYS_OUT = (
    "Ways out: put the .p8 back at this path; give its text in private_key_content; "
    "or set regenerate: if_lost, which revokes this key (every service that uses it stops) and creates a new one."
)


@dataclass(frozen=True)
class _Job:
    """One run for one key: where, as which team, and what there is."""

    connect: AppStoreConnect
    team: Team
    name: str
    path: str
    found: Found
    active: t.Sequence[RemoteKey]
    params: Params
    context: Context

    @property
    def named_key_id(self) -> str | None:
        """The Key ID that the file name says."""
        return read_file_name(os.path.basename(self.path)).key_id


class Revoked(t.NamedTuple):
    key_id: str | None
    was_active: bool


def settle_remote(source: KeySource, params: Params, context: Context) -> Results:
    """Make sure that the active key of that name exists and its .p8 lies at the path."""
    path = str(source.path)
    identifiers(source)
    refuse_unwritable(path)
    if context.check_mode:
        return _settle(source, params, context)
    # Two runs on one machine: the second one waits here and then finds the key of the first.
    with locked_folder(path, context.transport.remaining, context.transport.pause):
        return _settle(source, params, context)


def _settle(source: KeySource, params: Params, context: Context) -> Results:
    connect = open_app_store_connect(params, context)
    team = connect.team(params.get("team_id"), identifiers(source)[0])
    found = look(str(source.path), "own")
    active = [key for key in connect.list_keys() if is_active(key)]
    job = _Job(connect, team, params["name"], str(source.path), found, active, params, context)
    remote = _chosen(source, job)
    step = _step(remote, job)
    if context.check_mode:
        return _predicted(step, remote, job)
    return _done(step, remote, job)


def _chosen(source: KeySource, job: _Job) -> RemoteKey | None:
    """Return the one active key that the task is about, or None."""
    if source.key_id:
        key_id = parse_key_id(source.key_id)
        chosen = next((key for key in job.active if key.key_id == key_id), None)
        if chosen is None:
            raise RefundsError(f"key_id: the team {shown(job.team.name)} has no active key {key_id}.", "Correct it.")
        return chosen
    _refuse_nameless(job.active)
    same = [key for key in job.active if key.name == job.name]
    if len(same) > 1:
        raise _several(job.name, [key.key_id for key in same])
    return same[0] if same else None


def _refuse_nameless(keys: t.Sequence[RemoteKey]) -> None:
    if any(key.name is None for key in keys):
        raise RefundsError("App Store Connect did not tell the names of all keys.", "Say which one with key_id.")


def is_active(key: RemoteKey) -> bool:
    """An attribute that Apple leaves out says nothing; only a clear no makes a key inactive."""
    return key.is_active is not False and not key.revoked_at


def _several(name: str, key_ids: t.Sequence[str]) -> RefundsError:
    return RefundsError(
        f"name: there are {len(key_ids)} active keys named {shown(name)}: {', '.join(sorted(key_ids))}.",
        "Say which one with key_id, and revoke the other one if nothing uses it.",
    )


def _step(remote: RemoteKey | None, job: _Job) -> Step:
    """Decide what to do. Raises KeyProblem where doing it would destroy something that nobody allowed to destroy."""
    step = _create_step(job) if remote is None else _step_for(remote, job)
    if remote and step in ("keep", "download"):
        settle_key_id(remote.key_id, read_file_name(os.path.basename(job.path)), job.path)
        return step
    if job.named_key_id:
        raise KeyProblem(
            "key_id_mismatch",
            f"{job.path} is named after the key {job.named_key_id}, but a new key has to be made for the name "
            f"{shown(job.name)}, and it gets an ID of its own.",
            "Give a private_key_path without a Key ID in it; or correct name or team_id if the key should be there.",
        )
    others = [key for key in job.active if key != remote]
    _refuse_nameless(others)
    same = [key.key_id for key in others if key.name == job.name]
    if remote and same:
        raise _several(job.name, [remote.key_id, *same])
    return step


def _create_step(job: _Job) -> Step:
    if job.found.key and job.params["regenerate"] == "never":
        raise KeyProblem(
            "key_id_mismatch",
            f"{job.path} holds a key, but the team {shown(job.team.name)} has no active key named "
            f"{shown(job.name)}: it was revoked, has another name, or belongs to another team.",
            "Correct name, key_id or team_id; or move the file away; or set regenerate: if_lost to make a new key.",
        )
    return "create"


def _step_for(remote: RemoteKey, job: _Job) -> Step:
    policy = job.params["regenerate"]
    if policy == "always":
        return "replace"
    if job.found.key and remote.can_download is True and policy == "never":
        raise KeyProblem(
            "key_id_mismatch",
            f"{job.path} holds a private key, but that of {shown(job.name)} ({remote.key_id}) was never downloaded: "
            "the file is another key's.",
            "Move the file away, and the key is downloaded; or correct name, key_id or private_key_path.",
        )
    if job.found.key and remote.can_download is not True:
        return "keep"
    if remote.can_download is not False:
        return "download"
    if policy == "never":
        raise KeyProblem(
            "key_unreadable",
            f"The key {shown(job.name)} ({remote.key_id}) exists at App Store Connect, its one download was used, "
            f"and {job.path} holds no sound private key: it is lost to this machine.",
            _WAYS_OUT,
        )
    return "replace"


def _predicted(step: Step, remote: RemoteKey | None, job: _Job) -> Results:
    known = remote.key_id if remote and step in ("keep", "download") else None
    return _results(job, known, job.found.key if step == "keep" else None, step, step != "keep")


def _done(step: Step, remote: RemoteKey | None, job: _Job) -> Results:
    if step == "keep" and remote:
        return _results(job, remote.key_id, job.found.key, step, False)
    try_writing(job.path, bool(backup_path(job.found, job.path, job.params, job.context)))
    if step == "download" and remote:
        return _taken(remote.key_id, step, job)
    key_id = _created(step, remote, job)
    results = _taken(key_id, step, job)
    _refuse_twins(key_id, results, job)
    return {**results, "http": job.context.transport.counters.as_result()}


def _created(step: Step, remote: RemoteKey | None, job: _Job) -> str:
    """Create the key, in place of ``remote`` if there is one, and return its ID."""
    if remote:
        # First: a kill between the two then leaves no key of this name, and the next run creates it.
        job.connect.revoke(remote.key_id)
    try:
        return job.connect.create(job.name).key_id
    except RefundsError as error:
        message = str(error)
        if isinstance(error, TransportError):
            message += f" If App Store Connect made {shown(job.name)} all the same, the next run finds it there."
        if not remote:
            raise RefundsError(message) from None
        results = _results(job, None, None, step, False)
        raise TaskFailed(f"{remote.key_id} was revoked, but the new key was not made: {message}", results) from None


def _taken(key_id: str, step: Step, job: _Job) -> Results:
    """Download a private key and write it. Whatever fails from here on, the key is named in the message."""
    try:
        content = job.connect.download(key_id)
    except RefundsError as error:
        partial = _results(job, key_id, None, step, False)
        raise TaskFailed(
            f"The key {shown(job.name)} exists as {key_id}, but its private key was not downloaded: {error} "
            "Run again: while Apple still offers the download, it is picked up.",
            {**partial, "changed": step in ("create", "replace")},
        ) from None
    backup = backup_path(job.found, job.path, job.params, job.context)
    try:
        key = parse_download(content.reveal())
        put(job.path, key, backup)
    except KeyProblem as problem:
        raise _kept(key_id, content, "unparsed", f"its form is not understood: {problem}", step, job) from None
    except FileError as error:
        raise _kept(key_id, key.pem, "rescued", f"could not be put in its place: {error}", step, job) from None
    results = _results(job, key_id, key, step, False)
    if not backup:
        return results
    make_private(backup)
    return {**results, "backup_file": backup}


def _kept(key_id: str, content: Secret, kind: str, why: str, step: Step, job: _Job) -> TaskFailed:
    """Save what Apple gave, as it can't be had a second time."""
    place = f"{job.path}.{key_id}.{kind}"
    try:
        write_key_file(place, content.reveal().encode("utf-8", "surrogatepass"))
        outcome = f"It was kept in {place}."
    except FileError as error:
        outcome = f"It is lost, because it could not be kept in {place} either: {error}"
    message = f"The private key of {key_id} was downloaded, but {why} {outcome}"
    return TaskFailed(message, _results(job, key_id, None, step, False))


def _refuse_twins(key_id: str, results: Results, job: _Job) -> None:
    """Tell when another machine created a key of the same name at the same time. Ours is safe on disk by now."""
    try:
        keys = job.connect.list_keys()
    except RefundsError as error:
        job.context.warn(f"Whether another key named {shown(job.name)} was made meanwhile is unknown: {error}")
        return
    twins = [key.key_id for key in keys if is_active(key) and key.name == job.name and key.key_id != key_id]
    if twins:
        several = _several(job.name, [key_id, *twins])
        raise TaskFailed(f"{several} {key_id} was created here and lies at {job.path}.", results)


def _results(job: _Job, key_id: str | None, key: PrivateKey | None, step: Step, is_predicted: bool) -> Results:
    before = described(job.path, job.found.fingerprint) if job.found.is_there else {}
    after = described(job.path, key.fingerprint if key else None, key_id=key_id, name=job.name, step=step)
    diff = {"before": before, "after": dict(before) if step == "keep" else after}
    changed = step != "keep"
    if job.context.file_attributes and (step == "keep" or key):
        changed = job.context.file_attributes.apply(job.path, diff if step == "keep" else {}) or changed
    return {
        "changed": changed,
        "diff": diff,
        "iap_key": {
            "name": job.name,
            "key_id": key_id,
            "issuer_id": job.team.issuer_id,
            "private_key_path": job.path,
            "key_fingerprint": key.fingerprint if key else None,
            "predicted": is_predicted,
        },
        "http": job.context.transport.counters.as_result(),
    }


def revoke_key(source: KeySource, params: Params, context: Context) -> Revoked:
    """Revoke the key that key_id or name says and prove it by the list. A key that is not active needs nothing."""
    if not params.get("key_id") and not params.get("name"):
        raise InputError("key_id", "or name is required with revoke.", "Say which key is to be revoked.")
    connect = open_app_store_connect(params, context)
    team = connect.team(params.get("team_id"), identifiers(source)[0])
    active = [key for key in connect.list_keys() if is_active(key)]
    wanted = parse_key_id(params["key_id"]) if params.get("key_id") else None
    same = [key for key in active if (key.key_id == wanted if wanted else key.name == params["name"])]
    if len(same) > 1:
        raise _several(params["name"], [key.key_id for key in same])
    if not same:
        return Revoked(wanted, False)
    key_id = same[0].key_id
    # Before the one step that can't be undone: the file that goes with it must not be another key's.
    settle_key_id(key_id, read_file_name(os.path.basename(source.path or "")), source.path or "")
    if not context.check_mode:
        connect.revoke(key_id)
        if any(key.key_id == key_id and is_active(key) for key in connect.list_keys()):
            raise RefundsError(
                f"{key_id} is still active in the team {shown(team.name)} after it was revoked.", "Look."
            )
    return Revoked(key_id, True)
