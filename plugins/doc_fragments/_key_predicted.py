# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of options that some modules share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  key_predicted:
    description:
      - Give RV(storeops.refunds.appstore_iap_key#module:iap_key.predicted) of the task before. In check mode the file
        may not exist yet. The cause is then C(key_not_yet_created).
    type: bool
    default: false
"""
