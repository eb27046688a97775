# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what keeps a URL and headers from being sent a secret, or with one, before an HTTP client shows them."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import parse_secret_url, refuse_header

DOCUMENTATION = r"""
name: sending_fault
short_description: What keeps a URL from getting a secret
version_added: 0.1.0
author:
  - storeops.refunds contributors (@storeops)
description:
  - Checks a URL that gets a secret, or whose path or query is one, and the headers that go with it.
  - Ask it before C(ansible.builtin.uri). With C(no_log), too, Ansible prints the message of a module that failed, and
    for a URL or a header that can't be sent the message has it in full.
  - A URL must have C(https), or C(http) if it leads to this machine, and neither blanks nor a user. A header must have
    a value in one line of ASCII.
  - The answer never shows the URL or a header's value.
positional: option
options:
  _input:
    description: The URL.
    type: str
    required: true
  option:
    description: What the answer calls the URL, such as the name of its variable.
    type: str
    required: true
  headers:
    description: Headers by name.
    type: dict
    default: {}
  headers_option:
    description: What the answer calls the headers.
    type: str
    default: headers
"""

EXAMPLES = r"""
- name: Refuse a webhook to which no secret may go
  ansible.builtin.assert:
    that: fault == ''
    fail_msg: "{{ fault }}"
    quiet: true
  vars:
    webhook: https://chat.example.com/hooks/refunds
    fault: "{{ webhook | storeops.refunds.sending_fault('webhook') }}"
"""

RETURN = r"""
_value:
  description: What is wrong and what to do, in one text. Empty if nothing is wrong.
  type: str
"""


def sending_fault(url: t.Any, option: str, headers: t.Any = None, headers_option: str = "headers") -> str:
    """Return what is wrong, and the step. Blanks around the URL count for nothing."""
    try:
        parse_secret_url("" if url is None else str(url), option)
        if not isinstance(headers or {}, Mapping):
            raise InputError(headers_option, "isn't a mapping.", "Give each header as a name with its value.")
        for name, value in (headers or {}).items():
            refuse_header(str(name), "" if value is None else str(value), headers_option)
    except InputError as error:
        return str(error)
    return ""


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"sending_fault": sending_fault}
