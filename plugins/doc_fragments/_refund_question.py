# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that say which refunds of the ledger are meant."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  bundle_ids:
    description:
      - Bundle IDs of the apps. Used instead of O(bundle_id).
    type: list
    elements: str
  since:
    description:
      - Refund date to begin with, such as V(2026-11-01) (midnight, UTC) or V(2026-11-01T09:00:00Z).
      - By default, where the ledger's knowledge of each app begins.
    type: str
  until:
    description:
      - Refund date to end before. V(2026-12-01) means all of November.
      - Without it, the period ends now. It counts as read if the ledger was brought up to date within the last 24
        hours.
    type: str
  last_days:
    description:
      - Number of days before today (UTC). Today is included. Used instead of O(since) and O(until).
    type: int
  product_ids:
    description:
      - Only these products.
    type: list
    elements: str
  currencies:
    description:
      - Only refunds in these currencies (ISO 4217).
    type: list
    elements: str
  reasons:
    description:
      - Only these of Apple's reasons. 1 is an issue within the app, 0 any other.
    type: list
    elements: int
  source:
    description:
      - The root certificate by which the refunds were verified. V(apple), or C(other:) and the first 16 digits of
        another root's SHA-256. By default that of O(root_certificate_path).
    type: str
"""
