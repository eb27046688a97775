# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the ledger lies: a URL that the user gave, or a file of this user."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import traceback
import typing as t
from dataclasses import dataclass

from .._model.errors import UNSET, InputError
from .._model.identifiers import shown
from .._model.secret import Secret

try:
    import sqlalchemy.engine
    import sqlalchemy.exc
except ImportError:
    SQLALCHEMY_ERROR: str | None = traceback.format_exc()
else:
    SQLALCHEMY_ERROR = None

OPTION = "ledger.url"
_NEXT_STEP = "Give sqlite:////absolute/path/ledger.db or postgresql://user:password@host/database."
# After a password: its end is anybody's guess then, and a piece of it would pass for a host or a database.
_SECOND_AT = re.compile(r"\s*postgres[^:]*://[^@]*:[^@]*@.*@", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """``path`` is set for SQLite only. ``name`` tells the place without password. ``is_default``: nobody chose it."""

    url: Secret
    path: str | None
    name: str
    is_default: bool = False
    option: str = OPTION

    @property
    def where(self) -> str:
        """Return what a message about it begins with."""
        return f"{self.option}: {self.name}"


def find_place(url: str | None, environ: t.Mapping[str, str], option: str = OPTION) -> Place:
    """Return the place that ``option`` names, else the default file below ``$XDG_STATE_HOME``.

    Raises InputError for anything that is no absolute SQLite path and no PostgreSQL URL.
    """
    if url is None:
        path = _default_path(environ)
        return Place(Secret(f"sqlite:///{path}"), path, path, is_default=True)
    if not url.strip():
        # Mostly a secret that a CI job lacks: the file of this user would be another ledger, and lost with the job.
        other = " (or STOREOPS_LEDGER_URL is)" if option == OPTION else ""
        raise InputError(option, f"is given but empty{other}.", f"{_NEXT_STEP} {UNSET}")
    if _SECOND_AT.match(url):
        raise InputError(option, "has more than one @.", "Write an @ in the password as %40.")
    try:
        parsed = sqlalchemy.engine.make_url(url.strip())
        backend = parsed.get_backend_name()
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise InputError(option, "this isn't a database URL.", _NEXT_STEP) from None
    if backend == "sqlite":
        return _sqlite(parsed, environ, option)
    if backend in ("postgresql", "postgres"):
        safe = parsed.set(drivername="postgresql+psycopg")
        name = f"PostgreSQL {parsed.host or 'socket'}/{parsed.database or ''}"
        return Place(Secret(safe.render_as_string(hide_password=False)), None, name, option=option)
    raise InputError(option, f"{backend!a} isn't a supported database.", _NEXT_STEP)


def _sqlite(parsed: sqlalchemy.engine.URL, environ: t.Mapping[str, str], option: str) -> Place:
    path = parsed.database or ""
    if path.startswith("~/"):
        path = os.path.join(_home(environ), path[2:])
    if not os.path.isabs(path) or "\0" in path or parsed.query or parsed.host:
        raise InputError(option, "an SQLite ledger needs an absolute path and no parameters.", _NEXT_STEP)
    return Place(Secret(f"sqlite:///{path}"), path, path, option=option)


def _default_path(environ: t.Mapping[str, str]) -> str:
    state = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        state = os.path.join(_home(environ), ".local", "state")
    return os.path.join(state, "storeops.refunds", "ledger.db")


def _home(environ: t.Mapping[str, str]) -> str:
    """Return this user's home. Raises InputError where there is none, as in a pod that runs under any user ID."""
    home = environ.get("HOME")
    if not home:
        with contextlib.suppress(KeyError):
            home = pwd.getpwuid(os.getuid()).pw_dir
    if not home or not os.path.isabs(home):
        why = f"HOME is {shown(home)}" if home else f"HOME is not set, and user {os.getuid()} has no passwd entry"
        raise InputError(
            OPTION,
            f"there is no folder for this user's ledger: {why}.",
            "Set ledger.url or STOREOPS_LEDGER_URL, or HOME to an absolute path.",
        )
    return home
