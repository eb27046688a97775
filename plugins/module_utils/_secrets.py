# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which values of a task's parameters are secrets: as the options say, and as the values themselves show."""

from __future__ import annotations

import typing as t

from ._declared_spec import fields_of
from ._fields import is_shown_field, is_shown_key
from ._model.browser_session import browser_session_values
from ._model.secret import looks_secret
from ._model.web_session import cookie_values

# The longest choices and numbers are shorter.
_LONGEST_CHOICE = 24


def secret_values(spec: t.Mapping[str, t.Any], params: t.Any) -> set[str]:
    """Return the values of all ``no_log`` options, nested ones too, and whatever looks like a key or a session.

    Of what has options of its own only the secret fields count, or every Issuer ID would vanish from the results.
    """
    # A key or a session that was put into a public option by mistake is hidden as well.
    found = {text for text in set(_texts(params)) if looks_secret(text)}
    for text in tuple(found):
        found |= cookie_values(text)
    return found | _declared(spec, params) | hidden_names(spec, params) | _misfits(spec, params)


def _misfits(spec: t.Mapping[str, t.Any], params: t.Any) -> set[str]:
    """Return long texts where a choice or a number was due: Ansible's refusal shows them whole."""
    found: set[str] = set()
    for name, option in spec.items():
        value = params.get(name) if isinstance(params, dict) else None
        if value is None:
            continue
        items = value if isinstance(value, list) else [value]
        if "choices" in option or {option.get("type"), option.get("elements")} & {"int", "float", "bool"}:
            found |= {item for item in items if isinstance(item, str) and len(item) > _LONGEST_CHOICE}
        found = found.union(*(_misfits(fields_of(name, option), item) for item in items))
    return found


def hidden_names(spec: t.Mapping[str, t.Any], params: t.Any) -> set[str]:
    """Return the names of fields that no message shows, since each may be a secret in the place of a name."""
    found: set[str] = set()
    if not isinstance(params, dict):
        return found
    for name, option in spec.items():
        value = params.get(name)
        fields = fields_of(name, option) if value else {}
        if fields:
            for item in value if isinstance(value, list) else [value]:
                found |= _hidden_in_mapping(fields, item)
    return found


def _hidden_in_mapping(fields: t.Mapping[str, t.Any], value: t.Any) -> set[str]:
    """``fields``: the known ones; their names are shown, unlike those in a mapping where a text is due."""
    if not isinstance(value, dict):
        return _hidden_within(value)
    unknown = {name: item for name, item in value.items() if name not in fields}
    plain = [item for name, item in value.items() if item and name in fields and not fields_of(name, fields[name])]
    return hidden_names(fields, value) | _hidden_within(unknown) | _hidden_within(plain)


def _hidden_within(value: t.Any) -> set[str]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    names = value if isinstance(value, dict) else {}
    found = {name for name, item in names.items() if not is_shown_field(name, item)}
    return found.union(*(_hidden_within(item) for item in items if isinstance(item, (dict, list))))


def _declared(spec: t.Mapping[str, t.Any], params: t.Any) -> set[str]:
    found: set[str] = set()
    if not isinstance(params, dict):
        return found
    for name, option in spec.items():
        value = params.get(name)
        if value is None:
            continue
        if option.get("no_log") and "options" not in option:
            found |= set(_texts(value))
        if name == "key" and isinstance(value, str) and not is_shown_key(value, {}):
            found.add(value)
        if name == "session":
            found |= cookie_values(value) | browser_session_values(value)
        fields = fields_of(name, option)
        for item in value if isinstance(value, list) else [value]:
            found |= _declared(fields, item) | _out_of_place(fields, item)
    return found


def _out_of_place(fields: t.Mapping[str, t.Any], value: t.Any) -> set[str]:
    """Return what stands where a secret field was meant: a text in place of the mapping, a mapping in place of a text,
    and what is misspelt. ``{postgresql://…}`` is a mapping as well, with the URL for one of the ``hidden_names``.
    """
    if not isinstance(value, dict):
        has_secrets = any(field.get("no_log") for field in fields.values())
        return set(_texts(value)) if has_secrets else set()
    found: set[str] = set()
    for name, item in value.items() if fields else ():
        is_text = name in fields and fields[name].get("type") in ("str", "path")
        if name not in fields or (is_text and isinstance(item, (dict, list))):
            found |= set(_texts(item))
    return found


def _texts(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
