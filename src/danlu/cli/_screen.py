"""Where progress is shown: on stdout with the result, or on stderr where stdout carries an answer for a program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from danlu.cli._output import Output

if TYPE_CHECKING:
    from danlu.watch.choose import Screen


def screen_for(out: Output) -> Screen:
    """The screen of a training: live on a terminal, plain lines elsewhere."""
    from danlu.watch.choose import screen

    return screen(sys.stderr if out.as_json else sys.stdout)


@contextmanager
def preparing() -> Iterator[Callable[[str, int, int], None]]:
    """A progress callback for work that ends in an answer: shown on stderr, closed whatever happens."""
    from danlu.watch.choose import screen

    shown = screen(sys.stderr)
    try:
        yield shown.progress
    finally:
        shown.close()
