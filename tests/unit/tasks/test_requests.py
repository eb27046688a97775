# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task was asked is passed on as one value; wherever that is printed, it shows no secret."""

from __future__ import annotations

import typing as t

import pytest
from unit_support import BUNDLE_ID, ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._context import Context
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._run import plain
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.apps import notification_url
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.apps import request as apps
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.settings import parse_settings
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.field import field_check
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.field import request as field
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import request as keys
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import (
    ledger_request,
    question_request,
    refund_export,
    refund_info,
    refund_ledger,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration, integration_info
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import request as tracking

Json = dict[str, t.Any]
SECRET = "v3ry-h1dden-w0rd"
LEDGER = {"url": f"postgresql://refunds:{SECRET}@db.example/refunds"}


def params(task: t.Any, **given: t.Any) -> Json:
    """Return the parameters that a task gets: what is given, and the defaults of the rest."""
    from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator

    found = ModuleArgumentSpecValidator(task.argument_spec).validate(given)
    assert not found.error_messages
    return t.cast(Json, plain(found.validated_parameters))


def context() -> Context:
    return Context(False, {}, lambda: 0.0, lambda text: None, Transport(HttpSettings()))


APP: Json = {"bundle_id": BUNDLE_ID, "issuer_id": ISSUER, "private_key_content": SECRET, "ledger": LEDGER}
API: Json = {"api_private_key_content": SECRET, "api_issuer_id": ISSUER, "api_key_id": "2X9R4HXF34"}
REQUESTS: dict[str, t.Callable[[], t.Any]] = {
    "ledger": lambda: ledger_request.request_of(params(refund_ledger.TASK, **APP, **API)),
    "info": lambda: question_request.info_question(params(refund_info.TASK, ledger=LEDGER), context()),
    "one customer": lambda: question_request.info_question(
        params(refund_info.TASK, **APP, transaction_id="2000000000000001"), context()
    ),
    "export": lambda: question_request.export(params(refund_export.TASK, ledger=LEDGER, path="/srv/x"), context()),
    "integration_info": lambda: tracking.info_request(params(integration_info.TASK, **APP)),
    "services": lambda: tracking.one_request(params(integration.TASK, **APP)),
    "notification URL": lambda: apps.request_of(
        params(notification_url.TASK, **APP, **API, production_url="https://example.com/a", verify=True)
    ),
    "field check": lambda: field.request_of(
        params(
            field_check.TASK,
            **{name: value for name, value in APP.items() if name != "ledger"},
            **API,
            session=SECRET,
            revenuecat={"api_key": SECRET, "project_id": "proj1"},
        )
    ),
    "keys": lambda: keys.keys_request(
        params(iap_key.TASK, private_key_content=SECRET, private_key_path="/srv/k.p8", session=SECRET)
    ),
    "events": lambda: parse_settings(
        {"mode": "listen", "ledger": LEDGER, "forward_to": [f"https://hooks.example/{SECRET}"]}
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_that_no_request_shows_a_secret(name: str) -> None:
    found = REQUESTS[name]()
    assert SECRET not in f"{found!r} {found}"
