# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mode and owner of a key file, where this user may change them; where not, it is said and no fault of ours."""

from __future__ import annotations

import os
import stat
import typing as t

from ..._context import Context
from ..._model.errors import FileError


def apply_attributes(path: str, diff: dict[str, t.Any], context: Context) -> bool:
    """Set mode, owner and so on, note it in ``diff``, and tell whether anything differed. Raises FileError."""
    if context.file_attributes is None:
        return False
    try:
        differs = context.file_attributes.apply(path, diff)
    except OSError as error:
        raise _refused(path, error.strerror or type(error).__name__) from None
    # Check mode tries nothing, and has to say what the run will say.
    if differs and context.check_mode and not is_changeable(path):
        raise _refused(path, "Operation not permitted")
    return differs


def is_changeable(path: str) -> bool:
    """Tell whether this user may change mode and owner of a file; root and its owner may."""
    try:
        return os.geteuid() in (0, os.lstat(path).st_uid)
    except OSError:
        return True


def _refused(path: str, reason: str) -> FileError:
    try:
        status = os.lstat(path)
        held = f"it has mode {stat.S_IMODE(status.st_mode):04o} and belongs to the user {status.st_uid}, "
    except OSError:
        held = ""
    return FileError(
        f"private_key_path: mode or owner of {path} can't be changed: {reason} ({held}this is the user "
        f"{os.geteuid()}).",
        "Set mode and owner to what the file has, run this task as its owner (become), or set "
        "private_key_file_policy: mounted, which takes the file as it is.",
    )
