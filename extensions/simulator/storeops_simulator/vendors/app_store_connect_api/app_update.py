# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``PATCH /v1/apps/{id}``: the URLs for server notifications, and nothing else of an app.

Sources: App Store Connect API release notes, 1.6 and 1.7 (attributes, omitted from the default answer); Apple's
technical note TN3180 (https only; back to version 1 in the same way). What wrong values are answered is assumed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from starlette.responses import Response

from .answers import refused
from .apps import URL_ATTRIBUTES, Accepted, answer_with

_VERSIONS: Final = ("V1", "V2")
_LONGEST_URL: Final = 255


async def update_app(accepted: Accepted) -> Response:
    """Answer with the app as it is then; its URLs only when ``fields[apps]`` names them."""
    app = accepted.app()
    wanted = _attributes(await accepted.request.body(), str(app.apple_id))
    changes: dict[str, str | None] = {}
    for name, value in wanted.items():
        if name not in URL_ATTRIBUTES:
            raise _invalid("not_patchable", f"The attribute {name!a} can not be updated.")
        changes[URL_ATTRIBUTES[name]] = _value(name, value, accepted)
    simulator = accepted.simulator
    # Each value has the type of its field: _value made it so, which mypy can't see in a mapping.
    changed = replace(app, **changes)  # type: ignore[arg-type]
    simulator.world = simulator.world.with_app(simulator.world.apps[app.bundle_id], changed)
    return answer_with(accepted, changed)


def _attributes(body: bytes, apple_id: str) -> Mapping[str, object]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise refused("no_json", 400, "ENTITY_INVALID", "The request entity is not a valid JSON document.") from None
    data = document.get("data") if isinstance(document, dict) else None
    attributes = data.get("attributes") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(attributes, dict):
        raise refused("bad_entity", 422, "ENTITY_UNPROCESSABLE", "The request entity has no data with attributes.")
    if data.get("type") != "apps" or data.get("id") != apple_id:
        raise refused("other_entity", 409, "ENTITY_ERROR", "The type or id is not that of the path.")
    return attributes


def _value(name: str, value: object, accepted: Accepted) -> str | None:
    if value is None:
        if accepted.simulator.world.connect_api.null_url == "refuse":
            raise _invalid("null_refused", f"The attribute {name} can not be null.")
        return None
    if "Version" in name:
        if not isinstance(value, str) or value not in _VERSIONS:
            raise _invalid("unknown_version", f"The attribute {name} is V1 or V2.")
        return value
    if not isinstance(value, str) or not value.startswith("https://") or len(value) > _LONGEST_URL:
        raise _invalid("url_not_https", f"The attribute {name} is an https URL.")
    return value


def _invalid(reason: str, detail: str) -> Exception:
    return refused(reason, 409, "ENTITY_ERROR.ATTRIBUTE.INVALID", detail)
