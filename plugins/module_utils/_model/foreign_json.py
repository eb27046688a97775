# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON that others wrote: parsed, and refused where it is nested deeper than any of their documents."""

from __future__ import annotations

import json
import typing as t

# What these services send is nested six times at most. Each level costs every later walk a frame or two of the stack.
DEEPEST = 32


def parse_json(text: str | bytes) -> t.Any:
    """Return the document. Raises ValueError for what isn't JSON, and for what is nested deeper than DEEPEST."""
    try:
        document = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    layer = [document]
    for _level in range(DEEPEST + 1):
        layer = [inner for outer in layer for inner in _children(outer)]
        if not layer:
            return document
    raise ValueError("nested too deeply")


def json_object(text: str | bytes) -> dict[str, t.Any] | None:
    """Return the document, None where it is no object."""
    try:
        document = parse_json(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _children(value: t.Any) -> t.Iterable[t.Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
