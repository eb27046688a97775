#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: refund_info
short_description: List and sum refunds from the ledger, or ask Apple about one transaction
version_added: 0.1.0
description:
  - Reads the refunds that M(storeops.refunds.refund_ledger) recorded, in one environment and one period of refund
    dates.
  - Sums are by currency. Refunds that Apple reversed, and access that ended within a family, are in no sum. Refunds
    with an unknown amount are counted apart.
  - No row doesn't mean no refund. RV(coverage) says for each app which part of the period is known. RV(complete) says
    whether it is the whole period for every app.
  - With O(transaction_id), Apple is asked instead (Get Refund History), and nothing is stored.
  - Amounts are estimates for tracking. For accounting, use the financial reports in App Store Connect.
options:
  bundle_id:
    description:
      - Bundle ID of one app, every app of the ledger by default. Required with O(transaction_id).
  include_reversed:
    description:
      - Whether refunds that Apple reversed are in RV(refunds), RV(total) and RV(not_in_sums), never in RV(sums).
    type: bool
    default: true
  group_by:
    description:
      - What to add up by, beside the currency. Days and months are those of the refund date, UTC.
    type: list
    elements: str
    choices: [bundle_id, environment, product_id, day, month, reason]
    default: []
  limit:
    description:
      - Most refunds to list in RV(refunds). V(0) lists none. Sums and totals always count all of them.
    type: int
    default: 1000
  unread:
    description:
      - Whether to warn of apps whose refunds were never read, and of a ledger that does not exist. RV(coverage) and
        RV(complete) are the same with both.
    type: str
    choices: [warn, ignore]
    default: warn
  after:
    description:
      - RV(next_after) of the page before, with the same options.
    type: str
  transaction_id:
    description:
      - Any transaction ID of a customer. Apple is asked for all approved refunds of that customer in the app; reversed
        ones are not among them.
      - Needs the app's key, the task's (with O(issuer_id)) or that of the app's integration in the ledger.
      - O(limit) and O(include_reversed) have no effect; the other choices can't be combined with it.
    type: str
  root_certificate_path:
    description:
      - File with another root certificate than Apple's (PEM or DER), for a simulator, to verify against, or that the
        ledger's refunds were verified against.
    type: path
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._refund_question
  - storeops.refunds._shared.app
  - storeops.refunds._shared.key
  - storeops.refunds._shared.environment
  - storeops.refunds._shared.apple
  - storeops.refunds._shared.http
  - storeops.refunds._shared.ledger
  - storeops.refunds._shared.root
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
  - storeops.refunds._attributes.info
requirements:
  - app-store-server-library, with O(transaction_id)
seealso:
  - module: storeops.refunds.refund_ledger
  - ref: ansible_collections.storeops.refunds.docsite.guides
    description: Guides, among them what the numbers of refunds mean.
"""

EXAMPLES = r"""
- name: What was refunded since the start of November, by app
  storeops.refunds.refund_info:
    since: '2026-11-01'
    group_by: [bundle_id]
    limit: 0
  register: refunded

- name: Show it in whole units of the currency, and say when not all of it is known
  ansible.builtin.debug:
    msg: >-
      {{ item.bundle_id }}: {{ item.count }} refunds,
      {{ item.amount_units | default('unknown', true) }} {{ item.currency }}
      {{ '' if refunded.complete else '(not all of them is known)' }}
  loop: "{{ refunded.sums }}"
  loop_control:
    label: "{{ item.bundle_id }}"

- name: Which refunds did this customer get? Apple is asked.
  storeops.refunds.refund_info:
    bundle_id: com.example.one
    transaction_id: '2000000000000001'
"""

RETURN = r"""
refunds:
  description:
    - The refunds by refund date, bundle ID and transaction ID, as many as O(limit) allows. A transaction may be
      refunded again after a reversal.
      All fields are always there, V(null) where Apple gave none. Times are in UTC.
    - C(refund_date) (also of what was revoked), C(bundle_id), C(environment), C(source) (see O(source)),
      C(transaction_id), C(original_transaction_id) (the first of the purchase or subscription), C(product_id),
      C(product_type), C(quantity), C(purchase_date), C(storefront) (three letters).
    - C(currency) (ISO 4217), C(price) of the whole transaction in milliunits (1/1000), C(percentage) in milliunits
      (100000 is all of it), C(is_assumed_full) (the whole price counts because Apple gave no share), C(amount) in
      milliunits, 0 or negative, an estimate, C(amount_units) as a decimal text such as V(-4.99), or V(-1200) for yen.
    - The amount is the sum that Apple names for transactions of the Advanced Commerce API. It is unknown without a
      price or a currency, within a family, and without a share unless type and reason fit a full refund.
    - C(reason) (1 is an issue within the app, 0 any other), C(revocation_type) (Apple's word, such as
      C(REFUND_FULL)), C(is_family_shared) (access within a family ended, nobody was paid back), C(is_reversed) and
      C(reversed_at) (Apple took it back), C(recorded_at) (first in the ledger; V(null) with O(transaction_id)).
  returned: success
  type: list
  elements: dict
  sample:
    - refund_date: '2026-11-15T13:01:06Z'
      bundle_id: com.example.one
      environment: production
      source: apple
      transaction_id: '2000000000000003'
      original_transaction_id: '2000000000000003'
      product_id: coins
      product_type: Consumable
      quantity: 1
      purchase_date: '2026-11-14T13:01:06Z'
      storefront: USA
      currency: JPY
      price: 1200000
      percentage: null
      is_assumed_full: true
      amount: -1200000
      amount_units: '-1200'
      reason: 1
      revocation_type: null
      is_family_shared: false
      is_reversed: false
      reversed_at: null
      recorded_at: '2026-11-23T13:01:36Z'
sums:
  description:
    - What was paid back, by the keys of O(group_by) and by C(currency), which is V(null) where Apple gave none.
      Without refunds, there is no entry.
    - C(count) refunds; C(amount) in milliunits and C(amount_units) in whole units add up those whose amount is known
      (V(null) if none is), C(amount_unknown_count) of them have none. C(day) and C(month) are those of the refund date.
  returned: success
  type: list
  elements: dict
  sample:
    - bundle_id: com.example.one
      currency: EUR
      count: 2
      amount: -3330
      amount_units: '-3.33'
      amount_unknown_count: 1
not_in_sums:
  description:
    - How many refunds of RV(total) are in no sum, C(reversed) by Apple, or C(family_shared), reversed or not.
  returned: success
  type: dict
  sample:
    reversed: 1
    family_shared: 1
exceeding_price:
  description:
    - How many transactions have refunds in force that add up to more than their price. Their sums are too large, and
      the task warns. The guide on refunds says what Apple may mean.
  returned: success
  type: int
  sample: 0
total:
  description: How many refunds there are, on all pages.
  returned: success
  type: int
  sample: 6
next_after:
  description: Value of O(after) for the next page; V(null) when there is none.
  returned: success
  type: str
  sample: 1793710866000/com.example.one/2000000000000005
source:
  description: The source of all of it, see O(source).
  returned: success
  type: str
  sample: apple
environment:
  description: The App Store environment of all of it.
  returned: success
  type: str
  sample: production
period:
  description: The period that was asked about, UTC. The end itself is not in it; V(null) is open.
  returned: success
  type: dict
  sample:
    since: '2026-11-01T00:00:00Z'
    until: null
complete:
  description:
    - Whether the whole period is known for every app of RV(coverage). V(false) without any app.
    - With O(transaction_id), whether everything in Apple's answer could be verified.
  returned: success
  type: bool
  sample: true
coverage:
  description:
    - How much of the period was read from Apple, for each app that was asked for, else for every app of the ledger. The
      fields are those of RV(storeops.refunds.refund_export#module:coverage). Empty with O(transaction_id).
  returned: success
  type: list
  elements: dict
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
declaration_faults:
  description: Apps whose verified payloads name another C(app_apple_id), each with C(msg).
  returned: success
  type: list
  elements: dict
  sample:
    - bundle_id: com.example.one
      environment: production
      msg: app_apple_id isn't the number in Apple's payloads …
quarantined:
  description:
    - What failed verification in Apple's answer, by C(payload_sha256) and C(reason). The task fails then.
  returned: success
  type: list
  elements: dict
  sample:
    - payload_sha256: 6b8fc8af37750913ed590e78f8b62e5375e82aec277367d26a80e227fb6f90ef
      reason: wrong_root
http:
  description:
    - C(calls) are HTTP requests, C(retries) the repeated ones, C(waited_s) the seconds waited before these.
  returned: success, and failure once Apple or a tracker was asked
  type: dict
  sample:
    calls: 0
    retries: 0
    waited_s: 0.0
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_info import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
