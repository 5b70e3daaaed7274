"""Lines of a YOLO label file → boxes, with a reason for each that is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from danlu.data.sources._mapping import shortened
from danlu.data.sources._text import encoding_of
from danlu.errors import DataError
from danlu.messages import say

Notes = list[tuple[str, str]]
_PIXELS = 2.0  # a share of an image beyond this is no share
_BYTES = 1 << 24


def boxes_in(path: Path, classes: Sequence[str], name: str) -> tuple[np.ndarray, Notes, Notes, bytes]:
    """(float64 (n, 7): x1, y1, x2, y2 in shares, class, 0, area in shares; notes as (name:line, why); lines left out, likewise; the
    digest).

    Nothing where there is no such file: an image without objects need not have one.
    """
    rows: list[tuple[float, ...]] = []
    notes: Notes = []
    lost: Notes = []
    if not path.is_file():
        return _array(rows), notes, lost, b"-"
    try:
        encoding, digest = encoding_of(path, _BYTES)
    except DataError as error:
        return _array(rows), notes, [(name, error.problems[0].what)], b"?"
    for number, line in enumerate(path.read_text(encoding).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        row, reason, kept = _row(words, classes)
        if row is not None and row in rows:
            row, reason, kept = None, say("boxes.twice"), False
        if row is not None:
            rows.append(row)
        if reason and kept:
            notes.append((f"{name}:{number}", reason))
        elif reason:
            lost.append((f"{name}:{number}", say("boxes.left-out", reason=reason)))
    return _array(rows), notes, lost, digest.encode()


def _row(words: Sequence[str], classes: Sequence[str]) -> tuple[tuple[float, ...] | None, str, bool]:
    """(row, what is to be said, whether it is kept)."""
    values: list[float] = []
    for word in words:
        try:
            value = float(word)
        except ValueError:
            return None, say("boxes.no-number", value=shortened(word)), False
        if not math.isfinite(value):
            return None, say("boxes.no-number", value=shortened(word)), False
        values.append(value)
    outline = len(values) >= 7 and len(values) % 2 == 1
    if len(values) not in (5, 6) and not outline:
        return None, say("boxes.yolo.columns", count=len(values)), False
    kind, edges = values[0], values[1:]
    if kind != int(kind) or not 0 <= kind < len(classes):
        return None, say("boxes.yolo.class", value=shortened(words[0]), most=len(classes) - 1), False
    said = ""
    if outline:
        x1, y1, x2, y2 = min(edges[::2]), min(edges[1::2]), max(edges[::2]), max(edges[1::2])
        said = say("boxes.yolo.outline")
    else:
        x, y, width, height = edges[:4]
        if width < 0 or height < 0:
            return None, say("boxes.negative"), False
        x1, y1, x2, y2 = x - width / 2, y - height / 2, x + width / 2, y + height / 2
        if len(edges) == 5:
            said = say("boxes.yolo.score")
    if max(map(abs, (x1, y1, x2, y2))) > _PIXELS:
        return None, say("boxes.yolo.pixels"), False
    if x1 >= x2 or y1 >= y2:
        return None, say("boxes.no-area"), False
    if x1 >= 1 or y1 >= 1 or x2 <= 0 or y2 <= 0:
        return None, say("boxes.outside"), False
    return (x1, y1, x2, y2, kind, 0.0, math.nan), said, True


def _array(rows: Sequence[tuple[float, ...]]) -> np.ndarray:
    return np.asarray(rows, np.float64).reshape(-1, 7)
