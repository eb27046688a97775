# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An app's integration at a tracker, and the credentials it is made of."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .identifiers import Environment
from .private_key import PrivateKey

# Unknown: nobody can tell. A tracker shows a word that isn't known, or doesn't show which key it holds.
Status = t.Literal["Active", "Pending", "Failed", "Absent", "Unknown"]
# The word for what a person has entered at a tracker and said so, of an app that isn't released.
CONFIRMED = "confirmed by hand"
# The word for what a person was asked to remove at a tracker, and has not said to be gone.
REMOVAL_ASKED = "to be removed by hand"
_FROM_WORST: tuple[Status, ...] = ("Absent", "Failed", "Unknown", "Pending", "Active")


def worse(one: Status, other: Status) -> Status:
    return min(one, other, key=_FROM_WORST.index)


@dataclass(frozen=True)
class Observation:
    """What is seen of an integration at its tracker.

    ``word``: the tracker's own word for the status, fit for a terminal; empty where it shows none.
    ``next_step``: what a person has to do at the tracker, the same for all apps of which the same is to be done.
    ``is_confirmation``: a person said in this run that it is done; ``is_too_early``: before any run had asked for it.
    """

    status: Status
    word: str = ""
    next_step: str = field(default="", compare=False)
    is_confirmation: bool = field(default=False, compare=False)
    is_too_early: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        """Return the status as messages name it."""
        return f"{self.status} (it says {self.word!r})" if self.word else self.status


def app_in(bundle_id: str, environment: str) -> str:
    """Name an app: production needs no word."""
    return f"{bundle_id} (sandbox)" if environment == "sandbox" else bundle_id


@dataclass(frozen=True, order=True)
class Identity:
    """What makes an integration this one and no other. ``project`` is empty for trackers that have no projects."""

    tracker: str
    project: str
    environment: Environment
    bundle_id: str

    @property
    def place(self) -> str:
        """The integration's name: its app, the sandbox, and where it is held."""
        app = app_in(self.bundle_id, self.environment)
        where = "in the ledger" if self.tracker == "ledger" else f"at {self.tracker}"
        return f"{app} {where}" + (f" (project {self.project})" if self.project else "")


@dataclass(frozen=True)
class Credentials:
    """A complete, readable In-App Purchase key. ``path`` is where the .p8 lies, if it lies anywhere."""

    issuer_id: str
    key_id: str
    private_key: PrivateKey
    path: str | None = None


@dataclass(frozen=True)
class Integration:
    """An integration as a tracker holds it, or as it is wanted.

    ``issuer_id``, ``key_id`` and ``key_fingerprint`` are None where the tracker can't say. ``private_key_path``, where
    later checks and the event source find the key, and ``app_apple_id``, which Apple's payloads are verified against,
    are compared in the ledger alone. ``is_outdated`` tells that what can't be read is known not to be what was last
    applied: no key is there, someone changed it, a save broke off.
    ``word`` is the tracker's own word for ``status``, as in Observation; a plan doesn't compare it. ``accepted_at`` is
    when Apple first accepted the app, with whichever key, as far as the ledger knows (UTC in ISO 8601).
    ``is_only_shown``: Active is the page's word alone; the ledger doesn't know that Apple accepted this key.
    """

    identity: Identity
    issuer_id: str | None
    key_id: str | None
    key_fingerprint: str | None
    status: Status
    private_key_path: str | None = None
    app_apple_id: int | None = None
    is_outdated: bool = field(default=False, compare=False)
    word: str = ""
    accepted_at: str | None = field(default=None, compare=False)
    is_only_shown: bool = field(default=False, compare=False)

    @property
    def is_accepted(self) -> bool:
        """True when Apple is known to have accepted what is held."""
        return self.status == "Active" and not self.is_only_shown

    @property
    def was_accepted(self) -> bool:
        """True when Apple is known to have accepted the app once: in production, it was released then."""
        return self.is_accepted or self.accepted_at is not None

    def has_key(self, credentials: Credentials) -> bool:
        """Tell whether it is known to hold exactly these credentials."""
        held = (self.issuer_id, self.key_id, self.key_fingerprint)
        return held == (credentials.issuer_id, credentials.key_id, credentials.private_key.fingerprint)

    @property
    def is_rejected(self) -> bool:
        """True when the tracker itself says that what it holds doesn't work."""
        return self.status == "Failed" and bool(self.word)

    @property
    def is_only_asked(self) -> bool:
        """True where a person was asked for it, and neither the person nor the tracker says that it is done."""
        return self.status in ("Pending", "Failed") and self.word in ("", REMOVAL_ASKED)

    @property
    def is_confirmed_by_hand(self) -> bool:
        """True where a person says that it is there. Of what devtodev's page shows, the page's word is kept."""
        is_said = self.word == CONFIRMED or (self.status == "Active" and not self.word)
        return self.identity.tracker == "devtodev" and is_said

    def seen_as(self, observation: Observation) -> Integration:
        return replace(self, status=observation.status, word=observation.word)

    def as_result(self) -> dict[str, t.Any]:
        """Return the module result ``integration``."""
        return {
            "bundle_id": self.identity.bundle_id,
            "issuer_id": self.issuer_id,
            "key_id": self.key_id,
            "key_fingerprint": self.key_fingerprint,
            "environment": self.identity.environment,
            "tracker": self.identity.tracker,
            "status": self.status,
        }


def absent(identity: Identity) -> Integration:
    """Return what stands for an integration that a tracker doesn't hold."""
    return Integration(identity, None, None, None, "Absent")


def asked_to_remove(held: Integration) -> Integration:
    """Return the entry of what a person was asked to remove. Active stays where it was a person's word."""
    is_of_page = held.word not in ("", REMOVAL_ASKED)
    return replace(held, word=REMOVAL_ASKED, status=worse(held.status, "Pending") if is_of_page else held.status)
