# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of one app's credentials: the key, the verdict, and the status that both allow."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..._apple import hints
from ..._apple.credential_check import CredentialCheck
from ..._context import Context, Params, Results
from ..._model.errors import RefundsError
from ..._model.identifiers import Environment
from ..._model.integration import Credentials, Identity, Integration, Status
from ..._model.private_key import KeyProblem
from ..._model.verdict import LOCAL_CAUSES, UNDECIDED_CAUSES, Verdict
from ..shared.options import KeySource, identifiers, load_credentials, warn_about_name

# The bundle IDs that the tracker holds in an environment, by themselves without capitals.
Names = t.Callable[[Environment], t.Mapping[str, str]]


def loaded(
    source: KeySource, check: CredentialCheck, wanted: Identity, context: Context
) -> tuple[Credentials | None, Verdict | None]:
    """Return the credentials, or the verdict that settles the matter without a call."""
    try:
        credentials = load_credentials(source, context.check_mode)
    except KeyProblem as problem:
        return None, check.local(problem, wanted.environment)
    warn_about_name(source, context)
    return credentials, None


def declared(source: KeySource, credentials: Credentials | None) -> Results:
    """Return the module result ``declared``: the key that a task asks for, None in it for what is not known."""
    try:
        issuer_id, key_id = identifiers(source)
    except KeyProblem:
        # The file's name says otherwise; the options are what the task asks for.
        issuer_id, key_id = identifiers(replace(source, path=None))
    fingerprint = credentials.private_key.fingerprint if credentials else None
    return {"issuer_id": issuer_id, "key_id": key_id, "key_fingerprint": fingerprint}


def checked(
    source: KeySource,
    credentials: Credentials | None,
    check: CredentialCheck,
    wanted: Identity,
    params: Params,
) -> Verdict:
    if credentials is None or params["credential_check"] == "skip":
        verdict = Verdict("not_checked", hints.NOT_CHECKED, wanted.environment)
    else:
        verdict = check.check(credentials, wanted.bundle_id, wanted.environment)
    return _settled_kind(source, verdict)


def is_unasked(verdict: Verdict) -> bool:
    """Tell whether Apple was not asked for want of time or because its service had been silent for long."""
    return verdict.cause == "unreachable" and verdict.checked_at is None


def _settled_kind(source: KeySource, verdict: Verdict) -> Verdict:
    """Take a file named AuthKey_… for what its name says, unless Apple's answer settled the question."""
    if verdict.cause not in UNDECIDED_CAUSES or not source.has_api_key_name:
        return verdict
    hint = (
        f"{source.path} is by its name an App Store Connect API key, and the check could not settle it "
        f"({verdict.cause}). Give the SubscriptionKey_….p8 of an In-App Purchase key."
    )
    return replace(verdict, cause="key_wrong_kind", hint=hint)


def known_released(verdict: Verdict, current: Integration | None, credentials: Credentials | None) -> Verdict:
    """Take back "never released" for an app that production accepted before, with whichever key."""
    if verdict.cause != "app_not_released" or current is None or not current.was_accepted:
        return verdict
    is_same = credentials is not None and current.has_key(credentials)
    return replace(verdict, cause="unauthenticated", hint=hints.known_released(is_same))


def proven_status(current: Integration | None, credentials: Credentials | None) -> Status | None:
    """Return the status that was found for exactly these credentials before; None when there is none to keep."""
    if current is None or credentials is None or current.word or not current.has_key(credentials):
        return None
    return current.status if current.status in ("Active", "Pending", "Failed") else None


def best_status(verdict: Verdict, policy: str, proven: Status | None = None) -> Status | None:
    """Return the status to store, None when the item fails. ``proven``: the one of the same key before.

    What Apple didn't decide takes nothing away that was proven.
    """
    if verdict.accepted:
        return "Active"
    if verdict.cause in ("app_not_released", "key_not_yet_created"):
        return "Pending"
    if verdict.cause in LOCAL_CAUSES or policy == "required":
        return None
    # With Apple's time, the key is accepted: the clock of this machine says nothing about it.
    is_undecided = verdict.cause in UNDECIDED_CAUSES or verdict.cause == "clock_skew"
    return proven or "Pending" if is_undecided else "Failed"


def warn_about_verdict(wanted: Identity, verdict: Verdict, policy: str, warn: t.Callable[[str], None]) -> None:
    is_tolerated = policy == "advisory" and not verdict.accepted and verdict.cause != "key_not_yet_created"
    if verdict.cause == "app_not_released" or is_tolerated:
        warn(f"{wanted.bundle_id}: credential check: {verdict.cause}. {verdict.hint}")


def compared_with_held(
    verdict: Verdict, current: Integration | None, credentials: Credentials | None, names: Names, wanted: Identity
) -> Verdict:
    """Sharpen the hint of a refusal by what the tracker holds: what differs from it is the likely cause.

    What other apps of the same key tell is stronger, so their inference comes after this, and stands before it.
    """
    if verdict.cause != "unauthenticated" or verdict.sandbox_accepts or credentials is None:
        return verdict
    if current is not None:
        held = {"issuer_id": current.issuer_id, "key_id": current.key_id, "private key": current.key_fingerprint}
        given = (credentials.issuer_id, credentials.key_id, credentials.private_key.fingerprint)
        pairs = [(name, value, new) for (name, value), new in zip(held.items(), given, strict=True)]
        differing = [f"{name} was {old}, is now {new}" for name, old, new in pairs if old not in (None, new)]
        if not differing and None in held.values():
            return verdict
        return verdict.with_hint(f"{hints.compared_with_held(differing, current.status)} {verdict.hint}")
    try:
        name = names(wanted.environment).get(wanted.bundle_id.casefold())
    except RefundsError:
        # A hint less is no reason to hide the refusal.
        return verdict
    if name is None:
        return verdict
    return verdict.with_hint(f"The tracker holds {name}, which differs only in capitals. {verdict.hint}")


def folded(held: t.Iterable[Integration]) -> dict[str, str]:
    """Return the bundle IDs that are held, by themselves without capitals."""
    names: dict[str, str] = {}
    for entry in held:
        names.setdefault(entry.identity.bundle_id.casefold(), entry.identity.bundle_id)
    return names
