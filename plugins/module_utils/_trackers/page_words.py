# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the words of a page's status mean. devtodev documents one of them, *Active*; the rest are guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._model.integration import Status

ACTIVE = ("Active",)
WAITING = (
    *("Pending", "Activating", "Checking", "Connecting", "In progress", "Processing", "Verifying", "Waiting"),
    *("In review", "Pending verification", "Verification in progress"),
)
FAILED = (
    *("blocked", "denied", "error", "errors", "expired", "fail", "failed", "failure", "forbidden", "invalid"),
    *("refused", "rejected", "revoked", "suspended", "unauthorised", "unauthorized", "wrong"),
)
# The page is there, and nothing was entered yet, or it was taken away again.
NOTHING = (
    *("Disabled", "Disconnected", "Inactive", "No", "No integration", "None", "Not active", "Not configured"),
    *("Not connected", "Not integrated", "Not set", "Not set up", "Off", "Removed"),
)


@dataclass(frozen=True)
class Words:
    """``active``, ``waiting`` and ``nothing`` count where they are the whole text, ``failed`` anywhere in it.

    Capitals don't matter, nor does punctuation around the text.
    """

    active: tuple[str, ...] = ACTIVE
    waiting: tuple[str, ...] = WAITING
    failed: tuple[str, ...] = FAILED
    nothing: tuple[str, ...] = NOTHING

    def status(self, text: str) -> Status | None:
        """Return the status that a page's text stands for; None when it says that nothing is set up, or nothing.

        A text that isn't known is Unknown: to take it for a waiting state would hide a failure for good.
        """
        word = _folded(text)
        if word in map(_folded, self.active):
            return "Active"
        if word in map(_folded, self.waiting):
            return "Pending"
        if any(re.search(rf"(?<!\w){re.escape(failed)}(?!\w)", word) for failed in map(_folded, self.failed) if failed):
            return "Failed"
        return None if not word or word in map(_folded, self.nothing) else "Unknown"


def _folded(text: str) -> str:
    return re.sub(r"[\s-]+", " ", re.sub(r"^\W+|\W+$", "", text)).casefold()
