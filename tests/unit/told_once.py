# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule that no task tells a sentence twice."""

from __future__ import annotations

import re
from collections import Counter

# Shorter ones are words of Ansible's, or names.
A_SENTENCE = 40
# Whom it is about, and what of it.
LABELS = re.compile(r"(?:[\w.\[\]'()*, -]{1,60}: )*(?:\[ERROR\]: |Task failed: |Action failed: )*")


def twice(text: str) -> list[str]:
    """Return the sentences that a text has more than once, whatever name stands before them."""
    lines = (re.sub(r"\s+", " ", one).strip() for one in re.split(r"(?<=[.?!])\s+|\n", text))
    sentences = (LABELS.sub("", one, count=1) for one in lines)
    return [one for one, count in Counter(sentences).items() if count > 1 and len(one) >= A_SENTENCE]
