# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says in a sentence that a Python is too old, where an import would fail with words that nobody understands.

`_run` and `_tasks` import it before everything else. ansible-core runs modules from Python 3.8 on, so that one must be
able to read this file, and the beginnings of `_run` and of the modules.
"""

from __future__ import annotations

import json
import sys

OLDEST = (3, 11)


def refuse_old_python() -> None:
    """End the process with a failed result, as a module does, if this Python is too old."""
    if sys.version_info[:2] >= OLDEST:
        return
    wanted, here = (".".join(map(str, version[:3])) for version in (OLDEST, sys.version_info))
    message = (
        f"storeops.refunds needs Python {wanted} or newer, and {sys.executable} is Python {here}. Set "
        "ansible_python_interpreter to a newer Python of this host."
    )
    # In Ansible itself, a plugin that can't be imported is told with the import's error.
    if "ansible.plugins.loader" in sys.modules:
        raise ImportError(message)
    sys.stdout.write(json.dumps({"failed": True, "changed": False, "msg": message}))
    raise SystemExit(1)


refuse_old_python()
