# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of what is declared: keys and apps, the same in all modules and roles."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  keys:
    description:
      - In-App Purchase keys. Each entry has a short name C(key), the fields of O(keys) of
        M(storeops.refunds.appstore_iap_key), and, if you like, its C(apps) with entries like those of O(apps).
      - An entry without C(issuer_id) or C(private_key_file_policy) takes the task's.
    type: list
    elements: raw
  apps:
    description:
      - Apps that aren't listed below their key, each a bundle ID alone or a mapping with C(bundle_id).
      - C(key) is the short name of its entry of O(keys). It isn't needed where the task has the key itself.
      - C(app_apple_id), C(environment), C(state) (V(present), V(absent)) and C(credential_check) are as the options
        of M(storeops.refunds.refund_tracking_integration). What an entry doesn't set, it takes from the task.
      - C(trackers) lists the trackers that have the app. C(revenuecat), C(qonversion) and C(devtodev) are options of
        these for this app. Each replaces the same option of the task, C(devtodev.session) its C(session_path) as well.
      - C(name) is shown in reports. C(notification_url) is for roles, C(host) for
        P(storeops.refunds.apps_of_hosts#filter).
    type: list
    elements: raw
  iap_keys:
    description:
      - RV(storeops.refunds.appstore_iap_key#module:iap_keys) for the same O(keys). It has the IDs of keys that were
        made, and says which keys failed.
    type: list
    elements: dict
"""
