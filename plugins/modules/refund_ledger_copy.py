#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: refund_ledger_copy
short_description: Copy a whole ledger to another database or file
version_added: 0.1.0
description:
  - Copies everything that a ledger holds (integrations, refunds, what was read, what is in quarantine) from SQLite to
    PostgreSQL, back, or to a file as a backup. At its end, every row of both is compared.
  - O(from_ledger) is only read, as one snapshot. No row in O(to_ledger) is ever replaced. If it has a row that isn't
    the same in O(from_ledger), the task fails before it writes anything, also in check mode, and names the first such
    row.
  - The snapshot of an SQLite file takes as much room in the folder for temporary files (C(SQLITE_TMPDIR), else
    C(TMPDIR), else C(/var/tmp)). Runs that write wait only while it is made.
  - If the task was stopped, run it again. It copies what is missing.
  - Stop all runs that write to the old ledger first, and let them use the new one afterwards. The copy doesn't have
    what the old one records later.
  - The copy of an older ledger has the newest schema.
options:
  from_ledger:
    description: The ledger to copy.
    type: dict
    required: true
    suboptions:
      url:
        description:
          - C(sqlite:////absolute/path/ledger.db) or C(postgresql://user:password@host/database).
        type: str
        required: true
  to_ledger:
    description: The place for the copy. Tables that are missing are made, and so is an SQLite file (mode 0600).
    type: dict
    required: true
    suboptions:
      url:
        description:
          - C(sqlite:////absolute/path/ledger.db) or C(postgresql://user:password@host/database).
        type: str
        required: true
  deadline:
    description:
      - Seconds that the task may wait for a PostgreSQL server. A million refunds take some minutes.
    type: float
    default: 3600.0
attributes:
  check_mode:
    description: Compares what O(to_ledger) holds already, counts what would be copied, and writes nothing.
  diff_mode:
    description: Shows how many rows each table has before and after.
    support: full
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
requirements:
  - SQLAlchemy and alembic, and psycopg for a ledger in PostgreSQL
seealso:
  - module: storeops.refunds.refund_ledger
"""

EXAMPLES = r"""
- name: Keep a copy of the ledger of this day
  storeops.refunds.refund_ledger_copy:
    from_ledger:
      url: "{{ vault_ledger_url }}"
    to_ledger:
      url: "sqlite:///{{ keys_folder }}/ledger-2026-11-28.db"
"""

RETURN = r"""
ledger_copy:
  description: What was copied, also before a failure.
  returned: success, or when rows could not be copied or compared
  type: dict
  contains:
    from:
      description: The ledger that was copied, without a password.
      type: str
    to:
      description: The copy, without a password.
      type: str
    tables:
      description:
        - How many rows each table has (C(rows)), and how many were or would be copied (C(copied)).
        - Left out if a failure prevents counting them.
      type: dict
    verified:
      description: Whether every row of both was compared and is the same. V(false) in check mode.
      type: bool
  sample:
    from: /home/release/.local/state/storeops.refunds/ledger.db
    to: PostgreSQL db.example.com/refunds
    tables:
      refund_tracking_integrations:
        rows: 40
        copied: 40
      refund_tracking_refunds:
        rows: 2000
        copied: 2000
      refund_tracking_notifications:
        rows: 2014
        copied: 2014
      refund_tracking_coverage:
        rows: 40
        copied: 40
      refund_tracking_quarantine:
        rows: 0
        copied: 0
      refund_tracking_events:
        rows: 0
        copied: 0
      refund_tracking_consumers:
        rows: 0
        copied: 0
      refund_tracking_notification_urls:
        rows: 0
        copied: 0
    verified: true
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_ledger_copy import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
