# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declared keys that can't be used, where no app tells of it: keys without apps most of all."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._context import Results
from ..._decisions.decision import Decision
from ..._declaration.declaration import Declaration
from .loaded_keys import LoadedKey


@dataclass(frozen=True)
class KeyTrouble:
    """``key``: the short name, empty for an entry without one. ``cause``: a verdict's, or ``failed``."""

    key: str
    cause: str
    text: str

    def as_result(self) -> Results:
        return {"key": self.key or None, "cause": self.cause, "msg": self.text}


def key_troubles(
    decisions: t.Sequence[Decision], declaration: Declaration, loaded: t.Sequence[LoadedKey]
) -> list[KeyTrouble]:
    """Return what is wrong with keys, except where a failed app names the key with it."""
    failed = [one for one in decisions if one.error and one.is_of_key and not one.is_untried]
    told = {one.key_name for one in failed}
    untold = [key for key in loaded if key.source.name not in told or _is_untold(key.source.trouble, failed)]
    found = [trouble for key in untold if not key.source.unusable and (trouble := _trouble(key))]
    sources = declaration.keys.values()
    said = " ".join(source.unusable for source in sources if source.name in told)
    for fault in declaration.key_faults:
        if fault not in said:
            name = next((source.name for source in sources if fault in source.unusable), "")
            found.append(KeyTrouble(name, "failed", fault))
    return found


def _is_untold(trouble: str, failed: t.Iterable[Decision]) -> bool:
    """Tell whether no app says what stopped the task before: most of them don't depend on it."""
    return bool(trouble) and not any(trouble in one.error for one in failed)


def _trouble(key: LoadedKey) -> KeyTrouble | None:
    source, problem = key.source, key.problem
    if source.trouble and source.trouble not in str(problem or ""):
        return KeyTrouble(source.name, "failed", f"key {source.name}: {source.trouble}")
    # The file of a key that is to be absent isn't there, and one that a run would make isn't there yet.
    is_as_meant = source.is_absent and source.fault is None and not source.trouble
    if is_as_meant or (problem and problem.cause == "key_not_yet_created"):
        return None
    if problem:
        return KeyTrouble(source.name, problem.cause, f"key {source.name}: {problem}")
    return KeyTrouble(source.name, "failed", key.fault) if key.fault else None
