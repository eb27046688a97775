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
  - The private key is the task's if it is the one that was applied, else the file at the path that was stored when
    the integration was applied. Without either, the verdict is C(not_checked).
  - The live check decides whether a status is C(Active) or C(Failed). If the check has no answer, it is the stored
    status.
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
      - Bundle ID of the app, with its capitals, which Apple tells apart. All apps of the tracker when left out.
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
      V(Absent), or V(Unknown) where the tracker now shows another app in its place.
  returned: success
  type: list
  elements: dict
  contains:
    bundle_id:
      description: Bundle ID of the app.
      type: str
    issuer_id:
      description: Issuer ID that is applied, V(null) if none or not known.
      type: str
    key_id:
      description: Key ID that is applied, V(null) if none or not known.
      type: str
    key_fingerprint:
      description: SHA-256 of the key's public part, V(null) if none or not known.
      type: str
    environment:
      description: The App Store environment.
      type: str
    tracker:
      description: The tracker that holds the integration.
      type: str
    status:
      description: V(Active), V(Pending), V(Failed), V(Unknown) or V(Absent), as observed.
      type: str
    confirmed_by_hand:
      description: Whether the status is a person's word (O(devtodev.confirmed)).
      type: bool
    credential_check:
      description:
        - The verdict about this app. Its fields are those of an entry of
          RV(storeops.refunds.appstore_credential_check_info#module:credential_checks).
      type: dict
  sample:
    - bundle_id: com.example.one
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
      key_id: 2X9R4HXF34
      key_fingerprint: c83e034c17809478e642a037198ae8b95fe10fd90fccacef9626de142da5f0c2
      environment: production
      tracker: ledger
      status: Active
      confirmed_by_hand: false
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
    - What was last applied at other trackers in O(environment), as the ledger knows it. Their services aren't asked.
    - Empty unless O(tracker=ledger).
  returned: success
  type: list
  elements: dict
  contains:
    bundle_id:
      description: Bundle ID of the app.
      type: str
    issuer_id:
      description: Issuer ID that was applied; V(null) when unknown.
      type: str
    key_id:
      description: Key ID that was applied; V(null) when unknown.
      type: str
    key_fingerprint:
      description: SHA-256 of the key's public part, hexadecimal; V(null) when unknown.
      type: str
    environment:
      description: The App Store environment.
      type: str
    tracker:
      description: The tracker.
      type: str
    status:
      description: The status as it was last seen.
      type: str
    confirmed_by_hand:
      description: Whether it is a person's word (O(devtodev.confirmed)).
      type: bool
  sample:
    - bundle_id: com.example.one
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
      key_id: 2X9R4HXF34
      key_fingerprint: c83e034c17809478e642a037198ae8b95fe10fd90fccacef9626de142da5f0c2
      environment: production
      tracker: devtodev
      status: Pending
      confirmed_by_hand: false
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
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.integration_info import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
