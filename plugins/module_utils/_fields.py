# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes in mappings: unknown fields, missing ones, wrong types; in a list each is named by its position and app.

Ansible names the option alone, however long its list is, and shows any name of a field. What stands in a wrong field
may be a secret: its value is never shown, and its name only where it can be nothing but a name.
"""

from __future__ import annotations

import difflib
import re
import typing as t
from decimal import Decimal, DecimalException

from ._declared_spec import fields_of
from ._model.errors import UNSET, InputError
from ._model.identifiers import parse_bundle_id, refuse_no_path
from ._model.secret import looks_secret
from ._model.text import told_once
from ._model.token_marks import has_token, shortened

Spec = t.Mapping[str, t.Any]

MOST_NAMED = 10
FROM_TEXT = "In a YAML file, leave out the | or the quotes; text from a survey or from -e name=value needs from_yaml."
# No digits: tokens and passwords have some.
_FIELD = re.compile(r"[A-Za-z]+([_-][A-Za-z]+)*")
_LONGEST_FIELD = 30
_LONGEST_KEY_NAME = 64
# More than any number has that something is counted or numbered by.
_MOST_DIGITS = 30
# A slip of the keyboard, with one thing that can be meant; and what only resembles a field, or two.
_SLIP = 0.85
_SIMILARITY = 0.7
# Empty ones of App Store Connect hide those of a group's defaults, so that FASTLANE_SESSION counts. Others are empty as
# when they are left out, which does no harm.
MAY_BE_EMPTY = frozenset({"session", "session_path", "name", "prefix", "title"})
_BOOLEANS = frozenset({"1", "0", "on", "off", "y", "n", "t", "f", "yes", "no", "true", "false", "1.0", "0.0"})


def is_shown_field(name: str, value: object) -> bool:
    """Tell whether an unknown field's name may be shown: short, in the shape of a name, and with a value.

    A name without a value may be a secret that was to be the value of something.
    """
    return value is not None and len(name) <= _LONGEST_FIELD and _FIELD.fullmatch(name) is not None


def is_shown_key(name: str, fields: object) -> bool:
    """Tell whether the name of an entry of ``keys`` may be shown: people choose it, so it need not look like a field's.

    What isn't a mapping may be a secret that got a name's place.
    """
    if not isinstance(fields, dict):
        return is_shown_field(name, fields)
    is_name = bool(name.strip()) and len(name) <= _LONGEST_KEY_NAME and name.isprintable()
    return is_name and "://" not in name and not looks_secret(name)


def option_faults(spec: Spec, params: Spec) -> str:
    """Return what can't be used in the mappings, and lists of mappings, among ``params``; empty for nothing.

    ``params``: as they were given. That is what Ansible refuses, and a mapping or a list in the place of a text, which
    it would turn into one.
    """
    found: list[str] = []
    for name, option in spec.items():
        value = params.get(name)
        # Ansible takes a number for a Key ID, and breaks off at one without end where a whole one is due.
        is_huge = option.get("type") == "int" and isinstance(value, str) and _is_huge(value)
        if name == "key_id" or isinstance(value, float) or is_huge:
            found += _value_faults(name, params.get(name), option)
        if not fields_of(name, option) or params.get(name) is None:
            continue
        if option.get("type") == "list":
            found.append(together(name, _entry_faults(name, params[name], option)))
        else:
            found += _option_faults(name, params[name], fields_of(name, option))
    return " ".join(text for text in found if text)


def refuse_unusable(spec: Spec, params: Spec, where: str = "") -> None:
    """Raise InputError for a path that can't be one, and for a text or a path that is given but empty.

    Entries of lists are left to others. So are the texts of trackers and the ledger: the environment may have an empty
    secret that no tracker of this task needs.
    """
    for name, option in spec.items():
        value, is_path = params.get(name), option.get("type") == "path"
        if is_path if where else name not in MAY_BE_EMPTY:
            refuse_empty(params, (name,), where)
        if is_path and value:
            refuse_no_path(value, f"{where}{name}")
        elif "options" in option and isinstance(value, dict):
            refuse_unusable(option["options"], value, f"{where}{name}.")


def refuse_empty(params: Spec, options: t.Iterable[str], where: str = "", variable: str = "") -> None:
    """Raise InputError for a text that is given but empty: it must not mean what leaving it out means.

    ``variable``: of the environment, which may have given it.
    """
    for option in options:
        value = params.get(option)
        if isinstance(value, str) and not value.strip():
            raise InputError(
                f"{where}{option}",
                f"is given but empty{f' (or {variable} is)' if variable else ''}.",
                f"Give a value, or leave the option out (omit). {UNSET}",
            )


def together(option: str, faults: t.Sequence[str]) -> str:
    """Return one message about many entries of an option."""
    if len(faults) < 2:
        return "".join(faults)
    told = told_once(faults[:MOST_NAMED])
    told += [f"And {len(faults) - MOST_NAMED} more."] * (len(faults) > MOST_NAMED)
    return f"{len(faults)} entries of {option} can't be used; nothing was done. {' '.join(told)}"


def place(option: str, number: int, name: object) -> str:
    """Return the name of an entry, with its app or the short name of its key: ``apps[3] (com.example.four)``."""
    is_key = option == "keys" and isinstance(name, str) and is_shown_key(name, {})
    told = shortened(str(name)) if is_key else app_name(name)
    return f"{option}[{number}] ({told})" if told else f"{option}[{number}]"


def app_name(bundle_id: object) -> str:
    """Return the bundle ID for a message, empty where it is hardly one: it may be anything then, a secret as well."""
    try:
        name = parse_bundle_id(bundle_id) if isinstance(bundle_id, str) and "." in bundle_id else ""
    except InputError:
        return ""
    return "" if has_token(name) else name


def unknown_fields(fields: Spec, value: t.Mapping[str, t.Any]) -> list[str]:
    """Return a sentence about every field of ``value`` that is none of ``fields``."""
    return [_unknown(name, value[name], fields) for name in value if name not in fields]


def _unknown(name: str, value: object, fields: Spec) -> str:
    if not is_shown_field(name, value):
        return f"a field with a name that is not shown here is unknown (known: {', '.join(fields)})."
    similar = _similar(name, fields)
    if similar:
        return f"unknown field {name}; did you mean {' or '.join(similar)}?"
    return f"unknown field {name} (known: {', '.join(fields)})."


def _similar(name: str, fields: Spec) -> list[str]:
    meant = name.lower().replace("-", "_")
    slips = difflib.get_close_matches(meant, list(fields), 1, _SLIP)
    return slips or difflib.get_close_matches(meant, list(fields), 2, _SIMILARITY)


def _entry_faults(option: str, value: t.Any, spec: Spec) -> list[str]:
    """Return a message about each entry of a list. Those of a raw one are read later, with all else about them."""
    fields = fields_of(option.rpartition(".")[2], spec)
    if isinstance(value, str):
        return [f"{option}: is text, not a list. {FROM_TEXT}"]
    if not isinstance(value, list):
        return [f"{option}: isn't a list. Write each entry as an item with the fields {', '.join(fields)}."]
    if spec.get("elements") == "raw":
        return []
    found = []
    for number, entry in enumerate(value):
        known = entry if isinstance(entry, dict) else {}
        where = place(option, number, known.get("bundle_id" if "bundle_id" in fields else "key"))
        faults = mapping_faults(entry, fields)
        found += [f"{where}: {' '.join(faults)}"] if faults else []
        for name, field in fields.items():
            if field.get("type") == "list" and fields_of(name, field) and known.get(name) is not None:
                found += _entry_faults(f"{where}.{name}", known[name], field)
    return found


def _option_faults(option: str, value: t.Any, fields: Spec) -> list[str]:
    """Return a message about a mapping, and one about each option in it that has options of its own."""
    faults = mapping_faults(value, fields)
    found = [f"{option}: {' '.join(faults)}"] if faults else []
    inner = value if isinstance(value, dict) else {}
    for name, field in fields.items():
        if "options" in field and inner.get(name) is not None:
            found += _option_faults(f"{option}.{name}", inner[name], field["options"])
    return found


def read_entry(given: t.Any, fields: Spec) -> tuple[dict[str, t.Any], list[str]]:
    """Return the fields of an entry that can be used, and a sentence about everything else in it."""
    known = given if isinstance(given, dict) else {}
    sound = {name: value for name, value in known.items() if name in fields and _fits(name, value, fields[name])}
    # A text would be taken for a mapping that is still to be converted.
    return sound, mapping_faults(given if isinstance(given, dict) else [], fields)


def _fits(name: str, value: t.Any, field: Spec) -> bool:
    return value is None or not any(_value_faults(name, value, field))


def mapping_faults(entry: t.Any, fields: Spec) -> list[str]:
    """Return a sentence about everything in a mapping that can't be used."""
    if not isinstance(entry, dict):
        return [] if _is_convertible(entry) else [f"isn't a mapping. Its fields are {', '.join(fields)}."]
    found = unknown_fields(fields, entry)
    meant = {name for given in entry if given not in fields for name in _similar(given, fields)}
    for name, field in fields.items():
        if entry.get(name) is None and field.get("required") and name not in meant:
            found.append(f"{name} is missing.")
        elif entry.get(name) is not None:
            found += _value_faults(name, entry[name], field)
    return found


def _is_convertible(value: object) -> bool:
    """Tell whether Ansible may make a mapping of it, from ``name=value`` or from JSON."""
    return isinstance(value, str) and ("=" in value or value.lstrip().startswith("{"))


def _if_empty(value: object) -> str:
    return f": it is empty. {UNSET}" if isinstance(value, str) and not value.strip() else "."


def _value_faults(name: str, value: t.Any, field: Spec) -> t.Iterator[str]:
    wanted = field.get("type")
    if wanted == "int" and not _is_whole(value):
        yield f"{name} isn't a whole number{_if_empty(value)}"
    elif wanted == "bool" and str(value).lower().strip() not in _BOOLEANS:
        yield f"{name} is neither true nor false{_if_empty(value)}"
    elif wanted == "list" and "choices" in field:
        for item in value if isinstance(value, list) else [value]:
            yield from _choice_fault(name, item, field["choices"])
    elif "choices" in field:
        yield from _choice_fault(name, value, field["choices"])
    elif name == "key_id" and isinstance(value, (int, float)):
        yield f"{name} is {value}, which YAML read as a number: put the Key ID in quotes."
    elif field.get("elements") == "raw" and not isinstance(value, list):
        yield f"{name} isn't a list."
    elif wanted == "dict" and not isinstance(value, dict):
        yield f"{name} isn't a mapping."
    elif wanted in ("str", "path") and isinstance(value, (dict, list)):
        yield f"{name} isn't text."


def _choice_fault(name: str, value: t.Any, choices: t.Sequence[str]) -> t.Iterator[str]:
    if value not in choices:
        # Letters alone are a word that was meant, and no secret.
        is_shown = isinstance(value, str) and len(value) <= _LONGEST_FIELD and _FIELD.fullmatch(value)
        yield (
            f"{name} is {value}; write {' or '.join(choices)}."
            if is_shown
            else f"{name} is none of {', '.join(choices)}."
        )


def refuse_endless(spec: Spec, params: Spec) -> None:
    """Raise OverflowError for a text such as 1e99999999 in the place of a whole number: Ansible writes out its digits.

    That takes hours, so it is called before Ansible converts anything.
    """
    for name, option in spec.items():
        value, inner = params.get(name), fields_of(name, option)
        is_number = "int" in (option.get("type"), option.get("elements"))
        # Of a text in the place of a list, Ansible makes one by its commas.
        for entry in value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]:
            if is_number and isinstance(entry, str) and _is_huge(entry):
                raise OverflowError(name)
            if inner and isinstance(entry, dict):
                refuse_endless(inner, entry)


def _is_huge(value: t.Any) -> bool:
    try:
        return Decimal(value).adjusted() > _MOST_DIGITS
    except (DecimalException, TypeError, ValueError):
        return False


def _is_whole(value: t.Any) -> bool:
    try:
        return isinstance(value, int) or (not _is_huge(value) and Decimal(value) == int(Decimal(value)))
    except (DecimalException, ArithmeticError, TypeError, ValueError):
        return False
