# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the simulator: ``python extensions/simulator --port 8765 --world world.yml``."""

from __future__ import annotations

import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"


def main() -> int:
    """Run the command line; a missing library is one line on stderr and exit code 2."""
    try:
        from storeops_simulator.cli import run
    except ImportError as error:
        missing = error.name or str(error)
        print(
            f"simulator: the Python library {missing!r} is missing;"
            f" install it: python -m pip install -r {REQUIREMENTS}",
            file=sys.stderr,
        )
        return 2
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
