#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iap_key_rotation
short_description: Move every integration from an old In-App Purchase key to a new one, and revoke the old one
version_added: 0.1.0
description:
  - Moves what uses the old key to the new one, in the ledger and at every tracker whose options are given, and checks
    each integration with Apple. An app for which Apple refuses the new key keeps the old one, and the task fails.
  - The old key is revoked only if O(revoke=true) and nothing that is known uses it any more. It stays if a tracker
    can't be asked, doesn't show its key or waits for the new one, or if an app that is declared with it is in no
    ledger or tracker that the task can see. The task can't see services that the ledger doesn't know.
  - An app with C(state=absent) isn't moved. While it may still use the old key, that key stays.
  - The role C(storeops.refunds.iap_key_rotation) runs both stages, and makes the key between them.
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._declaration
  - storeops.refunds._shared.environment
  - storeops.refunds._shared.apple
  - storeops.refunds._shared.http
  - storeops.refunds._shared.ledger
  - storeops.refunds._shared.tracker
  - storeops.refunds._trackers
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
  - storeops.refunds._attributes.changes
options:
  stage:
    description:
      - V(plan) looks for all that would stop the rotation before a key is made, because a key can be downloaded only
        once.
      - V(move) moves the integrations and then revokes the old key if told to. If it stops anywhere, run it again.
    type: str
    choices: [plan, move]
    required: true
  old_key_id:
    description: Key ID of the key that is replaced, or its short name in O(keys).
    type: str
    required: true
  new_key:
    description:
      - The new key. For O(stage=move), give RV(storeops.refunds.appstore_iap_key#module:iap_key). C(private_key_path)
        is required, unless the C(key_id) for the move is that of a declared key. C(issuer_id) is the old key's by
        default.
      - For O(stage=plan), give what is known before the key is made, C(name) and C(private_key_path).
    type: dict
    required: true
  revoke:
    description:
      - Revoke the old key at the end. This needs a session and can't be undone.
    type: bool
    default: false
  wait:
    description:
      - Seconds to wait for Apple, at most half of O(deadline).
    type: float
    default: 120.0
  hook:
    description: File with tasks that are to run once the key is made. It must be there.
    type: path
  variables:
    description: Names of variables; a misspelt one is refused.
    type: list
    elements: str
    default: []
  issuer_id:
    description: Issuer ID of keys that have none of their own.
    type: str
  private_key_file_policy:
    description: As in M(storeops.refunds.appstore_iap_key).
    type: str
    choices: [strict, mounted]
    default: strict
  deadline:
    description: Seconds that all calls of the task may take together, waiting included.
    type: float
    default: 600.0
  credential_check:
    description: Not used. What is moved is always checked.
  session:
    description:
      - A signed-in session, as in M(storeops.refunds.appstore_iap_key). Also read from E(FASTLANE_SESSION).
    type: str
  session_path:
    description: File with such a session, for its owner only.
    type: path
  team_id:
    description: Number of the team, when the session has several.
    type: int
  app_store_connect_url:
    description: Base URL of App Store Connect, for a simulator.
    type: str
seealso:
  - module: storeops.refunds.appstore_iap_key
"""

EXAMPLES = r"""
- name: Check what could stop the rotation, before a key is made
  storeops.refunds.iap_key_rotation:
    stage: plan
    keys: "{{ refund_tracking_keys }}"
    old_key_id: studio_a
    new_key:
      name: devtodev API Key 2027
      private_key_path: "{{ keys_folder }}/devtodev_2027.p8"

- name: Make the new key
  storeops.refunds.appstore_iap_key:
    name: devtodev API Key 2027
    private_key_path: "{{ keys_folder }}/devtodev_2027.p8"
    session_path: "{{ session_path }}"
  register: made

- name: Move every integration to it
  storeops.refunds.iap_key_rotation:
    stage: move
    keys: "{{ refund_tracking_keys }}"
    old_key_id: studio_a
    new_key: "{{ made.iap_key }}"
"""

RETURN = r"""
rotation:
  description:
    - The Key IDs of both keys (C(new_key_id) is V(null) before it is made), the Issuer ID of their team as far
      as it is known, and the integrations that used the old one.
    - C(new_key), of O(stage=plan), is what O(new_key) takes where the new key is declared, else V(null).
    - C(message) says what was done, or would be in check mode, and what is left to a person.
  returned: success, and when the task failed after it had moved something
  type: dict
  sample:
    old_key_id: 2X9R4HXF34
    new_key_id: 9K4R7HXF21
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    uses: [com.example.one in the ledger]
    message: 1 integration was moved from 2X9R4HXF34 to 9K4R7HXF21. 2X9R4HXF34 is revoked.
irreversible:
  description: The revocation with its proof, as in M(storeops.refunds.appstore_iap_key).
  returned: when the old key was revoked, or would be
  type: list
  elements: dict
  sample: [{step: revoke_key, target: 2X9R4HXF34}]
http:
  description: What the task asked of the network, C(calls), C(retries) and C(waited_s).
  type: dict
  returned: success
  sample: {calls: 4, retries: 0, waited_s: 0.0}
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.rotation import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
