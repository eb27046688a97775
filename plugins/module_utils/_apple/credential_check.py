# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential check: one signed call that touches nothing, and the verdict on its answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from .._http_errors import NotAsked
from .._model.errors import TransportError
from .._model.identifiers import Environment
from .._model.integration import Credentials
from .._model.private_key import KeyProblem
from .._model.verdict import Cause, Verdict
from . import hints
from .app_store_server import Answer, AppStoreServer
from .token import BACKDATED_S, LIFETIME_S

# The Date header has whole seconds and an answer takes time on its way.
_CLOCK_TOLERANCE_S = 5.0


@dataclass(frozen=True)
class CredentialCheck:
    """Checks credentials against Apple. ``server`` carries transport, hosts and clock."""

    server: AppStoreServer

    def check(self, credentials: Credentials, bundle_id: str, environment: Environment) -> Verdict:
        """Ask Apple whether these credentials may read this app; never raises for what Apple or the network does."""
        try:
            answer = self.server.get_transaction_info(credentials, bundle_id, environment)
            if _is_401(answer):
                return self._second_look(answer, credentials, bundle_id, environment)
        except NotAsked as error:
            # Without the time of a check: there was none.
            return Verdict("unreachable", f"{error}", environment)
        except TransportError as error:
            return self._verdict("unreachable", f"{error}", environment)
        return self._judge(answer, environment)

    def local(self, problem: KeyProblem, environment: Environment) -> Verdict:
        """Return the verdict for a key that can't be used, which no call could better."""
        hint = hints.KEY_NOT_YET_CREATED if problem.cause == "key_not_yet_created" else str(problem)
        return Verdict(problem.cause, hint, environment)

    def _second_look(
        self, first: Answer, credentials: Credentials, bundle_id: str, environment: Environment
    ) -> Verdict:
        # Sound tokens get a passing 401 at times (observed: apple/app-store-server-library-java issue 96).
        skew = _clock_skew(first, self.server.now())
        second = self.server.get_transaction_info(credentials, bundle_id, environment, clock_offset=-skew)
        if not _is_401(second):
            if skew and second.proves_acceptance:
                return self._verdict("clock_skew", hints.clock_skew(skew), environment, first)
            return self._judge(second, environment)
        asks_sandbox = environment == "production" and self.server.hosts.has_both
        sandbox = self._sandbox(credentials, bundle_id, skew) if asks_sandbox else "not asked"
        if sandbox == "accepts":
            verdict = self._verdict("app_not_released", hints.APP_NOT_RELEASED, environment, second)
            return replace(verdict, sandbox_accepts=True)
        hint = hints.unauthenticated(environment, credentials.path, skew, sandbox)
        verdict = self._verdict("unauthenticated", hint, environment, second)
        other_host = self.server.hosts.other_than_apple(environment)
        return replace(verdict, is_half=sandbox == "no answer", other_host=other_host)

    def _sandbox(self, credentials: Credentials, bundle_id: str, skew: float) -> hints.Sandbox:
        try:
            answer = self.server.get_transaction_info(credentials, bundle_id, "sandbox", clock_offset=-skew)
        except TransportError:
            return "no answer"
        if answer.proves_acceptance:
            return "accepts"
        return "refuses" if _is_401(answer) else "no answer"

    def _judge(self, answer: Answer, environment: Environment) -> Verdict:
        if answer.proves_acceptance:
            return self._verdict("accepted", hints.ACCEPTED, environment, answer)
        if answer.status == 429:
            return self._verdict("rate_limited", hints.RATE_LIMITED, environment, answer)
        if answer.is_passing:
            return self._verdict("service_unavailable", hints.service_unavailable(answer.status), environment, answer)
        return self._verdict("unexpected_response", hints.unexpected(answer), environment, answer)

    def _verdict(self, cause: Cause, hint: str, environment: Environment, answer: Answer | None = None) -> Verdict:
        checked_at = datetime.fromtimestamp(self.server.now(), UTC).isoformat(timespec="seconds")
        return Verdict(
            cause=cause,
            hint=hint,
            environment=environment,
            http_status=answer.status if answer else None,
            error_code=answer.error_code if answer else None,
            checked_at=checked_at.replace("+00:00", "Z"),
            request_id=answer.request_id if answer else None,
        )


def _is_401(answer: Answer) -> bool:
    # Apple's 401 is a plain text or empty, under a header that nobody has noted; a page in HTML without a request of
    # Apple's comes from something in between.
    return answer.status == 401 and (answer.content_type != "text/html" or answer.has_request_text)


def _clock_skew(answer: Answer, now: float) -> float:
    """Return by how many seconds this machine's clock is ahead, 0.0 when that can't be why a token was refused."""
    try:
        ahead = now - parsedate_to_datetime(answer.date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    too_far_ahead = ahead > BACKDATED_S - _CLOCK_TOLERANCE_S
    too_far_behind = -ahead > LIFETIME_S - _CLOCK_TOLERANCE_S
    return ahead if too_far_ahead or too_far_behind else 0.0
