#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: appstore_iap_key
short_description: Keep an In-App Purchase key at App Store Connect and as a sound .p8 file
version_added: 0.1.0
description:
  - Makes sure that a sound C(.p8) file lies at O(private_key_path) with the wanted mode and owner, or that none does.
  - With O(name) and a signed-in session, makes sure that the active key of that name exists at App Store Connect. It is
    found or created, its private key is downloaded once, checked and written.
  - With O(keys), does so for a whole list in one task. Every entry is tried with one session, and one failure at the
    end names those that need attention.
  - A sound file holds one PEM block with an unencrypted PKCS#8 key on the curve P-256. A byte order mark, CRLF, blank
    lines, a body in one line and base64 around it are read. Damage is named, not repaired, unless
    O(private_key_content) gives the key again.
  - The file is written whole or not at all, never through a link, and never readable by others on the way. Nothing
    else that lies there is ever replaced or removed.
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._declaration
  - storeops.refunds._shared.key
  - storeops.refunds._shared.state
  - storeops.refunds._shared.http
  - storeops.refunds._attributes
  - storeops.refunds._attributes.changes
  - ansible.builtin.files
attributes:
  safe_file_operations:
    description: Uses its own helper, which writes beside the target, flushes to disk and renames.
    support: full
options:
  name:
    description:
      - Name of the key at App Store Connect, for example V(devtodev API Key). Names can't be changed there.
      - Without a session, or with O(private_key_content), App Store Connect is not asked and the file alone counts.
    type: str
  session:
    description:
      - A signed-in web session, never a password. Either what C(fastlane spaceauth) prints, or a JSON list of cookies
        with C(name), C(value) and C(domain). A browser's export, a C(cookies.txt), a Cookie header, and base64 of any
        of these are read, too.
      - E(FASTLANE_SESSION) or E(SPACESHIP_SESSION) is used when neither this nor O(session_path) is given.
      - Apple ends sessions after hours and may tie them to a place and machine. Making keys is a step for a
        workstation; checks and integrations run in CI without any session.
    type: str
  session_path:
    description:
      - File with such a session, for example C(~/.fastlane/spaceship/<Apple Account>/cookie).
        Only its owner may reach it.
    type: path
  team_id:
    description:
      - Number of the team (provider) to act for, when the session has several and O(issuer_id) doesn't say which.
    type: int
  app_store_connect_url:
    description:
      - Base URL of App Store Connect, for a simulator. Must be https, or http to this machine.
    type: str
  regenerate:
    description:
      - What may be destroyed to get a key whose private part is at hand.
      - V(never) fails when the key exists at App Store Connect, was downloaded before, and the file is gone. It also
        fails when the file holds a key and App Store Connect has no active key of that name.
      - V(if_lost) then revokes the lost key and creates a new one. Every service that uses the lost key stops.
      - V(always) revokes and creates on every run, so it is not idempotent.
      - A file that is there and can't be read as a key may be the key all the same. It is named, the task fails, and
        nothing is revoked, made or removed, whatever this option says.
    type: str
    choices: [never, if_lost, always]
    default: never
  revoke:
    description:
      - With O(state=absent), also revoke the key (O(key_id), or the active one of that O(name)) at App Store Connect.
      - This can't be undone and stops every service that uses the key.
      - Whatever is answered, the list of keys is read afterwards, and it decides. Where it can't be read, the task
        fails, with C(changed) when the key may be revoked. Running it again is safe.
      - The request follows the analogy of App Store Connect API keys and was never seen for In-App Purchase keys.
    type: bool
    default: false
  mode:
    description:
      - Mode of the file. Other tasks of this collection read files of group or others only with
        O(private_key_file_policy=mounted).
    type: raw
    default: "0600"
  backup:
    description:
      - Keep a key that is replaced by O(private_key_content) under a second name beside it.
        It may be the only copy of a key that App Store Connect offered for download once.
      - A file that can't be read as a key, and one that a key of App Store Connect takes the place of, are always kept.
    type: bool
    default: true
notes:
  - There is no official API for In-App Purchase keys. What is used of App Store Connect's web interface was observed in
    public code on 2026-11-23, has not been run against Apple by this project, and may change.
  - Apple allows ten active keys per team. A key that was created but not downloaded is named in the message and picked
    up by the next run while Apple offers the download.
  - The folder of the file is locked meanwhile, so that two runs on one machine make one key.
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

- name: Make the key at App Store Connect, or find it there (on a workstation, with a session)
  storeops.refunds.appstore_iap_key:
    name: devtodev API Key
    private_key_path: "{{ keys_folder }}/devtodev.p8"
    session_path: "{{ session_path }}"
  register: devtodev_key

- name: Check the keys of all studios, and make those that are missing
  storeops.refunds.appstore_iap_key:
    session_path: "{{ session_path }}"
    keys:
      - key: studio_a
        name: devtodev API Key
        issuer_id: 57246542-96fe-1a63-e053-0824d011072a
        private_key_path: "{{ keys_folder }}/studio_a.p8"
      - key: studio_b
        issuer_id: 69a6de7f-0000-47e3-e053-5b8c7c11a4d1
        key_id: 9K4R7HXF21
        private_key_path: "{{ keys_folder }}/studio_b.p8"
        private_key_content: "{{ vault_studio_b_private_key }}"
  register: keys

- name: Revoke it when it leaked (this stops every service that uses it)
  storeops.refunds.appstore_iap_key:
    key_id: "{{ devtodev_key.iap_key.key_id }}"
    private_key_path: "{{ keys_folder }}/devtodev.p8"
    session_path: "{{ session_path }}"
    state: absent
    revoke: true

- name: Remove the file from a build machine
  storeops.refunds.appstore_iap_key:
    private_key_path: "{{ keys_folder }}/studio_a.p8"
    state: absent
"""

RETURN = r"""
iap_key:
  description: The key as it is now, or would be outside check mode. Never the private key itself.
  returned: success, without O(keys)
  type: dict
  contains:
    name:
      description: Name as given in O(name); V(null) when not given.
      type: str
      returned: always
    key_id:
      description: Key ID, from App Store Connect, O(key_id) or the file name; V(null) when none gives it.
      type: str
      returned: always
    issuer_id:
      description: Issuer ID of the session's team, or as given in O(issuer_id); V(null) when neither gives it.
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
      description:
        - True when check mode only predicts the file, be it its content or only its mode or owner.
        - A task that gets it in C(key_predicted) then reports C(key_not_yet_created) and judges no key.
      type: bool
      returned: always
  sample:
    name: devtodev API Key
    key_id: 1IDP43DXBP
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    private_key_path: /srv/keys/devtodev.p8
    key_fingerprint: 4774a4887c8fb7a1b6af67561f1a4669e68e484b64ab486d6604456d80fbbe5a
    predicted: false
iap_keys:
  description: The keys of O(keys), in their order, those that failed included.
  returned: with O(keys), also when the task failed
  type: list
  elements: dict
  contains:
    key:
      description: Short name of the entry.
      type: str
      returned: always
    name:
      description: As in RV(iap_key.name).
      type: str
      returned: always
    key_id:
      description: As in RV(iap_key.key_id).
      type: str
      returned: always
    issuer_id:
      description: As in RV(iap_key.issuer_id).
      type: str
      returned: always
    private_key_path:
      description: Path of the file; V(null) for a key that is given as text alone.
      type: str
      returned: always
    key_fingerprint:
      description: As in RV(iap_key.key_fingerprint). Known in check mode, too, where only the file's mode is to change.
      type: str
      returned: always
    predicted:
      description: As in RV(iap_key.predicted).
      type: bool
      returned: always
    changed:
      description: Whether anything of this key was changed, or would be outside check mode.
      type: bool
      returned: always
    failed:
      description: Whether this key needs attention.
      type: bool
      returned: always
    msg:
      description: Why, and what to do next.
      type: str
      returned: when this key failed
    cause:
      description: As RV(cause); V(null) when it is not because of the private key.
      type: str
      returned: when this key failed
    backup_file:
      description: As RV(backup_file).
      type: str
      returned: when another key was replaced
    irreversible:
      description: As RV(irreversible).
      type: list
      elements: dict
      returned: when there is any
  sample:
    - key: studio_a
      name: devtodev API Key
      key_id: 1IDP43DXBP
      issuer_id: 57246542-96fe-1a63-e053-0824d011072a
      private_key_path: /srv/keys/devtodev.p8
      key_fingerprint: 4774a4887c8fb7a1b6af67561f1a4669e68e484b64ab486d6604456d80fbbe5a
      predicted: false
      changed: false
      failed: false
http:
  description: What the task asked of the network.
  type: dict
  returned: success
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
    calls: 0
    retries: 0
    waited_s: 0.0
backup_file:
  description: Where the replaced file is kept.
  returned: when another key was replaced
  type: str
  sample: /srv/keys/studio_a.p8.20261123T110530Z.bak
irreversible:
  description:
    - Steps that can't be undone which the task took, or would take outside check mode. The guide "Steps that can't be
      undone" lists them. An entry of RV(iap_keys) has its own.
  returned: when there is any, also when the task failed
  type: list
  elements: dict
  sample:
    - step: revoke_key
      target: 2X9R4HXF34
      asked_by: "revoke: true"
      outcome: done; the list of keys no longer has it as active
      proven: it is the key that key_id says, and active in the team 'Studio A'
      answer: App Store Connect's list of keys
      proven_at: "2026-11-23T11:05:30Z"
cause:
  description: Why the key can't be used, V(key_unreadable), V(key_wrong_kind) or V(key_id_mismatch).
  returned: when the task failed because of the key
  type: str
  sample: key_unreadable
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.iap_key import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
