# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands each action group its part of one mapping of defaults."""

from __future__ import annotations

import difflib
import typing as t
from collections.abc import Callable, Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.storeops.refunds.plugins.module_utils._action_groups import GROUPS
from ansible_collections.storeops.refunds.plugins.module_utils._fields import FROM_TEXT

DOCUMENTATION = r"""
name: defaults_of
short_description: The part of a mapping of defaults that an action group takes
version_added: 0.1.0
author:
  - storeops.refunds contributors (@storeops)
description:
  - The playbooks of this collection take one mapping, C(refund_tracking_defaults), with options for their modules.
    Ansible refuses a default that a module of the group lacks, so each action group gets its own part.
  - Fails for an option that no group takes, and for anything but a mapping.
positional: group, variable
options:
  _input:
    description: Options by name.
    type: dict
    required: true
  group:
    description: Name of an action group of this collection, such as V(apple).
    type: str
    required: true
  variable:
    description: The name of the variable that messages are about.
    type: str
    default: refund_tracking_defaults
"""

EXAMPLES = r"""
- name: Does Apple accept the key, asked through a gateway?
  storeops.refunds.appstore_credential_check_info:
    bundle_id: com.example.one
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
  module_defaults:
    group/storeops.refunds.apple: "{{ my_defaults | storeops.refunds.defaults_of('apple') }}"
    group/storeops.refunds.http: "{{ my_defaults | storeops.refunds.defaults_of('http') }}"
  vars:
    my_defaults:
      environment: sandbox
      deadline: 60
"""

RETURN = r"""
_value:
  description: The options that the group takes.
  type: dict
"""


def defaults_of(defaults: t.Any, group: str, variable: str = "refund_tracking_defaults") -> dict[str, t.Any]:
    """Return the options of one group. Raises AnsibleFilterError, which names what no group takes."""
    if not isinstance(defaults, Mapping):
        raise AnsibleFilterError(
            f"{variable} must be a mapping of options, such as {{environment: sandbox}}. {FROM_TEXT}"
        )
    known = {option for options in GROUPS.values() for option in options}
    faults = [_unknown(str(name), known) for name in defaults if name not in known]
    if faults:
        raise AnsibleFilterError(f"{variable}: {' '.join(faults)}")
    return {name: defaults[name] for name in GROUPS[group] if name in defaults}


def _unknown(name: str, known: t.Collection[str]) -> str:
    similar = difflib.get_close_matches(name.lower().replace("-", "_"), known, 1)
    meant = f"Did you mean {similar[0]}?" if similar else f"The options are {', '.join(sorted(known))}."
    # What doesn't look like a name may be a secret in the wrong place.
    shown = name if name.isidentifier() and len(name) <= 30 else "a field with a name that isn't shown here"
    return f"{shown} is not an option of these modules. {meant}"


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"defaults_of": defaults_of}
