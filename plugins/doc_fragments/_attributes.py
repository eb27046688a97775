# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of what the modules support."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/storeops.refunds.all) in C(module_defaults) to set options for all modules at once.
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
