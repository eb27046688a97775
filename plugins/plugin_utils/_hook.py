# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a file with a user's own tasks is there, on the controller, before a key is made for it."""

from __future__ import annotations

import os

from ansible_collections.storeops.refunds.plugins.module_utils._declared_spec import expanded_path


def refusal_of_hook(path: object) -> str:
    """Return why a hook can't be run, empty when it can or none is given."""
    if not path:
        return ""
    full = expanded_path(path)
    if not os.path.isabs(full):
        # It would mean a file in the role.
        return f"hook: {path} is relative. Give an absolute path, or one from ~. No key was made."
    if not os.path.isfile(full):
        return f"hook: {full} isn't a file on the controller. Correct the path, or leave it out. No key was made."
    return ""
