# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which app_apple_id an app may be given: the one that its verified notifications name, once there are any."""

from __future__ import annotations

import typing as t

from .._model.apple_id import ProvenAppleIds, contradicted
from .._model.errors import RefundsError
from .._model.integration import Identity, Integration
from .._model.text import few


class WrongAppleId(RefundsError):
    """Under this number, no payload of the app would be verified any more."""


class Contradiction(t.NamedTuple):
    """An app whose ``number`` isn't the ``named`` one, of notifications that another root than Apple's verifies."""

    bundle_id: str
    number: int
    named: int


def contradictions_told(found: t.Iterable[Contradiction]) -> str:
    """Return a warning of all apps together."""
    apps = [f"{one.bundle_id} (declared {one.number}, notifications {one.named})" for one in dict.fromkeys(found)]
    return (
        f"Another app_apple_id than in their notifications: {few(apps)}. These were verified with a root certificate "
        "that isn't Apple's. If they are right, declare their number. If they are a simulator's, nothing is wrong: the "
        "first notification that Apple signed ends this warning for its app."
    )


def is_contradicted(
    given: int | None,
    identity: Identity,
    current: Integration | None,
    proven: t.Callable[[], ProvenAppleIds],
    note: t.Callable[[Contradiction], None],
) -> bool:
    """Tell where another root's notifications contradict a new number. Raises WrongAppleId where Apple's do.

    Such a root's are noted as long as they do: no other task compares them. That Apple's contradict what is held
    already, refunds and the audit tell: it keeps no new key from the app.
    """
    held = current.app_apple_id if current else None
    number = held if given is None else given
    if number is None or (identity.tracker, identity.environment) != ("ledger", "production"):
        return False
    bundle_id, known = identity.bundle_id, proven()
    apples, others = known.by_apple.get(bundle_id, ()), known.by_others.get(bundle_id, ())
    # What another root signed, a simulator's say, is no reason against Apple.
    if number in (apples or others):
        return False
    if apples and number != held:
        raise WrongAppleId(contradicted(number, max(apples)))
    if others and not apples:
        note(Contradiction(bundle_id, number, max(others)))
    return bool(others) and not apples and number != held
