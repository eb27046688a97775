# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is too long for every run: the matrices whole, into docs/MATRICES.md, and the receiver's storm: "make deep"."""

from __future__ import annotations

import subprocess
import sys

import paths

WORKS = (
    ("tests/unit/matrices/matrix_document.py",),
    ("tests/events/receiver_storm.py", "--count", "10000", "--connections", "50", "--kills", "5", "--rate", "200"),
)


def main() -> int:
    """Run one after the other; return how many failed."""
    env = paths.linked_environment("deep")
    python = paths.VENV / "bin" / "python"
    return sum(subprocess.run([python, *work], cwd=paths.ROOT, env=env, check=False).returncode != 0 for work in WORKS)


if __name__ == "__main__":
    sys.exit(main())
