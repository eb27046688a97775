# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rotation is given: the old key, the new one, and the declaration."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from ..._context import Context, Params
from ..._decisions.rotation import Known, place
from ..._declaration.declaration import Declaration
from ..._declaration.keys import KeySource, key_id_of, key_source, names_of
from ..._model.errors import InputError, RefundsError
from ..._model.identifiers import parse_key_id, shown
from ..shared.options import ledger_url, times
from ..shared.session import Connection, session_options
from ..shared.trackers import Trackers, open_ledger
from .reading import Reading, task_settings


@dataclass(frozen=True)
class Job:
    """``old``: the declared old key; None where it isn't declared, or no longer."""

    params: Params
    context: Context
    declaration: Declaration
    old_key_id: str
    old: KeySource | None
    new: KeySource
    connection: Connection

    def read(self) -> Reading:
        """Return what every tracker holds now; nothing is written."""
        ledger = open_ledger(ledger_url(self.params), self.context, for_writing=False)
        with Trackers(self.context, ledger, times(self.params)) as trackers:
            return Reading(self.declaration, task_settings(self.params)).read(trackers)

    def known(self, reading: Reading) -> Known:
        names = {source.name for source in (self.old,) if source} | {self.old_key_id}
        new = {self.new.key_id} if self.new.key_id else set()
        # Under its own short name the new key may be declared already.
        same = {
            source.name for source in self.declaration.keys.values() if source.path and source.path == self.new.path
        }
        return reading.known({*names, *new, *same}, self.old_key_id, same)

    def old_issuers(self, known: Known) -> frozenset[str]:
        """Return the teams that the old key is said to belong to; empty where nobody says."""
        declared = {self.old.issuer_id} if self.old and self.old.issuer_id else set()
        return frozenset(declared | {one.issuer_id for one in known.using(self.old_key_id) if one.issuer_id})

    def issuer_id(self, known: Known) -> str | None:
        """Return the team of both keys, as far as anything tells it."""
        entries = known.using(self.old_key_id) or known.using(self.new.key_id or "")
        used = {one.issuer_id for one in entries if one.issuer_id}
        declared = self.old.issuer_id if self.old else None
        return self.new.issuer_id or declared or (used.pop() if len(used) == 1 else None)

    def require_session(self) -> None:
        """Raise InputError where a key can't be revoked at the end, before anything is done."""
        if self.params["revoke"] and not self.connection.is_given:
            step = "Give session or session_path, or leave revoke out and revoke the key in the browser."
            raise InputError("revoke", "needs a signed-in session of App Store Connect.", step)


def read_job(params: Params, context: Context, declaration: Declaration) -> Job:
    """Return what a task asks for. Raises InputError, KeyProblem."""
    old_key_id, old = _old_key(params["old_key_id"], declaration)
    new = _new_key(params)
    if new.key_id == old_key_id:
        raise InputError("new_key", f"is {old_key_id}, which is to be replaced.", "Give the new key a name of its own.")
    return Job(params, context, declaration, old_key_id, old, new, Connection(session_options(params), context))


def _old_key(text: str, declaration: Declaration) -> tuple[str, KeySource | None]:
    source = declaration.keys.get(text)
    if source is not None:
        key_id = key_id_of(source)
        if key_id is None:
            problem = f"the key {shown(text)} is declared without a key_id."
            raise InputError("old_key_id", problem, "Write it there, or give the Key ID itself.")
        return key_id, source
    try:
        key_id = parse_key_id(text, "old_key_id")
    except InputError as error:
        names = f"It isn't the short name of a declared key either (there are: {names_of(declaration.keys)})."
        raise RefundsError(f"{error}", names) from None
    return key_id, next((one for one in declaration.keys.values() if key_id_of(one) == key_id), None)


def _new_key(params: Params) -> KeySource:
    given = params["new_key"]
    path = given.get("private_key_path")
    if not path:
        raise InputError("new_key.private_key_path", "is required.", "Say where the new key's .p8 lies or shall lie.")
    path = os.path.expanduser(os.path.expandvars(str(path)))
    if not os.path.isabs(path):
        raise InputError("new_key.private_key_path", f"{path} is relative.", "Give an absolute path, or one from ~.")
    fields = {
        "issuer_id": given.get("issuer_id") or params.get("issuer_id"),
        "key_id": given.get("key_id") or None,
        "private_key_path": path,
        "private_key_file_policy": params["private_key_file_policy"],
        "key_predicted": given.get("predicted"),
    }
    source = key_source(fields, "new_key: ")
    return replace(source, fingerprint=given.get("key_fingerprint"), key_id=key_id_of(source) or source.key_id)


def uses(job: Job, known: Known) -> list[str]:
    """Return the integrations of the old key, for the results."""
    return [place(one.identity) for one in known.using(job.old_key_id)]
