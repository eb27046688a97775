# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer of App Store Connect's web interface holds: an object, or a private key that can be had once."""

from __future__ import annotations

import base64
import typing as t

from .._http import Reply
from .._model.foreign_json import json_object
from .._model.secret import Secret
from .._model.secret_marks import may_hold_key


def json_of(reply: Reply) -> dict[str, t.Any] | None:
    """Return the JSON object of an answer, None where it is something else."""
    return json_object(reply.body or b"{}")


def private_key_in(reply: Reply) -> Secret | None:
    """Return the private key of an answer, or all of an answer that may be one in a form nobody has seen yet."""
    if not 200 <= reply.status < 300:
        return None
    data = (json_of(reply) or {}).get("data")
    attributes = data.get("attributes") if isinstance(data, dict) else None
    content = attributes.get("privateKey") if isinstance(attributes, dict) else None
    if isinstance(content, str) and content:
        return Secret(content)
    return Secret(_lossless(reply.body)) if content or may_hold_key(reply.body) else None


def _lossless(body: bytes) -> str:
    """Return an answer as a text of which nothing is lost."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(body).decode()
