# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate before every step that can't be undone.

What it wants: an option of the task that asks for the step, and a proof. What it does: says the step before it is done
and keeps a record for the result. It gives a permit, without which no endpoint and no file function takes the step;
never in check mode. `docs/guides/irreversible.md` lists the steps, and a test holds code and table together.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._model.errors import RefundsError
from .._model.permit import Permit, Proof, Step

# What each step does, in words that follow "would" and precede its target; and what was done then.
DOES: t.Mapping[Step, str] = {
    "revoke_key": "revoke the key",
    "replace_key_file": "replace the key file",
    "remove_key_file": "remove the key file",
    "delete_app": "delete the app entry of",
    "purge": "remove from the ledger",
    "remove_refunds": "remove the old refunds of",
}
DID: t.Mapping[Step, str] = {
    "revoke_key": "revoked the key",
    "replace_key_file": "replaced the key file",
    "remove_key_file": "removed the key file",
    "delete_app": "deleted the app entry of",
    "purge": "removed from the ledger",
    "remove_refunds": "removed the old refunds of",
}


@dataclass
class Gate:
    """``now``: UTC time in ISO 8601. ``say``: shows a line before a step is done."""

    now: t.Callable[[], str]
    say: t.Callable[[str], None]
    check_mode: bool
    records: list[dict[str, str]] = field(default_factory=list)

    def ask(self, step: Step, target: str, asked_by: str, what: str, answer: str) -> Permit | None:
        """Return the permit for a step; None in check mode, where it is recorded only.

        ``asked_by``: the option, with its value, that asks for it. ``what`` and ``answer``: the proof. Raises
        RefundsError where nobody asked or nothing proves.
        """
        if not asked_by or not what or not answer:
            lack = "no option asks for it" if not asked_by else "nothing proves that it is right"
            raise RefundsError(f"To {DOES[step]} {target} can't be undone, and {lack}: it was not done.")
        proof = Proof(what, answer, self.now())
        outcome = "would be done" if self.check_mode else "begun"
        record = {"step": step, "target": target, "asked_by": asked_by, "outcome": outcome}
        self.records.append({**record, "proven": what, "answer": answer, "proven_at": proof.at})
        if self.check_mode:
            return None
        self.say(f"About to {DOES[step]} {target}, as {asked_by} asks for. Proven: {what} ({answer}, {proof.at}).")
        return Permit(step, target, proof)

    def done(self, permit: Permit, outcome: str = "done") -> None:
        """Record what came of a step, and say it."""
        for record in reversed(self.records):
            if (record["step"], record["target"]) == (permit.step, permit.target):
                record["outcome"] = outcome
                break
        head, mark, proof = outcome.partition("; ")
        if head == "done":
            self.say(f"Done: {DID[permit.step]} {permit.target}{mark}{proof}.")
        else:
            self.say(f"{outcome[:1].upper()}{outcome[1:]}: {DOES[permit.step]} {permit.target}.")
