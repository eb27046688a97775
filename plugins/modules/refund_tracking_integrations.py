#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: refund_tracking_integrations
short_description: Keep the refund tracking integrations of many apps Active at a tracker
version_added: 0.1.0
description:
  - Does for a whole list of apps in one task what M(storeops.refunds.refund_tracking_integration) does for one.
    Keys are read once, what the tracker holds is listed once, and Apple is asked about several apps at a time.
  - Every app is tried. One that fails stops no other; the task fails once at the end and names those that failed, and
    RV(integrations) tells what came of each. Running the task again continues.
  - Mistakes in O(apps) and O(keys) (a bad ID, an unknown key, an app that is listed twice) are all named before
    anything is done.
  - When several apps share a key, their verdicts are compared to tell a bad key from a bad bundle ID.
  - C(diff) has C(before) and C(after), each a mapping by bundle ID of the apps that differ. The sandbox integration of
    an app that occurs for both environments is named C(<bundle ID> (sandbox)).
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
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
options:
  keys:
    description:
      - In-App Purchase keys by name, for use in O(apps[].key). Each is read once.
      - The fields of a key are C(issuer_id), C(key_id), C(private_key_path), C(private_key_content),
        C(private_key_file_policy) and C(key_predicted), as the options of the same names.
      - A key without C(issuer_id) or C(private_key_file_policy) takes those of the task.
    type: dict
  apps:
    description:
      - The apps. What an app doesn't say itself is taken from its O(apps[].key), or else from the task.
      - With O(tracker=qonversion) there can be one app only, since a project of Qonversion has one.
    type: list
    elements: dict
    required: true
    suboptions:
      bundle_id:
        description: Bundle ID of the app.
        type: str
        required: true
      key:
        description: Name of an entry of O(keys).
        type: str
      environment:
        description: The App Store environment, O(environment) when left out.
        type: str
        choices: [production, sandbox]
      state:
        description: Whether the integration is to be there, O(state) when left out. V(absent) needs no key.
        type: str
        choices: [present, absent]
      app_apple_id:
        description: The app's Apple ID, kept in the ledger. Another one than the ledger holds is a change.
        type: int
      issuer_id:
        description: Issuer ID for this app alone.
        type: str
      key_id:
        description: Key ID for this app alone.
        type: str
      private_key_path:
        description: Path of the C(.p8) file for this app alone.
        type: path
      private_key_content:
        description: Text of the C(.p8) file for this app alone.
        type: str
      private_key_file_policy:
        description: How strictly the file is read.
        type: str
        choices: [strict, mounted]
      key_predicted:
        description: As the option of the task.
        type: bool
  on_faulty_app:
    description:
      - With an entry in O(apps) that can't be used, V(refuse) names all such entries and does nothing at all. V(report)
        lets them fail and goes on, as an audit wants it, never with O(purge).
    type: str
    choices: [refuse, report]
    default: refuse
  purge:
    description:
      - Removes the integrations of the ledger that O(apps) does not list, after all apps were done. Only those in
        O(environment) that have the Issuer ID of a listed app or of the task.
      - Each of these Issuer IDs needs a listed app, or the task fails before anything is done. A list that came back
        empty removes nothing. Name the last apps of a team with C(state=absent).
      - Refused where O(apps) may be a part of all apps, see the guide C(docs/guides/trackers.md). In a loop, give all
        apps of a team to one turn.
    type: bool
    default: false
  purge_limit:
    description:
      - How many may be removed at once, as a number or as a share of what is held in the environment, for each Issuer
        ID. A share always allows one. When there are more, the task fails before anything is done.
    type: str
    default: 10%
seealso:
  - module: storeops.refunds.refund_tracking_integration
  - module: storeops.refunds.refund_tracking_integration_info
  - module: storeops.refunds.appstore_credential_check_info
"""

EXAMPLES = r"""
- name: Track refunds of all apps of two studios
  storeops.refunds.refund_tracking_integrations:
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    keys:
      studio_a:
        private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
      studio_b:
        key_id: 9ABCDEF123
        private_key_content: "{{ vault_studio_b_private_key }}"
    apps:
      - bundle_id: com.example.one
        key: studio_a
      - bundle_id: com.example.two
        key: studio_a
        environment: sandbox
      - bundle_id: com.example.three
        key: studio_b
  register: tracking

- name: Show what came of each app
  ansible.builtin.debug:
    msg: "{{ item.bundle_id }}: {{ item.outcome }}, {{ item.status }} {{ item.msg }}"
  loop: "{{ tracking.integrations }}"
  loop_control:
    label: "{{ item.bundle_id }}"

- name: What would change, one key for all apps, and what is not listed any more goes
  storeops.refunds.refund_tracking_integrations:
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
    apps:
      - bundle_id: com.example.one
      - bundle_id: com.example.two
    purge: true
    purge_limit: 2
  check_mode: true

- name: Stop tracking some apps; this needs no key
  storeops.refunds.refund_tracking_integrations:
    state: absent
    apps:
      - bundle_id: com.example.two
      - bundle_id: com.example.three
"""

RETURN = r"""
integrations:
  description:
    - One entry for each app, in the order of O(apps), and after them one for each integration that O(purge) removes.
    - What the tracker holds is told by the fields of
      RV(storeops.refunds.refund_tracking_integration#module:integration), and C(declared) and C(credential_check) are
      as RV(storeops.refunds.refund_tracking_integration#module:declared) and
      RV(storeops.refunds.refund_tracking_integration#module:credential_check).
    - C(action) is V(create), V(update), V(delete), V(unchanged), or V(unknown) where nobody knows which key is held.
    - C(outcome) is V(changed) (in check mode, would be), V(unchanged), V(failed), or V(not_tried) for an app that did
      not get its turn before the O(deadline), or because the service was silent for 30 seconds.
    - C(msg) says why the app failed or was not tried. It is empty when all is well.
  returned: success, and failure of some apps
  type: list
  elements: dict
  sample:
    - bundle_id: com.example.one
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
      key_id: 2X9R4HXF34
      key_fingerprint: 3656343c9fb6d44a6bb66cc5eebc4df1f7083c8aa38a3465995cf6139c326880
      environment: production
      tracker: ledger
      status: Active
      declared:
        issuer_id: 57246542-96fe-1a63-e053-0824d011072a
        key_id: 2X9R4HXF34
        key_fingerprint: 3656343c9fb6d44a6bb66cc5eebc4df1f7083c8aa38a3465995cf6139c326880
      action: create
      outcome: changed
      msg: ''
      credential_check:
        accepted: true
        cause: accepted
        hint: Apple accepted a token signed with this key for this app.
        environment: production
        http_status: 404
        error_code: 4040010
        checked_at: '2026-11-23T12:41:55Z'
        request_id: e223a075-fcd0-40fe-a4b7-81375388acd2
http:
  description:
    - C(calls) counts HTTP requests, C(retries) those that repeated one, C(waited_s) the seconds of waiting for that.
  returned: success, and failure of some apps
  type: dict
  sample:
    calls: 3
    retries: 0
    waited_s: 0.0
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.integrations import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
