# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signed-in App Store Connect session of a task: given as text, as a file, or by FASTLANE_SESSION."""

from __future__ import annotations

import os
import stat

from .._apple.app_store_connect import HOST, AppStoreConnect
from .._context import Context, Params
from .._model.errors import InputError
from .._model.secret import Secret
from .._model.web_session import LARGEST, parse_session
from .options import service_url

VARIABLE = "FASTLANE_SESSION"
_WAYS = "Give session or session_path (fastlane spaceauth makes one), or set FASTLANE_SESSION."


def given_session(params: Params, context: Context) -> bool:
    return bool(params.get("session") or params.get("session_path") or context.environ.get(VARIABLE))


def open_app_store_connect(params: Params, context: Context) -> AppStoreConnect:
    """Return App Store Connect for the task's session. Raises InputError without one."""
    text, option = _text(params, context)
    session = parse_session(text.reveal(), option)
    url = service_url(params, "app_store_connect_url") or HOST
    return AppStoreConnect(context.transport, session, url)


def _text(params: Params, context: Context) -> tuple[Secret, str]:
    if params.get("session"):
        return Secret(params["session"]), "session"
    if params.get("session_path"):
        return _read(params["session_path"]), "session_path"
    if context.environ.get(VARIABLE):
        return Secret(context.environ[VARIABLE]), VARIABLE
    raise InputError("session", "is required to look at App Store Connect.", _WAYS)


def _read(path: str) -> Secret:
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(LARGEST + 1) if stat.S_ISREG(status.st_mode) else b""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        raise InputError("session_path", f"{path} can't be read: {reason}.", _WAYS) from None
    if status.st_mode & 0o077:
        raise InputError(
            "session_path",
            f"{path} can be reached by others than its owner; whoever has a session acts as you at Apple.",
            "Run chmod 600 on it.",
        )
    try:
        return Secret(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise InputError("session_path", f"{path} is no text.", _WAYS) from None
