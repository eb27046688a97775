# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key that is to be gone: revoked where that is asked for, and its file removed where it is known to be its own."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, replace

from ..._context import Context, Results, TaskFailed
from ..._decisions.irreversible import Gate
from ..._declaration.keys import KeySource
from ..._files.writing import is_there, refuse_unwritable, remove_key_file
from ..._model.errors import FileError, InputError
from ..._model.private_key import KeyProblem, parse_content, read_file_name
from ..shared.session import Connection
from .key_file import Found, Place, backup_path, described, look
from .key_results import results_of
from .remote_revocation import Revoked, revoke_key
from .request import KeyRequest


def settle_absent(asked: KeyRequest, context: Context, connection: Connection, gate: Gate) -> Results:
    """Revoke a key if that is asked for, then remove its file. What is no key, or another key, stops both."""
    source = asked.source
    if not source.path and not asked.revoke:
        raise InputError("private_key_path", "is required.", "Give the path of the .p8 to remove, or set revoke.")
    path = source.path or ""
    found = Found(False)
    if path and is_there(path):
        refuse_unwritable(path)
        found = look(path, "own")
        _refuse_other(found, source, path)
    file = _File(path, found, _tie(found, source), asked.backup)
    before: dict[str, t.Any] = {}
    revoked = Revoked(None, False)
    if asked.revoke:
        revoked = revoke_key(asked, context, connection, gate)
        before |= {"key_id": revoked.key_id, "active": True} if revoked.was_active else {}
        asked = replace(asked, source=replace(source, key_id=revoked.key_id or source.key_id))
    if found.is_there:
        before |= described(path, found.fingerprint)
    results = results_of(asked, None, bool(before), {"before": before, "after": {}}, context)
    told = [f"{revoked.key_id} {_verb(context)} revoked."] if revoked.was_active else []
    try:
        backup = file.take_away(context, gate) if found.is_there else None
    except FileError as error:
        message = " ".join([f"{error}", *told])
        raise TaskFailed(message, {**results, "changed": "active" in before}) from None
    told += [file.summary(backup, context)] if found.is_there else []
    told += [_NOT_REVOKED] if found.is_there and not asked.revoke else []
    more = {"summary": " ".join(told)} if told else {}
    return {**results, **more, **({"backup_file": backup} if backup else {})}


def what_lies_there(found: Found) -> tuple[str, str]:
    """Return what lies at a path, and how that is known."""
    if found.key:
        return f"it holds the key with the fingerprint {found.key.fingerprint[:16]}…", "the file was read"
    return "it is a regular file that holds no key that can be read", f"{found.problem}"


@dataclass(frozen=True)
class _File:
    """The file of a key that is to go. ``tie``: what ties it to this key; empty where nothing does."""

    path: str
    found: Found
    tie: str
    wants_backup: bool

    @property
    def is_kept(self) -> bool:
        """It may be the only copy of another key."""
        return not self.tie and self.wants_backup

    def take_away(self, context: Context, gate: Gate) -> str | None:
        """Remove it, or give it another name and return that. Raises FileError."""
        if self.is_kept:
            backup = backup_path(self.path, context)
            if not context.check_mode:
                Place(self.path, backup).move_aside()
                context.progress(self.summary(backup, context))
            return backup
        asked_by = "state: absent" if self.tie else "state: absent, with backup: false"
        what, answer = what_lies_there(self.found)
        permit = gate.ask("remove_key_file", self.path, asked_by, f"{what}, and {self.tie or _UNTIED}", answer)
        if permit:
            remove_key_file(self.path, permit)
            gate.done(permit)
        return None

    def summary(self, backup: str | None, context: Context) -> str:
        verb = _verb(context)
        if backup:
            return f"{self.path} {verb} renamed to {backup}, because {_UNTIED}."
        return f"{self.path} {verb} removed."


_NOT_REVOKED = "Nothing is changed at Apple: revoke: true revokes a key there."
_UNTIED = "nothing tells which Key ID it has"


def _verb(context: Context) -> str:
    return "would be" if context.check_mode else "was"


def _tie(found: Found, source: KeySource) -> str:
    """Return what ties a file to the key that is to go. Its name can't say another Key ID: that is refused before."""
    name = read_file_name(os.path.basename(source.path or ""))
    if found.key and source.content:
        return "private_key_content is the same key"
    return f"its name says {name.key_id}" if found.key and name.key_id and not name.is_api_key else ""


def _refuse_other(found: Found, source: KeySource, path: str) -> None:
    """Raise KeyProblem for a file that is not known to hold a key, or holds another one than the content given."""
    outcome = "Nothing was removed or revoked."
    if found.problem:
        problem = found.problem
        step = "If the file is to go, remove it by hand; else correct private_key_path."
        raise KeyProblem(problem.cause, f"{problem.message} {outcome}", step)
    wanted = parse_content(source.content.reveal()) if source.content else None
    if wanted and wanted.fingerprint != found.fingerprint:
        raise KeyProblem(
            "key_id_mismatch",
            f"{path} holds the key with the fingerprint {(found.fingerprint or '')[:16]}…, and private_key_content is "
            f"{wanted.fingerprint[:16]}…. {outcome}",
            "Correct private_key_path or private_key_content.",
        )
