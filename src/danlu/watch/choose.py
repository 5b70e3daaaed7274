"""Which screen fits the stream: the live one on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import sys
from typing import Protocol, TextIO

from danlu.training.events import Event
from danlu.watch.plain import Plain


class Screen(Protocol):
    """A watcher that also shows how far the preparation is."""

    wants_snapshots: bool

    def on(self, event: Event) -> None: ...

    def progress(self, stage: str, done: int, total: int) -> None:
        """The data's progress callback: a stage is at ``done`` of ``total`` (0: not known)."""
        ...

    def close(self) -> None: ...


def screen(stream: TextIO | None = None) -> Screen:
    """For ``stream`` (stdout if None): :class:`~danlu.watch.console.Console` on a terminal that can move its cursor
    and show block characters, else :class:`~danlu.watch.plain.Plain`; also where CI is set, whose terminals are log
    files.
    """
    stream = stream or sys.stdout
    if not lively(stream):
        return Plain(stream)
    from danlu.watch.console import Console

    return Console(stream)


def lively(stream: TextIO) -> bool:
    """Whether the live screen works there."""
    if not stream.isatty() or os.environ.get("TERM", "") in ("dumb", "unknown"):
        return False
    if os.environ.get("CI", "") not in ("", "0", "false"):
        return False
    try:
        "█▁━★丹".encode(getattr(stream, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True
