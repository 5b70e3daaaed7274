"""Tables as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from rich.cells import cell_len

from danlu.messages.visible import visible

GAP = "  "
_STYLE = "text-align:{side};padding:1px 8px;white-space:pre-wrap"


@dataclass(frozen=True)
class Grid:
    """title: a line above; "" for none. head: "" for none. left: so many columns are set left, the others right;
    words: the last is set left too. notes: lines below."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    words: bool = False
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Lines whose columns stand under each other; a Chinese character takes two cells."""
        table = [[visible(cell) for cell in row] for row in ([self.head] if self.head else []) + list(self.rows)]
        columns = max(map(len, table), default=0)
        widths = [max(cell_len(row[i]) for row in table if i < len(row)) for i in range(columns)]
        lines = [visible(self.title)] if self.title else []
        for row in table:
            cells = [_set(cell, widths[i], self._is_left(i, columns)) for i, cell in enumerate(row)]
            lines.append(GAP.join(cells).rstrip())
        return "\n".join([*lines, *map(visible, self.notes)])

    def html(self) -> str:
        """A table that needs nothing from outside; everything in it is escaped."""
        columns = max(map(len, [self.head, *self.rows]))
        parts = [f"<div><b>{_safe(self.title)}</b></div>"] if self.title else []
        parts.append('<table style="border-collapse:collapse;font-family:monospace">')
        for tag, row in [("th", self.head)] * bool(self.head) + [("td", row) for row in self.rows]:
            sides = ["left" if self._is_left(i, columns) else "right" for i in range(len(row))]
            cells = [
                f'<{tag} style="{_STYLE.format(side=s)}">{_safe(c)}</{tag}>' for s, c in zip(sides, row, strict=True)
            ]
            parts.append("<tr>" + "".join(cells) + "</tr>")
        return "".join([*parts, "</table>", *(f"<div>{_safe(note)}</div>" for note in self.notes)])

    def _is_left(self, column: int, columns: int) -> bool:
        return column < self.left or (self.words and column == columns - 1)


def text(grids: Sequence[Grid]) -> str:
    return "\n\n".join(grid.text() for grid in grids)


def html(grids: Sequence[Grid]) -> str:
    return "<div>" + "".join(grid.html() for grid in grids) + "</div>"


def _set(cell: str, width: int, left: bool) -> str:
    room = " " * (width - cell_len(cell))
    return cell + room if left else room + cell


def _safe(text: str) -> str:
    return escape(visible(text))
