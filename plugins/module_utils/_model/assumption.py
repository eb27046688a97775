# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is assumed of a service, what was seen there, and the shape of an answer without anything that stands in it."""

from __future__ import annotations

import re
import typing as t
from dataclasses import asdict, dataclass

Outcome = t.Literal["holds", "broken", "noted", "not_seen"]
OUTCOMES: tuple[Outcome, ...] = t.get_args(Outcome)
# A field's name; anything else may be somebody's data.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_MOST_FIELDS = 40
_TYPES = {str: "text", bool: "boolean", int: "number", float: "number", type(None): "null"}


@dataclass(frozen=True)
class Finding:
    """One assumption. ``seen`` holds names, kinds, statuses and codes alone: no ID, no value, nothing of a customer.

    ``noted``: nothing depends on what was seen. ``not_seen``: the question could not be asked.
    """

    part: str
    name: str
    assumption: str
    seen: str
    outcome: Outcome

    def as_result(self) -> dict[str, str]:
        """Return an entry of the module result ``assumptions``."""
        return asdict(self)


def judged(holds: bool) -> Outcome:
    return "holds" if holds else "broken"


def judged_answer(status: int, content_type: str, holds: bool) -> Outcome:
    """Judge an HTTP answer; a rate limit, an outage and the page of a proxy say nothing about what is assumed."""
    is_other = status == 429 or status >= 500 or content_type == "text/html"
    return "not_seen" if is_other else judged(holds)


def shape(value: t.Any, depth: int = 3) -> str:
    """Return the fields and kinds of a JSON value, such as ``{errorCode: number, errorMessage: text}``."""
    if isinstance(value, dict):
        if depth == 0:
            return "{...}"
        fields = [f"{field_name(name)}: {shape(value[name], depth - 1)}" for name in sorted(value)[:_MOST_FIELDS]]
        return "{" + ", ".join(fields) + "}"
    if isinstance(value, list):
        kinds = sorted({shape(item, depth - 1) for item in value[:_MOST_FIELDS]}) if depth else ["..."]
        return "[" + " or ".join(kinds) + "]"
    return _TYPES.get(type(value), "something else")


def field_name(name: str) -> str:
    return name if _NAME.fullmatch(name) else "(a name that is not shown)"
