# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Of its own accord, it ends what an old Python began.
from .. import _python_version  # noqa: F401
