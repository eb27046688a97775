# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be shown of a task's parameters: in the result's ``invocation`` and in the system's log.

``no_log`` sits on the secret fields alone, since ansible-core 2.22 redacts every text below it in the whole run. What
stands in a wrong place (a misspelt field, a text where a mapping was due) Ansible would then show, and doesn't here.
"""

from __future__ import annotations

import typing as t

from ._declared_spec import fields_of
from ._fields import mapping_faults
from ._model.masking import Masker

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
Spec = t.Mapping[str, t.Any]


def shown_params(spec: Spec, params: t.Mapping[str, t.Any], masker: Masker) -> dict[str, t.Any]:
    """Return ``params`` without secrets: those of ``no_log`` fields, of fields that no option has, and known ones."""
    known = {*spec, *(alias for option in spec.values() for alias in option.get("aliases", ()))}
    return {
        # A secret may stand in the place of a name, too.
        name if name in known else HIDDEN: _shown(name, spec.get(name), value, masker, _secret_fields(spec))
        for name, value in params.items()
    }


def _shown(name: str, option: Spec | None, value: t.Any, masker: Masker, secret_fields: frozenset[str]) -> t.Any:
    """``option``: None for a field that there isn't. What doesn't fit its field may be a secret in a wrong place."""
    if value is None or isinstance(value, bool):
        return value
    if option is None or option.get("no_log") or mapping_faults({name: value}, {name: option}):
        return HIDDEN
    fields = fields_of(name, option)
    if not fields:
        return _free(value, masker, secret_fields)
    if isinstance(value, list):
        return [_shown(name, option, item, masker, secret_fields) for item in value]
    if isinstance(value, dict):
        return shown_params(fields, value, masker)
    # A bundle ID alone.
    return masker.mask(value) if name == "apps" and isinstance(value, str) else HIDDEN


def _free(value: t.Any, masker: Masker, secret_fields: frozenset[str]) -> t.Any:
    """A mapping without options of its own may hold an app's or a tracker's fields, secret ones as well."""
    if isinstance(value, dict):
        return {
            masker.mask(name): HIDDEN if name in secret_fields else _free(item, masker, secret_fields)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_free(item, masker, secret_fields) for item in value]
    return masker.mask(value)


def _secret_fields(spec: Spec) -> frozenset[str]:
    found: set[str] = set()
    for name, option in spec.items():
        found |= {name} if option.get("no_log") and "options" not in option else set()
        found |= _secret_fields(option.get("options") or {})
    # An address is a secret in a ledger alone.
    return frozenset(found - {"url"})
