"""Raw rows → prepared blocks: the good values, and what was wrong with the others. Used by cache and stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from danlu.data.kinds.base import BadValue, Kind, MissingValue, prepare_row
from danlu.data.table import Table

_PLAIN = (str, int, float, dict, np.generic, type(None))

Values = np.ndarray | list[np.ndarray]  # (B, *shape) for fixed layouts, else B arrays


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was set aside. row: in the table. origin: where a person finds it. missing: there was no value."""

    row: int
    origin: str
    column: str
    reason: str
    missing: bool = False


@dataclass(frozen=True)
class Note:
    """What had to be mended in ``count`` rows of a column. examples: origins of the first few."""

    column: str
    text: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """Some rows, prepared. rows: int64 (n,), those kept. hashes: uint64 (n,). notes: (column, text, row) each time one
    was made.
    """

    rows: np.ndarray
    columns: Mapping[str, Values]
    hashes: np.ndarray
    bad: Sequence[BadRow]
    notes: Sequence[tuple[str, str, int]]

    @property
    def nbytes(self) -> int:
        return sum(v.nbytes if isinstance(v, np.ndarray) else sum(a.nbytes for a in v) for v in self.columns.values())


def prepare_block(table: Table, kinds: Mapping[str, Kind], rows: range | Sequence[int], hashed: Sequence[str]) -> Block:
    """Prepare ``rows`` of a table, whole columns at once where their kinds can. hashed: columns the content hash
    covers.
    """
    leaders = {kind.follows for kind in kinds.values() if kind.follows}
    many: dict[str, np.ndarray] = {}
    for column, kind in kinds.items():
        if kind.follows is None and kind.name not in leaders and kind.storage().layout == "fixed":
            made = _at_once(kind, table.columns[column], rows)
            if made is not None:
                many[column] = _fitting(column, kind, made, block=True)
    singly = {column: kind for column, kind in kinds.items() if column not in many}
    kept = list(range(len(rows)))
    lists: dict[str, list[np.ndarray]] = {column: [] for column in singly}
    bad: list[BadRow] = []
    notes: list[tuple[str, str, int]] = []
    if singly:
        kept = []
        for place, row in enumerate(rows):
            try:
                made_row = prepare_row(singly, {column: table.columns[column][row] for column in singly})
            except BadValue as error:
                missing = isinstance(error, MissingValue)
                bad.append(BadRow(row, table.origins[row], error.column, str(error), missing))
                continue
            except Exception as error:
                error.add_note(f"while row {row} ({table.origins[row]}) was prepared")
                raise
            kept.append(place)
            for column, prepared in made_row.items():
                lists[column].append(_fitting(column, singly[column], prepared.value))
                notes.extend((column, text, row) for text in prepared.notes)
    columns: dict[str, Values] = {}
    for column, kind in kinds.items():
        if column in many:
            columns[column] = many[column] if len(kept) == len(rows) else many[column][kept]
        elif kind.storage().layout == "fixed":
            shape = (len(kept), *kind.storage().shape)
            columns[column] = np.stack(lists[column]) if kept else np.empty(shape, kind.storage().dtype)
        else:
            columns[column] = lists[column]
    hashes = content_hashes([columns[column] for column in hashed], len(kept))
    return Block(np.asarray([rows[place] for place in kept], np.int64), columns, hashes, bad, notes)


def _at_once(kind: Kind, raws: Sequence[Any], rows: range | Sequence[int]) -> np.ndarray | None:
    if type(kind).prepare_many is Kind.prepare_many:
        return None
    if isinstance(raws, np.ndarray):
        return kind.prepare_many(raws[rows.start : rows.stop] if isinstance(rows, range) else raws[np.asarray(rows)])
    try:
        if not isinstance(raws[rows[0]], _PLAIN):
            return None  # files and pixels are read one by one: a block of them could be larger than memory
        some = raws[rows.start : rows.stop] if isinstance(rows, range) else [raws[row] for row in rows]
        return kind.prepare_many(some)
    except BadValue:
        return None


def _fitting(column: str, kind: Kind, value: np.ndarray, block: bool = False) -> np.ndarray:
    """The value, contiguous, if it is what the kind's storage promises; anything else is a defect of the kind."""
    storage = kind.storage()
    shape = value.shape[1:] if block else value.shape
    if storage.layout == "encoded":
        fits = value.dtype == np.uint8 and value.ndim == 1
    elif storage.layout == "fixed":
        fits = value.dtype == storage.dtype and shape == tuple(storage.shape)
    else:
        sizes = zip(shape, storage.shape, strict=False)
        fits = value.dtype == storage.dtype and len(shape) == len(storage.shape) and all(b in (-1, a) for a, b in sizes)
    if not fits:
        raise TypeError(
            f"column {column!r}: {kind.name} prepared {value.dtype} {value.shape}, but its storage is {storage}"
        )
    return np.ascontiguousarray(value).reshape(value.shape)  # ascontiguousarray makes a 0-d array 1-d


def content_hashes(columns: Sequence[Values], count: int) -> np.ndarray:
    """uint64 (count,): BLAKE2b of each row's prepared values with their dtypes and shapes; equal rows have equal
    hashes.
    """
    digests = bytearray()
    if all(isinstance(column, np.ndarray) for column in columns):
        for row in _bytes_of(columns, count):
            digests += blake2b(row, digest_size=8).digest()
    else:
        for place in range(count):
            digest = blake2b(digest_size=8)
            for column in columns:
                value = column[place]
                digest.update(_head(value.dtype, value.shape))
                digest.update(value.data)
            digests += digest.digest()
    return np.frombuffer(bytes(digests), dtype="<u8").astype(np.uint64)


def _bytes_of(columns: Sequence[Values], count: int) -> np.ndarray:
    """uint8 (count, bytes of a row): each row's values one after another, every value behind its dtype and shape."""
    pieces = []
    for column in columns:
        values = np.ascontiguousarray(column)
        head = np.frombuffer(_head(values.dtype, values.shape[1:]), np.uint8)
        pieces.append(np.broadcast_to(head, (count, len(head))))
        pieces.append(values.reshape(count, -1).view(np.uint8) if values.size else np.empty((count, 0), np.uint8))
    if not pieces:
        return np.empty((count, 0), np.uint8)
    return np.ascontiguousarray(np.concatenate(pieces, axis=1))  # numpy chooses the order by the pieces' strides


def _head(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    return f"{dtype.str}{shape}".encode()
