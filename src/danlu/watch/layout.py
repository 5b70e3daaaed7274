"""Texts put side by side and one under the other, by the cells they take on a terminal. Imports rich."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.text import Text

GAP = "   "
CHINESE = "\u2e80-\u303f\u3040-\uffef"
PIECES = re.compile(f"[^ {CHINESE}]+|[{CHINESE}][，。、；：！？）」》”…]*| ")  # what a line isn't broken within


def folded(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` cells, broken at spaces where there are any, else anywhere, as in Chinese."""
    lines, line = [], ""
    for piece in PIECES.findall(" ".join(text.split())):
        if cell_len(line + piece) <= width:
            line += piece
            continue
        lines.append(line.rstrip())
        *long, line = chop_cells(piece.lstrip(), max(2, width)) or [""]
        lines += long
    return [part for part in [*lines, line] if part]


def column(texts: Sequence[str], right: bool = False) -> list[str]:
    """All as wide as the widest; a Chinese character takes two cells."""
    width = max(map(cell_len, texts), default=0)
    return [" " * (width - cell_len(text)) + text if right else set_cell_size(text, width) for text in texts]


def spread(left: Text, right: Text, width: int) -> Text:
    space = width - left.cell_len - right.cell_len
    return Text.assemble(left, " " * space, right) if space > 0 else left


def packed(pieces: Iterable[Text], width: int) -> list[Text]:
    """As many pieces a line as fit."""
    lines: list[Text] = []
    for piece in pieces:
        if lines and lines[-1].cell_len + len(GAP) + piece.cell_len <= width:
            lines[-1].append(GAP)
            lines[-1].append_text(piece)
        else:
            lines.append(piece.copy())
    return lines


def join(lines: Sequence[Text], width: int) -> Text:
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    text = Text("\n").join(lines)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
