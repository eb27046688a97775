# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the ledger knows of Qonversion after a save that failed: what was never sent was not done. No call is made."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from test_revenuecat_noted import BEGUN, CREDENTIALS, NEW, OLD, Noted, lost

from ansible_collections.storeops.refunds.plugins.module_utils._http_errors import NotSent
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError, TransportError
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.json_api import Refused
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.qonversion import Config, Qonversion
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.qonversion_settings import QonversionSettings

NEVER: t.Final = [TransportError("dns", "?"), TransportError("tcp", "?"), NotSent("timeout", "?"), Refused(403, "?")]


class Project:
    """Qonversion's project, to which no key can be sent."""

    def __init__(self, outcome: RefundsError) -> None:
        self.outcome = outcome

    def read(self) -> Config:
        """Give what it shows."""
        return Config(OLD.identity.bundle_id, OLD.key_id, OLD.issuer_id, True, ())

    def save(self, _bundle_id: str, _credentials: t.Any) -> None:
        """Fail."""
        raise self.outcome


@pytest.mark.parametrize(("outcome", "is_undone"), [*((one, True) for one in NEVER), (lost(), False)])
def test_what_was_never_sent_was_not_done(outcome: RefundsError, is_undone: bool) -> None:
    before = replace(OLD, identity=replace(OLD.identity, tracker="qonversion"))
    noted = Noted(before)
    tracker = Qonversion(t.cast("t.Any", Project(outcome)), t.cast("t.Any", noted), QonversionSettings(Secret("sk")))
    with pytest.raises(RefundsError) as failed:
        tracker.save(NEW, t.cast("t.Any", CREDENTIALS))
    assert failed.value is outcome and noted.row == (before if is_undone else BEGUN)


def test_the_app_whose_place_was_taken_is_forgotten_in_both_environments() -> None:
    """Else its own `state: absent` would ask for ever whether its key is gone."""

    class Taken(Project):
        other = True

        def read(self) -> Config:
            bundle_id = "com.example.old" if self.other else NEW.identity.bundle_id
            return Config(bundle_id, NEW.key_id, NEW.issuer_id, True, (None,) * 5)

        def save(self, _bundle_id: str, _credentials: t.Any) -> None:
            self.other = False

    class Forgetting(Noted):
        forgotten: t.ClassVar[list[tuple[str, str]]] = []

        def forget(self, identity: t.Any) -> None:
            self.forgotten.append((identity.bundle_id, identity.environment))

    noted = Forgetting(None)
    settings = QonversionSettings(Secret("sk"), replace_bundle=True)
    tracker = Qonversion(t.cast("t.Any", Taken(RefundsError("?"))), t.cast("t.Any", noted), settings)
    tracker.save(NEW, t.cast("t.Any", CREDENTIALS))
    assert noted.forgotten == [("com.example.old", place) for place in ("production", "sandbox")] and noted.row == NEW
    tracker.save(NEW, t.cast("t.Any", CREDENTIALS))
    assert len(noted.forgotten) == 2
