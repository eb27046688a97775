# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls to a tracker's JSON API with one secret key; refusals in words, and nothing secret in any of them."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from .._http import RETRIED_STATUSES, Advice, Call, Reply, Transport
from .._model.errors import InputError, RefundsError, TransportError, after_writing
from .._model.foreign_json import json_object
from .._model.identifiers import shown
from .._model.masking import Masker
from .._model.secret import Secret

LOCKED = 423
TOO_MANY = 429
# Answers that say that nothing was done: after these even a call that creates something may be sent again.
_UNDONE_STATUSES = frozenset({LOCKED, TOO_MANY})
_LONGEST_PAUSE_MS = 3_600_000
Document = dict[str, t.Any]


@dataclass(frozen=True)
class Service:
    """What messages call a service. ``tracker`` is its name in options, ``needs`` what its key must be allowed to."""

    tracker: str
    title: str
    variable: str
    key_kind: str
    needs: str
    place: str


class Refused(RefundsError):
    """The service answered and did not do it; or, with a page as ``content_type``, what stands in between."""

    content_type = ""

    def __init__(self, status: int, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.status = status
        self.may_have_changed = status >= 500


@dataclass
class JsonApi:
    """``url`` is the service's base URL, checked. Every method raises a RefundsError that says what to do."""

    transport: Transport
    service: Service
    url: str
    api_key: Secret = field(repr=False)

    def ask(
        self,
        doing: str,
        method: str,
        path: str,
        body: Document | None = None,
        *,
        secrets: t.Sequence[Secret] = (),
        headers: t.Mapping[str, str] | None = None,
        is_repeatable: bool = True,
    ) -> Document:
        """Return the answer's JSON object; empty for an answer without a body.

        ``doing`` starts the messages. ``secrets`` go along in ``body``; should they come back, they are masked.
        """
        sent = {"Authorization": f"Bearer {self.api_key.reveal()}", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        data = json.dumps(body).encode() if body is not None else None
        call = Call(
            method,
            f"{self.url}{path}",
            lambda: sent,
            data,
            is_repeatable=is_repeatable,
            advice=_advice(is_repeatable),
        )
        try:
            reply = self.transport.send(call)
            return self._answered(doing, reply, secrets)
        except RefundsError as error:
            is_lost = error.may_have_arrived if isinstance(error, TransportError) else error.may_have_changed
            error.may_have_changed = method != "GET" and is_lost
            raise

    def _answered(self, doing: str, reply: Reply, secrets: t.Sequence[Secret]) -> Document:
        masker = Masker(secret.reveal() for secret in (self.api_key, *secrets))
        document = masker.mask(_document(reply))
        if not 200 <= reply.status < 300:
            refused = self._refused(doing, reply.status, document)
            refused.content_type = reply.content_type
            refused.may_have_changed = refused.may_have_changed or reply.is_repeated
            raise refused
        if document is None:
            with after_writing():
                raise self.unexpected(doing, "something else than a JSON object")
        return t.cast(Document, document)

    def unexpected(self, doing: str, what: str) -> RefundsError:
        return RefundsError(
            f"{doing}: {self.service.title} answered with {what}.",
            f"Look at {self.service.tracker}.url and at proxies in between; if both are right, report this.",
        )

    def _refused(self, doing: str, status: int, document: t.Any) -> Refused:
        service = self.service
        text = _words(document)
        said = f" It says: {shown(text)}." if text else ""
        problem, next_step = _explained(service, status)
        return Refused(status, f"{doing}: {problem.format(title=service.title)} (HTTP {status}).{said}", next_step)


def _explained(service: Service, status: int) -> tuple[str, str]:
    key = f"{service.tracker}.api_key"
    known = {
        400: ("{title} does not take the request", "Correct the option that it names, or report this."),
        401: (
            f"{{title}} does not accept {key}",
            f"Give {service.key_kind} in {key} or {service.variable}.",
        ),
        403: (f"{{title}} does not allow this to {key}", f"The key needs {service.needs}."),
        404: ("{title} does not find it", service.place),
        409: ("{title} reports a conflict with another change or entry", "Look at it in the dashboard, and run again."),
        422: (
            "{title} refuses the values",
            "Compare bundle ID, Issuer ID, Key ID and private key with App Store Connect.",
        ),
        LOCKED: ("{title} has locked it for another change", "Run again in a moment, or raise deadline."),
        TOO_MANY: ("{title} allows no more requests now", "Run again later, or raise deadline."),
    }
    if status in known:
        return known[status]
    if 300 <= status < 400:
        return "{title} points to another address, which is not followed", f"Correct {service.tracker}.url."
    if status >= 500:
        return "{title} can't answer now", "Run again later; what was asked for may or may not have been done."
    return "{title} refuses the request", "Look at its dashboard, and report this."


def require_api_key(service: Service, text: t.Any, where: str) -> Secret:
    """Return the API key of the options at ``where``. Raises InputError for none, or one that no header can carry."""
    option = f"{where}.api_key"
    next_step = f"Give {service.key_kind} there or in the environment variable {service.variable}."
    clean = str(text or "").strip()
    if text is None:
        raise InputError(option, f"is required with tracker: {service.tracker}.", next_step)
    if not clean:
        raise InputError(option, f"is given but empty (or {service.variable} is).", next_step)
    if not clean.isascii() or any(not 32 < ord(char) < 127 for char in clean):
        raise InputError(option, "has characters that no API key has.", next_step)
    return Secret(clean)


def _advice(is_repeatable: bool) -> t.Callable[[Reply], Advice]:
    statuses = _UNDONE_STATUSES | (RETRIED_STATUSES if is_repeatable else frozenset())

    def read(reply: Reply) -> Advice:
        document = _document(reply) if reply.status in statuses else None
        if document is None:
            return Advice(reply.status in statuses)
        asked: t.Any = document.get("backoff_ms")
        is_number = isinstance(asked, (int, float)) and not isinstance(asked, bool)
        pause = asked / 1000 if is_number and 0 <= asked <= _LONGEST_PAUSE_MS else None
        # A service that knows that it is of no use says so.
        return Advice(document.get("retryable") is not False, pause)

    return read


def _document(reply: Reply) -> Document | None:
    return json_object(reply.body) if reply.body.strip() else {}


def _words(document: t.Any) -> str:
    """Return what an error object says: RevenueCat's fields lie at the top, Qonversion's below ``error``."""
    if not isinstance(document, dict):
        return ""
    error = document.get("error")
    fields = error if isinstance(error, dict) else document
    texts = [fields.get(name) for name in ("type", "code", "message", "param")]
    details = fields.get("details")
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, dict):
            texts += [detail.get("field"), detail.get("message")]
    texts += [error] if isinstance(error, str) else []
    return ": ".join(text for text in texts if isinstance(text, str) and text)
