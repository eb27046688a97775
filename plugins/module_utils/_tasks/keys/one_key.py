# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One In-App Purchase key: it exists at App Store Connect and as a sound .p8 file, or is revoked and gone."""

from __future__ import annotations

from dataclasses import replace

from ..._context import Context, Results, TaskFailed
from ..._decisions.irreversible import Gate
from ..._files.reading import WHERE_FROM, what_is_near
from ..._files.writing import refuse_unwritable
from ..._model.errors import FileError, InputError, RefundsError
from ..._model.private_key import KeyProblem, PrivateKey, parse_content
from ..shared.options import warn_about_name
from ..shared.session import Connection
from .absent_key import settle_absent, what_lies_there
from .attributes import LASTING, AttributesRefused, apply_attributes, is_changeable, refuse_unusable
from .key_file import Found, alone, backup_path, described, look, put
from .key_results import results_of
from .remote_key import settle_remote
from .request import KeyRequest

_MAKE_IT = (
    "To make the key now, or to take it from App Store Connect, give a signed-in session: session or "
    "session_path (in site refund_tracking_session or refund_tracking_session_path), or FASTLANE_SESSION."
)


def settle(asked: KeyRequest, context: Context, connection: Connection) -> Results:
    """Bring one key into its state and return the results of the task. Raises RefundsError, KeyProblem too.

    ``irreversible`` in the results, also in those of a failure, tells the steps that can't be undone.
    """
    gate = Gate(context.timestamp, context.progress, context.check_mode)
    try:
        results = _settled(asked, context, connection, gate)
    except RefundsError as error:
        if not gate.records:
            raise
        known = error.results if isinstance(error, TaskFailed) else {}
        raise TaskFailed(f"{error}", {**known, "irreversible": gate.records}) from None
    return {**results, "irreversible": gate.records} if gate.records else results


def _settled(asked: KeyRequest, context: Context, connection: Connection, gate: Gate) -> Results:
    if asked.fault:
        raise asked.fault
    if asked.state == "absent":
        return settle_absent(asked, context, connection, gate)
    source = asked.source
    if not source.is_given:
        raise InputError("private_key_path", "this or private_key_content is required.", _PLACE)
    if asked.name and source.path and not source.content and connection.is_given:
        return settle_remote(asked, context, connection, gate)
    warn_about_name(source, context)
    if source.content and not source.path:
        # A key that is given as text alone is checked, and there is nothing to write.
        wanted = parse_content(source.content.reveal())
        return results_of(asked, wanted, False, {"before": {}, "after": {}}, context)
    return _present(asked, context, gate)


_PLACE = "Give the path of the .p8, or where to write it."


def _present(asked: KeyRequest, context: Context, gate: Gate, is_alone: bool = False) -> Results:
    source, path = asked.source, asked.source.path or ""
    wanted = parse_content(source.content.reveal()) if source.content else None
    found = look(path, "mounted" if source.is_mounted else "own")
    key = wanted or _found_key(found, path, asked)
    writes = bool(wanted) and not (found.fingerprint == key.fingerprint and found.is_plain)
    if writes and not is_alone:
        # What needs no writing doesn't wait for others; what does looks again.
        with alone(path, context):
            return _present(asked, context, gate, is_alone=True)
    if writes:
        refuse_unwritable(path)
    own = replace(context, file_attributes=None) if source.is_mounted else context
    refuse_unusable(path, own, is_new=writes)
    backup = backup_path(path, context) if writes and _is_worth_keeping(found, key, asked) else None
    before = described(path, found.fingerprint) if found.is_there else {}
    diff = {"before": before, "after": described(path, key.fingerprint)}

    def results(changed: bool, is_written: bool) -> Results:
        more = {"backup_file": backup} if backup and is_written else {}
        return {**results_of(asked, key, changed, diff, context), **more}

    changed = is_written = False
    try:
        # Before the write: check mode has the same diff then, and a backup, the old file itself, is as private.
        if found.is_there and (is_changeable(path) or not writes):
            changed = apply_attributes(path, diff, own, LASTING if writes else ())
        if writes:
            _write(path, key, found, backup, gate)
            is_written = True
        if writes and not context.check_mode:
            apply_attributes(path, {}, own)
    except FileError as error:
        changed = changed or is_written or (isinstance(error, AttributesRefused) and error.changed)
        if not changed:
            raise
        end = f" The key lies at {path} all the same." if is_written else ""
        raise TaskFailed(f"{error}{end}", results(True, is_written)) from None
    return results(changed or writes, writes)


def _write(path: str, key: PrivateKey, found: Found, backup: str | None, gate: Gate) -> None:
    if not found.is_there:
        if not gate.check_mode:
            put(path, key)
        return
    kept = f", and is kept as {backup}" if backup else ""
    what, answer = what_lies_there(found)
    asked_by = "private_key_content" if backup or found.fingerprint == key.fingerprint else "backup: false"
    permit = gate.ask("replace_key_file", path, asked_by, f"{what}{kept}", answer)
    if permit:
        put(path, key, permit, backup)
        gate.done(permit)


def _is_worth_keeping(found: Found, key: PrivateKey, asked: KeyRequest) -> bool:
    """What can't be read as a key may be anything, the only copy of another key included."""
    return found.is_there and found.fingerprint != key.fingerprint and (asked.backup or found.key is None)


def _found_key(found: Found, path: str, asked: KeyRequest) -> PrivateKey:
    if found.key:
        return found.key
    if found.problem:
        raise found.problem
    next_step = WHERE_FROM
    if asked.name:
        next_step = f"{_MAKE_IT} {next_step}"
    what = f"{path} does not exist, and private_key_content is not given. {what_is_near(path)}"
    raise KeyProblem("key_unreadable", what, next_step)
