# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signed-in App Store Connect session of a task: given as text, as a file, or by FASTLANE_SESSION."""

from __future__ import annotations

from dataclasses import dataclass

from ..._apple.app_store_connect import HOST, AppStoreConnect
from ..._context import Context, Params
from ..._files.reading import read_option_file
from ..._model.errors import InputError
from ..._model.identifiers import refuse_no_path
from ..._model.secret import Secret
from ..._model.web_session import LARGEST, parse_session
from .options import service_url

# The second one is the name that older versions of fastlane used.
VARIABLES = ("FASTLANE_SESSION", "SPACESHIP_SESSION")
WAYS = "Give session or session_path (of fastlane spaceauth, or a browser's export), or set FASTLANE_SESSION."


@dataclass(frozen=True)
class SessionOptions:
    """``text``: None where the option isn't there, empty where it is given but empty. ``url``: None is Apple's."""

    text: Secret | None
    path: str | None
    url: str | None


def session_options(params: Params) -> SessionOptions:
    """Return what a task says of its session. Raises InputError for a URL that is none."""
    text = params.get("session")
    url = service_url(params, "app_store_connect_url")
    return SessionOptions(None if text is None else Secret(text), params.get("session_path"), url)


class Connection:
    """App Store Connect for a task's session: read when it is first needed, and one for all keys of a task."""

    def __init__(self, options: SessionOptions, context: Context) -> None:
        self._options = options
        self._context = context
        self._opened: AppStoreConnect | None = None

    @property
    def is_given(self) -> bool:
        return bool(self._options.text or self._options.path or any(map(self._context.environ.get, VARIABLES)))

    @property
    def is_empty(self) -> bool:
        """Tell whether a session was meant and none is there, as in a job that lacks its secret."""
        return not self.is_given and _is_empty(self._options, self._context)

    def open(self) -> AppStoreConnect:
        """Return App Store Connect. Raises InputError without a session that can be used."""
        if self._opened is None:
            text, option = _text(self._options, self._context)
            session = parse_session(text.reveal(), option)
            self._opened = AppStoreConnect(self._context.transport, session, self._options.url or HOST)
        return self._opened


def _text(options: SessionOptions, context: Context) -> tuple[Secret, str]:
    if options.text:
        return options.text, "session"
    if options.path:
        return read_session_file(options.path, "session_path", WAYS, LARGEST), "session_path"
    variable = next(filter(context.environ.get, VARIABLES), None)
    if variable:
        return Secret(context.environ[variable]), variable
    said = "is given but empty" if _is_empty(options, context) else "is required to look at App Store Connect"
    raise InputError("session", f"{said}.", WAYS)


def _is_empty(options: SessionOptions, context: Context) -> bool:
    return (options.text, options.path) != (None, None) or any(name in context.environ for name in VARIABLES)


def read_session_file(path: str, option: str, ways: str, largest: int) -> Secret:
    """Return the text of a file that only its owner can read. Raises InputError that names ``option``."""
    if path.lstrip().startswith(("[", "{", "---")):
        raise InputError(option, "is a session's text, no path.", f"Give it as {option.removesuffix('_path')}.")
    refuse_no_path(path, option)
    data, status = read_option_file(path, option, largest, ways)
    if status.st_mode & 0o077:
        raise InputError(
            option,
            f"{path} can be reached by others than its owner; whoever has a session acts as you.",
            "Run chmod 600 on it.",
        )
    try:
        return Secret(data.decode("utf-8"))
    except UnicodeDecodeError:
        kind = "in UTF-16; save it as UTF-8" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "no text"
        raise InputError(option, f"{path} is {kind}.", ways) from None
