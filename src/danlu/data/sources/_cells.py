"""Lines of cells, taken into columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from danlu.data.growing import Cells, Rows
from danlu.data.progress import Pace, Progress
from danlu.data.sources._manifest import Fetched
from danlu.data.sources._numbered import Lines, Numbered
from danlu.data.sources._text import lines_in
from danlu.messages import say

Row = tuple[int, Sequence[str] | str]
"""A row's number in the file, and its cells, or what is wrong with it."""


def taken(
    path: Path,
    lines: Iterable[Row],
    header: Sequence[str],
    names: Sequence[str],
    progress: Progress | None,
    *,
    notes: Sequence[tuple[str, str]] = (),
    types: Mapping[str, str] | None = None,
    empty: bool = False,
    strip: bool = True,
) -> Fetched:
    """The columns ``names`` of a file.

    lines: without the header. Those of another number of cells than the header
    are problems, blank ones nothing. empty: see :class:`Cells`. strip: cells without the blanks around them.
    """
    columns = [Cells(empty) for _ in names]
    rows = Rows(columns, [header.index(name) for name in names], strip)
    numbers = Lines()
    problems: list[tuple[str, str]] = []
    pace = Pace(progress, say("data.reading", file=path.name), lines_in(path))
    for number, row in lines:
        if isinstance(row, str) or len(row) != len(header):
            if any(cell.strip() for cell in row):
                said = row if isinstance(row, str) else say("data.csv.cells", found=len(row), expected=len(header))
                problems.append((say("data.line", file=path.name, number=number), said))
            continue
        rows.append(row)
        numbers.append(number)
        pace(number)
    rows.end()
    pace.end(len(numbers))
    made = {name: column.done() for name, column in zip(names, columns, strict=True)}
    return Fetched(made, Numbered(path.name, numbers), problems, list(notes), types=dict(types or {}))


def without_nul(lines: Iterable[Row]) -> Iterator[Row]:
    """The lines, with the reason in place of the cells where one of them holds a NUL byte: nobody wrote it, so more may be wrong."""
    for number, row in lines:
        broken = not isinstance(row, str) and any("\0" in cell for cell in row)
        yield number, say("data.text.nul-row") if broken else row
