# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old refunds are removed for good: Apple no longer has them. How many days may be kept, and the gate before it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._decisions.irreversible import Gate
from ..._ledger.refunds import App, Old, removal_target
from ..._model.errors import InputError
from ..._model.identifiers import Environment
from ..._model.permit import Permit
from ..._model.refund import iso_time

# As long as Apple keeps a history: what is younger would be removed here and still be there.
_KEPT: t.Mapping[Environment, int] = {"production": 180, "sandbox": 30}
_MOST = 36_500


def refuse_retention(days: int | None, environments: t.Iterable[Environment]) -> None:
    """Raise InputError for a number of days that would remove what Apple still has, such as 3 written for 3000."""
    if days is None:
        return
    if not 1 <= days <= _MOST:
        raise InputError("retention_days", f"{days} isn't a number of days.", f"Give up to {_MOST}, or leave it out.")
    for place in environments:
        if days < _KEPT[place]:
            raise InputError(
                "retention_days",
                f"{days} is less than the {_KEPT[place]} days for which Apple keeps refunds in {place}, and what is "
                "removed can't be brought back once Apple has forgotten it. Nothing was done.",
                f"Give {_KEPT[place]} or more, or leave it out to keep everything.",
            )


@dataclass
class Removal:
    """Asks the gate once for the old refunds of an app, however often the transaction is repeated."""

    gate: Gate
    days: int
    app: App
    _is_asked: bool = field(default=False, init=False)
    _permit: Permit | None = field(default=None, init=False)

    def ask(self, old: Old, before: int) -> Permit | None:
        """Return the permit to remove what is dated before a time (UNIX milliseconds); None in check mode."""
        if not self._is_asked:
            what = f"{old.refunds} refunds and {old.notifications} notifications are dated before {iso_time(before)}"
            asked_by = f"retention_days: {self.days}"
            self._permit = self.gate.ask(
                "remove_refunds", removal_target(self.app), asked_by, what, "the ledger's rows"
            )
            self._is_asked = True
        return self._permit

    def end(self, is_removed: bool) -> None:
        """Tell that it is done. ``is_removed``: the transaction was committed."""
        if self._permit is not None and is_removed:
            self.gate.done(self._permit)
