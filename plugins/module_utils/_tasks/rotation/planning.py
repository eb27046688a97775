# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before a key is made that can be downloaded once: everything that can be known to stop the rotation later."""

from __future__ import annotations

from ..._apple.app_store_connect import is_active
from ..._context import Results
from ..._decisions.rotation import Known, Request, chosen_new_key, faults, is_foreign
from ..._files.writing import is_there
from ..._model.errors import RefundsError
from .at_hand import as_result, at_hand
from .job import Job, uses


def plan(job: Job) -> Results:
    """Return what uses the old key. Raises RefundsError with every reason why no key may be made."""
    job.require_session()
    asked, new = job.asked, job.asked.new
    known = job.known(job.read())
    issuer_id = job.issuer_id(known)
    # A session may not have another team at all, and would say so instead.
    named = [] if is_foreign(issuer_id, known.issuers) else _named_key_ids(job, issuer_id)
    declared = at_hand(asked.declaration, new, named, issuer_id, job.context)
    has_file = is_there(str(new.path)) and not job.connection.is_given
    request = Request(
        old_key_id=asked.old_key_id,
        new_path=str(new.path),
        new_name=asked.new_name,
        old_path=(asked.old.path if asked.old else None) or "",
        old_name=asked.old_name,
        # The old key's name is no name for the new one, whoever else has it.
        named_key_id=asked.old_key_id if asked.old_key_id in named else next(iter(named), ""),
        new_issuer=issuer_id or "",
        is_default_issuer=not new.issuer_id and issuer_id == asked.default_issuer,
        old_issuers=known.issuers,
        has_new=bool(named or declared or has_file or (new.key_id and known.using(new.key_id))),
    )
    found = [*faults(request, known), *filter(None, [job.unknown_uses() if asked.revoke else ""])]
    if found:
        raise RefundsError("\n".join([*found, "No key was made, and nothing was moved or revoked."]))
    return {
        "changed": False,
        "rotation": {
            "old_key_id": asked.old_key_id,
            "new_key_id": new.key_id or chosen_new_key(None, named) or None,
            "new_key": as_result(declared, asked.new_name) if declared else None,
            "issuer_id": issuer_id,
            "uses": uses(job, known),
            "message": _message(job, known),
        },
        "http": job.context.transport.counters.as_result(),
    }


def _message(job: Job, known: Known) -> str:
    old_key_id = job.asked.old_key_id
    count = len(known.using(old_key_id))
    return f"{count:,} {'integration uses' if count == 1 else 'integrations use'} {old_key_id}."


def _named_key_ids(job: Job, issuer_id: str | None) -> list[str]:
    """Return the IDs of active keys that have the new key's name; empty where there is none, or nobody can tell."""
    name = job.asked.new_name
    if not name or not job.connection.is_given:
        return []
    connect = job.connection.open()
    connect.team(job.asked.team_id, issuer_id)
    return [key.key_id for key in connect.list_keys() if key.has_name(name) and is_active(key)]
