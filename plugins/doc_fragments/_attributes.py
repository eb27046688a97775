# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of what the modules support."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description:
      - Is in an action group for each of its concerns (C(http), C(keys), C(apple), C(ledger), C(trackers), C(refunds),
        C(app_store_connect), C(app_store_connect_api)), for C(module_defaults) of many modules at once.
    support: full
    membership:
      - storeops.refunds.all
  check_mode:
    description: Makes the same calls, gives the same C(failed), C(changed) and C(diff), and writes nothing.
    support: full
  idempotent:
    description: Running it again without a change in between changes nothing.
    support: full
  platform:
    description: Where the module runs.
    support: full
    platforms: posix
"""

    IN_PROCESS = r"""
options: {}
attributes:
  action:
    description:
      - An action plugin does the module's work in Ansible's own process where that gives the same result. A task then
        takes some hundredths of a second instead of about half a second, as no module is packed, copied and started.
    support: full
    details:
      - This is so when the connection is P(ansible.builtin.local#connection), the task neither becomes another user nor
        is C(async) nor has an C(environment), C(ansible_python_interpreter) is unset, V(auto) or the Python that
        Ansible itself runs on, and that Python has the libraries that the module needs. In all other cases, the
        ordinary module runs.
      - The variable C(storeops_refunds_in_process) set to V(false) makes the ordinary module run always. On macOS,
        where forked processes may not use all of the system's libraries, it always runs unless the variable is V(true).
      - At C(-vvv), each task says which way it went, and why.
      - A task that runs in Ansible's process returns no C(invocation) and is not noted in the system's log.
  async:
    description: Can be used with C(async).
    support: full
    details: The ordinary module runs.
  become:
    description: Can be used with C(become).
    support: full
    details: The ordinary module runs.
  connection:
    description: Uses the host's connection.
    support: full
    details: The ordinary module runs, unless the connection is local.
  delegation:
    description: Can be used with C(delegate_to).
    support: full
    details: The connection and the Python interpreter of the host that it is delegated to decide where it runs.
"""

    CHANGES = r"""
options: {}
attributes:
  diff_mode:
    description: Shows the compared fields before and after, private keys as fingerprints only.
    support: full
"""

    INFO = r"""
options: {}
attributes:
  diff_mode:
    description: Nothing is ever changed, so there is nothing to show.
    support: N/A
"""
