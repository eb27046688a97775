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
    else the file whose path was stored then.
  - In a list (O(apps)), apps that are C(Pending) are left out and counted. Every other app is tried, and the task
    fails once, at its end. RV(summary) says in one line what happened.
  - An app that is declared for this ledger and isn't in it fails the task, too. In check mode, and for an app that is
    declared for other trackers only, that is a warning.
  - Every payload, and the transaction in it, is verified with Apple's own library against Apple Root CA - G3.
    Payloads that fail go into quarantine, and the next runs try them again as long as Apple's history has them.
  - If it is killed, run it again. Run it as often as you like, on PostgreSQL also from two controllers at once.
    Nothing is counted twice.
  - Apple keeps the history for 180 days, and 30 in the sandbox. Run it at least every 170 days, and every 3 weeks in
    the sandbox. C(coverage.reason) names what was missed, which stays lost.
  - With O(api_private_key_path), it also looks where Apple sends the app's notifications. If somebody else has
    replaced the URL since, it no longer counts as proven.
options:
  app_apple_id:
    description:
      - The app's Apple ID. Required in production, unless it was stored with the integration or can be read from App
        Store Connect (O(api_private_key_path)).
  ledger:
    description:
      - Where the ledger lies, with the integration and with the refunds. A task's mapping replaces a group default as a
        whole.
  default_tracker:
    description:
      - The tracker of the apps that list no C(trackers).
    type: str
    choices: [ledger, devtodev, revenuecat, qonversion]
  state:
    description:
      - An app that is V(absent) is left out.
  deadline:
    description:
      - Seconds that all calls of the task may take together, retries and waiting for rate limits included.
      - When the time is over, what was read without a gap is kept, and the next run continues there.
  root_certificate_path:
    description:
      - File with another root certificate (PEM or DER), for a simulator.
      - Refunds that were verified against another root have another C(coverage.source) and are kept apart.
    type: path
  retention_days:
    description:
      - Refunds older than this many days are removed for good and not recorded, of apps that the task reads to their
        end. Others keep theirs. The sums are gone, too, and C(coverage.covered_from) is later.
      - At least 180, and 30 when all apps are in the sandbox, as long as Apple keeps them. By default all is kept.
    type: int
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._declaration
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
    date is a new one. When access ends that was shared within a family, that is recorded without an amount.
  - A refund without a percentage counts as full and is marked so, if type and reason fit. A refund without a price
    has no amount, which isn't 0.
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

- name: Say how it went
  ansible.builtin.debug:
    msg: "{{ refunds.summary }}"
"""

RETURN = r"""
summary:
  description:
    - How many apps were C(read), how many refunds are new, and how many of these apps may lack some; then how many are
      C(pending), C(not in this ledger), C(absent), C(read in part) (quarantine, or days are lost) or C(failed).
  returned: success, and failure while refunds were read
  type: str
  sample: 'Refunds: 36 of 40 apps read, 12 new; 3 pending, 1 read in part'
apps:
  description:
    - With O(apps), what the run did for each app, by C(bundle_id) and C(environment), in the order of the list.
      C(outcome) is V(read), V(incomplete), V(pending), V(not_in_ledger), V(absent) or V(failed), and
      C(msg) says why it failed, or why it isn't in this ledger.
    - An app that was asked has C(refunds), C(coverage) and C(window), as the results of the same names.
  returned: with O(apps)
  type: list
  elements: dict
refunds:
  description:
    - What the run did, for all apps together, or would do outside check mode. Refunds that are C(new), turned out to be
      C(reversed) (a new one counts in both), were C(updated) otherwise, or held already (C(unchanged)); requests that
      Apple C(declined); C(notifications) recorded; payloads that could not be verified (C(quarantined)) or no longer
      are in quarantine (C(released)); and refunds C(removed) because of O(retention_days).
  returned: success but for an absent app alone, and failure while refunds were read
  type: dict
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
  description:
    - How much of the app's history the ledger has read, an observation and never a reason for C(changed). The guide on
      refunds explains C(state), V(complete), V(incomplete), V(unknown) or V(never), and C(reason).
    - C(covered_from) and C(covered_until) bound what was read and verified. C(known_from) and C(known_until) bound the
      time in which the app is known to have a notification URL of version 2. C(gaps) lists times in between that are
      lost, with C(from) and C(until). C(last_notification_at) is when the newest notification was signed,
      C(quarantined) counts payloads, C(source) is V(apple), or C(other:) and 16 digits for another root. Times are in
      UTC, V(null) where there is none.
  returned: for a single app that isn't absent, and failure while its refunds were read
  type: dict
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
  description:
    - What was asked of Apple's history, from C(wanted_from), or C(from) where Apple accepted no earlier start, until
      C(until). UTC; V(null) when nothing was read.
  returned: for a single app that isn't absent, and failure while its refunds were read
  type: dict
  sample:
    wanted_from: '2026-05-28T13:01:36Z'
    from: '2026-05-28T13:01:36Z'
    until: '2026-11-23T13:01:36Z'
irreversible:
  description:
    - The apps of which old refunds were (in check mode, would be) removed, see C(docs/guides/irreversible.md).
  returned: success, and failure while refunds were read
  type: list
  elements: dict
  sample:
    - step: remove_refunds
      target: com.example.one (production, source apple)
      asked_by: 'retention_days: 3000'
      outcome: done
http:
  description:
    - C(calls) are HTTP requests, C(retries) the repeated ones, C(waited_s) the seconds waited before these.
  returned: success, and failure once Apple or a tracker was asked
  type: dict
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
