# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a playbook, or an error where there are none: to Ansible, a play without hosts is a good end."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

from ansible.errors import AnsibleError, AnsibleFilterError

from ansible_collections.storeops.refunds.plugins.plugin_utils._partial_play import Matching

DOCUMENTATION = r"""
name: play_hosts
short_description: The hosts of a playbook, or an error where it would do nothing
version_added: 0.1.0
author:
  - storeops.refunds contributors (@storeops)
description:
  - Ansible ends well where no host matches the hosts of a play, or where C(--limit) leaves none of them. Then nothing
    is looked at, and the files of an earlier run stay.
  - Returns the pattern as it is, and fails if no host would be left.
positional: variable, groups, limit
options:
  _input:
    description: A pattern of hosts, such as V(localhost).
    type: raw
    required: true
  variable:
    description: The name of the variable that has the pattern, for the message.
    type: str
    required: true
  groups:
    description: The inventory's hosts by group, Ansible's variable C(groups).
    type: dict
    required: true
  limit:
    description: What C(--limit) says, Ansible's variable C(ansible_limit).
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Is every app of this group audited?
  ansible.builtin.debug:
    msg: "{{ my_hosts | storeops.refunds.play_hosts('my_hosts', groups, ansible_limit | default('')) }}"
  vars:
    my_hosts: localhost
"""

RETURN = r"""
_value:
  description: The pattern.
  type: raw
"""


def play_hosts(pattern: t.Any, variable: str, groups: Mapping[str, t.Iterable[str]], limit: str = "") -> t.Any:
    """Return the pattern. Raises AnsibleFilterError where it matches no host, or ``limit`` leaves none."""
    matching = Matching(groups)
    if not matching.hosts(pattern):
        raise AnsibleFilterError(f"{variable}: no host of the inventory matches {pattern}, so nothing would be done.")
    try:
        left = matching.hosts(pattern, limit)
    except AnsibleError as error:
        raise AnsibleFilterError(f"--limit {limit}: {error}") from None
    if not left:
        raise AnsibleFilterError(
            f"--limit {limit} leaves none of the hosts that the playbook runs on ({variable}: {pattern}), so nothing "
            "would be done. Leave it out. It chooses hosts; which apps are meant is said by the declaration."
        )
    return pattern


class FilterModule:
    """Ansible's way to find it."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"play_hosts": play_hosts}
