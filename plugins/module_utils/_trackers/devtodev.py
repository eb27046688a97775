# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""devtodev, which has no API for this: a browser fills in its form, or a person is told what to enter."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field, replace

from .._model.errors import RefundsError, after_writing
from .._model.identifiers import Environment
from .._model.identifiers import shown as quoted
from .._model.integration import Credentials, Identity, Integration, Observation, worse
from .browser import BrowserFailed, Tab
from .devtodev_attempt import Attempt, look, unproven
from .devtodev_page import Form, PageProblem, Shown
from .devtodev_settings import DevtodevSettings
from .last_applied import LastApplied
from .pictures import picture_of
from .protocol import NotActive, Times

if t.TYPE_CHECKING:
    from playwright.sync_api import Page

T = t.TypeVar("T")
_BETWEEN_LOOKS = 2.0
_SEE_PAGE = "Its removal had been asked for: look at the page, and run again."


@dataclass
class DevtodevByBrowser:
    """Reads and fills in the form. ``remaining``: seconds until the task's deadline; ``times``: the task's others."""

    last_applied: LastApplied
    tab: Tab
    settings: DevtodevSettings
    times: Times
    warn: t.Callable[[str], None]
    remaining: t.Callable[[], float]
    monotonic: t.Callable[[], float] = time.monotonic
    name: str = "devtodev"
    is_listable: bool = False
    has_no_api: bool = False
    _foreign: dict[Identity, str] = field(default_factory=dict, init=False)
    _place: Identity | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.project, self.on_unknown = self.settings.project, self.settings.on_unknown

    def find(self, identity: Identity) -> Integration | None:
        shown = self._visit(identity, lambda form: self._open(form, identity))
        return self._merged(identity, shown)

    def list(self, environment: Environment) -> list[Integration]:
        """Return what was applied from here; the page itself is looked at for one app at a time."""
        return self.last_applied.list(self.name, self.project, environment)

    def observe(self, desired: Integration, current: Integration | None, changed: bool) -> Observation:
        identity = desired.identity
        if identity in self._foreign:
            raise RefundsError(
                f"devtodev's page for {identity.bundle_id} tracks {self._foreign[identity]}; nothing was submitted.",
                "Correct devtodev.url or bundle_id, or remove the other app's integration there by hand.",
            )
        if changed:
            self.last_applied.check_place()
            if current is not None and current.is_rejected:
                self.warn(
                    f"{identity.bundle_id}: devtodev's page says {current.word!r}. Nothing is known to be wrong with "
                    "the declared key, so a run submits the form again."
                )
            # Whatever would stop the run stops check mode too.
            self._visit(identity, lambda form: self._require(form, identity))
            return Observation(desired.status)
        held = Observation(current.status, current.word) if current else Observation("Unknown")
        if current is None or current.key_fingerprint is None:
            # Who can't know that the declared key is the one that is there can't call it Active.
            held = Observation(worse(held.status, "Unknown"), held.word)
        elif desired.status == "Active" and held.status == "Pending":
            self.warn(
                f"{identity.bundle_id}: devtodev's page shows the integration, but it says {held.word!r}, not Active."
            )
        return Observation(worse(desired.status, held.status), held.word)

    def save(self, integration: Integration, credentials: Credentials) -> Integration:
        attempt = Attempt()
        self._visit(integration.identity, lambda form: self._submit(form, integration, credentials, attempt), attempt)
        word = attempt.shown.status
        seen = self.settings.words.status(word) or "Unknown"
        held = replace(integration, status=worse(integration.status, seen), word=word)
        with after_writing():
            self.last_applied.note(held)
        # Where nothing is there and nothing was taken, each run would submit it anew, and be green.
        is_nothing = self.settings.words.status(word) is None and not attempt.shown.has_ids
        if integration.status == "Active" != seen or (is_nothing and not attempt.reaction.is_taken):
            raise self._not_active(held, attempt, integration.status == "Active")
        return held

    def _not_active(self, held: Integration, attempt: Attempt, has_waited: bool) -> NotActive:
        shows = f"its page shows {f'the status {held.word!r}' if held.word else 'no status'}"
        but = f"but after {attempt.waited:.0f} s {shows}, not Active" if has_waited else f"but {shows}"
        more = f"; raise {attempt.limit} when it only takes longer" if has_waited else ""
        return NotActive(
            f"{held.identity.bundle_id}: the form was submitted at devtodev, {but}. {attempt.reaction.said}".strip(),
            held,
            f"Look at the page{more}. devtodev.page.active_texts and devtodev.page.status name other words and another "
            f"place. {attempt.picture}".strip(),
        )

    def note(self, integration: Integration) -> None:
        self.last_applied.note(integration)

    def check_place(self) -> None:
        self.last_applied.check_place()

    def doubt(self, identity: Identity) -> str:
        other = self._foreign.get(identity)
        if other is None or not self.last_applied.find(identity):
            return ""
        return (
            f"devtodev's page tracks {quoted(other)}, so nobody knows whether the integration that was set up before "
            "is gone. Correct devtodev.url. If it was on this page, which now has the other app, use devtodev.mode: "
            "handoff for this app, and confirmed: true in the run after."
        )

    def irremovable(self, identity: Identity) -> str:
        if self.settings.elements["remove"].ways:
            return ""
        return (
            "devtodev documents no way to remove an integration. Remove it at "
            f"{self.settings.address(identity)} by hand, or name the page's button by devtodev.page.remove."
        )

    def foretell_removal(self, identity: Identity) -> None:
        self._visit(identity, lambda form: self._ready_to_remove(form, identity))

    def remove(self, identity: Identity) -> None:
        def gone(form: Form) -> bool:
            remove = self._ready_to_remove(form, identity)
            attempt.has_clicked = True
            remove()
            return self._merged(identity, self._open(form, identity)) is None

        attempt = Attempt(what="The removal had been asked for")
        is_gone = self._visit(identity, gone, attempt)
        with after_writing():
            if not is_gone:
                raise RefundsError(f"{identity.bundle_id}: devtodev's page still shows the integration.", _SEE_PAGE)
            self.last_applied.forget(identity)

    def _visit(self, identity: Identity, work: t.Callable[[Form], T], attempt: Attempt | None = None) -> T:
        """Do some work on an app's page; every failure says whether something was submitted."""
        attempt = attempt or Attempt()
        settings, timeout = self.settings, self.times.request

        def visit(page: Page) -> T:
            if self.remaining() <= 0:
                raise PageProblem("not tried, no time was left.", "Raise deadline.")
            return work(
                Form(page, settings.address(identity), settings.elements, settings.menu, settings.words, timeout)
            )

        try:
            return self.tab.call(visit, 12 * timeout + self.times.wait)
        except (BrowserFailed, PageProblem) as error:
            self._place = None
            said, outcome = f"{identity.bundle_id}: {error.message}", attempt.outcome()
            # What is to be done is worth more than that nothing was, and less than that something was: few read all.
            parts = (f"{said} {outcome}", error.next_step)
            if not attempt.has_clicked:
                parts = said, f"{error.next_step} {outcome}".strip()
            told = type(error)(*parts)
            told.may_have_changed = attempt.has_clicked
            raise told from None

    def _require(self, form: Form, identity: Identity) -> None:
        if self._place != identity:
            self._open(form, identity)
        form.require()

    def _open(self, form: Form, identity: Identity) -> Shown:
        self._place = None
        shown = form.open()
        self._place = identity
        return shown

    def _open_own(self, form: Form, identity: Identity) -> Shown:
        shown = self._open(form, identity)
        if shown.bundle_id not in (None, identity.bundle_id):
            raise PageProblem(f"devtodev's page now tracks {shown.bundle_id}.")
        return shown

    def _ready_to_remove(self, form: Form, identity: Identity) -> t.Callable[[], None]:
        self._open_own(form, identity)
        return form.ready_to_remove()

    def _merged(self, identity: Identity, shown: Shown) -> Integration | None:
        """Return what the page shows, completed by what was last applied where it shows nothing."""
        self._foreign.pop(identity, None)
        if shown.bundle_id not in (None, identity.bundle_id):
            self._foreign[identity] = str(shown.bundle_id)
            return None
        status = self.settings.words.status(shown.status)
        if status is None and not shown.has_ids:
            return None
        # Values beside a word such as "Not connected" are values that don't work.
        status = status or ("Failed" if shown.status else "Unknown")
        applied = self.last_applied.find(identity)
        # What a person was only asked to enter is there if the page shows it; else the key of before may be.
        is_open = applied is not None and applied.is_only_asked and not (shown.issuer_id and shown.key_id)
        known = None if is_open else applied
        issuer_id = shown.issuer_id or (known.issuer_id if known else None)
        key_id = shown.key_id or (known.key_id if known else None)
        is_ours = known is not None and (known.issuer_id, known.key_id) == (issuer_id, key_id)
        return Integration(
            identity=identity,
            issuer_id=issuer_id,
            key_id=key_id,
            key_fingerprint=known.key_fingerprint if known and is_ours else None,
            status=status,
            private_key_path=known.private_key_path if known else None,
            app_apple_id=applied.app_apple_id if applied else None,
            is_outdated=applied is not None and applied.key_fingerprint is None,
            word=shown.status,
            accepted_at=applied.accepted_at if applied else None,
            # Without a note of ours, the page's Active is all there is to go by.
            is_only_shown=applied is not None and not (is_ours and applied.status == "Active"),
        )

    def _submit(self, form: Form, integration: Integration, credentials: Credentials, attempt: Attempt) -> None:
        name = integration.identity.bundle_id
        values = {"bundle_id": name, "issuer_id": credentials.issuer_id, "key_id": credentials.key_id}
        data = credentials.private_key.pem.reveal().encode()
        attempt.before = self._open_own(form, integration.identity)
        form.fill(values, f"SubscriptionKey_{credentials.key_id}.p8", data)
        click = form.ready_to_submit(credentials.key_id, credentials.issuer_id)
        # Should the end stay unknown, the next run applies it again.
        self.last_applied.begin(integration)
        self._place = None
        attempt.has_clicked = True
        attempt.reaction = click()
        self._confirm(form, values, attempt, integration.status == "Active")

    def _confirm(self, form: Form, values: t.Mapping[str, str], attempt: Attempt, waits: bool) -> None:
        """Load the page anew until it shows what was submitted, and Active; at the end, whatever it shows."""
        starts = self.monotonic()
        left = self.remaining()
        attempt.limit = "wait_timeout" if self.times.wait <= left else "deadline"
        ends = starts + (min(self.times.wait, left) if waits else 0.0)
        while True:
            problem = look(form, values, attempt)
            attempt.waited = self.monotonic() - starts
            is_active = self.settings.words.status(attempt.shown.status) == "Active"
            if problem is None and (is_active or not waits):
                break
            if self.monotonic() >= ends:
                attempt.picture = picture_of(form.page, form.veil)
                break
            form.page.wait_for_timeout(min(_BETWEEN_LOOKS, max(ends - self.monotonic(), 0.1)) * 1000)
        problem = problem or unproven(form, attempt)
        if problem is not None:
            raise problem
