# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of refund_info and refund_export that say which refunds are meant."""

from __future__ import annotations

import re
import typing as t

from ..._context import Context, Params
from ..._fields import refuse_empty
from ..._model.errors import InputError
from ..._model.identifiers import is_storable, parse_bundle_id, shown
from ..._model.refund_period import Period, parse_period
from ..._model.refund_rows import Question
from ..shared.options import environment
from ..shared.root import root_certificate

_DAY = 86_400_000
_MOST_DAYS = 36_500
_SOURCE = re.compile(r"apple|other:[0-9a-f]{16}")
_CURRENCY = re.compile(r"[A-Z]{3}")
# What a signed 64-bit column holds: Apple may add reasons.
_LARGEST_REASON = 2**63 - 1
# With these left out, more is meant than with an empty text that a template made by mistake.
_TEXTS = ("bundle_id", "since", "until", "after", "source", "transaction_id")
_LISTS = ("bundle_ids", "product_ids", "currencies", "reasons")


def refuse_nothing(params: Params) -> None:
    """Raise InputError for an option that is given but empty: it must not mean what leaving it out means."""
    refuse_empty(params, _TEXTS)
    for option in _LISTS:
        if params.get(option) == []:
            raise InputError(option, "is an empty list.", "Leave it out to ask for all.")


def question_of(params: Params, context: Context) -> Question:
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
    today = int(context.now() * 1000) // _DAY * _DAY
    return Period(since=today - days * _DAY)
