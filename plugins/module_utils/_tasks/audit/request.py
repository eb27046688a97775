# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refund_audit_report is asked: an audit's results, what of them is waived or fails it, and the files."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from ..._context import Params, Results
from ..._model.errors import InputError
from ..._report.model import DEFAULT_TITLE, Kind


@dataclass(frozen=True)
class AuditRequest:
    """``paths``: the file of each kind that is wanted. ``named``: the kinds that have an option of their own."""

    stage: t.Literal["begun", "stopped", "finished"]
    paths: t.Mapping[str, str]
    named: frozenset[str]
    title: str
    results: t.Sequence[Results]
    absent_keys: t.Sequence[Results]
    refunds: t.Sequence[Results]
    declaration_faults: t.Sequence[Results]
    waivers: t.Sequence[Results]
    fail_on: tuple[Kind, ...]

    def option_of(self, kind: str) -> str:
        """Return the option that gives the place of a file."""
        return f"{kind}_path" if kind in self.named else "path"


def request_of(params: Params, names: t.Mapping[str, str]) -> AuditRequest:
    """Return what a task asks. ``names``: of the files in a folder, by kind. Raises InputError."""
    return AuditRequest(
        params.get("stage") or "finished",
        _paths(params, names),
        frozenset(kind for kind in names if params.get(f"{kind}_path")),
        (params.get("title") or "").strip() or DEFAULT_TITLE,
        params["results"],
        params.get("absent_keys") or [],
        params.get("refunds") or [],
        params.get("declaration_faults") or [],
        params.get("waivers") or [],
        tuple(params["fail_on"]),
    )


def _paths(params: Params, names: t.Mapping[str, str]) -> dict[str, str]:
    """Return the file of each kind that is wanted."""
    own = {kind: params.get(f"{kind}_path") or "" for kind in names}
    folder = params.get("path") or ""
    found = {kind: own[kind] or os.path.join(folder, name) for kind, name in names.items() if own[kind] or folder}
    if not found:
        raise InputError("path", "nothing says where to write the report.", "Give an absolute path of a folder.")
    for kind, path in found.items():
        if not os.path.isabs(path):
            option = f"{kind}_path" if own[kind] else "path"
            raise InputError(option, f"{own[kind] or folder} is relative.", "Give an absolute path, or one from ~.")
    if len(set(found.values())) < len(found):
        raise InputError("path", "two of the files have the same path.", "Give each a path of its own.")
    return {kind: os.path.normpath(path) for kind, path in found.items()}
