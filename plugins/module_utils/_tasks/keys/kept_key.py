# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys that runs leave beside the place of a key: on their way there, saved, or as a copy after a kill.

What was downloaded is written under a name that says its Key ID, and only then given its own: the next run finds it.
"""

from __future__ import annotations

import glob
import os
import re
import typing as t

from ..._context import Context
from ..._files.writing import ELSEWHERE, keep_somewhere
from ..._model.errors import FileError
from ..._model.secret import Secret
from .key_file import look

# The ends of all names that runs make from a key's path: `keep` and `backup_path`, numbered where one was taken.
_SAVED = r"\.(?P<key_id>\w+)\.(?:unparsed|rescued)(?:-\d+)?"
_BACKUP = r"\.\d{8}T\d{6}Z(?:\.(?P<of>\w+))?(?:-\d+)?\.bak"
_TEMPORARY = r"\.iap_key_\w+"


def keep(content: Secret, key_id: str, path: str, kind: str, context: Context) -> tuple[str | None, str]:
    """Save what Apple gave, as it can't be had a second time. Return where, None when nothing took it; and why not
    beside its place, which is tried first: the temporary folder may be full, or gone after a restart.
    """
    data = content.reveal().encode("utf-8", "surrogatepass")
    return keep_somewhere(data, path, f"{os.path.basename(path)}.{key_id}.{kind}", _elsewhere(context.environ))


def kept(key_id: str, path: str, environ: t.Mapping[str, str]) -> str | None:
    """Return the file in which an earlier run saved the private key of ``key_id``: one that holds a key, if one does.

    One without a byte in it is what a run left that was killed before it wrote any. Raises FileError.
    """
    pattern = re.compile(f"{re.escape(os.path.basename(path))}{_SAVED}", re.ASCII)
    names = [(one, pattern.fullmatch(os.path.basename(one))) for one in _beside(path) + _saved_elsewhere(path, environ)]
    own = [one for one, match in names if match and match["key_id"] == key_id and not _is_empty(one)]
    return next((one for one in own if look(one, "own").key), next(iter(own), None))


def moved_aside(key_id: str | None, path: str) -> list[str]:
    """Return the backups of ``path`` of this Key ID by their names: what can be read as a key, the last one first.

    After them comes what can't, and may hold the key all the same, unless there isn't a byte in it. With None: those
    whose names say no Key ID, so that each may be any key. Raises FileError.
    """
    pattern = re.compile(f"{re.escape(os.path.basename(path))}{_BACKUP}", re.ASCII)
    named = [(one, pattern.fullmatch(os.path.basename(one))) for one in reversed(_beside(path))]
    own = [one for one, match in named if match and match["of"] == key_id and not _is_empty(one)]
    return sorted(own, key=lambda one: look(one, "own").key is None)


def copies(fingerprint: str, path: str, environ: t.Mapping[str, str]) -> list[str]:
    """Return the files that runs left beside ``path``, or saved elsewhere for it, and that hold this very key.

    Raises FileError.
    """
    pattern = re.compile(f"{re.escape(os.path.basename(path))}(?:{_SAVED}|{_BACKUP})|{_TEMPORARY}", re.ASCII)
    every = _beside(path) + _saved_elsewhere(path, environ)
    ours = (one for one in every if pattern.fullmatch(os.path.basename(one)))
    return [one for one in ours if look(one, "own").fingerprint == fingerprint]


def _beside(path: str) -> list[str]:
    folder = os.path.dirname(path)
    try:
        return sorted(os.path.join(folder, name) for name in os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise FileError(
            f"private_key_path: what an earlier run left in {folder} can't be seen: {error.strerror}.",
            "Check its owner and mode.",
        ) from None


def _elsewhere(environ: t.Mapping[str, str]) -> list[str]:
    places = [environ.get("HOME", ""), environ.get("TMPDIR") or "/tmp"]
    return [place for place in places if os.path.isabs(place)]


def _saved_elsewhere(path: str, environ: t.Mapping[str, str]) -> list[str]:
    """Anybody may put a folder into the temporary one: only this user's count."""
    tail = os.path.join(f"{ELSEWHERE}*", f"{glob.escape(os.path.basename(path))}.*")
    found = [one for place in _elsewhere(environ) for one in sorted(glob.glob(os.path.join(glob.escape(place), tail)))]
    return [one for one in found if os.stat(os.path.dirname(one)).st_uid == os.geteuid()]


def _is_empty(path: str) -> bool:
    return os.path.isfile(path) and not os.path.getsize(path)
