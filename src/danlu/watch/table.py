"""The epochs so far, a line each, as they scroll by above the screen. Imports rich."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from danlu.messages import say
from danlu.watch.figures import duration, figure
from danlu.watch.frame import NARROW
from danlu.watch.rows import Row
from danlu.watch.state import LOSS

AGAIN = 30  # rows after which the head is repeated
NUMBER = 8  # cells of a number, at least
STAR = " ★"


class Table:
    """Chooses its columns by the width there is: the training loss, the metric that decides, then the others in their
    order.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._shown: list[str] = []
        self._width = self._rows = 0
        self._decides = ""

    def lines(self, row: Row, monitor: str, width: int) -> list[Text]:
        """The row as a line; before it the head where columns changed or the last head is far above."""
        names = self._names + [name for name in row.values if name not in self._names and not _of_a_term(name)]
        names.sort(key=lambda name: (name != LOSS, name != monitor, "loss" not in name))
        new = (names, width, monitor) != (self._names, self._width, self._decides)
        if new:
            self._decides = monitor
            self._names, self._width = names, width
            self._shown = self._fitting()
        head = [self._line(say("watch.head.epoch"), self._shown, say("watch.head.time"), "dim")]
        lines = head if new or self._rows % AGAIN == 0 else []
        self._rows = 1 if new else self._rows + 1
        cells = [figure(row.values[name]) if name in row.values else "–" for name in self._shown]
        line = self._line(str(row.epoch + 1), cells, duration(row.seconds), "", row.best)
        return [*lines, line]

    def _line(self, first: str, cells: list[str], last: str, style: str, starred: bool = False) -> Text:
        narrow = self._width < NARROW
        text = Text(_right(first, 5 if narrow else 6), style, no_wrap=True, overflow="ellipsis")
        for name, cell in zip(self._shown, cells, strict=True):
            decides = name == self._decides
            text.append(_right(cell, self._cells(name)), "bold" if decides and starred else "")
            if decides:
                text.append(STAR if starred else " " * len(STAR), "yellow")
        text.append(_right(last, 7 if narrow else 8))
        return text

    def _cells(self, name: str) -> int:
        return max(NUMBER, cell_len(name)) + (3 if self._width >= NARROW else 2)

    def _fitting(self) -> list[str]:
        room, shown = self._width - (12 if self._width < NARROW else 14) - len(STAR), []
        for name in self._names:
            room -= self._cells(name)
            if room < 0:
                break
            shown.append(name)
        return shown


def _of_a_term(name: str) -> bool:
    return name.count("/") > 1


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text
