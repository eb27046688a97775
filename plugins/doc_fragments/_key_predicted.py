# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of options that some modules share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  key_predicted:
    description:
      - For RV(storeops.refunds.appstore_iap_key#module:iap_key.predicted) of the task before. In check mode the verdict
        of a predicted file is C(key_not_yet_created), and the run may still refuse the key.
    type: bool
    default: false
"""
