# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says why a task failed whose result must not be shown, as it has a secret."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import Masker
from ansible_collections.storeops.refunds.plugins.module_utils._model.text import printable
from ansible_collections.storeops.refunds.plugins.module_utils._model.token_marks import shortened

DOCUMENTATION = r"""
name: refusal_of
short_description: Why a task with a secret failed
version_added: 0.1.0
author:
  - storeops.refunds contributors (@storeops)
description:
  - Takes the result of a task that failed, such as C(ansible_failed_result) in a C(rescue). Of a task with C(no_log),
    Ansible itself prints no more than C(non-zero return code).
  - Of a program, tells its exit code and the first 300 characters of what it wrote to C(stderr). What it wrote to
    C(stdout) is never told. Of anything else, tells its message.
  - Private keys, sessions, passwords in URLs and the secrets that are given are masked.
positional: secrets
options:
  _input:
    description: The result of a task.
    type: dict
    required: true
  secrets:
    description: Texts that must not be shown.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Read a secret, and say why if that fails
  block:
    - name: Read it
      ansible.builtin.command:
        argv: ["false"]
      changed_when: false
      no_log: true
  rescue:
    - name: Say why
      ansible.builtin.debug:
        msg: "{{ ansible_failed_result | storeops.refunds.refusal_of([my_password]) }}"
      vars:
        my_password: a password that the program might repeat
"""

RETURN = r"""
_value:
  description: What happened, without a full stop at the end.
  type: str
"""

_LONGEST = 300


def refusal_of(result: Mapping[str, t.Any], secrets: t.Iterable[str] = ()) -> str:
    """Return why, in one line."""
    masker = Masker(map(str, secrets))

    def told(text: t.Any) -> str:
        # Masked as a whole: the piece of a secret that a cut leaves is no longer known.
        line = " ".join(printable(shortened(masker.mask(str(text)))).split())
        return (line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…").rstrip(".")

    if result.get("rc") is None or not result.get("cmd"):
        return told(result.get("msg") or "see the task before")
    command = result["cmd"]
    program = os.path.basename(command.split()[0] if isinstance(command, str) else str(command[0]))
    if str(result.get("msg")).startswith("Error executing command"):
        # Ansible's own words where it can't start a program, or hand it its input; the code is the system's then.
        return f"{program} can't be run: {os.strerror(result['rc'])}. Check that it is installed and on the PATH"
    said = told(result.get("stderr") or "")
    reason = f"said: {said}" if said else "didn't say why"
    return f"{program} ended with exit code {result['rc']} and {reason}"


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"refusal_of": refusal_of}
