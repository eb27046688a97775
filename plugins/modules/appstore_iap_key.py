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
  - Makes sure that there is a sound C(.p8) file at O(private_key_path) with the wanted mode and owner, or no file.
  - With O(name) and a signed-in session, the active key of that name is found or created at App Store Connect, and its
    private key is downloaded once.
  - A sound file holds one PEM block with an unencrypted PKCS#8 key on the curve P-256. A damaged file is repaired
    only from O(private_key_content). Nothing else at that path is ever replaced or removed.
  - With O(state=absent), the file and its copies of earlier runs are removed if its name has the Key ID, or if
    O(private_key_content) is the same key. If neither shows which key it is, the file is renamed, unless
    O(backup=false). A file that can't be read as a key stays.
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._shared.key
  - storeops.refunds._shared.state
  - storeops.refunds._shared.http
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
  - storeops.refunds._attributes.changes
attributes:
  safe_file_operations:
    description: Writes beside the target, flushes to disk and renames.
    support: full
options:
  keys:
    description:
      - Keys, in this order. What an entry doesn't set, O(issuer_id) and O(team_id) too, is the task's, except
        names, Key IDs, paths and contents. One failure names all bad ones.
      - An entry without O(keys[].name) needs no session. One with content and no path is only checked.
    type: list
    elements: dict
    suboptions:
      key:
        description: Short name.
        type: str
        required: true
      name:
        description: As O(name).
        type: str
      issuer_id:
        description: As O(issuer_id).
        type: str
      key_id:
        description: As O(key_id).
        type: str
      private_key_path:
        description: As O(private_key_path), its own.
        type: path
      private_key_content:
        description: As O(private_key_content).
        type: str
      private_key_file_policy:
        description: As O(private_key_file_policy).
        type: str
        choices: [strict, mounted]
      regenerate:
        description: As O(regenerate).
        type: str
        choices: [never, if_lost, always]
      team_id:
        description: As O(team_id).
        type: int
      mode:
        description: As O(mode).
        type: raw
      owner:
        description: Owner of the file.
        type: str
      group:
        description: Group of the file.
        type: str
      state:
        description: As O(state).
        type: str
        choices: [present, absent]
      revoke:
        description: As O(revoke).
        type: bool
      backup:
        description: As O(backup).
        type: bool
      apps:
        description: For other modules.
        type: list
        elements: raw
  only_state:
    description:
      - With O(keys), handles only the entries of this state.
    type: str
    choices: [present, absent]
  name:
    description:
      - Name of the key at App Store Connect; capitals count. Without a session, or with O(private_key_content), App
        Store Connect is not asked and the file alone counts.
    type: str
  session:
    description:
      - A signed-in web session, never a password. What C(fastlane spaceauth) prints, a browser's export, a
        C(cookies.txt) or a Cookie header, or base64 of these. Also read from E(FASTLANE_SESSION) or
        E(SPACESHIP_SESSION). Apple ends it after hours. If it has several teams, let one run at a time use it.
    type: str
  session_path:
    description:
      - File with such a session, for example C(~/.fastlane/spaceship/<Apple Account>/cookie).
        Only its owner may reach it.
    type: path
  team_id:
    description:
      - Number of the team, if O(issuer_id) doesn't say which.
    type: int
  app_store_connect_url:
    description:
      - Base URL of App Store Connect, for a simulator.
    type: str
  regenerate:
    description:
      - V(never) fails if a downloaded key's file is gone, or has a key that isn't active. V(if_lost), for one run only,
        revokes a key that has no file here and wasn't used for 30 days, and makes another. V(always) does so at every
        run. That stops every service that uses the key. Nothing is revoked if its file can't be read, or while
        O(key_id) or the file's name says a Key ID.
    type: str
    choices: [never, if_lost, always]
    default: never
  revoke:
    description:
      - With O(state=absent), also revoke the key (O(key_id), or the active one of that O(name)) at App Store Connect,
        for good. The request is that for API keys, never seen for these. The file stays where nothing proves it. A
        key that another entry wants stays, here and with O(regenerate).
    type: bool
    default: false
  owner:
    description: Owner of the file.
    type: str
  group:
    description: Group of the file.
    type: str
  attributes:
    description: Attributes of the file, as C(chattr) takes them.
    type: str
    aliases: [attr]
  seuser:
    description: User part of the SELinux context.
    type: str
  serole:
    description: Role part of the SELinux context.
    type: str
  setype:
    description: Type part of the SELinux context.
    type: str
  selevel:
    description: Level part of the SELinux context.
    type: str
  unsafe_writes:
    description: Has no effect. A key is never written in place.
    type: bool
    default: false
  mode:
    description:
      - Mode of the file, in quotes.
    type: raw
    default: "0600"
  backup:
    description:
      - Keeps a key that O(private_key_content) replaces. With O(state=absent), keeps an unknown key.
    type: bool
    default: true
notes:
  - There is no official API for In-App Purchase keys. The calls to App Store Connect's web interface are those of
    public code, read on 2026-11-23, were never run against Apple by this project, and may change.
"""

EXAMPLES = r"""
- name: Put a key from the vault in place
  storeops.refunds.appstore_iap_key:
    private_key_path: "{{ keys_folder }}/studio_a.p8"
    private_key_content: "{{ vault_studio_a_private_key }}"
    key_id: 2X9R4HXF34
  register: key

- name: Use it in the next task, in check mode too
  storeops.refunds.refund_tracking_integration:
    bundle_id: com.example.one
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
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
        issuer_id: 57246542-96fe-1a63-e053-0824d011072a
        name: devtodev API Key
        private_key_path: "{{ keys_folder }}/studio_a.p8"
      - key: studio_b
        issuer_id: 69a6de70-0000-47e3-e053-5b8c7c11a4d1
        key_id: 9ABCDEF123
        private_key_path: "{{ keys_folder }}/studio_b.p8"
        private_key_content: "{{ vault_studio_b_private_key }}"

- name: Revoke it when it leaked (this stops every service that uses it)
  storeops.refunds.appstore_iap_key:
    key_id: "{{ devtodev_key.iap_key.key_id }}"
    private_key_path: "{{ keys_folder }}/devtodev.p8"
    session_path: "{{ session_path }}"
    state: absent
    revoke: true
"""

RETURN = r"""
iap_key:
  description: The key as it is now, or would be outside check mode. Never the private key itself.
  returned: success, without O(keys)
  type: dict
  contains:
    name:
      description: Name as in O(name), or V(null).
      type: str
    key_id:
      description: Key ID, or V(null).
      type: str
    issuer_id:
      description: Issuer ID, or V(null).
      type: str
    private_key_path:
      description: Path of the file.
      type: str
    key_fingerprint:
      description: SHA-256 of the key's public part; V(null) when absent.
      type: str
    predicted:
      description:
        - Whether check mode predicts the file, for C(key_predicted) of the next task.
      type: bool
iap_keys:
  description:
    - The keys of O(keys), in their order, with the fields of RV(iap_key), C(key), C(changed) and C(failed).
    - One that failed has C(msg) and C(cause), as RV(cause), V(null) when it isn't because of the private key.
      C(backup_file) and C(irreversible) are as the results of the same names.
  returned: with O(keys), also when the task failed
  type: list
  elements: dict
http:
  description:
    - C(calls) are HTTP requests, C(retries) the repeated ones, C(waited_s) the seconds waited before these.
  returned: success
  type: dict
summary:
  description: What was removed and revoked, or would be in check mode; empty when nothing was.
  returned: with O(keys), also when the task failed; else with O(state=absent), when there is any
  type: str
  sample: "key old: 2X9R4HXF34 was revoked. /srv/keys/SubscriptionKey_2X9R4HXF34.p8 was removed."
backup_file:
  description: Path of the file that was replaced, or renamed with O(state=absent).
  returned: when there is one
  type: str
irreversible:
  description:
    - Steps that can't be undone which the task took, or would take outside check mode, see
      C(docs/guides/irreversible.md).
  returned: when there is any, also when the task failed
  type: list
  elements: dict
  sample:
    - step: revoke_key
      target: 2X9R4HXF34
      asked_by: "revoke: true"
      outcome: done; App Store Connect's list of keys confirms it
      proven: it is the key that key_id says, and active in the team 'Studio A'
      answer: App Store Connect's list of keys
      proven_at: "2026-11-23T11:05:30Z"
cause:
  description: Why the key can't be used, V(key_unreadable), V(key_wrong_kind) or V(key_id_mismatch).
  returned: when the task failed because of the key
  type: str
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.iap_key import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
