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
  - Does for a whole list of apps in one task what M(storeops.refunds.refund_tracking_integration) does for one. An
    app may have several trackers. Each app takes one call to Apple.
  - All mistakes in O(keys) and O(apps) are named before anything is done. Then every app is tried; the task
    fails once at the end with a line for each cause. RV(integrations) has the rest.
  - A key that can't be used also fails the task when no app uses it, unless it has C(state=absent).
  - Apps that share a key are compared, to tell a bad key from a bad bundle ID.
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._declaration
  - storeops.refunds._shared.key
  - storeops.refunds._shared.environment
  - storeops.refunds._shared.apple
  - storeops.refunds._shared.http
  - storeops.refunds._shared.tracker
  - storeops.refunds._shared.ledger
  - storeops.refunds._trackers
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
  - storeops.refunds._attributes.changes
options:
  on_faulty_app:
    description:
      - If entries can't be used, V(refuse) names them and does nothing. V(report) lets them fail and goes on, never
        with O(purge).
    type: str
    choices: [refuse, report]
    default: refuse
  purge:
    description:
      - At the end, removes the ledger's integrations that O(apps) doesn't list. Only in O(environment), with the
        Issuer ID of a listed app or of the task.
      - Each of these Issuer IDs needs a listed app, or the task fails before anything is done. So an empty list
        removes nothing. List the last apps of a team with C(state=absent). Refused if O(apps) may be a part of all
        apps, see C(docs/guides/trackers.md).
    type: bool
    default: false
  purge_limit:
    description:
      - How many of each Issuer ID may be removed at once, a number or a share. A share always allows one.
    type: str
    default: 10%
"""

EXAMPLES = r"""
- name: Track refunds of all apps of two studios
  storeops.refunds.refund_tracking_integrations:
    keys:
      - key: studio_a
        issuer_id: 57246542-96fe-1a63-e053-0824d011072a
        private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
        apps: [com.example.one, {bundle_id: com.example.two, environment: sandbox}]
      - key: studio_b
        issuer_id: 69a6de70-0000-47e3-e053-5b8c7c11a4d1
        key_id: 9ABCDEF123
        private_key_content: "{{ vault_studio_b_private_key }}"
        apps: [com.example.three]

- name: One key for all apps; what is not listed any more goes
  storeops.refunds.refund_tracking_integrations:
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
    apps: [com.example.two]
    purge: true
"""

RETURN = r"""
integrations:
  description:
    - One entry for each app, in the order of O(apps), and after them one for each integration that O(purge) removes.
      It has the fields of RV(storeops.refunds.refund_tracking_integration#module:integration), and C(declared) and
      C(credential_check) of that module. C(key) is the key's short name, C(app_name) the declared name, C(label) the
      name in C(diff), which has the environment or tracker where an app occurs twice.
    - C(action) is V(create), V(update), V(delete), V(unchanged) or V(unknown). C(outcome) is V(changed) (or would
      be), V(unchanged), V(failed), or V(not_tried) when the time was over. C(msg) says why. C(next_step),
      C(confirmed_by_hand), C(confirmed_now) and C(finding) are those of that module. C(is_of_key) is V(true) where the
      key is at fault.
  returned: success, and failure of some apps
  type: list
  elements: dict
keys_with_problems:
  description:
    - Bad keys that no failed app names, with C(key), C(cause) (V(failed) for a wrong entry) and C(msg).
  type: list
  elements: dict
  returned: success, and failure of some apps
irreversible:
  description:
    - Purges and deleted apps, as in M(storeops.refunds.appstore_iap_key).
  returned: when there is any
  type: list
  elements: dict
undeclared:
  description:
    - What the ledger knows of the declared teams and nobody declares, with C(label) as its name.
  type: list
  elements: dict
  returned: success, and failure of some apps
removable_keys:
  description:
    - Keys with C(state=absent), when nothing needs one. Empty where the play may not see all apps, as with C(--limit).
  type: list
  elements: str
  returned: success, and failure of some apps
summary:
  description: How many apps changed, were removed or should be, are not Active, or need attention; why keys stay.
  type: str
  returned: success, and failure of some apps
http:
  description:
    - C(calls) counts requests, C(retries) those that repeated one, C(waited_s) the seconds of waiting.
  returned: success, and failure of some apps
  type: dict
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.integrations import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
