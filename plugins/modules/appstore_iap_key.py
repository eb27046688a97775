#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: appstore_iap_key
short_description: Keep the private key of an In-App Purchase key as a sound .p8 file
version_added: 0.1.0
description:
  - Makes sure that a sound C(.p8) file lies at O(private_key_path) with the wanted mode and owner, or that none does.
  - A sound file holds one PEM block with an unencrypted PKCS#8 key on the curve P-256. Damage is named, not repaired,
    unless O(private_key_content) gives the key again.
  - The file is written whole or not at all, never through a link, and never readable by others on the way.
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._shared
  - storeops.refunds._attributes
  - storeops.refunds._attributes.changes
  - ansible.builtin.files
attributes:
  safe_file_operations:
    description: Uses its own helper, which writes beside the target, flushes to disk and renames.
    support: full
options:
  mode:
    description:
      - Mode of the file. Other tasks of this collection read files of group or others only with
        O(private_key_file_policy=mounted).
    type: raw
    default: "0600"
  backup:
    description:
      - Keep a file that is replaced by another key under a second name beside it.
        It may be the only copy of a key that App Store Connect offered for download once.
    type: bool
    default: true
notes:
  - Making the key at App Store Connect is not part of this version. Generate it there (Users and Access, Integrations,
    In-App Purchase) and put the downloaded text into a vault.
seealso:
  - module: storeops.refunds.appstore_credential_check_info
  - name: Generate keys for in-app purchases
    description: Apple's page on how to make the key.
    link: https://developer.apple.com/help/app-store-connect/configure-in-app-purchase-settings/generate-keys-for-in-app-purchases/
"""

EXAMPLES = r"""
- name: Check that a downloaded key is sound and only its owner can read it
  storeops.refunds.appstore_iap_key:
    private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"

- name: Put a key from the vault in place
  storeops.refunds.appstore_iap_key:
    private_key_path: "{{ keys_folder }}/studio_a.p8"
    private_key_content: "{{ vault_studio_a_private_key }}"
    key_id: 2X9R4HXF34
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
  register: key

- name: Use it in the next task, in check mode too
  storeops.refunds.refund_tracking_integration:
    bundle_id: com.example.one
    issuer_id: "{{ key.iap_key.issuer_id }}"
    key_id: "{{ key.iap_key.key_id }}"
    private_key_path: "{{ key.iap_key.private_key_path }}"
    key_predicted: "{{ key.iap_key.predicted }}"

- name: Remove the file from a build machine
  storeops.refunds.appstore_iap_key:
    private_key_path: "{{ keys_folder }}/studio_a.p8"
    state: absent
"""

RETURN = r"""
iap_key:
  description: The key as it is now, or would be outside check mode. Never the private key itself.
  returned: success
  type: dict
  contains:
    key_id:
      description: Key ID, from O(key_id) or the file name; V(null) when neither gives it.
      type: str
      returned: always
    issuer_id:
      description: Issuer ID as given in O(issuer_id).
      type: str
      returned: always
    private_key_path:
      description: Path of the file.
      type: str
      returned: always
    key_fingerprint:
      description: SHA-256 of the key's public part (SubjectPublicKeyInfo DER), hexadecimal; V(null) when absent.
      type: str
      returned: always
    predicted:
      description: True when check mode only predicts the file.
      type: bool
      returned: always
  sample:
    {}
backup_file:
  description: Where the replaced file is kept.
  returned: when another key was replaced
  type: str
  sample: /srv/keys/studio_a.p8.20261123T084500Z.bak
cause:
  description: Why the key can't be used, V(key_unreadable), V(key_wrong_kind) or V(key_id_mismatch).
  returned: when the task failed because of the key
  type: str
  sample: key_unreadable
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.iap_key import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
