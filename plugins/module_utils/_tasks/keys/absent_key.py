# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key that is to be gone: revoked where that is asked for, and its file removed where it is known to be its own."""

from __future__ import annotations

import contextlib
import os
import typing as t
from dataclasses import dataclass, replace

from ..._context import Context, Results, TaskFailed
from ..._decisions.irreversible import Gate
from ..._declaration.keys import KeySource, key_id_of
from ..._files.writing import is_there, refuse_unwritable, remove_key_file
from ..._model.errors import FileError, InputError
from ..._model.private_key import KeyProblem, PrivateKey, parse_content, read_file_name
from ..shared.session import Connection
from .kept_key import copies, kept
from .key_file import Found, Place, alone, backup_path, described, look
from .key_results import results_of
from .remote_revocation import Revoked, revoke_key
from .request import KeyRequest


def settle_absent(asked: KeyRequest, context: Context, connection: Connection, gate: Gate) -> Results:
    """Revoke a key if that is asked for, then remove its file. What is no key, or another key, stops both."""
    if not asked.source.path and not asked.revoke:
        raise InputError("private_key_path", "is required.", "Give the path of the .p8 to remove, or set revoke.")
    source, file = asked.source, _file(asked)
    extra = file.copies(context)
    before: dict[str, t.Any] = {}
    revoked = Revoked(None, False)
    if asked.revoke:
        revoked = revoke_key(asked, context, connection, gate)
        before |= {"key_id": revoked.key_id, "active": True} if revoked.was_active else {}
        asked = replace(asked, source=replace(source, key_id=revoked.key_id or source.key_id))
    if not revoked.is_proven:
        # What may still be needed stays.
        results = results_of(asked, None, True, {"before": before, "after": {}}, context)
        return {**results, "summary": " ".join([_unproven(revoked, file, context), *_mounted(source)])}
    if file.found.is_there:
        before |= described(file.path, file.found.fingerprint)
    before |= {"copies": extra} if extra else {}
    results = results_of(asked, None, bool(before), {"before": before, "after": {}}, context)
    told = [f"{revoked.key_id} {_verb(context)} revoked."] if revoked.was_active else []
    backup = None
    try:
        # Whoever has nothing to remove doesn't wait for others. What is there is looked at again.
        with alone(file.path if file.found.is_there or extra else None, context):
            # First: a kill between the two leaves the file by which the next run finds them.
            for copy in extra:
                file.remove(copy, gate)
            if file.found.is_there:
                backup = file.take_away(context, gate)
    except FileError as error:
        changed = "active" in before or any(record["outcome"].startswith("done") for record in gate.records)
        raise TaskFailed(" ".join([f"{error}", *told]), {**results, "changed": changed}) from None
    told += [file.summary(backup, extra, context)] if file.found.is_there or extra else []
    told += _mounted(source)
    told += [_NOT_REVOKED] if told and not asked.revoke else []
    _warn_of_saved(file, key_id_of(asked.source), extra, context)
    more = {"summary": " ".join(told)} if told else {}
    return {**results, **more, **({"backup_file": backup} if backup else {})}


def _file(asked: KeyRequest) -> _File:
    """Look at the file. Raises KeyProblem for one that is not known to hold a key, or holds another one."""
    source, path = asked.source, asked.source.path or ""
    found = Found(False)
    wanted = parse_content(source.content.reveal()) if path and source.content else None
    # What is mounted is only read, and goes with its secret: it is no reason to leave the key active.
    if path and not source.is_mounted and is_there(path):
        refuse_unwritable(path)
        found = look(path, "own")
        _refuse_other(found, wanted, path)
    return _File(path, found, wanted, _tie(found, source), asked.backup)


def what_lies_there(found: Found) -> tuple[str, str]:
    """Return what lies at a path, and how that is known."""
    if found.key:
        return f"it holds the key with the fingerprint {found.key.fingerprint[:16]}…", "the file was read"
    return "it is a regular file that holds no key that can be read", f"{found.problem}"


@dataclass(frozen=True)
class _File:
    """The file of a key that is to go. ``tie``: what ties it to this key; empty where nothing does.

    ``wanted``: the key that is given as text.
    """

    path: str
    found: Found
    wanted: PrivateKey | None
    tie: str
    wants_backup: bool

    @property
    def is_kept(self) -> bool:
        """It may be the only copy of another key."""
        return self.found.is_there and not self.tie and self.wants_backup

    @property
    def key(self) -> PrivateKey | None:
        """The one that is to go; None where that isn't known."""
        return self.wanted or self.found.key

    def copies(self, context: Context) -> list[str]:
        """Return where else runs left this very key: it goes with the file. Raises FileError."""
        return copies(self.key.fingerprint, self.path, context.environ) if self.key and not self.is_kept else []

    def take_away(self, context: Context, gate: Gate) -> str | None:
        """Remove it, or give it another name and return that. Raises FileError."""
        if not self.is_kept:
            self.remove(self.path, gate)
            return None
        self._look_again(self.path)
        backup = backup_path(self.path, context)
        if not context.check_mode:
            Place(self.path, backup).move_aside()
            context.progress(self.summary(backup, (), context))
        return backup

    def remove(self, path: str, gate: Gate) -> None:
        """Remove the file, or a copy of it. Raises FileError."""
        asked_by = "state: absent" if self.tie else "state: absent, with backup: false"
        what, answer = what_lies_there(self._look_again(path))
        tie = self.tie or _UNTIED if path == self.path else f"it is a copy of the key of {self.path}"
        permit = gate.ask("remove_key_file", path, asked_by, f"{what}, and {tie}", answer)
        if permit:
            remove_key_file(path, permit)
            gate.done(permit)

    def summary(self, backup: str | None, extra: t.Sequence[str], context: Context) -> str:
        verb = _verb(context)
        if backup:
            return f"{self.path} {verb} renamed to {backup}, because {_UNTIED}."
        gone = [f"{self.path} {verb} removed."] if self.found.is_there else []
        return " ".join([*gone, *(f"{copy}, a copy of the same key, {verb} removed." for copy in extra)])

    def _look_again(self, path: str) -> Found:
        """Return what lies there by now. Raises FileError when it isn't the key that was proven to be the one."""
        now = look(path, "own")
        if self.key is None or now.fingerprint != self.key.fingerprint:
            before = f"{self.key.fingerprint[:16]}…" if self.key else "none"
            told = what_lies_there(now)[0] if now.is_there else "nothing lies there"
            raise FileError(
                f"private_key_path: {path} was changed meanwhile: it held the key with the fingerprint {before}, and "
                f"now {told}. It was not removed.",
                "Find out which key it is before you run this again.",
            )
        return now


def _unproven(revoked: Revoked, file: _File, context: Context) -> str:
    """Say that nothing proves the revocation, and that the file stays for that reason."""
    told = f"The revocation of {revoked.key_id} {_verb(context)} asked for"
    told += ", and App Store Connect doesn't tell which keys are active."
    stays = f"So {file.path} {'would stay' if context.check_mode else 'stays'}."
    step = "Once the browser shows that the key is revoked, run this without revoke: true to remove the file."
    return f"{told} {stays} {step}" if file.found.is_there else told


def _mounted(source: KeySource) -> list[str]:
    """Say that a mounted file stays, where there is one."""
    is_left = source.is_mounted and os.path.lexists(source.path or "")
    return [f"{source.path} stays: it is mounted. Remove it from the secret."] if is_left else []


_NOT_REVOKED = "Nothing is changed at Apple: revoke: true revokes a key there."
_UNTIED = "nothing tells which Key ID it has"


def _verb(context: Context) -> str:
    return "would be" if context.check_mode else "was"


def _tie(found: Found, source: KeySource) -> str:
    """Return what ties a file to the key that is to go. Its name can't say another Key ID: that is refused before."""
    name = read_file_name(os.path.basename(source.path or ""))
    if source.content:
        return "private_key_content is the same key"
    return f"its name says {name.key_id}" if found.key and name.key_id and not name.is_api_key else ""


def _refuse_other(found: Found, wanted: PrivateKey | None, path: str) -> None:
    """Raise KeyProblem for a file that is not known to hold a key, or holds another one than the content given."""
    outcome = "Nothing was removed or revoked."
    if found.problem:
        problem = found.problem
        step = "If the file is to go, remove it by hand; else correct private_key_path."
        raise KeyProblem(problem.cause, f"{problem.message} {outcome}", step)
    if wanted and wanted.fingerprint != found.fingerprint:
        raise KeyProblem(
            "key_id_mismatch",
            f"{path} holds the key with the fingerprint {(found.fingerprint or '')[:16]}…, and private_key_content is "
            f"{wanted.fingerprint[:16]}…. {outcome}",
            "Correct private_key_path or private_key_content.",
        )


def _warn_of_saved(file: _File, key_id: str | None, extra: t.Sequence[str], context: Context) -> None:
    """Name what was downloaded for the key, and lies where nothing proves that it is the same."""
    saved = None
    with contextlib.suppress(FileError):
        saved = kept(key_id, file.path, context.environ) if key_id and file.path else None
    if saved and saved not in extra:
        context.warn(
            f"{saved} stays: an earlier run kept there what it downloaded for {key_id}. Nothing proves that it is the "
            "key that is to be gone: remove it by hand if it is."
        )
