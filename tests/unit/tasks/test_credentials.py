# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told first of a key whose options and whose file are both at fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit_support import ISSUER, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared.options import load_credentials


@pytest.mark.parametrize(
    ("issuer_id", "is_there", "told"),
    [
        (None, False, "issuer_id: is required."),
        (None, True, "issuer_id: is required."),
        (ISSUER, False, "does not exist."),
        (ISSUER, True, "key_id: is required when the file is not named"),
    ],
)
def test_what_is_told_first(issuer_id: str | None, is_there: bool, told: str, tmp_path: Path, pem: str) -> None:
    path = tmp_path / "studio.p8"
    if is_there:
        write_key(path, pem)
    source = KeySource(issuer_id=issuer_id, key_id=None, path=str(path), content=None, policy="strict")
    with pytest.raises(RefundsError) as found:
        load_credentials(source, check_mode=False)
    assert told in str(found.value)
