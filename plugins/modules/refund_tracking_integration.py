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
  - Makes sure that a tracker holds the integration of one app, with a key that Apple accepts for it, or holds none.
  - C(changed) and C(diff) compare bundle ID, Issuer ID, Key ID, fingerprint and environment, in the ledger also Apple
    ID and path, never the status.
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
    - The integration as it is, or would be outside check mode. After a failed check, as the tracker still holds it.
      V(null) is none, or not known.
  returned: success, and failure of the credential check
  type: dict
  contains:
    bundle_id:
      description: Bundle ID of the app.
      type: str
    issuer_id:
      description: Issuer ID that is applied, or V(null).
      type: str
    key_id:
      description: Key ID that is applied, or V(null).
      type: str
    key_fingerprint:
      description: SHA-256 of the public part, or V(null).
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
    - The key that is asked for. What can't be read or is only predicted is V(null), all of it with O(state=absent).
  returned: success, and failure of the credential check
  type: dict
action:
  description: V(create), V(update), V(delete), V(unchanged), or V(unknown) where the tracker can't show the key.
  returned: success, and failure of the credential check
  type: str
outcome:
  description: V(changed) (or would be), V(unchanged) or V(failed).
  returned: success, and failure of the credential check
  type: str
next_step:
  description: What a person has to do at the tracker; else empty.
  returned: success, and failure of the credential check
  type: str
confirmed_by_hand:
  description: Whether the status is a person's word.
  returned: success, and failure of the credential check
  type: bool
confirmed_now:
  description: Whether O(devtodev.confirmed) gave it in this run.
  returned: success, and failure of the credential check
  type: bool
finding:
  description:
    - The report's V(wrong_apple_id), V(still_held), V(tracker_failed) or V(tracker_unknown), or V(null).
  returned: success, and failure of the credential check
  type: str
credential_check:
  description:
    - The verdict, with the fields of an entry of
      RV(storeops.refunds.appstore_credential_check_info#module:credential_checks).
  returned: success, and failure of the credential check
  type: dict
irreversible:
  description: The app entry that was or would be deleted, as in M(storeops.refunds.appstore_iap_key).
  returned: when there is any
  type: list
  elements: dict
http:
  description:
    - C(calls) are HTTP requests, C(retries) the repeated ones, C(waited_s) the seconds waited before these.
  returned: success, and failure of the credential check
  type: dict
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.integration import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
