#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: refund_export
short_description: Write the ledger's refunds and their sums to files
version_added: 0.1.0
description:
  - Writes three files to the folder O(path). Each run replaces them as a whole, so a file is never half written.
  - Fails, and leaves the files as they are, if there is no ledger, or if the refunds of none of these apps were ever
    read into it. In check mode it warns.
  - C(refunds.csv) and C(refunds.jsonl) have a line for each refund, by refund date, bundle ID and transaction ID. The
    fields are those of RV(storeops.refunds.refund_info#module:refunds).
  - C(refunds-sums.csv) has the sums by O(sums_by) and by currency, as RV(storeops.refunds.refund_info#module:sums).
    Amounts are there twice, in milliunits (C(amount)) and in whole units of the currency (C(amount_units)).
  - All is read from one snapshot of the ledger, so files and sums agree. The same ledger gives the same files.
    The snapshot of an SQLite file takes as much room in the folder for temporary files (C(SQLITE_TMPDIR), else
    C(TMPDIR), else C(/var/tmp)). Runs that write wait only while it is made.
  - In CSV, a text that a spreadsheet could take for a formula gets an apostrophe in front, and what is not known is
    empty. Import the columns of transaction IDs as text; a spreadsheet that takes them for numbers keeps 15 digits.
  - A refund rate needs the sales, which the ledger does not have.
options:
  path:
    description:
      - Folder for the files, absolute or from C(~). Missing folders are made.
      - A file that is there keeps its mode, a new one gets 0600.
    type: path
    required: true
  sums_by:
    description:
      - What the sums are by, beside the currency. Days and months are those of the refund date, UTC.
    type: list
    elements: str
    choices: [bundle_id, environment, product_id, day, month, reason]
    default: [bundle_id, month]
  include_reversed:
    description:
      - Whether refunds that Apple reversed are in the files. They are never in the sums.
    type: bool
    default: true
  deadline:
    description:
      - Seconds that the task may wait for a PostgreSQL server. A million refunds take some minutes.
    type: float
    default: 3600.0
  bundle_id:
    description:
      - Bundle ID of one app. Without it and without O(bundle_ids), every app that the ledger knows is exported.
    type: str
  root_certificate_path:
    description:
      - File with another root certificate (PEM or DER), for a simulator. Apple Root CA - G3 is built in.
      - Only refunds that were verified against it are exported.
    type: path
attributes:
  diff_mode:
    description: Shows which files change, each as its SHA-256.
    support: full
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._refund_question
  - storeops.refunds._shared.environment
  - storeops.refunds._shared.ledger
  - storeops.refunds._shared.root
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
seealso:
  - module: storeops.refunds.refund_ledger
  - module: storeops.refunds.refund_info
  - ref: ansible_collections.storeops.refunds.docsite.guides
    description: Guides, among them what the numbers of refunds mean.
"""

EXAMPLES = r"""
- name: Write all refunds of November, and their sums by app and product
  storeops.refunds.refund_export:
    path: "{{ keys_folder }}/reports"
    since: '2026-11-01'
    until: '2026-12-01'
    sums_by: [bundle_id, product_id]
"""

RETURN = r"""
export:
  description: What was written.
  returned: success
  type: dict
  contains:
    paths:
      description: The files, by kind (C(csv), C(jsonl) and C(sums)).
      type: dict
    refunds:
      description: How many refunds are in them.
      type: int
    not_in_sums:
      description: How many of these are in no sum, because Apple took them back or nobody was paid back.
      type: dict
    exceeding_price:
      description: See RV(storeops.refunds.refund_info#module:exceeding_price).
      type: int
    source:
      description: The root certificate that they were verified against, see O(source).
      type: str
    environment:
      description: The App Store environment.
      type: str
    period:
      description: The period that was asked about, UTC. The end itself is not in it; V(null) is open.
      type: dict
  sample:
    paths:
      csv: /srv/reports/refunds.csv
      jsonl: /srv/reports/refunds.jsonl
      sums: /srv/reports/refunds-sums.csv
    refunds: 6
    not_in_sums:
      reversed: 1
      family_shared: 1
    exceeding_price: 0
    source: apple
    environment: production
    period:
      since: '2026-11-01T00:00:00Z'
      until: '2026-12-01T00:00:00Z'
complete:
  description: Whether the whole period is known for every app of RV(coverage). V(false) when the ledger knows no app.
  returned: success
  type: bool
  sample: true
coverage:
  description:
    - For each app that was asked for, by bundle ID, how much of the period the ledger has read from Apple. Without
      O(bundle_id) and O(bundle_ids), for every app that the ledger knows, also those that were never read.
    - Apple reports a refund when it happens or a little later, so the last days of a period may still grow.
  returned: success
  type: list
  elements: dict
  contains:
    bundle_id:
      description: Bundle ID of the app.
      type: str
    environment:
      description: The App Store environment.
      type: str
    state:
      description:
        - V(complete) when the whole period was read, begins at RV(coverage[].known_from) or later, and ends at
          RV(coverage[].known_until) or earlier.
        - V(incomplete) when a part of it was not read, was lost, is in quarantine, was before
          RV(coverage[].known_from), or after RV(coverage[].known_until).
        - V(unknown) when nothing shows that a notification URL of version 2 was set in the period. Without one, Apple's
          history is empty.
        - V(never) when the app was never read.
      type: str
    reason:
      description:
        - Why it is not complete, and what to do. Empty when it is. But if the period ended so shortly before the last
          run that Apple may still deliver notifications of it, the reason says until when.
      type: str
    covered_from:
      description: From when on it was read, UTC; V(null) when never.
      type: str
    covered_until:
      description: Until when it was read, UTC; V(null) when never.
      type: str
    known_from:
      description:
        - From when on the app is known to have a notification URL of version 2, UTC, see
          M(storeops.refunds.refund_ledger). V(null) when nothing shows it.
      type: str
    known_until:
      description:
        - Until when refunds of the app are known, UTC, see M(storeops.refunds.refund_ledger). V(null) when nothing
          shows a notification URL.
      type: str
    last_refund_at:
      description: Refund date of the app's last refund in the ledger, whatever the period, UTC; V(null) without any.
      type: str
    quarantined:
      description: Payloads from the period that failed verification.
      type: int
    notification_url:
      description:
        - What M(storeops.refunds.app_store_notification_url) found when it last looked at the app's notification URL.
          V(null) when it never did.
      type: dict
      contains:
        state:
          description:
            - V(none) without a URL, V(version_1) for one of version 1, V(other_host) for one of another host than was
              declared.
            - V(proven) when the URL is as declared and Apple delivered its last test notification. V(as_declared)
              without that proof.
          type: str
        host:
          description: Host of the URL, V(null) without one.
          type: str
        checked_at:
          description: When App Store Connect was asked, UTC.
          type: str
        test_result:
          description: Apple's result of its last test notification to this URL, V(null) without a test.
          type: str
        tested_at:
          description: When that was, UTC; V(null) without a test.
          type: str
  sample:
    - bundle_id: com.example.one
      environment: production
      state: complete
      reason: ''
      covered_from: '2026-05-28T13:01:36Z'
      covered_until: '2026-11-23T13:01:38Z'
      known_from: '2026-11-15T14:01:06Z'
      known_until: '2026-11-23T13:01:38Z'
      last_refund_at: '2026-11-20T13:01:06Z'
      quarantined: 0
      notification_url:
        state: proven
        host: refunds.example.com
        checked_at: '2026-11-23T13:01:06Z'
        test_result: SUCCESS
        tested_at: '2026-11-23T13:01:06Z'
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_export import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
