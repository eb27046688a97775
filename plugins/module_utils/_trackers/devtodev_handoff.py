# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""devtodev by hand: a person is told what to enter where, and says when it is done."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._model.identifiers import Environment
from .._model.integration import (
    CONFIRMED,
    REMOVAL_ASKED,
    Credentials,
    Identity,
    Integration,
    Observation,
    Status,
    worse,
)
from .devtodev_settings import MENU_PATH, DevtodevSettings
from .last_applied import LastApplied
from .protocol import OnUnknown, Tracker

_CONFIRMING = "devtodev.confirmed: true, for that run only."
_TOO_EARLY = " (devtodev.confirmed: true was left aside: it confirms what a run before this one asked for.)"


@dataclass
class DevtodevByHand:
    """The ledger keeps what a person was told, and whether the person confirmed just that."""

    last_applied: LastApplied
    settings: DevtodevSettings
    warn: t.Callable[[str], None]
    name: str = "devtodev"
    on_unknown: OnUnknown = "replace"
    is_listable: bool = True
    has_no_api: bool = True

    def __post_init__(self) -> None:
        self.project = self.settings.project

    def find(self, identity: Identity) -> Integration | None:
        return self.last_applied.find(identity)

    def list(self, environment: Environment) -> list[Integration]:
        return self.last_applied.list(self.name, self.project, environment)

    def observe(self, desired: Integration, current: Integration | None, changed: bool) -> Observation:
        if not changed and current is not None and self.is_confirmed(current):
            word = CONFIRMED if desired.status == "Pending" else ""
            return Observation(desired.status, word, is_confirmation=not current.is_confirmed_by_hand)
        # A reminder writes nothing, so it needs no ledger that can be written.
        if changed:
            self.last_applied.check_place()
        self._hand_off(desired)
        status, is_too_early = worse(desired.status, "Pending"), self.settings.is_confirmed
        return Observation(status, next_step=self._step(desired), is_too_early=is_too_early)

    def save(self, integration: Integration, credentials: Credentials) -> Integration:
        self.last_applied.note(replace(integration, status="Pending"))
        return integration

    def note(self, integration: Integration) -> None:
        """Keep a confirmation whatever Apple's verdict is today: nobody has to confirm twice.

        Active alone tells that Apple accepted the key, too: an app whose entry was Active was released. Failed is
        Apple's verdict of that day, and devtodev never said so.
        """
        held = self.last_applied.find(integration.identity)
        if held is not None and self.is_confirmed(held) and integration.word != REMOVAL_ASKED:
            is_proven = "Active" in (held.status, integration.status)
            integration = integration.seen_as(Observation("Active") if is_proven else Observation("Pending", CONFIRMED))
        status: Status = "Pending" if integration.status == "Failed" else integration.status
        self.last_applied.note(replace(integration, status=status))

    def check_place(self) -> None:
        self.last_applied.check_place()

    def is_confirmed(self, held: Integration) -> bool:
        # Whoever was asked to remove it may have done so, and is asked to enter it first.
        return held.is_confirmed_by_hand or (self.settings.is_confirmed and held.word != REMOVAL_ASKED)

    def doubt(self, identity: Identity) -> str:
        return ""

    def irremovable(self, identity: Identity) -> str:
        """Return what a person has to do, unless one was asked for it before and says that it is done."""
        held = self.last_applied.find(identity)
        was_asked = held is not None and held.word == REMOVAL_ASKED
        if self.settings.is_confirmed and was_asked:
            return ""
        first = "" if was_asked else " (After a check, run site without it first: it counts once a run has asked.)"
        return (
            f"devtodev has no API for this. Remove the integration by hand at {self._where(identity)}, then run "
            f"storeops.refunds.site with {_CONFIRMING}{first}{self._too_early}"
        )

    def foretell_removal(self, identity: Identity) -> None:
        pass

    def remove(self, identity: Identity) -> None:
        self.last_applied.forget(identity)

    def _step(self, desired: Integration) -> str:
        """Return what to do, alike for all apps of a key: a report says it once."""
        begin = "Enter the key" if desired.key_id else "Once the new key is made, enter it"
        values = f"Issuer ID {desired.issuer_id}, Key ID {desired.key_id}, .p8 file {_file(desired)}"
        told = f" ({values})" if desired.key_id and desired.issuer_id else ""
        return (
            f"{begin} at devtodev by hand, at {self._where(desired.identity)}{told}. Once the page shows Active, run "
            f"storeops.refunds.site with {_CONFIRMING}"
        )

    def _hand_off(self, desired: Integration) -> None:
        # Of a key that check mode only predicts, nobody knows the ID yet, and perhaps not the team either.
        when = "enter this" if desired.key_id else "once the new key is made, enter this"
        key_id, issuer_id = desired.key_id or "of the new key", desired.issuer_id or "of the new key's team"
        self.warn(
            f"{desired.identity.bundle_id}: {when} at devtodev by hand, at {self._where(desired.identity)}: "
            f"App Bundle ID {desired.identity.bundle_id}; Issuer ID {issuer_id}; Key ID {key_id}; .p8 file "
            f"{_file(desired)}. Once the page shows Active, run storeops.refunds.site (in a rotation: rotate_key) with "
            f"{_CONFIRMING}{self._too_early}"
        )

    @property
    def _too_early(self) -> str:
        return _TOO_EARLY if self.settings.is_confirmed else ""

    def _where(self, identity: Identity) -> str:
        if self.settings.url:
            return f"{self.settings.address(identity)} ({MENU_PATH})"
        project = f"project {identity.project}" if identity.project else "the app's project"
        return f"{project}, {MENU_PATH}"


def _file(desired: Integration) -> str:
    return desired.private_key_path or "the key that private_key_content holds"


def is_newly_confirmed(tracker: Tracker, held: Integration) -> bool:
    """Tell whether a person says only now that what was asked for is entered."""
    return isinstance(tracker, DevtodevByHand) and tracker.is_confirmed(held) and not held.is_confirmed_by_hand
