#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: appstore_iap_key_info
short_description: List a team's In-App Purchase keys at App Store Connect, and say what a .p8 file is
version_added: 0.1.0
description:
  - With a signed-in session, lists the In-App Purchase keys of a team.
  - For O(private_key_path) or O(private_key_content), says whether it is a sound private key, and if not, why.
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._shared.key
  - storeops.refunds._shared.http
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
  - storeops.refunds._attributes.info
options:
  name:
    description:
      - Show only keys of this name.
    type: str
  session:
    description:
      - A signed-in web session, as for M(storeops.refunds.appstore_iap_key).
    type: str
  session_path:
    description:
      - File with such a session. Only its owner may reach it.
    type: path
  team_id:
    description:
      - Number of the team (provider) to act for, when the session has several and O(issuer_id) doesn't say which.
    type: int
  app_store_connect_url:
    description:
      - Base URL of App Store Connect, for a simulator. Must be https, or http to this machine.
    type: str
notes:
  - There is no official API for In-App Purchase keys. The calls to App Store Connect's web interface are those of
    public code, read on 2026-11-23, were never run against Apple by this project, and may change.
seealso:
  - module: storeops.refunds.appstore_iap_key
"""

EXAMPLES = r"""
- name: Which keys does the team have?
  storeops.refunds.appstore_iap_key_info:
    session_path: "{{ session_path }}"
  register: team

- name: Name the active ones
  ansible.builtin.debug:
    msg: "{{ item.key_id }} {{ item.name }}"
  loop: "{{ team.iap_keys | selectattr('active') }}"

- name: What is this file?
  storeops.refunds.appstore_iap_key_info:
    private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
"""

RETURN = r"""
iap_keys:
  description: The team's keys, active ones first; empty without a session.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the key; V(null) when App Store Connect doesn't tell it.
      type: str
    key_id:
      description: Key ID.
      type: str
    issuer_id:
      description: Issuer ID of the team.
      type: str
    team_id:
      description: Number of the team (provider).
      type: int
    active:
      description: False for a revoked key, which Apple lists for some time.
      type: bool
    downloadable:
      description: Whether the private key can still be downloaded; V(null) when App Store Connect doesn't tell.
      type: bool
    last_used:
      description: Time of the last use as App Store Connect gives it; V(null) when it doesn't.
      type: str
    revoked_at:
      description: Time of the revocation as App Store Connect gives it; V(null) when it doesn't.
      type: str
  sample:
    - name: Key 2X9R4HXF34
      key_id: 2X9R4HXF34
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
      team_id: 120000001
      active: true
      downloadable: false
      last_used: '2025-10-09T08:53:20.000+00:00'
      revoked_at: null
    - name: devtodev API Key
      key_id: 1IDP43DXBP
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
      team_id: 120000001
      active: false
      downloadable: false
      last_used: null
      revoked_at: '2026-11-23T11:05:11.736+00:00'
file:
  description: What the file or the content is; V(null) when neither was given.
  returned: success
  type: dict
  contains:
    private_key_path:
      description: Path of the file; V(null) for content.
      type: str
    sound:
      description: Whether it can be used as it is.
      type: bool
    cause:
      description: V(key_unreadable), V(key_wrong_kind) or V(key_id_mismatch) when it can't be used, else V(null).
      type: str
    hint:
      description: What is wrong and what to do, else V(null).
      type: str
    key_id:
      description: Key ID in the file's name, else V(null).
      type: str
    named_as_api_key:
      description: True for a file named C(AuthKey_…), as App Store Connect API keys are.
      type: bool
    key_fingerprint:
      description: SHA-256 of the key's public part (SubjectPublicKeyInfo DER), hexadecimal; V(null) when unreadable.
      type: str
  sample:
    private_key_path: /srv/keys/SubscriptionKey_2X9R4HXF34.p8
    sound: true
    cause: null
    hint: null
    key_id: 2X9R4HXF34
    named_as_api_key: false
    key_fingerprint: c83e034c17809478e642a037198ae8b95fe10fd90fccacef9626de142da5f0c2
http:
  description:
    - C(calls) are HTTP requests, C(retries) the repeated ones, C(waited_s) the seconds waited before these.
  returned: success, and failure once Apple or a tracker was asked
  type: dict
  sample:
    calls: 2
    retries: 0
    waited_s: 0.0
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.iap_key_info import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
