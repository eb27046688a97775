# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The permission for one step that can't be undone. Only the gate (`_decisions/irreversible.py`) gives it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Step = t.Literal["revoke_key", "replace_key_file", "remove_key_file", "delete_app", "purge", "remove_refunds"]


@dataclass(frozen=True)
class Proof:
    """``what`` was proven, by which ``answer``, ``at`` which time (UTC, ISO 8601)."""

    what: str
    answer: str
    at: str


@dataclass(frozen=True)
class Permit:
    """One step on one target: a Key ID, a path, a bundle ID, or the apps of a purge."""

    step: Step
    target: str
    proof: Proof

    def require(self, step: Step, target: str) -> None:
        """Raise ValueError, a fault of ours, when this permit is for something else."""
        if (self.step, self.target) != (step, target):
            raise ValueError(f"a permit for {self.step} of {self.target} was used for {step} of {target}")


@dataclass(frozen=True)
class Permission:
    """The gate for one step, as a tracker has it.

    ``ask``: for one target, with what was proven; None where the step is not to be taken. ``done``: it was taken.
    """

    ask: t.Callable[[str, str], Permit | None]
    done: t.Callable[[Permit], None]
