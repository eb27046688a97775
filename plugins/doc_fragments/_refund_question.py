# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that say which refunds of the ledger are meant."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  bundle_ids:
    description:
      - Bundle IDs of the apps. Counts instead of O(bundle_id).
    type: list
    elements: str
  since:
    description:
      - Refund date to begin with, itself included. A date such as V(2026-11-01) begins at midnight, UTC. A time such as
        V(2026-11-01T09:00:00Z) without a zone is UTC.
      - Without it, the period begins for each app where the ledger's knowledge does, the later one of
        RV(coverage[].covered_from) and RV(coverage[].known_from).
    type: str
  until:
    description:
      - Refund date to end before, itself not included. V(2026-12-01) means all of November.
      - Without it, or when it is still to come, the period has an open end, and RV(coverage) calls it read when the
        ledger was brought up to date within the last 24 hours.
    type: str
  last_days:
    description:
      - So many days before today, and today, instead of O(since) and O(until). Days begin at midnight, UTC.
    type: int
  product_ids:
    description:
      - Only these products.
    type: list
    elements: str
  currencies:
    description:
      - Only these currencies (ISO 4217). Refunds whose currency is not known are then left out.
    type: list
    elements: str
  reasons:
    description:
      - Only these of Apple's reasons. 1 is an issue within the app, 0 any other.
    type: list
    elements: int
  source:
    description:
      - Which refunds are meant, by the root certificate that they were verified against. V(apple), or C(other:) and the
        first 16 digits of the SHA-256 of another root. Those of different sources are never added together.
      - Without it, O(root_certificate_path) decides, and without that, it is V(apple).
    type: str
"""
