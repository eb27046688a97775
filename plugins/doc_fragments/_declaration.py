# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of what is declared: keys and apps, the same in all modules and roles."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  keys:
    description:
      - In-App Purchase keys, each with a short name and, if wanted, with its apps below it. All modules and roles take
        the same list; each uses the fields that it needs.
      - A key without O(keys[].issuer_id) or O(keys[].private_key_file_policy) takes those of the task.
    type: list
    elements: dict
    suboptions:
      key:
        description: Short name, by which apps refer to the key. Each entry needs a name of its own.
        type: str
        required: true
      issuer_id:
        description: Issuer ID of the team. O(issuer_id) when left out.
        type: str
      key_id:
        description: Key ID. Read from the name C(SubscriptionKey_<Key ID>.p8) when left out.
        type: str
      private_key_path:
        description: Path of the C(.p8) file. No two entries may have the same file.
        type: path
      private_key_content:
        description: Text of the C(.p8) file, as O(private_key_content).
        type: str
      private_key_file_policy:
        description: How strictly the file is read. O(private_key_file_policy) when left out.
        type: str
        choices: [strict, mounted]
      name:
        description: Name of the key at App Store Connect, for M(storeops.refunds.appstore_iap_key), which makes it.
        type: str
      regenerate:
        description: As the option of M(storeops.refunds.appstore_iap_key).
        type: str
        choices: [never, if_lost, always]
      team_id:
        description: As the option of M(storeops.refunds.appstore_iap_key).
        type: int
      mode:
        description: As the option of M(storeops.refunds.appstore_iap_key).
        type: raw
      owner:
        description: Owner of the file.
        type: str
      group:
        description: Group of the file.
        type: str
      state:
        description: As the option of M(storeops.refunds.appstore_iap_key).
        type: str
        choices: [present, absent]
      revoke:
        description: As the option of M(storeops.refunds.appstore_iap_key).
        type: bool
      backup:
        description: As the option of M(storeops.refunds.appstore_iap_key).
        type: bool
      apps:
        description: The key's apps, entries as those of C(apps) of M(storeops.refunds.refund_tracking_integrations).
        type: list
        elements: raw
"""

    APPS = r"""
options:
  apps:
    description:
      - Apps, each a bundle ID alone or a mapping. Apps can also be listed below their key in O(keys[].apps).
      - What an entry doesn't say is taken from the task.
    type: list
    elements: raw
    suboptions:
      bundle_id:
        description: Bundle ID of the app.
        type: str
        required: true
      key:
        description: Short name of an entry of O(keys). Not needed below a key, nor where the task has the key itself.
        type: str
      name:
        description: Name of the app, for reports.
        type: str
      app_apple_id:
        description: The app's Apple ID.
        type: int
      environment:
        description: The App Store environment. O(environment) when left out.
        type: str
        choices: [production, sandbox]
      state:
        description: Whether the integration is to be there. V(absent) needs no key.
        type: str
        choices: [present, absent]
      trackers:
        description: The trackers that hold the app's integration, each by itself. The task's tracker when left out.
        type: list
        elements: str
        choices: [ledger, revenuecat, qonversion, devtodev]
      credential_check:
        description: What the verdict of the credential check does, as the option of the same name.
        type: str
        choices: [required, advisory, skip]
      notification_url:
        description: Where Apple sends the app's notifications, for the role C(notification_urls).
        type: str
      revenuecat:
        description: Options of this tracker for this app, in place of the same ones of the task.
        type: dict
      qonversion:
        description: Options of this tracker for this app, in place of the same ones of the task.
        type: dict
      devtodev:
        description: Options of this tracker for this app, in place of the same ones of the task.
        type: dict
  iap_keys:
    description:
      - What M(storeops.refunds.appstore_iap_key) returned as RV(storeops.refunds.appstore_iap_key#module:iap_keys) for
        the same O(keys). It completes them with the IDs that App Store Connect gave.
      - The apps of a key that failed there fail with its message. In check mode a key that would be made counts as
        predicted.
    type: list
    elements: dict
"""
