# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a rotation: what is asked, and what can be read about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..._context import Context
from ..._decisions.key_removal import nobody_knows
from ..._decisions.rotation import Known
from ..._declaration.keys import ids_of
from ..._model.errors import InputError
from ..shared.session import WAYS, Connection
from ..shared.trackers import Trackers, open_ledger
from ..tracking.key_removal import rest_of
from .reading import Reading
from .request import RotationRequest


@dataclass(frozen=True)
class Job:
    """``connection``: App Store Connect for the task's session."""

    asked: RotationRequest
    context: Context
    connection: Connection

    def read(self) -> Reading:
        """Return what every tracker holds now; nothing is written."""
        services = self.asked.services
        ledger = open_ledger(services.ledger_url, self.context, for_writing=False)
        with Trackers(self.context, ledger, services.times) as trackers:
            return Reading(self.asked.declaration, self.asked.settings, self.asked.options).read(trackers)

    def known(self, reading: Reading) -> Known:
        asked = self.asked
        # Under its own short name the new key may be declared already.
        keys = asked.declaration.keys.values()
        same = {source.name for source in keys if source.path and source.path == asked.new.path}
        known = reading.known(asked.old_key_id, asked.new.key_id, same)
        said = {ids_of(asked.old)[0], *(one.issuer_id for one in known.using(asked.old_key_id))} - {None}
        # The default says nothing of a key that nobody declares: it may be another team's.
        default = {asked.default_issuer} if asked.old else set()
        return replace(known, issuers=frozenset(filter(None, said or default)))

    def issuer_id(self, known: Known) -> str | None:
        """Return the team of both keys, as far as anything tells it: what keys without their own have comes last."""
        old, new = self.asked.old, self.asked.new
        entries = known.using(self.asked.old_key_id) or known.using(new.key_id or "")
        used = {one.issuer_id for one in entries if one.issuer_id}
        found = new.issuer_id or (old.issuer_id if old else None) or (used.pop() if len(used) == 1 else None)
        return found or self.asked.default_issuer

    def unknown_uses(self) -> str:
        """Return why nobody knows what else uses the old key, empty where a ledger tells.

        Asked before the move: a ledger that it makes knows of no app that this declaration leaves out.
        """
        missing = rest_of(self.asked.services.ledger_url, self.context).missing
        return nobody_knows(missing, self.asked.old_key_id, "run storeops.refunds.site first") if missing else ""

    def require_session(self) -> None:
        """Raise InputError where a key can't be revoked at the end, before anything is done."""
        if self.asked.revoke and not self.connection.is_given:
            step = f"{WAYS} Or leave revoke out, and revoke the key in the browser."
            raise InputError("revoke", "needs a signed-in session of App Store Connect.", step)


def uses(job: Job, known: Known) -> list[str]:
    """Return the integrations of the old key, for the results."""
    return [one.identity.place for one in known.using(job.asked.old_key_id)]
