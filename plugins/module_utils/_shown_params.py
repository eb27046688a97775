# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be shown of a task's parameters: in the result's ``invocation`` and in the system's log.

``no_log`` sits on the secret fields alone, since ansible-core 2.22 redacts every text below it in the whole run. What
stands in a wrong place (a misspelt field, a text where a mapping was due) Ansible would then show, and doesn't here.
"""

from __future__ import annotations

import typing as t

from ._model.masking import Masker

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
Spec = t.Mapping[str, t.Any]


def shown_params(spec: Spec, params: t.Mapping[str, t.Any], masker: Masker) -> dict[str, t.Any]:
    """Return ``params`` without secrets: those of ``no_log`` fields, of fields that no option has, and known ones."""
    known = {*spec, *(alias for option in spec.values() for alias in option.get("aliases", ()))}
    return {
        # A secret may stand in the place of a name, too.
        name if name in known else HIDDEN: _shown(spec.get(name), value, masker, _secret_fields(spec))
        for name, value in params.items()
    }


def _shown(option: Spec | None, value: t.Any, masker: Masker, secret_fields: frozenset[str]) -> t.Any:
    """``option``: None for a field that there isn't."""
    if value is None or isinstance(value, bool):
        return value
    if option is None or option.get("no_log"):
        return HIDDEN
    if "options" in option:
        if isinstance(value, list):
            return [_shown(option, item, masker, secret_fields) for item in value]
        return shown_params(option["options"], value, masker) if isinstance(value, dict) else HIDDEN
    return _free(value, masker, secret_fields)


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
