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
    """Tell, and warn, where another root's notifications contradict a number. Raises WrongAppleId where Apple's do.

    What is held already is told by refunds and the audit: it keeps no new key from the app.
    """
    is_verified = (identity.tracker, identity.environment) == ("ledger", "production")
    if given is None or not is_verified or (current is not None and current.app_apple_id == given):
        return False
    bundle_id, known = identity.bundle_id, proven()
    apples, others = known.by_apple.get(bundle_id, ()), known.by_others.get(bundle_id, ())
    if given in (*apples, *others):
        return False
    if apples:
        raise WrongAppleId(contradicted(given, max(apples)))
    if others:
        warn(
            f"{bundle_id}: app_apple_id is {given}, and notifications verified with another root certificate than "
            f"Apple's name {max(others)}. If that is the app's number, declare app_apple_id: {max(others)}."
        )
    return bool(others)
