# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of options that some modules share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  key_predicted:
    description:
      - Set it to RV(storeops.refunds.appstore_iap_key#module:iap_key.predicted) of the task before.
      - In check mode that task only predicts the C(.p8) file. With this option a missing file is then no error.
        The verdict is C(key_not_yet_created) and the plan goes on.
      - What lies at the path may be about to be replaced, under the same Key ID too, so it is not looked at. That also
        holds where only its mode or owner would change. Check mode then says nothing about the key, and the run may
        still refuse it.
      - Give O(private_key_content), or set the mode of a file first, to have the key checked in check mode.
      - Outside check mode it has no effect.
    type: bool
    default: false
"""
