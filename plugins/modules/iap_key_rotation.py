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
  - Finds what uses the old key, in the ledger for production and the sandbox, and at every tracker whose options are
    given. Moves it to the new key, and proves each integration with a live credential check.
  - An app for which Apple doesn't accept the new key keeps the old one, and the task fails. So does an app that
    production accepted before and refuses now while the sandbox accepts it.
  - The old key is revoked only if O(revoke=true) and nothing that is known uses it any more. A tracker that can't be
    asked, or that doesn't show which key it holds, keeps it from being revoked.
  - The key itself is made between the two stages by M(storeops.refunds.appstore_iap_key). The role
    C(storeops.refunds.iap_key_rotation) does all of it.
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._declaration
  - storeops.refunds._declaration.apps
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
      - V(plan) looks for everything that would stop the rotation, and writes nothing. It is run before a key is made,
        because a key can be downloaded only once.
      - V(move) moves the integrations and then revokes the old key if told to. Stopped anywhere, it goes on when it is
        run again.
    type: str
    choices: [plan, move]
    required: true
  old_key_id:
    description: Key ID of the key that is replaced, or its short name in O(keys).
    type: str
    required: true
  new_key:
    description:
      - The new key, as RV(storeops.refunds.appstore_iap_key#module:iap_key). For O(stage=plan), what is known of it.
    type: dict
    required: true
    suboptions:
      name:
        description: Its name at App Store Connect, which must not be the old key's.
        type: str
      key_id:
        description: Its Key ID. Read from the name C(SubscriptionKey_<Key ID>.p8) when left out.
        type: str
      issuer_id:
        description: Issuer ID of its team. That of the old key when left out.
        type: str
      private_key_path:
        description: Where its C(.p8) lies or shall lie, an absolute path, and another one than the old key's.
        type: path
      key_fingerprint:
        description: Its fingerprint, where it is known.
        type: str
      predicted:
        description: True in check mode where the key would first be made.
        type: bool
        default: false
  revoke:
    description:
      - Revoke the old key at the end. This can't be undone and stops every service that uses it. Needs a session.
    type: bool
    default: false
  wait:
    description:
      - Seconds to wait until Apple accepts the new key for all apps, at most half of O(deadline).
    type: float
    default: 120.0
  hook:
    description: File on the controller with tasks that are to run once the key is made. Refused where it isn't there.
    type: path
  variables:
    description: Names of variables, of which a misspelt one is refused.
    type: list
    elements: str
    default: []
  issuer_id:
    description: Issuer ID of keys that don't say theirs.
    type: str
  private_key_file_policy:
    description: How strictly key files are read. V(mounted) accepts the links and modes of mounted secrets.
    type: str
    choices: [strict, mounted]
    default: strict
  deadline:
    description: Seconds that all calls of the task may take together, waiting included.
    type: float
    default: 600.0
  credential_check:
    description: For declared apps, as in other modules. What is moved is always checked with Apple.
  session:
    description:
      - A signed-in web session of App Store Connect, as in M(storeops.refunds.appstore_iap_key).
      - E(FASTLANE_SESSION) or E(SPACESHIP_SESSION) is used when neither this nor O(session_path) is given.
    type: str
  session_path:
    description: File with such a session. Only its owner may reach it.
    type: path
  team_id:
    description: Number of the team, when the session has several and no Issuer ID says which.
    type: int
  app_store_connect_url:
    description: Base URL of App Store Connect, for a simulator.
    type: str
notes:
  - Services that the ledger doesn't know may use the old key as well. Check them before it is revoked.
seealso:
  - module: storeops.refunds.appstore_iap_key
  - module: storeops.refunds.refund_tracking_integrations
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
  register: moved

- name: Say what is left to a person
  ansible.builtin.debug:
    var: moved.rotation.message
"""

RETURN = r"""
rotation:
  description: The two keys, and what was found.
  returned: success, and when the task failed after it had moved something
  type: dict
  contains:
    old_key_id:
      description: Key ID of the old key.
      type: str
      returned: always
    new_key_id:
      description: Key ID of the new key; V(null) when it isn't made yet.
      type: str
      returned: always
    uses:
      description: The integrations that used the old key, each with C(bundle_id), C(environment), C(tracker), C(project).
      type: list
      elements: dict
      returned: always
    message:
      description: What was done, or would be in check mode, and what is left to a person.
      type: str
      returned: always
  sample:
    old_key_id: 2X9R4HXF34
    new_key_id: 9K4R7HXF21
    uses:
      - bundle_id: com.example.one
        environment: production
        project: ""
        tracker: ledger
    message: >-
      1 integration was moved from 2X9R4HXF34 to 9K4R7HXF21. 2X9R4HXF34 is still active. Declare the new key in keys (key_id
      9K4R7HXF21 and private_key_path /srv/keys/devtodev_2027.p8). With the old values there, the next ordinary run moves the
      apps back. Services that this collection doesn't know may use 2X9R4HXF34: check them before you revoke it.
integrations:
  description: What came of each integration of the old or the new key, as in M(storeops.refunds.refund_tracking_integrations).
  returned: with O(stage=move)
  type: list
  elements: dict
irreversible:
  description: The revocation with its proof, as in M(storeops.refunds.appstore_iap_key).
  returned: when the old key was revoked, or would be
  type: list
  elements: dict
http:
  description: What the task asked of the network, C(calls), C(retries) and C(waited_s).
  type: dict
  returned: success
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.rotation import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
