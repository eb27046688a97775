# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the ledger knows of RevenueCat after a save that ended otherwise than well. No call is made."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._http_errors import NotSent
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError, TransportError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.json_api import Refused
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.protocol import NotActive
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat import RevenueCat
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat_apps import AppEntry
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat_settings import RevenueCatSettings

BUNDLE = "com.example.one"
WHOSE = Identity("revenuecat", "proj1", "production", BUNDLE)
OLD = Integration(WHOSE, "issuer", "OLDKEY0001", "old", "Active")
NEW = Integration(WHOSE, "issuer", "NEWKEY0001", "new", "Active")
BEGUN = Integration(WHOSE, None, None, None, "Pending")
ENTRY = AppEntry("app1", BUNDLE, True)
Outcome = AppEntry | RefundsError


class Key(t.NamedTuple):
    """What of credentials is sent."""

    issuer_id: str
    key_id: str
    private_key: t.Any


class Pem(t.NamedTuple):
    """What of a private key is sent."""

    pem: Secret


CREDENTIALS = Key("issuer", "NEWKEY0001", Pem(Secret("made-up")))


class Apps:
    """RevenueCat's entries, and how a save ends."""

    def __init__(self, entries: list[AppEntry], outcome: Outcome, found_later: AppEntry | None = None) -> None:
        self.entries, self.outcome, self.found_later = entries, outcome, found_later
        self.sent: list[str] = []

    def find(self, _bundle_id: str) -> AppEntry | None:
        """Give the entry."""
        return self.entries[0] if self.entries else None

    def forget(self) -> None:
        """The list is read anew."""
        self.entries = [self.found_later] if self.found_later else []

    def _end(self) -> AppEntry:
        if isinstance(self.outcome, RefundsError):
            raise self.outcome
        return self.outcome

    def create(self, *_arguments: t.Any) -> AppEntry:
        """Create the entry."""
        self.sent.append("create")
        return self._end()

    def update(self, *_arguments: t.Any) -> AppEntry:
        """Update the entry."""
        self.sent.append("update")
        if self.sent == ["create", "update"]:
            return ENTRY
        return self._end()


class Noted:
    """The rows of the ledger."""

    def __init__(self, row: Integration | None) -> None:
        self.row = row

    def find(self, _identity: Identity) -> Integration | None:
        """Give the row."""
        return self.row

    def note(self, integration: Integration) -> None:
        """Write the row."""
        self.row = integration

    def begin(self, _integration: Integration) -> None:
        """Note that a save is about to be sent."""
        self.row = BEGUN

    def undo(self, _identity: Identity, before: Integration | None) -> None:
        """Put back what was noted."""
        self.row = before


def saved(apps: Apps, before: Integration | None) -> tuple[Integration | None, RefundsError | None]:
    """Save; give the row of the ledger afterwards, and how it failed."""
    noted = Noted(before)
    settings = RevenueCatSettings(Secret("sk_made_up"), "proj1", create_app=True)
    tracker = RevenueCat(t.cast(t.Any, apps), t.cast(t.Any, noted), settings, lambda _bundle_id, _what: None)
    try:
        tracker.save(NEW, t.cast(t.Any, CREDENTIALS))
    except RefundsError as error:
        return noted.row, error
    return noted.row, None


def test_a_save_that_worked_is_noted() -> None:
    assert saved(Apps([ENTRY], ENTRY), OLD) == (NEW, None)


@pytest.mark.parametrize("before", [OLD, None])
@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 423, 429, 499])
def test_what_was_refused_was_not_done(status: int, before: Integration | None) -> None:
    row, error = saved(Apps([ENTRY], Refused(status, "No.")), before)
    assert row == before and isinstance(error, Refused) and error.status == status


def lost() -> TransportError:
    """Give the error of a request that may have arrived, as the API client marks it."""
    error = TransportError("timeout", "?")
    error.may_have_changed = True
    return error


@pytest.mark.parametrize("before", [OLD, None])
@pytest.mark.parametrize("entries", [[ENTRY], []], ids=["update", "create"])
@pytest.mark.parametrize("outcome", [TransportError("dns", "?"), TransportError("tcp", "?"), NotSent("timeout", "?")])
def test_what_was_never_sent_was_not_done(
    outcome: TransportError, entries: list[AppEntry], before: Integration | None
) -> None:
    assert saved(Apps(entries, outcome), before) == (before, outcome)


@pytest.mark.parametrize("before", [OLD, None])
@pytest.mark.parametrize("outcome", [*(Refused(status, "?") for status in (500, 502, 503)), lost()])
def test_what_may_have_been_done_is_not_taken_for_undone(outcome: RefundsError, before: Integration | None) -> None:
    row, error = saved(Apps([ENTRY], outcome), before)
    assert row == BEGUN and error is outcome


def test_a_key_that_is_not_shown_afterwards_is_not_noted() -> None:
    row, error = saved(Apps([ENTRY], AppEntry("app1", BUNDLE, False)), OLD)
    assert row == BEGUN and isinstance(error, NotActive)


@pytest.mark.parametrize("outcome", [Refused(400, "No."), Refused(422, "No."), Refused(429, "No.")])
def test_a_create_that_was_refused_is_not_looked_up(outcome: Refused) -> None:
    apps = Apps([], outcome, ENTRY)
    row, error = saved(apps, None)
    assert (row, error, apps.sent) == (None, outcome, ["create"])


@pytest.mark.parametrize("kind", ["dns", "tcp"])
def test_a_create_that_was_never_sent_is_not_looked_up(kind: str) -> None:
    apps = Apps([], TransportError(kind, "No."), ENTRY)
    assert saved(apps, None)[1] is apps.outcome and apps.sent == ["create"]
    apps = Apps([], NotSent("timeout", "No."), ENTRY)
    assert saved(apps, None)[1] is apps.outcome and apps.sent == ["create"]


@pytest.mark.parametrize("outcome", [Refused(409, "It exists."), Refused(502, "?"), TransportError("timeout", "?")])
def test_an_entry_of_which_nobody_knows_the_key_gets_it(outcome: RefundsError) -> None:
    """After a lost answer it may be somebody else's as well."""
    apps = Apps([], outcome, ENTRY)
    assert saved(apps, None) == (NEW, None) and apps.sent == ["create", "update"]


@pytest.mark.parametrize("outcome", [Refused(500, "?"), TransportError("timeout", "?")])
def test_a_create_of_which_nothing_is_seen_stays_unknown(outcome: RefundsError) -> None:
    row, error = saved(Apps([], outcome), None)
    assert row == BEGUN and error.may_have_changed


@pytest.mark.parametrize("before", [OLD, None])
def test_a_create_that_conflicts_with_something_else_was_not_done(before: Integration | None) -> None:
    row, error = saved(Apps([], Refused(409, "Name is already taken.")), before)
    assert row == before and isinstance(error, Refused) and not error.may_have_changed
    assert f"If the name '{BUNDLE}' is taken, give another one in revenuecat.app_name" in error.next_step
    repeated = Refused(409, "It exists.")
    repeated.may_have_changed = True
    row, error = saved(Apps([], repeated), before)
    assert row == BEGUN and error is not None and error.may_have_changed


@pytest.mark.parametrize("found", [RefundsError("No list."), TransportError("dns", "?"), Refused(401, "No.")])
@pytest.mark.parametrize("before", [OLD, None])
def test_a_create_after_which_nothing_can_be_looked_up_stays_unknown(
    found: RefundsError, before: Integration | None
) -> None:
    """Whatever is wrong with the list: the create may have been done."""

    class Unlisted(Apps):
        forgotten = 0

        def forget(self) -> None:
            self.forgotten += 1

        def find(self, bundle_id: str) -> AppEntry | None:
            if self.sent:
                raise found
            return super().find(bundle_id)

    apps = Unlisted([], TransportError("timeout", "The create was lost."))
    row, error = saved(apps, before)
    # The next app of the project asks for the list by itself.
    assert apps.forgotten == 2
    assert row == BEGUN and error is not None and error.may_have_changed
    assert "The create was lost." in error.message
