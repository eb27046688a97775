# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of what the modules support."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: All modules; there are also groups by topic.
    support: full
    membership:
      - storeops.refunds.all
  check_mode:
    description: Has the calls and results of a run, and writes nothing.
    support: full
  idempotent:
    description: Running it again changes nothing.
    support: full
"""

    IN_PROCESS = r"""
options: {}
attributes:
  action:
    description:
      - Runs in Ansible's own process where that gives the same result, else as an ordinary module. The guide
        C(docs/guides/in_process.md) says when.
    support: full
"""

    CHANGES = r"""
options: {}
attributes:
  diff_mode:
    description: Shows the compared fields, private keys as fingerprints.
    support: full
"""

    INFO = r"""
options: {}
attributes:
  diff_mode:
    description: Nothing is ever changed, so there is nothing to show.
    support: N/A
"""
