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
  - storeops.refunds._declaration
  - storeops.refunds._declaration.apps
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
  on_faulty_app:
    description:
      - What becomes of a list with an entry in O(apps) that can't be used, such as one with a bad ID or an unknown key.
      - V(refuse) names all such entries and does nothing at all.
      - V(report) lets these apps fail and goes on with the others, as an audit wants it. Never with O(purge).
    type: str
    choices: [refuse, report]
    default: refuse
  purge:
    description:
      - Whether to remove the integrations that O(apps) does not list, after all apps were done.
      - Only of the task's O(environment), and only those with the Issuer ID of a listed app (its own, that of its
        O(apps[].key), or the task's) or with the task's O(issuer_id). A key that no app uses names no Issuer ID.
        Everything else in the ledger is left alone. An app that is listed stays, even when its check fails.
      - For each of these Issuer IDs, O(apps) must list at least one app in O(environment), or the task fails before
        anything is done. A list that came back empty or filtered so removes nothing. Name the last apps of a team with
        O(apps[].state=absent).
      - Works with O(tracker=ledger) only.
      - Refused where O(apps) may be but a part of all apps. That is with C(--limit), where hosts of the play failed or
        are in another batch of C(serial), in a play with several hosts unless the task has C(run_once) and the play the
        strategy V(linear), and in a job slice of AWX as far as one can be recognised.
      - In a loop, give all apps of a team to one turn, or each turn removes what the others list.
    type: bool
    default: false
  purge_limit:
    description:
      - How many integrations may be removed at once because they are not listed.
      - A number, or a share such as V(10%), of what is held in the environment. It counts for each Issuer ID by itself.
        A share always allows one.
      - When there are more, the task fails before anything is done, in check mode too.
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
      - key: studio_a
        private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
      - key: studio_b
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
  returned: success, and failure of some apps
  type: list
  elements: dict
  contains:
    label:
      description: Name of the entry in C(diff). The bundle ID, with the environment or tracker where it occurs twice.
      type: str
      returned: always
    bundle_id:
      description: Bundle ID of the app.
      type: str
      returned: always
    app_name:
      description: Name of the app as declared, empty when it was left out.
      type: str
      returned: always
    key:
      description: Short name of the app's key; V(null) without one.
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
    declared:
      description:
        - The key that is asked for, while the fields beside this one tell what the tracker holds.
        - They differ when the app failed, such as when Apple refused this key. RV(integrations[].credential_check) is
          about this one.
        - V(null) for an app with O(apps[].state=absent), and for one that O(purge) removes.
      type: dict
      returned: always
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
    action:
      description:
        - V(create), V(update), V(delete) or V(unchanged).
        - V(unknown) where a tracker can't show which key it holds, and nobody noted what was last applied.
      type: str
      returned: always
    outcome:
      description:
        - V(changed) (in check mode, would be changed), V(unchanged) or V(failed).
        - V(not_tried) for an app that did not get its turn before the O(deadline), or because the service was
          silent for 30 seconds.
      type: str
      returned: always
    msg:
      description:
        - Why the app failed or was not tried; empty when all is well.
        - Of a refusal the cause and what matters most. RV(integrations[].credential_check.hint) says all of it.
      type: str
      returned: always
    credential_check:
      description: The verdict of the credential check of this app.
      returned: always
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
    - label: com.example.one
      bundle_id: com.example.one
      app_name: ''
      key: studio_a
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
    - label: com.example.two
      bundle_id: com.example.two
      app_name: ''
      key: studio_a
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
      key_id: 2X9R4HXF34
      key_fingerprint: 3656343c9fb6d44a6bb66cc5eebc4df1f7083c8aa38a3465995cf6139c326880
      environment: sandbox
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
        environment: sandbox
        http_status: 404
        error_code: 4040010
        checked_at: '2026-11-23T12:41:55Z'
        request_id: 98b579b1-2e77-4d80-a6fa-35689f6e4aa2
    - label: com.example.three
      bundle_id: com.example.three
      app_name: ''
      key: studio_b
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
      key_id: 9ABCDEF123
      key_fingerprint: cbed59d0bb6a17f9fcddfcd245f15e7577033309c5d40e971140d15e069bdeca
      environment: production
      tracker: ledger
      status: Active
      declared:
        issuer_id: 57246542-96fe-1a63-e053-0824d011072a
        key_id: 9ABCDEF123
        key_fingerprint: cbed59d0bb6a17f9fcddfcd245f15e7577033309c5d40e971140d15e069bdeca
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
        request_id: efb9cb76-1eae-4a5c-972e-94781bd71bdb
undeclared:
  description:
    - What the ledger holds of the declared teams and environments and nobody declares. O(purge) removes it.
  type: list
  elements: dict
  returned: success, and failure of some apps
  sample: []
summary:
  description: How many apps changed, are waiting, or need attention, in one line.
  type: str
  returned: success, and failure of some apps
  sample: '3 apps: 3 changed.'
http:
  description: What the task asked of the network.
  type: dict
  returned: success, and failure of some apps
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
