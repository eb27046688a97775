#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: refund_tracking_integration_info
short_description: List the integrations that a tracker holds, each with a live credential check
version_added: 0.1.0
description:
  - Reads what a tracker holds in one environment and asks Apple about each entry with the Issuer ID and Key ID that are
    applied there.
  - The private key is the task's if it is the one that was applied, else the file at the path that was stored when the
    integration was applied. Where neither is at hand, the verdict is C(not_checked).
  - A status is C(Active) or C(Failed) by the live check; when the check decides nothing, it is the stored one.
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._shared.key
  - storeops.refunds._shared.environment
  - storeops.refunds._shared.apple
  - storeops.refunds._shared.http
  - storeops.refunds._shared.tracker
  - storeops.refunds._shared.ledger
  - storeops.refunds._trackers
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
  - storeops.refunds._attributes.info
options:
  bundle_id:
    description:
      - Bundle ID of the app, with its capitals, which Apple tells apart. Everything that the tracker holds when left
        out.
    type: str
  credential_check:
    description:
      - V(skip) makes no call; the other two are the same here. Verdicts are shown, and never fail this module.
seealso:
  - module: storeops.refunds.refund_tracking_integration
"""

EXAMPLES = r"""
- name: What is tracked, and does it work right now?
  storeops.refunds.refund_tracking_integration_info:
  register: tracked

- name: Name every app that is not Active
  ansible.builtin.debug:
    msg: "{{ item.bundle_id }}: {{ item.credential_check.cause }}. {{ item.credential_check.hint }}"
  loop: "{{ tracked.integrations | rejectattr('status', 'equalto', 'Active') }}"
  loop_control:
    label: "{{ item.bundle_id }}"

- name: One app, without a call to Apple
  storeops.refunds.refund_tracking_integration_info:
    bundle_id: com.example.one
    credential_check: skip
"""

RETURN = r"""
integrations:
  description:
    - What the tracker holds in O(environment), by bundle ID. With O(bundle_id) exactly one entry, whose status may be
      C(Absent).
  returned: success
  type: list
  elements: dict
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
    credential_check:
      description: The verdict of the live check.
      type: dict
      returned: always
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
    - bundle_id: com.example.one
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
      key_id: 2X9R4HXF34
      key_fingerprint: c83e034c17809478e642a037198ae8b95fe10fd90fccacef9626de142da5f0c2
      environment: production
      tracker: ledger
      status: Active
      credential_check:
        accepted: true
        cause: accepted
        hint: Apple accepted a token signed with this key for this app.
        environment: production
        http_status: 404
        error_code: 4040010
        checked_at: '2026-11-23T11:05:27Z'
        request_id: 813961cd-f2e9-40ef-aae7-944cee705ebb
applied_elsewhere:
  description:
    - What the ledger knows to have been applied last at other trackers in O(environment); their services are not asked.
    - Empty unless O(tracker=ledger).
  returned: success
  type: list
  elements: dict
  contains:
    bundle_id:
      description: Bundle ID of the app.
      type: str
      returned: always
    issuer_id:
      description: Issuer ID that was applied; V(null) when unknown.
      type: str
      returned: always
    key_id:
      description: Key ID that was applied; V(null) when unknown.
      type: str
      returned: always
    key_fingerprint:
      description: SHA-256 of the key's public part, hexadecimal; V(null) when unknown.
      type: str
      returned: always
    environment:
      description: The App Store environment.
      type: str
      returned: always
    tracker:
      description: The tracker.
      type: str
      returned: always
    status:
      description: The status as it was last seen.
      type: str
      returned: always
  sample:
    - bundle_id: com.example.one
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
      key_id: 2X9R4HXF34
      key_fingerprint: c83e034c17809478e642a037198ae8b95fe10fd90fccacef9626de142da5f0c2
      environment: production
      tracker: devtodev
      status: Pending
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
    calls: 1
    retries: 0
    waited_s: 0.0
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.integration_info import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
