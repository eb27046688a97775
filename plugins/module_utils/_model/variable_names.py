# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""In a role, a message names the role's variable: who runs the playbook never typed the module's option."""

from __future__ import annotations

import re
import typing as t

_OWN = "storeops.refunds."
_VARIABLE = re.compile(r"\{\{\s*(\w+)")
# The declaration is typed once, for all roles.
_SHARED = "refund_tracking_"
_OF_ROLES = re.compile(
    r"(?:refund_tracking|refund_audit|refund_history|notification_urls|iap_key_rotation|iap_key_custody)_"
)


def named(message: str, task: t.Mapping[str, t.Any], known: t.Container[str]) -> str:
    """Return a message with a variable in place of each option that the task takes from one.

    ``task``: a role's task as it was written. ``known``: the names of the variables that there are.
    """
    variables = _variables(task, known)
    if not variables:
        return message
    return _rule(sorted(variables, key=len, reverse=True)).sub(lambda found: variables[found[0]], message)


def _rule(options: t.Sequence[str]) -> re.Pattern[str]:
    """Find options in a message. A word of English, such as name or keys, is one where it can't be anything else."""
    every = "|".join(map(re.escape, options))
    longer = "|".join(re.escape(option) for option in options if "_" in option) or "(?!)"
    begins, entry, before = rf"^(?:{every})(?=[:\[.])", rf"(?:{every})(?=\[\d)", rf"(?:{every})(?= or (?:{longer})\b)"
    return re.compile(rf"{begins}|(?<![\w.])(?:{entry}|{before}|(?:{longer})(?!\w))", re.MULTILINE)


def _variables(task: t.Mapping[str, t.Any], known: t.Container[str]) -> dict[str, str]:
    options = next((value for name, value in task.items() if str(name).startswith(_OWN)), None)
    return _of_options(options, known) if isinstance(options, dict) else {}


def _of_options(options: t.Mapping[str, t.Any], known: t.Container[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    # A field is named with its option in front, and in prose without, unless there is an option of that name.
    for option, value in options.items():
        for name, variable in _of_options(value, known).items() if isinstance(value, dict) else ():
            found |= {name: variable, f"{option}.{name}": variable}
    for option, value in options.items():
        template = _VARIABLE.match(value) if isinstance(value, str) else None
        if template and (prefix := _OF_ROLES.match(template[1])):
            shared = _SHARED + template[1].removeprefix(prefix[0])
            found[option] = shared if shared in known else template[1]
    return found
