#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: refund_ledger
short_description: Bring the ledger's refunds of one app or many up to date from Apple
version_added: 0.1.0
description:
  - Reads Apple's Notification History of an app in one environment (C(REFUND), C(REFUND_REVERSED) and
    C(REFUND_DECLINED)), or of a list of apps at the same time.
  - Every refund is recorded once, as a transaction with a negative amount, matched to its original by transaction ID
    and dated by the refund date.
  - The app needs an integration on the built-in ledger that is C(Active), made by
    M(storeops.refunds.refund_tracking_integration). The private key is the task's if it is the one that was applied,
    else the file at the path that was stored then.
  - In a list (O(apps)), apps that are C(Pending) or have no integration are left out and counted. Every other app is
    tried, and the task fails once at its end when one of them failed. RV(summary) tells in one line what happened.
  - Every payload, and the transaction in it, is verified with Apple's own library against Apple Root CA - G3, as of the
    date when it was signed, without further calls. What fails is put into quarantine with its reason, the coverage
    turns C(incomplete), and its time is read again by the next run, until Apple's history no longer reaches back to it.
    Then it is a gap.
  - Each run reads again what was last read less than 7 days after it happened, for Apple retries its notifications
    for about 6.5 days. It may be killed anywhere and run as often as wanted, also by two controllers at once on
    PostgreSQL; nothing is counted twice.
  - Amounts are an estimate for tracking, not accounting. Apple gives no refunded sum, only the price of the transaction
    and the refunded share of it, rounded, and says that price and currency are not for revenue reconciliation.
    The financial reports in App Store Connect are what counts.
  - Apple keeps the history for 180 days in production and 30 days in the sandbox. Run it at least that often; what was
    missed is named in RV(coverage.reason) and stays lost. 179 and 29 days are asked for; where Apple refuses the start
    as too far in the past, the window is shortened step by step, and RV(window) tells what was read.
options:
  app_apple_id:
    description:
      - The app's Apple ID, the number in its App Store Connect page and App Store link.
      - Required in production, where Apple's payloads carry it, unless it was stored with the integration or can be
        read from App Store Connect (O(api_key_id)).
  ledger:
    description:
      - Where the ledger lies, with the integration and with the refunds. A task's mapping replaces a group default as a
        whole.
  state:
    description:
      - An app that is V(absent) is left out.
  deadline:
    description:
      - Seconds that all calls of the task may take together, retries and waiting for rate limits included.
      - An app with a short history costs three calls, whatever its age. A long history is split into windows that are
        read at the same time, at most 48 calls a second for an app (5 in the sandbox), for Apple allows it 50.
      - What was read without a gap is kept when the time is over, and the next run continues there.
  root_certificate_path:
    description:
      - File with another root certificate (PEM or DER), for a simulator.
      - Refunds that were verified against another root are kept apart from those of Apple's, in coverage and in sums,
        by their source (RV(coverage.source)).
    type: path
  retention_days:
    description:
      - Refunds older than this many days are removed, and not recorded. Sums of such a time are gone then, and
        RV(coverage.covered_from) moves along.
      - Everything is kept when left out.
    type: int
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._declaration
  - storeops.refunds._declaration.apps
  - storeops.refunds._shared.app
  - storeops.refunds._shared.key
  - storeops.refunds._shared.state
  - storeops.refunds._key_predicted
  - storeops.refunds._shared.environment
  - storeops.refunds._shared.apple
  - storeops.refunds._shared.http
  - storeops.refunds._shared.ledger
  - storeops.refunds._shared.connect_api
  - storeops.refunds._shared.root
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
  - storeops.refunds._attributes.changes
requirements:
  - app-store-server-library (Apple's, from PyPI)
notes:
  - C(appAccountToken) and other data about customers are neither recorded nor shown.
  - A reversal cancels its refund; the row stays and is marked. A later refund of the same transaction with another
    date is a new one. Access that ended because it was shared within a family is recorded, and never is money.
  - A refund without a percentage counts as a full one and is marked so; one without a price has no amount, which is
    not 0.
seealso:
  - module: storeops.refunds.refund_tracking_integration
  - module: storeops.refunds.refund_info
"""

EXAMPLES = r"""
- name: Bring the refunds of an app up to date
  storeops.refunds.refund_ledger:
    bundle_id: com.example.one
  register: refunds

- name: The same, and ask App Store Connect whether Apple keeps a history of the app at all
  storeops.refunds.refund_ledger:
    bundle_id: com.example.one
    api_issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    api_private_key_path: "{{ keys_folder }}/AuthKey_9XK2M4N6P8.p8"

- name: Bring the refunds of several apps up to date
  storeops.refunds.refund_ledger:
    apps:
      - bundle_id: com.example.one
        app_apple_id: 1000000000
      - bundle_id: com.example.two
        state: absent
  register: refunds

- name: Say how it went, such as "36 read, 3 pending, 1 incomplete"
  ansible.builtin.debug:
    msg: "{{ refunds.summary }}"

- name: What would be recorded?
  storeops.refunds.refund_ledger:
    bundle_id: com.example.one
  check_mode: true
  diff: true

- name: Keep two years
  storeops.refunds.refund_ledger:
    bundle_id: com.example.one
    retention_days: 730
"""

RETURN = r"""
summary:
  description:
    - How many apps were C(read) to the end, are C(pending), C(absent), or C(incomplete) (payloads are in quarantine or
      days are lost), or C(failed), in one line without the zeros.
  returned: always, but for invalid options
  type: str
  sample: 36 read, 3 pending, 1 incomplete
apps:
  description:
    - With O(apps), what the run did for each app, in the order of the list.
    - C(refunds), C(coverage) and C(window) of an entry are as the results of the same names; apps that were not asked
      have none.
  returned: with O(apps)
  type: list
  elements: dict
  contains:
    bundle_id:
      description: Bundle ID of the app.
      type: str
      returned: always
    environment:
      description: The App Store environment.
      type: str
      returned: always
    outcome:
      description: V(read), V(incomplete), V(pending), V(absent) or V(failed).
      type: str
      returned: always
    msg:
      description: Why it failed; empty otherwise.
      type: str
      returned: always
refunds:
  description: What the run did, as counts, for all apps together; in check mode, what it would do.
  returned: always, but for invalid options
  type: dict
  contains:
    new:
      description: Refunds that were recorded.
      type: int
      returned: always
    reversed:
      description: Refunds that turned out to be reversed; a new one that is already reversed counts in both.
      type: int
      returned: always
    updated:
      description: Refunds that were held and changed in another way, for example by an earlier notification of them.
      type: int
      returned: always
    unchanged:
      description: Refunds that were read again and held already.
      type: int
      returned: always
    declined:
      description: Requests for a refund that Apple declined; recorded, and no refunds.
      type: int
      returned: always
    notifications:
      description: Notifications of all three types that were recorded.
      type: int
      returned: always
    quarantined:
      description: Payloads read by this run that could not be verified.
      type: int
      returned: always
    released:
      description: Payloads that left quarantine, because they could be verified or are no longer in Apple's history.
      type: int
      returned: always
    removed:
      description: Refunds that were removed because of O(retention_days).
      type: int
      returned: always
  sample:
    new: 6
    reversed: 1
    updated: 0
    unchanged: 0
    declined: 1
    notifications: 8
    quarantined: 0
    released: 0
    removed: 0
coverage:
  description: How much of the app's history the ledger has read. An observation, never a reason for C(changed).
  returned: for a single app, but for invalid options
  type: dict
  contains:
    bundle_id:
      description: Bundle ID of the app.
      type: str
      returned: always
    environment:
      description: The App Store environment.
      type: str
      returned: always
    source:
      description: V(apple), or C(other:) and the first 16 digits of the SHA-256 of O(root_certificate_path).
      type: str
      returned: always
    state:
      description:
        - V(complete), V(incomplete), V(unknown) or V(never).
        - V(complete) is meant from RV(coverage.known_from) on.
        - V(incomplete) when payloads are in quarantine, days are lost, or RV(coverage.known_until) is earlier than
          RV(coverage.covered_until).
        - V(unknown) when nothing shows that a notification URL of version 2 was set in the time that was read, or App
          Store Connect said that there is none.
        - V(never) when nothing was read yet.
      type: str
      returned: always
    reason:
      description: Why it is not complete, as a sentence; empty when it is.
      type: str
      returned: always
    covered_from:
      description: From when the history was read, UTC; V(null) when never.
      type: str
      returned: always
    covered_until:
      description: Until when all of it was read and verified, UTC; V(null) when never.
      type: str
      returned: always
    known_from:
      description:
        - From when on the app is known to have a notification URL of version 2, UTC, without which Apple keeps no
          history. It is the date of the earliest verified notification, or the first run that was told so by App
          Store Connect (O(api_key_id)). What was before is unknown. V(null) when nothing shows it.
        - Between two such signs a URL is taken for set, unless a run in between heard that there was none.
      type: str
      returned: always
    known_until:
      description:
        - Until when refunds are known, UTC. That is RV(coverage.covered_until), but at most 7 days after the last sign
          of a notification URL of version 2, for Apple keeps no history once the URL is removed. V(null) when nothing
          shows one.
        - With O(api_key_id), App Store Connect is asked in every run, which is such a sign. Without it, the newest
          notification is the last one.
      type: str
      returned: always
    gaps:
      description: Times in between that are lost, each with C(from) and C(until), UTC.
      type: list
      elements: dict
      returned: always
    last_notification_at:
      description: When the newest of the app's notifications was signed, UTC; V(null) without any.
      type: str
      returned: always
    quarantined:
      description: Payloads in quarantine.
      type: int
      returned: always
  sample:
    bundle_id: com.example.one
    environment: production
    source: apple
    state: complete
    reason: ''
    covered_from: '2026-05-28T13:01:36Z'
    covered_until: '2026-11-23T13:01:36Z'
    known_from: '2026-11-15T14:01:06Z'
    known_until: '2026-11-23T13:01:36Z'
    gaps: []
    last_notification_at: '2026-11-20T14:01:06Z'
    quarantined: 0
window:
  description: What was asked of Apple's history in this run.
  returned: for a single app, but for invalid options
  type: dict
  contains:
    wanted_from:
      description: The start that was wanted, UTC.
      type: str
      returned: always
    from:
      description: The start that Apple accepted, UTC; V(null) when nothing was read.
      type: str
      returned: always
    until:
      description: The end of what was read, UTC; V(null) when nothing was read.
      type: str
      returned: always
  sample:
    wanted_from: '2026-05-28T13:01:36Z'
    from: '2026-05-28T13:01:36Z'
    until: '2026-11-23T13:01:36Z'
http:
  description: What the task asked of the network.
  type: dict
  returned: always
  contains:
    calls:
      description: Number of HTTP requests.
      type: int
      returned: always
    retries:
      description: How many of them repeated an earlier one after a wait.
      type: int
      returned: always
    waited_s:
      description: Seconds in which at least one request waited to be repeated, so never more than the task took.
      type: float
      returned: always
  sample:
    calls: 63
    retries: 0
    waited_s: 0.0
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_ledger import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
