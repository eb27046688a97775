# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a verdict tells a person to do. One place, so that hints read alike."""

from __future__ import annotations

import os
import typing as t

from .._model.private_key import read_file_name
from .._model.text import every, shortened

if t.TYPE_CHECKING:
    from .app_store_server import Answer

# What the sandbox says of credentials that production refuses.
Sandbox = t.Literal["accepts", "refuses", "no answer", "not asked"]

ACCEPTED = "Apple accepted a token signed with this key for this app."
API_KEY_NAME = "The file is named AuthKey_…, as App Store Connect API keys are; this API never accepts those."
REFUSED = "Apple refused this key for this app twice (401), and doesn't say why."
COMPARE = (
    "Compare in App Store Connect: is the key active, is this its Key ID, is this its team's Issuer ID, is the bundle "
    "ID right, capitals included, and did the app move to another team?"
)
NEVER_RELEASED = "If the app was never released: Apple's production service refuses it until then."
NO_SANDBOX = "If the app was never released, run again: the sandbox, which can tell, didn't answer."
NEW_KEY = "A key that was made just now may need some minutes: run again then."
NOT_CHECKED = "Apple wasn't asked: credential_check is skip. Set credential_check: required to ask."
NO_KEY = (
    "There is no private key here. Give private_key_path or private_key_content, or run where the stored path exists."
)
ASK_AUDIT = (
    "Run the playbook storeops.refunds.audit with the same variables and -e refund_audit_path=$PWD/report: it names "
    "the cause."
)
KEY_NOT_YET_CREATED = "Check mode makes no key. A real run makes it and checks it."
APP_NOT_RELEASED = (
    "Production refuses and the sandbox accepts: most likely the app was never released. "
    "Production accepts it after the first release; run again then."
)
RATE_LIMITED = "Apple's rate limit is exceeded, for longer than deadline leaves. Run again later, or raise deadline."


def clock_skew(ahead: float) -> str:
    """``ahead``: seconds by which this machine's clock is ahead of Apple's, negative when behind."""
    direction = "ahead of" if ahead > 0 else "behind"
    return (
        f"This machine's clock is {abs(ahead):.0f} s {direction} Apple's; "
        "with Apple's time the same key is accepted. Synchronise the clock (NTP)."
    )


def unauthenticated(environment: str, path: str | None, skew: float, sandbox: Sandbox) -> str:
    """List what to compare after two 401 answers, which never say why."""
    hint = f"{REFUSED} {COMPARE}"
    if sandbox == "no answer":
        hint += f" {NO_SANDBOX}"
    elif environment == "production":
        hint += f" {NEVER_RELEASED}"
    if path and read_file_name(os.path.basename(path)).is_api_key:
        hint = f"{API_KEY_NAME} {hint}"
    if skew:
        hint += f" Also, this machine's clock is off by {abs(skew):.0f} s."
    return f"{hint} {NEW_KEY}"


def without_general(hint: str, was_released: bool) -> str:
    """Return what is left of `unauthenticated` once the likeliest cause is known: what speaks of other causes goes."""
    hint = _without(hint, API_KEY_NAME, REFUSED, COMPARE, NEW_KEY)
    return without_unreleased(hint) if was_released else hint


def without_unreleased(hint: str) -> str:
    """Return what is left of `unauthenticated` for an app that is known to be released."""
    return _without(hint, NEVER_RELEASED, NO_SANDBOX)


def _without(hint: str, *texts: str) -> str:
    for text in texts:
        hint = hint.replace(text, "")
    return " ".join(hint.split())


def service_unavailable(status: int) -> str:
    return f"The service kept answering HTTP {status}. Look at Apple's system status and run again later."


def unexpected(answer: Answer) -> str:
    """Say what came instead of an answer of Apple's, without repeating a foreign page."""
    between = "something in between answered (a proxy, a captive portal), or app_store_server_url is wrong."
    if 300 <= answer.status < 400:
        return f"HTTP {answer.status}, a redirect, along which no token is sent: {between}"
    if answer.error_code is not None:
        code = f"error code {answer.error_code}"
        return f"HTTP {answer.status} with {code}, which this check doesn't know. Please report it."
    kind = ascii(answer.content_type or "no content type") if answer.document is None else "another JSON"
    return f"HTTP {answer.status} with {kind} instead of Apple's JSON: {between}"


_SINCE = "Your settings haven't changed since Apple last accepted them"
# Perhaps with another key.
_BEFORE = "Your settings are those that are stored, and Apple accepted this app before"


def unchanged(was_accepted: bool) -> str:
    """``was_accepted``: with this key. Else an ID of a key that never worked may be wrong as well."""
    why = "the key was revoked" if was_accepted else "the key was revoked, its Key ID or Issuer ID is wrong"
    return (
        f"{_SINCE if was_accepted else _BEFORE}. Most likely {why}, or the app moved to another team: look in App "
        "Store Connect, then declare a new key or that team's."
    )


def not_apple(host: str) -> str:
    """Add what else a refusal of unchanged settings may mean when ``host`` answered instead of Apple."""
    return (
        f"{host} answered, not Apple (app_store_server_url): a simulator that was started again has to be shown its "
        "keys again."
    )


NEVER_ACCEPTED = (
    "Your settings are those of the integration that is stored; this ledger doesn't know that Apple ever accepted them."
)


def changed(differing: t.Sequence[tuple[str, str, str]], was_accepted: bool) -> str:
    """``differing``: (option, value that is held, value that is given)."""
    held = "accepted" if was_accepted else "stored"
    told = "; ".join(
        f"{name} was {shortened(was)} ({held}) and is {shortened(now)} now" for name, was, now in differing
    )
    new = f" {NEW_KEY}" if "key_id" in [name for name, _was, _now in differing] else ""
    return f"Changed: {told}. Check {'this' if len(differing) == 1 else 'these'} first.{new}"


def other_key(name: str, key_id: str, works: int, is_same_team: bool = False) -> str:
    """``name``: of a declared key that Apple accepts for the app. ``works``: for how many apps the refused key does."""
    told = f"Apple accepts the declared key {name!r} for this app, and refuses key {key_id}, with which it is declared."
    if is_same_team and works:
        return f"{told} Both are keys of one team, and {key_id} works for other apps. Run again in some minutes."
    if is_same_team:
        return (
            f"{told} Both are keys of one team, so {key_id} is revoked, or its Key ID is wrong, or it was made just "
            f"now. Compare the Key ID with App Store Connect. {NEW_KEY}"
        )
    team = f"the app belongs to the team of {name!r}"
    why = f"{key_id} works for other apps, so most likely {team}." if works else f"{key_id} is revoked, or {team}."
    return f"{told} {why} Declare the app with {name!r}."


def other_capitals(name: str, tracker: str) -> str:
    """``name``: a bundle ID that the tracker holds."""
    place = "the ledger" if tracker == "ledger" else tracker
    return f"Held in {place} with other capitals: {name}. Write the bundle ID as App Store Connect shows it."


def moved(key_id: str, works: int, total: int, was_accepted: bool = True) -> str:
    return (
        f"{_SINCE if was_accepted else _BEFORE}, and key {key_id} works for {works} of {total} apps here. Most likely "
        "the app moved to another team: declare that team's key for it."
    )


def revoked(key_id: str, issuer_id: str, total: int) -> str:
    return (
        f"Key {key_id} is refused for {every(total)} here, and your settings haven't changed since Apple last "
        f"accepted them. Most likely the key was revoked (Issuer ID {issuer_id}): declare a new one."
    )


def revoked_for_others(key_id: str, issuer_id: str, total: int) -> str:
    """Explain a refusal of a key that Apple accepted for another app, with the same settings."""
    return (
        f"Key {key_id} is refused for {every(total)} here, also where Apple accepted it before with the same settings. "
        f"Most likely the key was revoked (Issuer ID {issuer_id}): declare a new one."
    )


def known_released(is_same_key: bool) -> str:
    """Explain what production refuses and the sandbox accepts, of an app that production accepted before."""
    if is_same_key:
        return (
            "Production refuses this key now, although it accepted it for this app before. The sandbox still accepts "
            "it, so the key is active. Run again in some minutes. If it stays so, check whether the app moved to "
            "another team or was removed."
        )
    return (
        "Production accepted this app before, so the app was released; it refuses this key, which the sandbox accepts. "
        "Keep the key that works, and run again in some minutes: a new key may need them."
    )


def the_app(key_id: str, works: int, total: int, was_released: bool = False) -> str:
    look = "bundle ID (capitals)" + (" and its team" if was_released else ", its team, and whether it was released")
    return f"Key {key_id} works for {works} of {total} apps here, so the key is sound: look at this app's {look}."


def other_ids(sound: t.Sequence[str], tried: t.Sequence[str]) -> str:
    """Explain a private key that works here, under other IDs. Both: (issuer ID, Key ID, fingerprint)."""
    names = ("Issuer ID", "Key ID")
    differing = [f"{name} {own}" for name, own, other in zip(names, tried, sound, strict=False) if own != other]
    return (
        f"The same private key works for other apps here as Key ID {sound[1]} with Issuer ID {sound[0]}, so the key is "
        f"sound: correct {' and '.join(differing)}."
    )


def the_key(key_id: str, issuer_id: str, total: int) -> str:
    return (
        f"Key {key_id} is refused for {every(total)} here. {NEW_KEY} If it stays so, most likely the key was revoked, "
        f"or the Key ID or the Issuer ID {issuer_id} is wrong. Compare them in App Store Connect."
    )
