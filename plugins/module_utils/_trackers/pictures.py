# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Screenshots, for the eyes of the user who runs the task only."""

from __future__ import annotations

import os
import tempfile


def save_picture(png: bytes) -> str:
    """Write a picture to a new file (0600) in a new folder (0700) below the system's temporary one."""
    path = os.path.join(tempfile.mkdtemp(prefix="storeops-devtodev-"), "page.png")
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(png)
    return path
