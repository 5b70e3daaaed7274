"""Text on a terminal: how many cells it takes, and where its lines may break, Chinese included."""

from __future__ import annotations

import re
import unicodedata

# What may not be broken: a wide character or a word, with the brackets around it; runs of spaces.
_WIDE = "\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6"
_PIECES = re.compile(rf"[（《「『“]*(?:[{_WIDE}]|[^{_WIDE}\s]+)[，。；：、！？）》」』”]*|\s+")


def cells(text: str) -> int:
    """How many terminal cells ``text`` takes: two for a wide character, none for a mark that stands on the one before."""
    return sum(
        0
        if unicodedata.category(char) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(char) in "WF"
        else 1
        for char in text
    )


def padded(text: str, width: int) -> str:
    """``text`` with spaces behind it up to ``width`` cells."""
    return text + " " * (width - cells(text))


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` cells, broken at spaces and between wide characters, not before punctuation."""
    lines, line, pending = [], "", ""
    for piece in _PIECES.findall(text):
        if piece.isspace():
            pending = piece if line else ""
        elif line and cells(line + pending + piece) > width:
            lines.append(line)
            line, pending = piece, ""
        else:
            line, pending = line + pending + piece, ""
    return [*lines, line] if line else lines
