# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which keys need attention: the one count of a task's message and of the audit's report."""

from __future__ import annotations

import typing as t


def keys_needing_attention(of_apps: t.Iterable[tuple[str, bool]], beside: t.Iterable[str]) -> list[str]:
    """Return their names, each once; a key without a name is its app's matter.

    ``of_apps``: of each app that needs attention, its key, and whether what is wrong is the key and not the app.
    ``beside``: keys with a problem of which no app tells.
    """
    found = [*(name for name, is_of_key in of_apps if is_of_key), *beside]
    return [name for name in dict.fromkeys(found) if name]
