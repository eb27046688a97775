# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""In-App Purchase keys: list, create, one-time download, revoke.

Create and download are observed; the list's attributes and the revocation are drawn from what was
observed of ``apiKeys``, the keys of the other kind.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from ... import keys
from ...world import Key
from ..api import Endpoint, Refused
from . import header_checks
from .answers import malformed, refused, success
from .endpoints import Handler, SignedIn
from .key_pages import page_of
from .key_resource import TYPE, KeyView, encoded

_PATH: Final = "/iris/v1/subscriptionKeys"
_MAY_MANAGE_KEYS: Final = ("ACCOUNT_HOLDER", "ADMIN")
_FIELDS: Final = f"fields[{TYPE}]"


def _list_keys(signed: SignedIn) -> Response:
    view = KeyView(signed.simulator)
    listed = [key for key in signed.team.iap_keys if view.is_listed(key)]
    page = page_of(listed, signed.request, signed.simulator.world.connect.largest_page)
    wanted = _wanted_fields(signed)
    data = [view.resource(key, wanted) for key in page.keys]
    return success({"data": data, "links": page.links, "meta": page.meta})


def _create_key(signed: SignedIn) -> Response:
    nickname = signed.member("data", "attributes", "nickname")
    if signed.member("data", "type") != TYPE:
        raise malformed(f"data.type has to be {TYPE}")
    if not isinstance(nickname, str) or not nickname.strip():
        raise malformed("data.attributes.nickname has to be a text")
    simulator, team = signed.simulator, signed.team
    world = simulator.world
    if sum(key.active for key in team.iap_keys) >= world.connect.active_key_limit:
        detail = "You have reached the maximum number of active keys."
        raise refused("active_key_limit", world.connect.limit_status, "STATE_ERROR", detail)
    key_id = next(new for new in iter(keys.new_key_id, "") if new not in world.keys)
    public_key, private_pem = keys.generate()
    key = Key(key_id, nickname, True, public_key, created_at=simulator.now())
    simulator.world = world.with_team(team.with_keys("iap_keys", (*team.iap_keys, key)))
    simulator.private_keys[key_id] = private_pem
    # So that the log shows which key was made when the answer got lost.
    signed.call.key_id = key_id
    resource = KeyView(simulator).resource(key, always=("canDownload",))
    return success({"data": resource}, world.connect.created_status)


def _read_key(signed: SignedIn) -> Response:
    simulator, key = signed.simulator, _find(signed)
    view = KeyView(simulator)
    wanted = _wanted_fields(signed)
    if wanted is None or "privateKey" not in wanted:
        return success({"data": view.resource(key, wanted)})
    if not view.can_download(key):
        resource = view.resource(key, wanted, always=("canDownload",))
        return success({"data": resource})
    resource = view.resource(key, wanted)
    private_pem = simulator.private_keys.pop(key.key_id)
    encoding = key.private_key_encoding or simulator.world.connect.private_key_encoding
    attributes = {**resource["attributes"], "privateKey": encoded(private_pem, encoding)}
    return success({"data": {**resource, "attributes": attributes}})


def _revoke_key(signed: SignedIn) -> Response:
    simulator, key = signed.simulator, _find(signed)
    if (signed.member("data", "type"), signed.member("data", "id")) != (TYPE, key.key_id):
        raise malformed(f"data.type has to be {TYPE}, and data.id the ID in the path")
    active = signed.member("data", "attributes", "isActive")
    if not isinstance(active, bool):
        raise malformed("data.attributes.isActive has to be true or false")
    if active:
        raise refused("cannot_reinstate", 409, "STATE_ERROR", "A key cannot be reinstated.")
    if key.active:
        held = simulator.world.keys[key.key_id]
        key = key.with_active(False, simulator.now())
        simulator.world = simulator.world.with_key(held, key)
    return success({"data": KeyView(simulator).resource(key)})


def _find(signed: SignedIn) -> Key:
    key_id = signed.path_values["key_id"]
    held = signed.simulator.world.keys.get(key_id)
    if held is None:
        raise _not_found("unknown_key_id", key_id)
    if held.kind != "iap_keys":
        raise _not_found("not_an_iap_key", key_id)
    if held.team.issuer_id != signed.team.issuer_id:
        raise _not_found("key_of_another_team", key_id)
    if not KeyView(signed.simulator).is_listed(held.key):
        raise _not_found("key_no_longer_listed", key_id)
    return held.key


def _not_found(reason: str, key_id: str) -> Refused:
    detail = f"There is no resource of type '{TYPE}' with id '{key_id}'"
    return refused(reason, 404, "NOT_FOUND", detail)


def _wanted_fields(signed: SignedIn) -> frozenset[str] | None:
    text = signed.request.query_params.get(_FIELDS)
    return None if text is None else frozenset(text.split(","))


def _guarded(handle: Handler) -> Handler:
    """Put the checks that all endpoints of keys share before one of them."""

    def guarded(signed: SignedIn) -> Response:
        header_checks.check_iris(signed.request)
        if signed.session.agreement_pending:
            code = "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED"
            detail = "A required agreement is missing or has expired."
            raise refused("agreement_pending", 403, code, detail)
        if signed.session.role not in _MAY_MANAGE_KEYS:
            detail = "Your role does not allow this request."
            raise refused("role_not_allowed", 403, "FORBIDDEN_ERROR", detail)
        return handle(signed)

    return guarded


ENDPOINTS: Final[tuple[Endpoint[Handler], ...]] = (
    Endpoint("list_subscription_keys", "GET", _PATH, _guarded(_list_keys)),
    Endpoint("create_subscription_key", "POST", _PATH, _guarded(_create_key)),
    Endpoint("read_subscription_key", "GET", f"{_PATH}/{{key_id}}", _guarded(_read_key)),
    Endpoint("revoke_subscription_key", "PATCH", f"{_PATH}/{{key_id}}", _guarded(_revoke_key)),
)
