# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The root certificate of a task: Apple's, or a simulator's."""

from __future__ import annotations

from ..._apple.root_certificate import Root, apple_root, parse_root
from ..._files.reading import read_option_file

_LARGEST_CERTIFICATE = 64 * 1024


def root_certificate(path: str | None) -> Root:
    """Return the root to verify against: Apple's, or the one in the file of that option. Raises InputError."""
    if not path:
        return apple_root()
    content, _status = read_option_file(path, "root_certificate_path", _LARGEST_CERTIFICATE, "Correct the path.")
    return parse_root(content, path, "root_certificate_path")
