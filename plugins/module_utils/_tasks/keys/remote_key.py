# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key at App Store Connect: found by name, or created, downloaded once and written.

The order of steps makes a kill harmless. Nothing needs to be remembered between runs: a key that was created but not
downloaded is found by its name and can still be downloaded. What was downloaded is written before anything else, and
under a name that says its Key ID: the next run finds it there and moves it to its place.
"""

from __future__ import annotations

from dataclasses import replace

from ..._apple.app_store_connect import RemoteKey, is_active
from ..._apple.web_errors import OtherTeam
from ..._context import Context, Results, TaskFailed
from ..._decisions.irreversible import Gate
from ..._declaration.keys import identifiers
from ..._files.reading import read_key_file
from ..._files.writing import is_there, locked_folder, refuse_unwritable, try_writing
from ..._model.errors import FileError, RefundsError, TransportError
from ..._model.identifiers import shown
from ..._model.permit import Permit
from ..._model.private_key import KeyProblem, PrivateKey, parse_file
from ..shared.session import Connection
from .attributes import LASTING, apply_attributes, refuse_unusable
from .kept_key import keep
from .key_file import Place, backup_path, described, look, parse_download
from .remote_key_plan import (
    WAYS_OUT,
    Job,
    Step,
    chosen_key,
    decide,
    key_name,
    refuse_full,
    refuse_nameless,
    refuse_staying,
    several,
    warn_of_capitals,
)
from .remote_revocation import prove_revoked
from .request import KeyRequest

_LEAST_S = 5


def settle_remote(asked: KeyRequest, context: Context, connection: Connection, gate: Gate) -> Results:
    """Make sure that the active key of that name exists and its .p8 lies at the path."""
    path = str(asked.source.path)
    if not is_there(path):
        refuse_unwritable(path)
    if context.check_mode:
        return _settle(asked, context, connection, gate)
    # Two runs on one machine: the second one waits here and then finds the key of the first.
    with locked_folder(path, context.transport.remaining, context.transport.pause):
        return _settle(asked, context, connection, gate)


def _settle(asked: KeyRequest, context: Context, connection: Connection, gate: Gate) -> Results:
    path = str(asked.source.path)
    connect = connection.open()
    team = connect.team(asked.team_id, identifiers(asked.source)[0])
    active = [key for key in connect.list_keys() if is_active(key)]
    # After all questions: a file that was put back meanwhile isn't lost.
    found = look(path, "mounted" if asked.source.is_mounted else "own")
    name, key_id = key_name(asked.name or ""), asked.source.key_id
    job = Job(connect, team, name, path, found, active, asked.regenerate, context, gate, key_id)
    remote = chosen_key(asked.source, job)
    step = decide(remote, job)
    if step == "replace" and remote:
        why = f"is to be revoked and replaced (regenerate: {job.regenerate})"
        refuse_staying(remote, team, asked.staying, why)
    if step == "create":
        warn_of_capitals(job)
    if step != "keep":
        if found.is_there and asked.source.is_mounted:
            raise _only_read(step, remote, job)
        refuse_unwritable(path)
    elif asked.source.is_mounted:
        job = replace(job, context=replace(context, file_attributes=None))
    refuse_unusable(path, job.context, is_new=step != "keep")
    if context.check_mode:
        return _predicted(step, remote, job)
    return _done(step, remote, job)


def _only_read(step: Step, remote: RemoteKey | None, job: Job) -> FileError:
    """Return the error for a step that would put another key where a secret is mounted."""
    what = f"a new key named {shown(job.name)} would have to be put there"
    if step == "download" and remote:
        what = f"the private key of {remote.key_id} would have to be downloaded to it"
    return FileError(
        f"private_key_path: {job.path} is a mounted file (private_key_file_policy: mounted) and is only read, but "
        f"{what}. Nothing was revoked, made or removed.",
        "Give a private_key_path where nothing lies, then put the key into the secret that is mounted.",
    )


def _predicted(step: Step, remote: RemoteKey | None, job: Job) -> Results:
    if step == "create":
        refuse_full(job)
    if step == "replace" and remote:
        _permit(remote.key_id, job)
        job.connect.foresee(replace(remote, is_active=False))
    if step == "download" and remote:
        job.connect.foresee(replace(remote, can_download=False))
    if step in ("create", "replace"):
        job.connect.foresee(RemoteKey(f"the new key {shown(job.name)}", job.name, True, False))
    known = remote.key_id if remote and step in ("keep", "restore", "download") else None
    key = _saved(remote.key_id, job)[1] if step == "restore" and remote else None
    return _results(job, known, job.found.key if step == "keep" else key, step)


def _done(step: Step, remote: RemoteKey | None, job: Job) -> Results:
    if step == "keep" and remote:
        return _results(job, remote.key_id, job.found.key, step)
    if step == "restore" and remote:
        return _placed(remote.key_id, *_saved(remote.key_id, job), step, job, Place(job.path, None))
    # What was never downloaded lies nowhere, whatever the file is.
    own = remote.key_id if remote and remote.can_download is not True else None
    place = Place(job.path, backup_path(job.path, job.context, own) if job.found.is_there else None)
    _refuse_haste(job)
    try_writing(job.path, lambda path: apply_attributes(path, {}, job.context, without=LASTING, of=job.path))
    # What can fail on this machine fails before a one-time step. A kill after this loses nothing: the old key is still
    # active, and the backup's name says whose file it is.
    place.move_aside()
    if step == "download" and remote:
        return _taken(remote.key_id, step, job, place)
    key_id = _created(step, remote, job, place)
    results = _taken(key_id, step, job, place)
    _refuse_twins(key_id, remote, results, job)
    return {**results, "http": job.context.transport.counters.as_result()}


def _refuse_haste(job: Job) -> None:
    """Start nothing that can be had only once when the deadline is about to end it half-way."""
    if job.context.transport.remaining() < _LEAST_S:
        raise RefundsError(
            f"deadline: fewer than {_LEAST_S} s are left, too few to make or download a key.", "Raise deadline."
        )


def _created(step: Step, remote: RemoteKey | None, job: Job, place: Place) -> str:
    """Create the key, in place of ``remote`` if there is one, and return its ID."""
    if remote:
        # First: a kill between the two then leaves no key of this name, and the next run creates it.
        _revoked(remote.key_id, step, job, place)
    try:
        return job.connect.create(job.name).key_id
    except RefundsError as error:
        message = f"{error}"
        may_exist = _may_be_done(error)
        if may_exist:
            message += f" If App Store Connect made {shown(job.name)} all the same, the next run finds it."
        else:
            place.move_back()
        message += place.note
        results = _results(job, None, None, step)
        if not remote:
            raise (TaskFailed(message, results) if may_exist or place.note else RefundsError(message)) from None
        raise TaskFailed(f"{remote.key_id} was revoked, but the new key was not made: {message}", results) from None


def _revoked(key_id: str, step: Step, job: Job, place: Place) -> None:
    try:
        permit = _permit(key_id, job)
        if permit:
            job.gate.done(permit, f"done; {prove_revoked(job.connect, permit, job.team, job.context).text}")
    except RefundsError as failure:
        # Revoked or not, the file is the private key of the Key ID that is told.
        place.move_back()
        if not isinstance(failure, TaskFailed) and not place.note:
            raise
        told = f"{failure} No new key was made.{place.note}"
        raise TaskFailed(told, _results(job, key_id, None, step)) from None
    except BaseException:  # Ctrl-C, after which as little is known.
        place.move_back()
        raise


def _permit(key_id: str, job: Job) -> Permit | None:
    """Ask to revoke a key that is to be replaced: it is lost for certain, or it is to go on every run."""
    policy = job.regenerate
    lost = f"its one download was used, there is no file {job.path}, and no run left it elsewhere on this machine"
    what = lost if policy == "if_lost" else f"it is the key named {shown(job.name)}"
    answer = "App Store Connect's list of keys, and a look at the path"
    return job.gate.ask("revoke_key", key_id, f"regenerate: {policy}", what, answer)


def _taken(key_id: str, step: Step, job: Job, place: Place) -> Results:
    """Download a private key and write it. Whatever fails from here on, the key is named in the message."""
    try:
        content = job.connect.download(key_id)
    except RefundsError as error:
        if step == "download" and not _may_be_done(error):
            # Nothing was made either: what lay there is as good as before.
            place.move_back()
        partial = _results(job, key_id, None, step)
        raise TaskFailed(
            f"The key {shown(job.name)} exists as {key_id}, but its private key was not downloaded: {error} "
            "Run again: while Apple still offers the download, it is picked up. "
            f"If it stays so: {WAYS_OUT}{place.note}",
            {**partial, "changed": step != "download" or bool(place.note) or _may_be_done(error)},
        ) from None
    try:
        key = parse_download(content.reveal())
    except KeyProblem as problem:
        saved, _why = keep(content, key_id, job.path, "unparsed", job.context)
        raise _unplaced(key_id, saved, f"its form is not understood: {problem}", step, job) from None
    saved, why = keep(key.pem, key_id, job.path, "rescued", job.context)
    if saved is None or why:
        raise _unplaced(key_id, saved, f"could not be put in its place: {why}", step, job)
    return _placed(key_id, saved, key, step, job, place)


def _saved(key_id: str, job: Job) -> tuple[str, PrivateKey]:
    """Return what an earlier run left on its way to or from its place. Raises FileError, KeyProblem if it is gone."""
    saved = str(job.restorable(key_id))
    return saved, parse_file(read_key_file(saved, "own"), saved)


def _placed(key_id: str, saved: str, key: PrivateKey, step: Step, job: Job, place: Place) -> Results:
    """Give a private key that lies beside its place its name, mode and owner."""
    try:
        place.fill(saved)
    except FileError as error:
        raise _unplaced(key_id, saved, f"could not be put in its place: {error}", step, job) from None
    results = _results(job, key_id, key, step)
    results |= {"backup_file": place.backup} if place.backup else {}
    try:
        apply_attributes(job.path, {}, job.context)
    except FileError as error:
        told = f"The private key of {key_id} was downloaded, and lies at {job.path}. {error}"
        raise TaskFailed(told, results) from None
    return results


def _may_be_done(error: RefundsError) -> bool:
    """Tell whether a key may have been made, or its one download be used, with an answer that was lost."""
    return error.may_have_changed or (isinstance(error, TransportError) and error.may_have_arrived)


def _unplaced(key_id: str, saved: str | None, why: str, step: Step, job: Job) -> TaskFailed:
    """Return the error that says where the private key is instead."""
    outcome = f"It was kept in {saved}: put it into its place by hand." if saved else "No folder took it: it is lost."
    return TaskFailed(
        f"The private key of {key_id} was downloaded, but {why} {outcome}", _results(job, key_id, None, step)
    )


def _refuse_twins(key_id: str, replaced: RemoteKey | None, results: Results, job: Job) -> None:
    """Tell when another machine created a key of the same name at the same time. Ours is safe on disk by now.

    ``replaced``: what was revoked right before is no twin, where the list still has it without telling that.
    """
    old_key_id = replaced.key_id if replaced else None
    try:
        listed = [key for key in job.connect.list_keys() if is_active(key) and key.key_id != key_id]
        others = [key for key in listed if key.key_id != old_key_id]
        refuse_nameless(others)
    except OtherTeam as error:
        told = f"{key_id} was made meanwhile, in one of the two teams, and lies at {job.path}: look which one lists it."
        raise TaskFailed(f"{error} {told}", results) from None
    except RefundsError as error:
        job.context.warn(f"Whether another key named {shown(job.name)} was made meanwhile is unknown: {error}")
        return
    twins = [key for key in others if key.has_name(job.name)]
    if twins:
        found = several(job.name, [RemoteKey(key_id, job.name, True, None), *twins])
        raise TaskFailed(f"{found} {key_id} was created here and lies at {job.path}.", results)
    if len(listed) > len(others):
        job.context.warn(
            f"name: App Store Connect still lists {old_key_id} as {shown(job.name)}, so the next run can't tell which "
            f"key is meant by it. Give this entry key_id: {key_id}, without regenerate."
        )


def _results(job: Job, key_id: str | None, key: PrivateKey | None, step: Step) -> Results:
    before = described(job.path, job.found.fingerprint) if job.found.is_there else {}
    after = described(job.path, key.fingerprint if key else None, key_id=key_id, name=job.name, step=step)
    diff = {"before": before, "after": dict(before) if step == "keep" else after}
    changed = step != "keep"
    if step == "keep":
        changed = apply_attributes(job.path, diff, job.context)
    return {
        "changed": changed,
        "diff": diff,
        "iap_key": {
            "name": job.name,
            "key_id": key_id,
            "issuer_id": job.team.issuer_id,
            "private_key_path": job.path,
            "key_fingerprint": key.fingerprint if key else None,
            "predicted": changed and job.context.check_mode,
        },
        "http": job.context.transport.counters.as_result(),
    }
