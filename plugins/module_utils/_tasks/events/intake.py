# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the body of a request to an answer: verified in full before anything is believed, stored before 200."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass, field

from ..._apple.signed_data import claims
from ..._ledger.explained import RowFault
from ..._ledger.ledger import Ledger
from ..._ledger.refunds import App
from ..._model.errors import LedgerError
from ..._model.event import ConsumptionRequest
from ..._model.identifiers import Environment, shown
from ..._model.integration import Integration, app_in
from ..._model.refund import Notification, Rejected
from .declared import Declared, NoAppleId
from .storing import Told, store

_ENVIRONMENTS: dict[str, Environment] = {"Production": "production", "Sandbox": "sandbox"}
_MOST_TOLD = 100


@dataclass(frozen=True)
class Answer:
    """``status`` is the HTTP status, ``reason`` a word for logs. ``is_sound``: Apple signed it for a declared app.

    ``is_for_others``: nothing here uses it, so that it is delivered only when further URLs have taken it.
    """

    status: int
    reason: str
    is_sound: bool = False
    is_for_others: bool = False


@dataclass(frozen=True)
class Judged:
    """The answer that a request gets once ``told`` is stored for ``app``. ``fields``: further ones of its event."""

    answer: Answer
    app: App | None = None
    told: Told | None = None
    fields: t.Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Intake:
    """``warn`` tells the operator what needs a person. ``timestamp`` gives UTC in ISO 8601.

    ``with_account``: events have the SHA-256 of the customer's appAccountToken, which the ledger's refunds never have.
    ``ledger``: where to store, when another thread verifies meanwhile.
    """

    declared: Declared
    timestamp: t.Callable[[], str]
    warn: t.Callable[[str], None]
    with_account: bool = False
    ledger: Ledger | None = None
    _told_of: set[tuple[str, str]] = field(default_factory=set, init=False)
    # What was told of declared apps, and what else was told since something could be stored.
    _told: set[str] = field(default_factory=set, init=False)
    _troubles: set[str] = field(default_factory=set, init=False)

    def judge(self, body: bytes) -> Judged:
        """Verify one request in full. Stores nothing, and never raises."""
        try:
            found = self._judged(body)
        except LedgerError as error:
            found = self._trouble(str(error), told=self._troubles)
        # One request never spoils another one.
        except Exception as error:
            found = self._trouble(f"{type(error).__name__} while a notification was verified.", told=self._troubles)
        return Judged(found) if isinstance(found, Answer) else found

    def keep(self, judged: t.Sequence[Judged]) -> list[Answer]:
        """Store all that is sound in one transaction, and only then let anybody have an answer."""
        by_app: dict[App, list[Told]] = {}
        more: dict[App, dict[str, t.Mapping[str, str]]] = {}
        for one in judged:
            if one.app is not None and one.told is not None:
                by_app.setdefault(one.app, []).append(one.told)
                if one.fields:
                    more.setdefault(one.app, {})[one.told.transaction_id] = one.fields
        if by_app:
            try:
                store(self.ledger or self.declared.ledger, by_app, self.timestamp(), more)
            except LedgerError as error:
                if isinstance(error, RowFault) and len(judged) > 1:
                    # One of them is at fault, and the others can be stored.
                    return [answer for one in judged for answer in self.keep([one])]
                # Further URLs get it all the same: they lose nothing by the state of our ledger.
                trouble = self._trouble(str(error), is_sound=True)
                return [trouble if one.answer.is_sound else one.answer for one in judged]
            self._troubles.clear()
        return [one.answer for one in judged]

    def _judged(self, body: bytes) -> Answer | Judged:
        payload = _signed_payload(body)
        claimed = claims(payload) if payload is not None else None
        if payload is None or claimed is None:
            return Answer(400, "no_signed_payload")
        environment, bundle_id = _addressee(claimed)
        if environment is None or bundle_id is None:
            return Answer(400, "no_app")
        entry = self.declared.find(environment, bundle_id)
        if entry is None:
            return self._elsewhere(environment, bundle_id, payload)
        try:
            found = self.declared.verifier(entry).told(payload)
        except NoAppleId:
            return self._unverifiable(entry)
        if isinstance(found, Rejected):
            if found.is_apples:
                # Apple is to try again, while a person looks.
                text = f"{bundle_id}: a notification that Apple signed can't be used: {found.reason}."
                return self._trouble(text, is_sound=True)
            return Answer(400, found.reason)
        if not isinstance(found, (Notification, ConsumptionRequest)):
            return Answer(200, "nothing_to_store", is_sound=True)
        account = _account(claimed) if self.with_account else None
        fields = {"account_token_sha256": account} if account is not None else {}
        return Judged(Answer(200, "stored", is_sound=True), self.declared.app(entry), found, fields)

    def _elsewhere(self, environment: Environment, bundle_id: str, payload: str) -> Answer:
        """Answer for an environment that isn't declared. Nothing of it is stored, and further URLs get it.

        Without a URL of its own, an app's sandbox has that of production: so it comes here, whoever wants it. Unless
        somebody takes it, it isn't delivered: 200, also to Apple's test, would prove that somebody does.
        """
        other = self.declared.find("sandbox" if environment == "production" else "production", bundle_id)
        if other is None:
            return self._undeclared(environment, bundle_id)
        try:
            found = self.declared.verifier(other, environment).told(payload)
        except NoAppleId:
            if self.declared.failure is not None:
                return self._trouble(str(self.declared.failure), told=self._troubles)
            return self._unverifiable(other)
        if isinstance(found, Rejected) and not found.is_apples:
            return Answer(400, found.reason)
        if self.declared.failure is not None:
            # It may be declared by now.
            return self._trouble(str(self.declared.failure), is_sound=True)
        self._tell(
            f"{bundle_id} ({environment}): the ledger doesn't declare this environment, so nothing of it is recorded; "
            "it goes to forward_to alone, and gets 404 without. Apply refund_tracking_integration for it (tracker: "
            "ledger), or give it another notification URL.",
            self._told,
        )
        return Answer(404, "not_declared", is_sound=True, is_for_others=True)

    def _unverifiable(self, entry: Integration) -> Answer:
        identity = entry.identity
        text = (
            f"{app_in(identity.bundle_id, identity.environment)}: its integration has no app_apple_id, so nothing that "
            "production sends can be verified, stored or forwarded. Declare app_apple_id."
        )
        return self._trouble(text, told=self._told)

    def _undeclared(self, environment: str, bundle_id: str) -> Answer:
        # Anybody can post such a thing, so that the log names each once, and not endlessly many.
        name = (environment, bundle_id)
        if name not in self._told_of and len(self._told_of) < _MOST_TOLD:
            self._told_of.add(name)
            self.warn(f"Something for {shown(bundle_id)} ({environment}) came, which the ledger doesn't declare.")
        return Answer(404, "not_declared")

    def _trouble(self, text: str, is_sound: bool = False, told: set[str] | None = None) -> Answer:
        """Answer for what Apple is to send again. ``told``: before a signature is checked, a text is said only once."""
        self._tell(f"{text} Apple gets 503 and tries again.", set() if told is None else told)
        return Answer(503, "own_trouble", is_sound)

    def _tell(self, text: str, told: set[str]) -> None:
        if text not in told:
            told.add(text)
            self.warn(text)


def _signed_payload(body: bytes) -> str | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    found = document.get("signedPayload") if isinstance(document, dict) else None
    return found if isinstance(found, str) else None


def _account(verified: t.Mapping[str, t.Any]) -> str | None:
    """Return the SHA-256 of the appAccountToken (a UUID, in lower case) of a verified notification's transaction."""
    token = (claims(verified["data"]["signedTransactionInfo"]) or {}).get("appAccountToken")
    return hashlib.sha256(token.lower().encode()).hexdigest() if isinstance(token, str) and token else None


def _addressee(claimed: t.Mapping[str, t.Any]) -> tuple[Environment | None, str | None]:
    """Return which app a payload claims to be for; nothing of it is believed yet."""
    places = (claimed.get(name) for name in ("data", "summary", "appData", "externalPurchaseToken"))
    about = next((place for place in places if isinstance(place, dict)), {})
    bundle_id, environment = about.get("bundleId"), about.get("environment")
    if not isinstance(environment, str):
        # developer.apple.com/documentation/appstoreservernotifications/externalpurchasetoken: its ID tells.
        token_id = about.get("externalPurchaseId")
        is_sandbox = isinstance(token_id, str) and token_id.startswith("SANDBOX")
        environment = "Sandbox" if is_sandbox else "Production"
    return _ENVIRONMENTS.get(environment), bundle_id if isinstance(bundle_id, str) else None
