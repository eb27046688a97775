#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: field_check_info
short_description: Ask the real services what this collection assumes of them
version_added: 0.1.0
description:
  - This collection relies on some things that were only observed, not documented by a vendor. This module asks the
    services themselves exactly these questions, and says for each assumption what was seen and whether it holds.
  - Nothing is changed anywhere. Each part is optional. The App Store Server API is asked when a key is given. App
    Store Connect's web endpoints (with a session), the App Store Connect API (with its own key), RevenueCat and
    Qonversion (with an API key) are only asked with GET. Devtodev's page is opened with a browser's session, and
    nothing is filled in.
  - Results and files hold statuses, codes, kinds and names of fields and of a page's controls. They hold no secret, no
    ID, and nothing of a customer, so that you can send them to the maintainers.
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._shared.connect_api
  - storeops.refunds._trackers
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
  - storeops.refunds._attributes.info
options:
  bundle_id:
    description:
      - Bundle ID of an app of yours for which Apple accepts the key. Its history is asked for, too.
    type: str
  issuer_id:
    description:
      - Issuer ID of the In-App Purchase key.
    type: str
  key_id:
    description:
      - Key ID of the key. Read from a file name C(SubscriptionKey_<Key ID>.p8) when left out.
    type: str
  private_key_path:
    description:
      - Path of the key's C(.p8) file.
    type: path
  private_key_content:
    description:
      - The text of the key's C(.p8) file.
    type: str
  private_key_file_policy:
    description:
      - V(strict) reads no symbolic link and no file that group or others can access.
      - V(mounted) accepts the links and modes of secrets that Kubernetes, Docker or GitLab mount.
    type: str
    choices: [strict, mounted]
    default: strict
  environment:
    description:
      - The App Store environment to ask.
    type: str
    choices: [production, sandbox]
    default: production
  app_store_server_url:
    description:
      - Base URL of the App Store Server API, for a simulator. Apple's when left out.
    type: str
  session:
    description:
      - A signed-in App Store Connect session, in any form that M(storeops.refunds.appstore_iap_key) takes.
      - The environment variable E(FASTLANE_SESSION) is used when neither this nor O(session_path) is set.
    type: str
  session_path:
    description:
      - Path of a file with such a session, which only its owner can access.
    type: path
  app_store_connect_url:
    description:
      - Base URL of App Store Connect, for a simulator. Apple's when left out.
    type: str
  html_path:
    description:
      - File for the findings as a page. Written whole or not at all, and not in check mode.
    type: path
  json_path:
    description:
      - File for the findings as JSON. Written whole or not at all, and not in check mode.
    type: path
  ca_path:
    description:
      - File with CA certificates in PEM to trust instead of the usual ones.
    type: path
  request_timeout:
    description:
      - Seconds that one HTTP request, or one action on devtodev's page, may take.
    type: float
    default: 15.0
  deadline:
    description:
      - Seconds that all calls of the task may take together, retries and waiting included.
    type: float
    default: 120.0
seealso:
  - module: storeops.refunds.appstore_credential_check_info
"""

EXAMPLES = r"""
- name: Does Apple behave as this collection assumes?
  storeops.refunds.field_check_info:
    bundle_id: com.example.one
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
    html_path: "{{ keys_folder }}/reports/field-check.html"
    json_path: "{{ keys_folder }}/reports/field-check.json"
  register: field_check
"""

RETURN = r"""
assumptions:
  description: One entry for each question that was asked.
  returned: success
  type: list
  elements: dict
  contains:
    part:
      description:
        - The service. V(app_store_server), V(app_store_connect), V(app_store_connect_api), V(revenuecat),
          V(qonversion) or V(devtodev).
      type: str
    name:
      description: A short name of the assumption.
      type: str
    assumption:
      description: What is assumed, as a sentence.
      type: str
    seen:
      description: What was seen.
      type: str
    outcome:
      description:
        - V(holds) or V(broken).
        - V(noted) when nothing here depends on it.
        - V(not_seen) when the question couldn't be asked, or the answer didn't show it, as a rate limit, an outage or a
          proxy's page.
      type: str
  sample:
    - part: app_store_server
      name: made_up_transaction
      assumption: For a made-up transaction an accepted token gets 404 with error code 4040010.
      seen: HTTP 404, application/json, error code 4040010
      outcome: holds
summary:
  description: How many assumptions came out in which way, by RV(assumptions[].outcome).
  returned: success
  type: dict
  sample:
    holds: 5
    broken: 0
    noted: 1
    not_seen: 0
http:
  description: Calls of this task. C(calls), C(retries), and C(waited_s), the seconds waited before repeats.
  returned: success
  type: dict
  sample:
    calls: 5
    retries: 0
    waited_s: 0.0
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.field.field_check import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
