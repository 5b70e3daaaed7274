"""Where in the raw text each letter of its normal form came from, so that an answer can be quoted exactly."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np

from danlu.data.text.cleaning import normal

_WORDS = re.compile(r"\s+|\S+")


@dataclass(frozen=True)
class Located:
    """text: in its normal form. starts, ends: int64 (letters of ``text``,), which letters of the raw text each of them stands for."""

    text: str
    starts: np.ndarray
    ends: np.ndarray


def located(raw: str, form: str, lower: bool) -> Located:
    """:func:`danlu.data.text.cleaning.normal` with places. Positions are Python's: code points, an emoji is as many as it has."""
    made = normal(raw, form, lower)
    if _same_letters(raw, form, lower, made):
        places = np.arange(len(raw), dtype=np.int64)
        return Located(made, places, places + 1)
    pieces, starts, ends = _cut(raw, form, lower)
    if "".join(pieces) != made:  # letters that change each other across a border: whole words then
        spans = [(match.start(), match.end()) for match in _WORDS.finditer(raw)]
        pieces = [normal(raw[low:high], form, lower) for low, high in spans]
        starts, ends = [low for low, _ in spans], [high for _, high in spans]
    counts = [len(piece) for piece in pieces]
    return Located(
        "".join(pieces),
        np.repeat(np.asarray(starts, np.int64), counts),
        np.repeat(np.asarray(ends, np.int64), counts),
    )


def _same_letters(raw: str, form: str, lower: bool, made: str) -> bool:
    """Whether each letter became exactly one. Lower case never makes a text shorter, so that its length tells."""
    if raw.isascii():
        return True
    plain = form == "none" or unicodedata.is_normalized("NFC" if form == "nfc" else "NFKC", raw)
    return plain and len(made) == len(raw)


def _cut(raw: str, form: str, lower: bool) -> tuple[list[str], list[int], list[int]]:
    """Stretches of letters that are normalised together, as short as can be: (normal forms, starts, ends)."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    begin = 0
    while begin < len(raw):
        end = begin + 1
        piece = normal(raw[begin:end], form, False)
        while end < len(raw) and form != "none":
            letter = raw[end]
            alone = normal(letter, form, False)
            longer = normal(raw[begin : end + 1], form, False)
            first = unicodedata.normalize("NFKD", letter)[:1]
            if longer == piece + alone and not (first and unicodedata.combining(first)):
                break
            piece = longer
            end += 1
        pieces.append(piece)
        starts.append(begin)
        ends.append(end)
        begin = end
    if not lower:
        return pieces, starts, ends
    low = [piece.lower() for piece in pieces]
    whole = "".join(pieces).lower()
    if "".join(low) != whole and len(whole) == sum(map(len, low)):  # a final sigma looks at its neighbours
        at = 0
        for place, piece in enumerate(low):
            low[place] = whole[at : at + len(piece)]
            at += len(piece)
    return low, starts, ends
