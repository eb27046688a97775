# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private key that was downloaded and could not be put into its place: saved, and found again by the next run."""

from __future__ import annotations

import os

from ..._context import Context
from ..._files.writing import keep_somewhere
from ..._model.secret import Secret

_KINDS = ("unparsed", "rescued")


def keep(content: Secret, key_id: str, path: str, kind: str, context: Context) -> str | None:
    """Save what Apple gave, as it can't be had a second time. Return where, None when nothing took it.

    Beside its place first: the temporary folder may be full, or gone after a restart.
    """
    data = content.reveal().encode("utf-8", "surrogatepass")
    elsewhere = [context.environ.get("HOME", ""), context.environ.get("TMPDIR") or "/tmp"]
    name = f"{os.path.basename(path)}.{key_id}.{kind}"
    return keep_somewhere(data, path, name, [folder for folder in elsewhere if os.path.isabs(folder)])


def kept(key_id: str, path: str) -> str | None:
    """Return the file beside ``path`` in which an earlier run kept the private key of ``key_id``."""
    names = (f"{path}.{key_id}.{kind}" for kind in _KINDS)
    return next((name for name in names if os.path.lexists(name)), None)
