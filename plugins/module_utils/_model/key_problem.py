# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a private key can't be used."""

from __future__ import annotations

import typing as t

from .errors import RefundsError

KeyCause = t.Literal["key_unreadable", "key_wrong_kind", "key_id_mismatch", "key_not_yet_created"]


class KeyProblem(RefundsError):
    """A private key can't be used. ``cause`` is the verdict that a credential check gives for it."""

    def __init__(self, cause: KeyCause, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.cause = cause
