"""What a source found: rows of raw values with their origin; nothing is decoded yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Literal

import numpy as np

from danlu.data.columns import pick
from danlu.large.arrays import blocks

Part = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Guess:
    """The file's column, or columns, that were taken for one of the task's by name. others: those whose names would do as well."""

    column: str | tuple[str, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Rows before preparation.

    columns: the task's column name → raw values (N), indexable lazily. A raw image is a ``Path``, ``bytes`` or an ndarray; a raw
        category a ``str`` or ``int``; raw boxes a sequence of dicts {box: [x1, y1, x2, y2], label: str, iscrowd: bool, area: float} in
        pixels of the upright image, or {objects: such a sequence, size: (height, width) of the image as annotated}.
    ids: str (N), unique and stable under row order (a path relative to the source, an id column, or a row's content).
    origins: str (N), where a person finds the row ("cats/1.png", "labels.csv, row 17").
    given: part of each row where the source says so, else None; all None where the split is Danlu's to make.
    extra: columns that the split needs (group, time), raw.
    classes: for category columns whose classes the source knows (folder names, COCO categories), in their order.
    fingerprint: changes when the content does (paths, sizes and times of files; or a hash), for the cache's key.
    problems: rows the source itself had to set aside, as (origin, reason).
    notes: what the source mended or passed over without losing a row (a hidden file, a box of no area), as (origin, note).
    objects: how many objects (boxes, outlines) the rows have in all; None where rows aren't made of such.
    lost: those that were left out, as (origin, reason); they are among the notes too.
    guessed: the columns that the recipe did not name, where the source has names of columns.
    """

    columns: Mapping[str, Sequence[Any]]
    ids: Sequence[str]
    origins: Sequence[str]
    fingerprint: str
    given: Sequence[Part | None] | None = None
    extra: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    objects: int | None = None
    lost: tuple[tuple[str, str], ...] = ()
    guessed: Mapping[str, Guess] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray) -> Table:
        """The table of int64 ``rows`` alone, in that order; problems and notes stay."""
        chosen = blake2b(self.fingerprint.encode() + b"\0", digest_size=16)
        for some in blocks(len(rows), rows):
            chosen.update(rows[some].astype("<i8").tobytes())
        return replace(
            self,
            fingerprint=chosen.hexdigest(),
            columns={name: pick(column, rows) for name, column in self.columns.items()},
            ids=pick(self.ids, rows),
            origins=pick(self.origins, rows),
            given=None if self.given is None else pick(self.given, rows),
            extra={name: pick(column, rows) for name, column in self.extra.items()},
        )
