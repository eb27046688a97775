# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The root certificate of a task: Apple's, or a simulator's."""

from __future__ import annotations

from ..._apple.root_certificate import Root, apple_root, parse_root
from ..._model.errors import InputError

_LARGEST_CERTIFICATE = 64 * 1024


def root_certificate(path: str | None) -> Root:
    """Return the root to verify against: Apple's, or the one in the file of that option. Raises InputError."""
    if not path:
        return apple_root()
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST_CERTIFICATE)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        raise InputError("root_certificate_path", f"{path} can't be read: {reason}.", "Correct the path.") from None
    return parse_root(content, path, "root_certificate_path")
