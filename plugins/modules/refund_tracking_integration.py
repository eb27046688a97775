#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: refund_tracking_integration
short_description: Keep one app's refund tracking integration Active at a tracker
version_added: 0.1.0
description:
  - Makes sure that a tracker holds the integration of one app (bundle ID, Issuer ID, Key ID and private key), that
    Apple accepts this key for this app, and so that the integration is Active. Or that the tracker holds none.
  - C(changed) and C(diff) compare bundle ID, Issuer ID, Key ID, the key's fingerprint and the environment.
    The status is an observation and never a reason for C(changed).
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._shared.app
  - storeops.refunds._shared.key
  - storeops.refunds._shared.state
  - storeops.refunds._shared.environment
  - storeops.refunds._shared.apple
  - storeops.refunds._shared.http
  - storeops.refunds._shared.tracker
  - storeops.refunds._shared.ledger
  - storeops.refunds._trackers
  - storeops.refunds._key_predicted
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
  - storeops.refunds._attributes.changes
seealso:
  - module: storeops.refunds.refund_tracking_integration_info
  - module: storeops.refunds.appstore_credential_check_info
  - module: storeops.refunds.appstore_iap_key
"""

EXAMPLES = r"""
- name: Track refunds of an app
  storeops.refunds.refund_tracking_integration:
    bundle_id: com.example.one
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"

- name: The same with a key from the vault, and the ledger in PostgreSQL
  storeops.refunds.refund_tracking_integration:
    bundle_id: com.example.two
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    key_id: 2X9R4HXF34
    private_key_content: "{{ vault_studio_a_private_key }}"
    ledger:
      url: "{{ vault_ledger_url }}"

- name: Several apps with one set of credentials
  module_defaults:
    group/storeops.refunds.keys:
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
  block:
    - name: Track refunds of two apps
      storeops.refunds.refund_tracking_integration:
        bundle_id: "{{ item }}"
        key_id: 2X9R4HXF34
        private_key_content: "{{ vault_studio_a_private_key }}"
      loop: [com.example.one, com.example.two]

- name: Declare it although Apple does not accept the key yet
  storeops.refunds.refund_tracking_integration:
    bundle_id: com.example.two
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
    credential_check: advisory

- name: Tell a person what to enter at devtodev, and keep in mind that it is to be confirmed
  storeops.refunds.refund_tracking_integration:
    bundle_id: com.example.one
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
    tracker: devtodev
    devtodev:
      mode: handoff

- name: Stop tracking an app; this needs no key
  storeops.refunds.refund_tracking_integration:
    bundle_id: com.example.two
    state: absent
"""

RETURN = r"""
integration:
  description:
    - The integration as it is now, or would be outside check mode.
    - When the task failed because of the credential check, the integration as the tracker still holds it.
  returned: success, and failure of the credential check
  type: dict
  contains:
    bundle_id:
      description: Bundle ID of the app.
      type: str
      returned: always
    issuer_id:
      description: Issuer ID that is applied; V(null) when there is none, or when nobody knows it.
      type: str
      returned: always
    key_id:
      description: Key ID that is applied; V(null) when there is none, or when nobody knows it.
      type: str
      returned: always
    key_fingerprint:
      description:
        - SHA-256 of the key's public part (SubjectPublicKeyInfo DER), hexadecimal.
        - V(null) when there is no integration, or when nobody knows which key it is.
      type: str
      returned: always
    environment:
      description: The App Store environment.
      type: str
      returned: always
    tracker:
      description: The tracker that holds the integration.
      type: str
      returned: always
    status:
      description: V(Active), V(Pending), V(Failed), V(Unknown) or V(Absent). An observation, by itself no change.
      type: str
      returned: always
  sample:
    bundle_id: com.example.one
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    key_id: 2X9R4HXF34
    key_fingerprint: c83e034c17809478e642a037198ae8b95fe10fd90fccacef9626de142da5f0c2
    environment: production
    tracker: ledger
    status: Active
declared:
  description:
    - The key that the task asks for, beside RV(integration), which tells what the tracker holds.
    - They differ when the task failed, such as when Apple refused this key. RV(credential_check) is about this one.
    - V(null) with O(state=absent).
  returned: success, and failure of the credential check
  type: dict
  contains:
    issuer_id:
      description: Issuer ID; V(null) when it is not known.
      type: str
      returned: always
    key_id:
      description: Key ID, given or read from the file's name; V(null) when it is not known.
      type: str
      returned: always
    key_fingerprint:
      description:
        - SHA-256 of the key's public part (SubjectPublicKeyInfo DER), hexadecimal.
        - V(null) when the key can't be read or used, or is only predicted.
      type: str
      returned: always
  sample:
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    key_id: 2X9R4HXF34
    key_fingerprint: c83e034c17809478e642a037198ae8b95fe10fd90fccacef9626de142da5f0c2
credential_check:
  description: The verdict of the credential check.
  returned: success, and failure of the credential check
  type: dict
  contains:
    accepted:
      description: Whether Apple accepted the key for this app.
      type: bool
      returned: always
    cause:
      description:
        - One word of a closed list.
        - V(accepted).
        - V(key_unreadable), V(key_wrong_kind), V(key_id_mismatch) are found before any call.
        - V(clock_skew), V(app_not_released), V(unauthenticated) are refusals.
        - V(rate_limited), V(service_unavailable), V(unreachable), V(unexpected_response) and
          V(not_checked) decide nothing.
        - V(key_not_yet_created) only occurs in check mode.
      type: str
      returned: always
    hint:
      description: What to do about it, as a sentence.
      type: str
      returned: always
    environment:
      description: The App Store environment that was asked.
      type: str
      returned: always
    http_status:
      description: HTTP status of the answer that decided; V(null) without an answer.
      type: int
      returned: always
    error_code:
      description: Apple's error code in that answer; V(null) without one.
      type: int
      returned: always
    checked_at:
      description: Time of the check, UTC; V(null) when Apple was not asked.
      type: str
      returned: always
    request_id:
      description: Apple's name of the request, for their support; V(null) without one.
      type: str
      returned: always
  sample:
    accepted: true
    cause: accepted
    hint: Apple accepted a token signed with this key for this app.
    environment: production
    http_status: 404
    error_code: 4040010
    checked_at: '2026-11-23T11:05:09Z'
    request_id: 3edf8508-ac4a-4f95-b551-c7c033ba3fd8
http:
  description: What the task asked of the network.
  type: dict
  returned: success, and failure of the credential check
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
    calls: 1
    retries: 0
    waited_s: 0.0
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.integration import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
