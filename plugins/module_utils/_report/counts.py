# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every file of the report counts alike: keys that need attention, and apps that several causes name."""

from __future__ import annotations

import typing as t

from .._decisions.attention import keys_needing_attention
from .model import FAILING, App, Kind, Report


def troubled_keys(report: Report, kinds: t.Container[Kind] = FAILING) -> list[str]:
    """Return the names of keys with an open problem of these kinds, whether apps tell of it or not."""
    of_apps = ((app.key_name, app.is_of_key) for app in report.apps if _is_refused(app, kinds))
    return keys_needing_attention(of_apps, (key.label for key in report.bad_keys if key.kind in kinds))


def named_often(report: Report) -> int:
    """Return how many apps have open problems of several causes, each of which counts them."""
    causes: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for app in report.apps:
        found = {(one.kind, one.cause) for one in app.problems if one.waiver is None}
        causes.setdefault((app.bundle_id, app.environment), set()).update(found)
    return sum(len(found) > 1 for found in causes.values())


def _is_refused(app: App, kinds: t.Container[Kind]) -> bool:
    """Tell whether an open problem of these kinds is about the key: drift is what a run would put right."""
    return any(one.waiver is None and one.kind in kinds and one.kind != "drift" for one in app.problems)
