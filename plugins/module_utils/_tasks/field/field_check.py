# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""field_check_info: asks the real services what this collection assumes of them, and writes down what was seen."""

from __future__ import annotations

import contextlib
import re
import typing as t
from collections import Counter

from ... import _argument_spec, _declared_spec
from ..._context import Context, Params, Results, Task
from ..._files.text import refuse_unwritable_text, write_text_file
from ..._model.assumption import OUTCOMES, Finding
from ..._model.errors import InputError, RefundsError
from ..._model.identifiers import parse_bundle_id
from ..._report.field_page import field_document, render_field_page
from ..._trackers.options import Options
from ..._trackers.settings import parse
from ..shared.connect_api import open_connect_api
from ..shared.options import load_credentials
from ..shared.services import CALL_LIBRARIES, SESSION_LIBRARIES, app_store_server
from ..shared.session import Connection
from .apple_questions import PART as APPLE
from .apple_questions import AppleQuestions
from .connect_questions import PART as CONNECT_API
from .connect_questions import connect_questions
from .request import FILES, AppleRequest, FieldRequest, request_of
from .session_questions import PART as SESSION
from .session_questions import session_questions

Questions = t.Callable[[], t.Iterator[Finding]]
_PARTS = "bundle_id with its key, api_private_key_path, session, revenuecat, qonversion or devtodev"
_TITLE = re.compile(r"the page (['\"]).*?\1")


def spec() -> dict[str, t.Any]:
    """Return the options of field_check_info."""
    trackers = ("revenuecat", "qonversion", "devtodev")
    return {
        "bundle_id": {"type": "str"},
        **_declared_spec.KEY,
        **{name: _argument_spec.APPLE[name] for name in ("environment", "app_store_server_url")},
        **{name: _argument_spec.TRACKER[name] for name in trackers},
        **{name: _argument_spec.HTTP[name] for name in ("ca_path", "request_timeout", "deadline")},
        "session": {"type": "str", "no_log": True},
        "session_path": {"type": "path", "no_log": False},
        "app_store_connect_url": {"type": "str"},
        **_argument_spec.CONNECT_API,
        **{name: {"type": "path"} for name in FILES},
    }


def run(params: Params, context: Context) -> Results:
    request = request_of(params)
    for name, path in request.files.items():
        refuse_unwritable_text(path, name)
    with contextlib.ExitStack() as stack:
        parts = dict(_parts(request, context, stack))
        if not parts:
            raise InputError("bundle_id", "this or another part is required.", f"Give one or more of {_PARTS}.")
        findings = [finding for part, questions in parts.items() for finding in _asked(part, questions)]
    counts = Counter(finding.outcome for finding in findings)
    summary: dict[str, int] = {outcome: counts[outcome] for outcome in OUTCOMES}
    document = field_document(findings, summary, context.timestamp())
    texts = {"html_path": lambda: render_field_page(document), "json_path": document.as_json}
    for name, path in () if context.check_mode else request.files.items():
        write_text_file(path, texts[name](), name)
    return {
        "changed": False,
        "assumptions": [finding.as_result() for finding in findings],
        "summary": summary,
        "http": context.transport.counters.as_result(),
    }


def _asked(part: str, questions: Questions) -> t.Iterator[Finding]:
    """Yield a part's findings; what stops it is one of them, and stops no other part."""
    try:
        yield from questions()
    except RefundsError as error:
        # A page's title may be an app's name, and what a service says may name anything.
        seen = _TITLE.sub("the page", error.message.partition(" It says: ")[0])
        yield Finding(part, "reachable", "The service answers these questions.", seen, "not_seen")


def _parts(request: FieldRequest, context: Context, stack: contextlib.ExitStack) -> t.Iterator[tuple[str, Questions]]:
    apple, connect_api = request.apple, request.connect_api
    if apple is not None:
        yield APPLE, lambda: _apple(apple, context)
    if connect_api is not None:
        yield CONNECT_API, lambda: connect_questions(open_connect_api(connect_api, context))
    connection = Connection(request.session, context)
    if connection.is_given or connection.is_empty:
        yield SESSION, lambda: session_questions(connection.open())
    for name, options in request.trackers.items():
        yield name, _tracker(name, options, request, context, stack)


def _apple(asked: AppleRequest, context: Context) -> t.Iterator[Finding]:
    credentials = load_credentials(asked.source, False)
    server = app_store_server(asked.app_store_server_url, context)
    yield from AppleQuestions(server, credentials, parse_bundle_id(asked.bundle_id), asked.environment).findings()


def _tracker(
    name: str, options: Options, request: FieldRequest, context: Context, stack: contextlib.ExitStack
) -> Questions:
    def questions() -> t.Iterator[Finding]:
        settings: t.Any = parse(name, options)
        if name == "devtodev":
            from ..._model.integration import Identity
            from ..._trackers.protocol import Times
            from ..shared.devtodev import Browsers
            from .page_questions import page_questions

            timeout = request.request_timeout
            browsers = Browsers(context, Times(timeout, timeout))
            stack.callback(browsers.close)
            identity = Identity(name, settings.project, "production", request.bundle_id)
            yield from page_questions(settings, browsers.tab(settings), settings.address(identity), timeout)
        else:
            from .tracker_questions import qonversion_questions, revenuecat_questions

            ask: t.Any = revenuecat_questions if name == "revenuecat" else qonversion_questions
            yield from ask(settings, context.transport)

    return questions


_WITH = {"session": SESSION_LIBRARIES, "session_path": SESSION_LIBRARIES}
TASK = Task(spec(), run, CALL_LIBRARIES, libraries_with=_WITH)
