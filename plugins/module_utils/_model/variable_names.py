# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""In a role, a message names the role's variable: who runs the playbook never typed the module's option."""

from __future__ import annotations

import re
import typing as t

_OWN = "storeops.refunds."
_ENTRY = re.compile(r"\w+\[\d+\](?: \([^)]*\))?(?=: )")
_VARIABLE = re.compile(r"\{\{\s*(\w+)")
# The declaration is typed once, for all roles.
_SHARED = "refund_tracking_"
_OF_ROLES = re.compile(
    r"(?:refund_tracking|refund_audit|refund_history|notification_urls|iap_key_rotation|iap_key_custody)_"
)


def named(message: str, task: t.Mapping[str, t.Any], known: t.Mapping[str, t.Any]) -> str:
    """Return a message with a variable in place of each option that the task takes from one.

    ``task``: a role's task as it was written. ``known``: the variables that there are, as they were written.
    """
    variables, fields = _variables(task, known)
    if not variables:
        return message
    rule = _rule(list(variables), list(fields))
    return "\n".join(_line(line, rule, {**fields, **variables}) for line in message.split("\n"))


def _line(line: str, rule: re.Pattern[str], variables: t.Mapping[str, str]) -> str:
    # Behind the name of a declared entry stand the entry's own fields, and other entries of the same list.
    entry = _ENTRY.match(line)
    if not entry:
        return rule.sub(lambda found: variables[found[0]], line)
    option, end = entry[0].partition("[")[0], entry.end()
    others = re.sub(rf"(?<![\w.]){option}(?=\[\d)", variables.get(option, option), line[end:])
    return rule.sub(lambda found: variables[found[0]], line[:end]) + others


def _rule(options: t.Sequence[str], fields: t.Sequence[str]) -> re.Pattern[str]:
    """Find options in a message. A word of English, such as name or keys, is one where it can't be anything else.

    ``fields``: those of the task's mappings. In prose they may as well be those of a declared entry, but for a step.
    """
    every = "|".join(map(re.escape, options))
    longer = "|".join(re.escape(option) for option in options if "_" in option) or "(?!)"
    nested = "|".join(re.escape(field) for field in fields if "_" in field) or "(?!)"
    begins, entry, before = rf"^(?:{every})(?=[:\[.])", rf"(?:{every})(?=\[\d)", rf"(?:{every})(?= or (?:{longer})\b)"
    asks = rf"(?<=, as )(?:{every})(?=: )"
    step = rf"(?:(?<=Set )|(?<= or )|(?<=^team_id, ))(?:{nested})(?!\w)"
    return re.compile(rf"{begins}|{asks}|(?<![\w.])(?:{entry}|{before}|(?:{longer})(?!\w))|{step}")


def _variables(task: t.Mapping[str, t.Any], known: t.Mapping[str, t.Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the variables of a task's options, and those of its mappings' fields by the fields' own names."""
    options = next((value for name, value in task.items() if str(name).startswith(_OWN)), None)
    if not isinstance(options, dict):
        return {}, {}
    found, fields = _of_options(options, known), dict[str, str]()
    for option, value in options.items():
        for name, variable in _of_options(value, known).items() if isinstance(value, dict) else ():
            fields[name] = variable
            found[f"{option}.{name}"] = variable
    return found, fields


def _of_options(options: t.Mapping[str, t.Any], known: t.Mapping[str, t.Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for option, value in options.items():
        template = _VARIABLE.match(value) if isinstance(value, str) else None
        if template and (prefix := _OF_ROLES.match(template[1])):
            shared = _SHARED + template[1].removeprefix(prefix[0])
            # The role's own variable was set where it isn't the shared one any more.
            is_shared = shared in known and shared in str(known.get(template[1], ""))
            found[option] = shared if is_shared else template[1]
    return found
