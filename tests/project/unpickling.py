"""Sees what a process unpickles; imports nothing else, so that it can be there before everything else is imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def watched(log: Path) -> None:
    """From here on every class or function that is looked up for a pickle is written down, with whether another process of this
    run sent it, in memory."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event == "pickle.find_class":
            frame, between = sys._getframe(), False
            while frame is not None:
                between |= "multiprocessing" in frame.f_code.co_filename
                frame = frame.f_back  # type: ignore[assignment]
            os.write(file, f"{'memory' if between else 'OUTSIDE'} {given[0]} {given[1]}\n".encode())

    sys.addaudithook(hook)
