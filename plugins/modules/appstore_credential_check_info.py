#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: appstore_credential_check_info
short_description: Ask Apple whether an In-App Purchase key is accepted for apps, and if not, why
version_added: 0.1.0
description:
  - Makes one signed call of the App Store Server API for each app and turns the answer into a cause and a hint.
  - The call asks for a made-up transaction, so nothing is touched. After a refusal, Apple is asked again with a fresh
    token. For production, the sandbox is asked, too.
  - When several apps share a key, their answers are compared to tell a bad key from a bad bundle ID.
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._declaration
  - storeops.refunds._shared.key
  - storeops.refunds._shared.environment
  - storeops.refunds._shared.apple
  - storeops.refunds._shared.http
  - storeops.refunds._key_predicted
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
  - storeops.refunds._attributes.info
options:
  bundle_id:
    description:
      - Bundle ID of the app, with its capitals, which Apple tells apart. Either this or O(apps) is required.
    type: str
seealso:
  - module: storeops.refunds.refund_tracking_integration
  - name: App Store Server API
    description: Apple's documentation of the API that is called.
    link: https://developer.apple.com/documentation/appstoreserverapi
"""

EXAMPLES = r"""
- name: Does Apple accept this key for this app?
  storeops.refunds.appstore_credential_check_info:
    bundle_id: com.example.one
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
  register: check

- name: Stop with the hint when it doesn't
  ansible.builtin.assert:
    that: check.credential_checks[0].accepted
    fail_msg: "{{ check.credential_checks[0].hint }}"

- name: Check several apps that share two keys
  storeops.refunds.appstore_credential_check_info:
    keys:
      - key: studio_a
        issuer_id: 57246542-96fe-1a63-e053-0824d011072a
        private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
      - key: studio_b
        issuer_id: 69a6de70-0000-47e3-e053-5b8c7c11a4d1
        key_id: 9ABCDEF123
        private_key_content: "{{ vault_studio_b_private_key }}"
    apps:
      - bundle_id: com.example.one
        key: studio_a
      - bundle_id: com.example.two
        key: studio_a
      - bundle_id: com.example.three
        key: studio_b
"""

RETURN = r"""
credential_checks:
  description:
    - One entry for each app, environment and key, without absent ones. Those of O(apps) come first, then those below
      O(keys). Tell them by RV(credential_checks[].bundle_id).
  returned: success
  type: list
  elements: dict
  contains:
    bundle_id:
      description: Bundle ID of the app.
      type: str
    issuer_id:
      description: Issuer ID that signed.
      type: str
    key_id:
      description: Key ID that signed.
      type: str
    key_fingerprint:
      description: SHA-256 of the key's public part (SubjectPublicKeyInfo DER), hexadecimal; V(null) when unreadable.
      type: str
    accepted:
      description: Whether Apple accepted the key for this app.
      type: bool
    cause:
      description:
        - One word of a closed list.
        - V(accepted).
        - V(key_unreadable), V(key_wrong_kind), V(key_id_mismatch) are found before any call.
        - V(clock_skew), V(app_not_released), V(unauthenticated) are refusals.
        - V(rate_limited), V(service_unavailable), V(unreachable), V(unexpected_response) and V(not_checked) say
          nothing about the key.
        - V(key_not_yet_created) only occurs in check mode.
      type: str
    hint:
      description: What to do about it, as a sentence.
      type: str
    environment:
      description: The App Store environment that was asked.
      type: str
    http_status:
      description: HTTP status of the answer that decided; V(null) without an answer.
      type: int
    error_code:
      description: Apple's error code in that answer; V(null) without one.
      type: int
    checked_at:
      description: Time of the check, UTC; V(null) when Apple was not asked.
      type: str
    request_id:
      description: Apple's ID of the request, for Apple's support; V(null) without one.
      type: str
  sample:
    - bundle_id: com.example.one
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
      key_id: 2X9R4HXF34
      key_fingerprint: c83e034c17809478e642a037198ae8b95fe10fd90fccacef9626de142da5f0c2
      accepted: true
      cause: accepted
      hint: Apple accepted a token signed with this key for this app.
      environment: production
      http_status: 404
      error_code: 4040010
      checked_at: '2026-11-23T11:05:04Z'
      request_id: 403452b7-ff5f-470e-92af-f71ffcd29157
    - bundle_id: com.example.two
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
      key_id: 2X9R4HXF34
      key_fingerprint: c83e034c17809478e642a037198ae8b95fe10fd90fccacef9626de142da5f0c2
      accepted: true
      cause: accepted
      hint: Apple accepted a token signed with this key for this app.
      environment: production
      http_status: 404
      error_code: 4040010
      checked_at: '2026-11-23T11:05:04Z'
      request_id: d83141b2-8fbf-458b-95c5-d7cb1a082ee4
    - bundle_id: com.example.three
      issuer_id: 69a6de70-0000-47e3-e053-5b8c7c11a4d1
      key_id: 9ABCDEF123
      key_fingerprint: e705525995c398e561da8fdb2c5f0198c03fe95c178de34cdab8b2c2a291e357
      accepted: true
      cause: accepted
      hint: Apple accepted a token signed with this key for this app.
      environment: production
      http_status: 404
      error_code: 4040010
      checked_at: '2026-11-23T11:05:04Z'
      request_id: b656e424-229e-4ba4-9cc7-50c06c03f6de
http:
  description:
    - C(calls) are HTTP requests, C(retries) the repeated ones, C(waited_s) the seconds waited before these.
  returned: success, and failure once Apple or a tracker was asked
  type: dict
  sample:
    calls: 1
    retries: 0
    waited_s: 0.0
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.credential_check_info import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
