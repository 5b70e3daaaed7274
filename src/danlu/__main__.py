"""``python -m danlu`` is ``danlu``."""

from __future__ import annotations

import sys

from danlu.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
