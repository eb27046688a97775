# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which app_apple_id an app may be given: the one that its verified notifications name, once there are any."""

from __future__ import annotations

import typing as t

from .._model.apple_id import ProvenAppleIds, contradicted
from .._model.errors import RefundsError
from .._model.integration import Identity, Integration


class WrongAppleId(RefundsError):
    """Under this number, no payload of the app would be verified any more."""


def is_contradicted(
    given: int | None,
    identity: Identity,
    current: Integration | None,
    proven: t.Callable[[], ProvenAppleIds],
    warn: t.Callable[[str], None],
) -> bool:
    """Tell where another root's notifications contradict a new number. Raises WrongAppleId where Apple's do.

    Such a root's are warned of as long as they do: no other task compares them. That Apple's contradict what is held
    already, refunds and the audit tell: it keeps no new key from the app.
    """
    held = current.app_apple_id if current else None
    number = held if given is None else given
    if number is None or (identity.tracker, identity.environment) != ("ledger", "production"):
        return False
    bundle_id, known = identity.bundle_id, proven()
    apples, others = known.by_apple.get(bundle_id, ()), known.by_others.get(bundle_id, ())
    if number in (*apples, *others):
        return False
    if apples and number != held:
        raise WrongAppleId(contradicted(number, max(apples)))
    if others and not apples:
        warn(
            f"{bundle_id}: app_apple_id is {number}, and notifications verified with another root certificate than "
            f"Apple's name {max(others)}. If that is the app's number, declare app_apple_id: {max(others)}. If they "
            "are a simulator's, nothing is wrong: the first notification that Apple signed ends this warning."
        )
    return bool(others) and not apples and number != held
