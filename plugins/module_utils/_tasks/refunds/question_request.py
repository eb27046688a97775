# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refund_info and refund_export are asked: which refunds are meant, and how they are wanted."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from ..._apple.refund_history import parse_transaction_id
from ..._context import Context, Params
from ..._declaration.keys import KeySource, key_source
from ..._model.errors import InputError
from ..._model.identifiers import is_storable, parse_bundle_id, shown
from ..._model.integration import Identity
from ..._model.refund import DAY_MS
from ..._model.refund_period import Period, parse_period
from ..._model.refund_rows import Cursor, Question, parse_cursor
from ..._model.secret import Secret
from ..shared.options import environment, ledger_url, service_url
from ..shared.root import root_certificate

if t.TYPE_CHECKING:
    from ..._apple.root_certificate import Root

_MOST_DAYS = 36_500
_SOURCE = re.compile(r"apple|other:[0-9a-f]{16}")
_CURRENCY = re.compile(r"[A-Z]{3}")
# What a signed 64-bit column holds: Apple may add reasons.
_LARGEST_REASON = 2**63 - 1
_LARGEST_LIMIT = 2**31 - 1
# What narrows a question to the ledger; Apple gives a customer's whole history or none.
_LEDGER_ONLY = ("bundle_ids", "since", "until", "last_days", "product_ids", "currencies", "reasons", "after", "source")
# With these left out, more is meant than with an empty list that a template made by mistake.
_LISTS = ("bundle_ids", "product_ids", "currencies", "reasons")


@dataclass(frozen=True)
class LedgerQuestion:
    """Refunds from the ledger. ``limit``: the most rows. ``tells_unread``: whether an unread ledger is warned of."""

    refunds: Question
    after: Cursor | None
    limit: int
    group_by: tuple[str, ...]
    tells_unread: bool
    ledger_url: Secret | None


@dataclass(frozen=True)
class AppleQuestion:
    """One customer's refunds from Apple. ``app_apple_id``: 0 where none is given, as Apple's library insists on one."""

    transaction_id: str
    wanted: Identity
    source: KeySource
    root: Root
    app_apple_id: int
    group_by: tuple[str, ...]
    app_store_server_url: str | None
    ledger_url: Secret | None


@dataclass(frozen=True)
class Export:
    """The ledger's refunds as files in ``folder``, an absolute path."""

    refunds: Question
    folder: str
    sums_by: tuple[str, ...]
    ledger_url: Secret | None


def info_question(params: Params, context: Context) -> LedgerQuestion | AppleQuestion:
    """Return what refund_info is asked. Raises RefundsError."""
    _refuse_nothing(params)
    if params.get("transaction_id"):
        return _apple_question(params)
    limit = params["limit"]
    found = LedgerQuestion(
        _question(params, context),
        parse_cursor(params["after"]) if params.get("after") else None,
        limit,
        tuple(dict.fromkeys(params["group_by"])),
        params["unread"] == "warn",
        ledger_url(params),
    )
    if not 0 <= limit <= _LARGEST_LIMIT:
        next_step = "Give 0 for no rows; sums and total are there all the same."
        raise InputError("limit", f"{limit} is not from 0 to {_LARGEST_LIMIT}.", next_step)
    return found


def export(params: Params, context: Context) -> Export:
    """Return what refund_export is asked. Raises RefundsError."""
    _refuse_nothing(params)
    folder = params["path"]
    # A playbook of a collection runs in the collection's folder: a relative path would mean a place in there.
    if not os.path.isabs(folder):
        raise InputError(
            "path", f"{shown(folder)} is relative.", "Give an absolute path, such as /srv/reports or ~/reports."
        )
    sums_by = tuple(dict.fromkeys(params["sums_by"]))
    return Export(_question(params, context), folder, sums_by, ledger_url(params))


def _apple_question(params: Params) -> AppleQuestion:
    for option in _LEDGER_ONLY:
        if params.get(option) is not None:
            raise InputError(option, "can't be combined with transaction_id.", "Leave one of them out.")
    transaction_id = parse_transaction_id(params["transaction_id"])
    if not params.get("bundle_id"):
        raise InputError("bundle_id", "is required.", "Give the app's bundle ID, such as com.example.game.")
    return AppleQuestion(
        transaction_id,
        Identity("ledger", "", environment(params), parse_bundle_id(params["bundle_id"])),
        key_source(params),
        root_certificate(params.get("root_certificate_path")),
        params.get("app_apple_id") or 0,
        tuple(params["group_by"]),
        service_url(params, "app_store_server_url"),
        ledger_url(params),
    )


def _refuse_nothing(params: Params) -> None:
    """Raise InputError for a list that is given but empty: it must not mean what leaving it out means."""
    for option in _LISTS:
        if params.get(option) == []:
            raise InputError(option, "is an empty list.", "Leave it out to ask for all.")


def _question(params: Params, context: Context) -> Question:
    """Return which refunds are asked for. Raises InputError."""
    for index, reason in enumerate(params.get("reasons") or ()):
        if not 0 <= reason <= _LARGEST_REASON:
            raise InputError(f"reasons[{index}]", f"{reason} isn't a reason of Apple's.", "Give 0 or 1.")
    for index, product_id in enumerate(params.get("product_ids") or ()):
        if not is_storable(product_id):
            raise InputError(
                f"product_ids[{index}]", f"{shown(product_id)} isn't a product ID.", "Compare it with Apple's."
            )
    currencies = _chosen(params, "currencies")
    for currency in currencies or ():
        if not _CURRENCY.fullmatch(currency):
            raise InputError("currencies", f"{shown(currency)} isn't a currency.", "Give ISO 4217 codes, such as USD.")
    return Question(
        source=_source(params),
        environment=environment(params),
        bundle_ids=_bundle_ids(params),
        period=_period(params, context),
        product_ids=_chosen(params, "product_ids"),
        currencies=currencies,
        reasons=_chosen(params, "reasons"),
        include_reversed=params["include_reversed"],
    )


def _source(params: Params) -> str:
    source = params.get("source")
    if source is None:
        return root_certificate(params.get("root_certificate_path")).source
    if not _SOURCE.fullmatch(source):
        next_step = "Give apple, or other: and the first 16 digits of a root certificate's SHA-256."
        raise InputError("source", f"{shown(source)} isn't a source.", next_step)
    return str(source)


def _bundle_ids(params: Params) -> tuple[str, ...] | None:
    if params.get("bundle_ids"):
        named = enumerate(params["bundle_ids"])
        return tuple(dict.fromkeys(parse_bundle_id(text, f"bundle_ids[{index}]") for index, text in named))
    return (parse_bundle_id(params["bundle_id"]),) if params.get("bundle_id") else None


def _chosen(params: Params, option: str) -> tuple[t.Any, ...] | None:
    return None if params.get(option) is None else tuple(dict.fromkeys(params[option]))


def _period(params: Params, context: Context) -> Period:
    days, since, until = params.get("last_days"), params.get("since"), params.get("until")
    if days is None:
        return parse_period(since, until)
    if since or until:
        raise InputError("last_days", "can't be combined with since or until.", "Leave one of them out.")
    if not 1 <= days <= _MOST_DAYS:
        raise InputError("last_days", f"{days} isn't a number of days.", f"Give 1 to {_MOST_DAYS}.")
    # Days are UTC everywhere, whatever the clock of the controller shows.
    today = int(context.now() * 1000) // DAY_MS * DAY_MS
    return Period(since=today - days * DAY_MS)
