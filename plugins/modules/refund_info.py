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
  - Reads the refunds that M(storeops.refunds.refund_ledger) recorded, for one app, some or all of them, in one
    environment and one period of refund dates. The database filters and adds up, so that a million
    refunds are no more work for the task than a page of them.
  - Sums are by currency, never across currencies. They hold what was paid back and is still paid back. Refunds that
    Apple reversed, and access that ended within a family, are in no sum. Refunds whose amount is not known are counted
    apart (RV(sums[].amount_unknown_count)).
  - Whether the percentage of a further refund of the same transaction holds the refunds before it, Apple does not say.
    Each counts by itself here, which is unverified; RV(exceeding_price) tells when that can't be right.
  - No refunds found is not the same as no refunds. RV(coverage) tells for each app from when until when Apple was read,
    and RV(complete) whether that is the whole period for every app.
  - With O(transaction_id), Apple is asked instead (Get Refund History), and nothing is stored.
  - Amounts are an estimate for tracking, not accounting. Apple gives no refunded sum (except to the Advanced Commerce
    API), only the price of the transaction and the refunded share of it, rounded, and says that price and currency are
    not for revenue reconciliation. The financial reports in App Store Connect are what counts.
options:
  bundle_id:
    description:
      - Bundle ID of one app, with its capitals, which Apple tells apart. Required with O(transaction_id).
      - Without it and without O(bundle_ids), every app that the ledger knows is read.
  include_reversed:
    description:
      - Whether refunds that Apple reversed are in RV(refunds), RV(total) and RV(not_in_sums).
      - They are never in RV(sums).
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
      - Whether to warn of apps whose refunds were never read. RV(coverage) and RV(complete) name them all the same.
    type: str
    choices: [warn, ignore]
    default: warn
  after:
    description:
      - RV(next_after) of the page before, with the same options.
    type: str
  transaction_id:
    description:
      - Any transaction ID, original transaction ID or app transaction ID of a customer. Apple is asked for all approved
        refunds of that customer in the app O(bundle_id), not only for that of the transaction.
      - Needs the app's key. It is the task's (with O(issuer_id)), else that of the app's integration in the ledger.
      - An empty list means that Apple has approved no refund for this customer.
      - A reversed refund is not in Apple's answer.
      - O(limit) and O(include_reversed) have no effect; the other choices can't be combined with it.
      - Apple allows 10 such calls in a second for each app, in the sandbox a tenth of that.
    type: str
  root_certificate_path:
    description:
      - File with another root certificate (PEM or DER), for a simulator. Apple Root CA - G3 is built in.
      - With O(transaction_id), Apple's answer is verified against it. From the ledger, it chooses what was verified
        against it.
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
  - ref: ansible_collections.storeops.refunds.docsite.refunds_guide
    description: Refunds from Apple to a file, and what the numbers mean.
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

- name: The refunds of one app for an issue within it that still stand
  storeops.refunds.refund_info:
    bundle_id: com.example.one
    reasons: [1]
    include_reversed: false

- name: Which refunds did this customer get? Apple is asked.
  storeops.refunds.refund_info:
    bundle_id: com.example.one
    transaction_id: '2000000000000001'
"""

RETURN = r"""
refunds:
  description:
    - The refunds by refund date, bundle ID and transaction ID, as many as O(limit) allows.
    - A refund is a transaction and a refund date; a transaction may be refunded again after a reversal.
  returned: success
  type: list
  elements: dict
  contains:
    refund_date:
      description: When Apple refunded or revoked it, UTC.
      type: str
      returned: always
    bundle_id:
      description: Bundle ID of the app.
      type: str
      returned: always
    environment:
      description: The App Store environment.
      type: str
      returned: always
    source:
      description: The root certificate that it was verified against, see O(source).
      type: str
      returned: always
    transaction_id:
      description: The refunded transaction.
      type: str
      returned: always
    original_transaction_id:
      description: The first transaction of the purchase or subscription; V(null) when Apple gave none.
      type: str
      returned: always
    product_id:
      description: The product; V(null) when Apple gave none.
      type: str
      returned: always
    product_type:
      description: Apple's type of the product; V(null) when Apple gave none.
      type: str
      returned: always
    quantity:
      description: How many were bought; V(null) when Apple gave none.
      type: int
      returned: always
    purchase_date:
      description: When it was bought, UTC; V(null) when Apple gave none.
      type: str
      returned: always
    storefront:
      description: The App Store of the purchase, three letters; V(null) when Apple gave none.
      type: str
      returned: always
    currency:
      description: Currency of price and amount (ISO 4217); V(null) when Apple gave none.
      type: str
      returned: always
    price:
      description: Price of the whole transaction in milliunits (1/1000) of the currency; V(null) when Apple gave none.
      type: int
      returned: always
    percentage:
      description:
        - The refunded share in milliunits of a percent, 100000 is all of it; V(null) when Apple gave none.
      type: int
      returned: always
    is_assumed_full:
      description: Whether the whole price is taken as refunded because Apple said nothing else.
      type: bool
      returned: always
    amount:
      description:
        - The refunded amount in milliunits of the currency, 0 or negative, an estimate.
        - For transactions of the Advanced Commerce API it is the sum that Apple names.
        - V(null) when it isn't known. Apple gave no price or no currency; or it gave no share, and its type or reason
          isn't one that pays back the whole price. V(null) too when the purchase was shared within a family.
      type: int
      returned: always
    amount_units:
      description:
        - The same in whole units of the currency, a decimal number as a text, such as V(-4.99), or V(-1200) for yen.
      type: str
      returned: always
    reason:
      description: Apple's reason. 1 is an issue within the app, 0 any other; V(null) when Apple gave none.
      type: int
      returned: always
    revocation_type:
      description: Apple's word for what was done, such as C(REFUND_FULL); V(null) when Apple gave none.
      type: str
      returned: always
    is_family_shared:
      description: Whether access that was shared within a family ended. Nobody was paid back then.
      type: bool
      returned: always
    is_reversed:
      description: Whether Apple took the refund back.
      type: bool
      returned: always
    reversed_at:
      description: When Apple told that it took the refund back, UTC; V(null) when it did not.
      type: str
      returned: always
    recorded_at:
      description: When the ledger recorded it first, UTC; V(null) with O(transaction_id).
      type: str
      returned: always
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
    - refund_date: '2026-11-20T13:01:06Z'
      bundle_id: com.example.one
      environment: production
      source: apple
      transaction_id: '2000000000000001'
      original_transaction_id: '2000000000000001'
      product_id: coins
      product_type: Consumable
      quantity: 1
      purchase_date: '2026-11-19T13:01:06Z'
      storefront: USA
      currency: EUR
      price: 9990
      percentage: 33333
      is_assumed_full: false
      amount: -3330
      amount_units: '-3.33'
      reason: 1
      revocation_type: REFUND_PRORATED
      is_family_shared: false
      is_reversed: false
      reversed_at: null
      recorded_at: '2026-11-23T13:01:36Z'
sums:
  description:
    - What was paid back, by the keys of O(group_by) and by currency. No entry for what has no refund.
  returned: success
  type: list
  elements: dict
  contains:
    bundle_id:
      description: The app.
      type: str
      returned: when O(group_by) has it
    environment:
      description: The App Store environment.
      type: str
      returned: when O(group_by) has it
    product_id:
      description: The product; V(null) for refunds without one.
      type: str
      returned: when O(group_by) has it
    day:
      description: The day of the refund date, UTC.
      type: str
      returned: when O(group_by) has it
    month:
      description: The month of the refund date, UTC, such as V(2026-11).
      type: str
      returned: when O(group_by) has it
    reason:
      description: Apple's reason; V(null) for refunds without one.
      type: int
      returned: when O(group_by) has it
    currency:
      description: The currency (ISO 4217); V(null) for refunds without one.
      type: str
      returned: always
    count:
      description: How many refunds.
      type: int
      returned: always
    amount:
      description: Sum of their amounts in milliunits of the currency, 0 or negative; V(null) when none is known.
      type: int
      returned: always
    amount_units:
      description:
        - The same in whole units of the currency, a decimal number as a text, such as V(-4.99), or V(-1200) for yen;
          V(null) when none is known.
      type: str
      returned: always
    amount_unknown_count:
      description: How many of them have no known amount and are not in RV(sums[].amount).
      type: int
      returned: always
  sample:
    - bundle_id: com.example.one
      currency: EUR
      count: 2
      amount: -3330
      amount_units: '-3.33'
      amount_unknown_count: 1
    - bundle_id: com.example.one
      currency: JPY
      count: 1
      amount: -1200000
      amount_units: '-1200'
      amount_unknown_count: 0
    - bundle_id: com.example.one
      currency: USD
      count: 1
      amount: -4990
      amount_units: '-4.99'
      amount_unknown_count: 0
not_in_sums:
  description: How many refunds are in RV(total) and in no sum.
  returned: success
  type: dict
  contains:
    reversed:
      description: Refunds that Apple took back.
      type: int
      returned: always
    family_shared:
      description: Access that ended within a family, reversed or not.
      type: int
      returned: always
  sample:
    reversed: 1
    family_shared: 1
exceeding_price:
  description:
    - How many transactions there are among the refunds that are in force, whose refunds, of all times, add up to more
      than their price. Their sums are too large then, and the task warns. Apple may mean its percentages to hold the
      refunds before them, or may have reversed another refund than the last one; neither is documented.
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
  contains:
    since:
      description: The beginning.
      type: str
      returned: always
    until:
      description: The end. V(null) for an open end.
      type: str
      returned: always
  sample:
    since: '2026-11-01T00:00:00Z'
    until: null
complete:
  description:
    - Whether the whole period is known for every app of RV(coverage). V(false) when the ledger knows no app.
    - With O(transaction_id), whether everything in Apple's answer could be verified.
  returned: success
  type: bool
  sample: true
coverage:
  description:
    - For each app that was asked for, by bundle ID, how much of the period the ledger has read from Apple. Without
      O(bundle_id) and O(bundle_ids), for every app that the ledger knows, the ones with an integration that was never
      read among them.
    - Apple tells of a refund when it happens or a little later, so the last days of a period may still grow.
    - Empty with O(transaction_id).
  returned: success
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
      returned: always
    reason:
      description:
        - Why it is not complete, and what to do. Empty when it is, unless the period ended so late before the last
          run that Apple may still deliver notifications of it; then the reason says until when.
      type: str
      returned: always
    covered_from:
      description: From when on it was read, UTC; V(null) when never.
      type: str
      returned: always
    covered_until:
      description: Until when it was read, UTC; V(null) when never.
      type: str
      returned: always
    known_from:
      description:
        - From when on the app is known to have a notification URL of version 2, UTC, see
          M(storeops.refunds.refund_ledger). V(null) when nothing shows it.
      type: str
      returned: always
    known_until:
      description:
        - Until when refunds of the app are known, UTC, see M(storeops.refunds.refund_ledger). V(null) when nothing
          shows a notification URL.
      type: str
      returned: always
    last_refund_at:
      description: Refund date of the app's last refund in the ledger, whatever the period, UTC; V(null) without any.
      type: str
      returned: always
    quarantined:
      description: Payloads from the period that failed verification, so that nobody knows what they tell.
      type: int
      returned: always
    notification_url:
      description:
        - What M(storeops.refunds.app_store_notification_url) found when it last looked at the app's notification URL.
          V(null) when it never did.
      type: dict
      returned: always
      contains:
        state:
          description:
            - V(none) without a URL, V(version_1) for one of version 1, V(other_host) for one of another host than was
              declared.
            - V(proven) when the URL is as declared and Apple delivered its last test notification. V(as_declared)
              without that proof.
          type: str
          returned: always
        host:
          description: Host of the URL, V(null) without one.
          type: str
          returned: always
        checked_at:
          description: When App Store Connect was asked, UTC.
          type: str
          returned: always
        test_result:
          description: Apple's word for its last test notification to this URL, V(null) without a test.
          type: str
          returned: always
        tested_at:
          description: When that was, UTC; V(null) without a test.
          type: str
          returned: always
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
quarantined:
  description:
    - With O(transaction_id), what failed verification in Apple's answer. The task fails then, with the sound refunds in
      its result. Nothing is stored.
  returned: success
  type: list
  elements: dict
  contains:
    payload_sha256:
      description: SHA-256 of the payload.
      type: str
      returned: always
    reason:
      description: What is wrong with it, a word such as V(wrong_root).
      type: str
      returned: always
  sample:
    - payload_sha256: 6b8fc8af37750913ed590e78f8b62e5375e82aec277367d26a80e227fb6f90ef
      reason: wrong_root
    - payload_sha256: c1eebd4a6da8f4528dd76b58f0a2317214b5e66e73d0aa21e3adac99544a7d5c
      reason: wrong_root
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
