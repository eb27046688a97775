#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
"""

EXAMPLES = r"""
"""

RETURN = r"""
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.integration_info import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
