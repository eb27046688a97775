# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""field_check_info: asks the real services what this collection assumes of them, and writes down what was seen."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t
from collections import Counter

from ... import _argument_spec, _declared_spec
from ..._context import Context, Params, Results, Task
from ..._declaration.keys import key_source
from ..._files.text import refuse_unwritable_text, write_text_file
from ..._model.assumption import OUTCOMES, Finding
from ..._model.errors import InputError, RefundsError
from ..._model.identifiers import Environment, parse_bundle_id
from ..._report.field_page import field_document, render_field_page
from ..._trackers.settings import parse
from ..shared.connect_api import connect_api_options, open_connect_api
from ..shared.options import load_credentials, service_url
from ..shared.services import CALL_LIBRARIES, SESSION_LIBRARIES, app_store_server
from ..shared.session import Connection, session_options
from .apple_questions import PART as APPLE
from .apple_questions import AppleQuestions
from .connect_questions import PART as CONNECT_API
from .connect_questions import connect_questions
from .session_questions import PART as SESSION
from .session_questions import session_questions

Questions = t.Callable[[], t.Iterator[Finding]]
_PARTS = "bundle_id with its key, api_private_key_path, session, revenuecat, qonversion or devtodev"
_FILES = ("html_path", "json_path")
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
        **{name: {"type": "path"} for name in _FILES},
    }


def run(params: Params, context: Context) -> Results:
    for name in _FILES:
        if params.get(name):
            refuse_unwritable_text(os.path.abspath(params[name]), name)
    with contextlib.ExitStack() as stack:
        parts = dict(_parts(params, context, stack))
        if not parts:
            raise InputError("bundle_id", "or another part is required.", f"Give one or more of {_PARTS}.")
        findings = [finding for part, questions in parts.items() for finding in _asked(part, questions)]
    counts = Counter(finding.outcome for finding in findings)
    summary: dict[str, int] = {outcome: counts[outcome] for outcome in OUTCOMES}
    document = field_document(findings, summary, context.timestamp())
    texts = {"html_path": lambda: render_field_page(document), "json_path": document.as_json}
    written = {name: os.path.abspath(params[name]) for name in _FILES if params.get(name)}
    for name, path in () if context.check_mode else written.items():
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


def _parts(params: Params, context: Context, stack: contextlib.ExitStack) -> t.Iterator[tuple[str, Questions]]:
    if params.get("private_key_path") or params.get("private_key_content"):
        yield APPLE, lambda: _apple(params, context)
    if params.get("api_private_key_path") or params.get("api_private_key_content"):
        yield CONNECT_API, lambda: connect_questions(open_connect_api(connect_api_options(params), context))
    connection = Connection(session_options(params), context)
    if connection.is_given:
        yield SESSION, lambda: session_questions(connection.open())
    for name in ("revenuecat", "qonversion", "devtodev"):
        options = {option: value for option, value in (params.get(name) or {}).items() if value not in (None, False)}
        if set(options) - {"on_unknown"}:
            yield name, _tracker(name, options, params, context, stack)


def _apple(params: Params, context: Context) -> t.Iterator[Finding]:
    credentials = load_credentials(key_source(params), False)
    bundle_id = parse_bundle_id(params.get("bundle_id") or "")
    server = app_store_server(service_url(params, "app_store_server_url"), context)
    yield from AppleQuestions(server, credentials, bundle_id, t.cast(Environment, params["environment"])).ask()


def _tracker(name: str, options: Params, params: Params, context: Context, stack: contextlib.ExitStack) -> Questions:
    def questions() -> t.Iterator[Finding]:
        settings: t.Any = parse(name, options)
        if name == "devtodev":
            from ..._model.integration import Identity
            from ..._trackers.protocol import Times
            from ..shared.devtodev import Browsers
            from .page_questions import page_questions

            timeout = float(params["request_timeout"])
            browsers = Browsers(context, Times(timeout, timeout))
            stack.callback(browsers.close)
            identity = Identity(name, settings.project, "production", params.get("bundle_id") or "")
            yield from page_questions(settings, browsers.tab(settings), settings.address(identity), timeout)
        else:
            from .tracker_questions import qonversion_questions, revenuecat_questions

            ask: t.Any = revenuecat_questions if name == "revenuecat" else qonversion_questions
            yield from ask(settings, context.transport)

    return questions


_WITH = {"session": SESSION_LIBRARIES, "session_path": SESSION_LIBRARIES}
TASK = Task(spec(), run, CALL_LIBRARIES, libraries_with=_WITH)
