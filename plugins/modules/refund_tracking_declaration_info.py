#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: refund_tracking_declaration_info
short_description: Check keys and apps for mistakes before anything is done
version_added: 0.1.0
description:
  - Checks O(keys) and O(apps) and names all mistakes at once. Each names the entry, what is there, and what to write.
  - Nothing is asked, read from disk or written. The roles of the collection run it first.
  - Paths must be absolute or begin with C(~), because a playbook of a collection runs in the collection's folder.
  - Warns of a Key ID that isn't 10 capital letters and digits.
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._declaration
  - storeops.refunds._shared.key
  - storeops.refunds._shared.environment
  - storeops.refunds._shared.apple
  - storeops.refunds._shared.tracker
  - storeops.refunds._trackers
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
  - storeops.refunds._attributes.info
options:
  on_faulty_app:
    description:
      - What becomes of an entry in O(apps) that can't be used.
      - V(refuse) fails. V(report) leaves it out, for a task that reports such entries itself.
    type: str
    choices: [refuse, report]
    default: refuse
  variables:
    description:
      - Names of variables. A name that resembles a variable of the collection's roles is a mistake, because nothing
        reads it.
      - With neither O(keys) nor O(apps), only the names are checked.
    type: list
    elements: str
    default: []
  prefix:
    description:
      - Prefix of the variables that the caller reads, such as V(refund_history). If another role's variable is set,
        and the caller's own with the same ending isn't, the module warns.
    type: str
    default: ""
  paths:
    description: More paths that must be absolute, by the names of their variables.
    type: dict
seealso:
  - module: storeops.refunds.refund_tracking_integrations
"""

EXAMPLES = r"""
- name: Check what is declared, and the names of the variables
  storeops.refunds.refund_tracking_declaration_info:
    keys:
      - key: studio_a
        issuer_id: 57246542-96fe-1a63-e053-0824d011072a
        private_key_path: /srv/keys/SubscriptionKey_2X9R4HXF34.p8
        apps:
          - com.example.one
          - bundle_id: com.example.two
            notification_url: https://refunds.example.com/apple
    variables: "{{ query('ansible.builtin.varnames', '^refund_') }}"
  register: declared

- name: Say which apps are declared
  ansible.builtin.debug:
    var: declared.declaration.apps.production
"""

RETURN = r"""
declaration:
  description: What is declared; entries with a mistake are left out.
  returned: success
  type: dict
  contains:
    key_names:
      description: Short names of the keys.
      type: list
      elements: str
      returned: always
    absent_keys:
      description: Short names of those with C(state=absent).
      type: list
      elements: str
      returned: always
    apps:
      description: Bundle IDs by environment.
      type: dict
      returned: always
      contains:
        production:
          description: Bundle IDs.
          type: list
          elements: str
          returned: always
        sandbox:
          description: Bundle IDs.
          type: list
          elements: str
          returned: always
    trackers:
      description: The trackers that hold apps.
      type: list
      elements: str
      returned: always
    default_tracker:
      description: O(tracker), which holds the apps that list no trackers.
      type: str
      returned: always
    notification_urls:
      description: The apps that declare a URL, as C(apps) of M(storeops.refunds.app_store_notification_url).
      type: list
      elements: dict
      returned: always
  sample:
    key_names:
      - studio_a
    absent_keys: []
    apps:
      production:
        - com.example.one
        - com.example.two
      sandbox: []
    trackers:
      - ledger
    default_tracker: ledger
    notification_urls:
      - bundle_id: com.example.two
        production_url: https://refunds.example.com/apple
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.declaration_info import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
