# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No earlier report passes for that of an audit that stopped: its files are kept aside as soon as an audit begins."""

from __future__ import annotations

import os
import stat
import typing as t

from ..._context import Context, Results
from ..._files.text import drop_text_file, keep_text_file, refuse_unwritable_text, write_text_file
from ..._files.writing import free_name
from ..._model.errors import FileError
from ..._report.unfinished import Unfinished, earlier_of, is_unfinished, render
from .request import AuditRequest


def held(path: str) -> str | None:
    """Return what lies there, None without a readable regular file: a pipe would be waited for."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
    except OSError:
        return None


def aside(kind: str, path: str) -> str:
    """Return where the last report is kept while there is no new one, as its file says; empty where none is kept.

    Nothing else tells: a file with such a name may be somebody's copy of a report.
    """
    name = earlier_of(kind, held(path))
    stem = os.path.splitext(os.path.basename(path))[0]
    kept = os.path.join(os.path.dirname(path), os.path.basename(name))
    return kept if name.startswith(f"{stem}.previous") and os.path.lexists(kept) else ""


def last_report(kind: str, path: str) -> str | None:
    """Return the last file of this kind that an audit wrote at its end."""
    text = held(path)
    return held(aside(kind, path)) if is_unfinished(kind, text) else text


def finish(kind: str, path: str, text: str, option: str) -> None:
    """Write a report. One that was kept aside for it has been replaced then, and is removed."""
    kept = aside(kind, path)
    write_text_file(path, text, option)
    if kept:
        drop_text_file(kept)


def begin(request: AuditRequest, context: Context) -> Results:
    """Keep the last report aside, and say in each file that there is no new one yet; in all that can be written."""
    changed, faults = False, list[FileError]()
    for kind, path in request.paths.items():
        try:
            changed |= _begin(kind, path, request, context)
        except FileError as error:
            faults.append(error)
    if faults:
        raise faults[0]
    return {"changed": changed}


def _begin(kind: str, path: str, request: AuditRequest, context: Context) -> bool:
    refuse_unwritable_text(path, request.option_of(kind))
    is_new = not is_unfinished(kind, held(path))
    if not context.check_mode:
        earlier = aside(kind, path)
        if is_new and os.path.lexists(path):
            stem, extension = os.path.splitext(path)
            earlier = free_name(f"{stem}.previous", extension)
            keep_text_file(path, earlier, request.option_of(kind))
        _write(kind, path, request, context, earlier)
    return is_new


def stop(request: AuditRequest, context: Context) -> Results:
    """Say why the audit stopped, in the files that still say that it began. A report that was written stays."""
    begun = {kind: path for kind, path in request.paths.items() if is_unfinished(kind, held(path))}
    for kind, path in begun.items() if not context.check_mode else ():
        _write(kind, path, request, context, aside(kind, path), _why(request.results))
    return {"changed": bool(begun)}


def _write(kind: str, path: str, request: AuditRequest, context: Context, earlier: str, why: str = "") -> None:
    told = Unfinished(request.title, context.timestamp(), why, os.path.basename(earlier))
    write_text_file(path, render(kind, told), request.option_of(kind), like=earlier or path)


def _why(results: t.Iterable[Results]) -> str:
    """Return what the first step said that failed."""
    return next((str(found.get("msg") or "") for found in results if found.get("failed")), "")
