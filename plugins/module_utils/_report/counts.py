# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many keys need attention: in every file of the report, and as site counts them."""

from __future__ import annotations

import typing as t

from .._decisions.attention import keys_needing_attention
from .model import FAILING, App, Kind, Report


def troubled_keys(report: Report, kinds: t.Container[Kind] = FAILING) -> list[str]:
    """Return the names of keys with an open problem of these kinds, whether apps tell of it or not."""
    of_apps = ((app.key_name, app.is_of_key) for app in report.apps if _is_refused(app, kinds))
    return keys_needing_attention(of_apps, (key.label for key in report.bad_keys if key.kind in kinds))


def _is_refused(app: App, kinds: t.Container[Kind]) -> bool:
    """Tell whether an open problem of these kinds is about the key: drift is what a run would put right."""
    return any(one.waiver is None and one.kind in kinds and one.kind != "drift" for one in app.problems)
