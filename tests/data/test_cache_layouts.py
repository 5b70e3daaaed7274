"""Layouts by property: whatever was appended is gathered, in any order, any number of times."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from danlu.data.cache.columns import ColumnWriter, column
from danlu.data.kinds.base import Storage
from danlu.data.kinds.image import Image
from tests.data.cached_tables import Numbers

lengths = st.lists(st.lists(st.integers(0, 9), max_size=12), max_size=4)


@settings(max_examples=60, deadline=None)
@given(blocks=lengths, data=st.data())
def test_ragged(blocks: list[list[int]], data: st.DataObject) -> None:
    rng = np.random.default_rng(len(blocks))
    values = [[rng.integers(-99, 99, size) for size in block] for block in blocks]
    flat = [value for block in values for value in block]
    with tempfile.TemporaryDirectory() as folder:
        writer = ColumnWriter(Path(folder), "a", Storage("ragged", "int64", (-1,)))
        for block in values:
            writer.append(block)
        read = column(Path(folder), {part: a.finish() for part, a in writer.arrays.items()}, Numbers())
        rows = data.draw(st.lists(st.integers(0, len(flat) - 1), max_size=20)) if flat else []
        found = read.gather(np.asarray(rows, np.int64))
    assert len(found) == len(rows)
    for value, row in zip(found, rows, strict=True):
        assert value.dtype == np.int64
        assert np.array_equal(value, flat[row])


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), min_size=1, max_size=9), data=st.data())
def test_ragged_with_shapes(sizes: list[tuple[int, int]], data: st.DataObject) -> None:
    values = [np.full((*size, 3), place, np.uint8) for place, size in enumerate(sizes)]
    with tempfile.TemporaryDirectory() as folder:
        writer = ColumnWriter(Path(folder), "a", Storage("ragged", "uint8", (-1, -1, 3)))
        writer.append(values)
        read = column(Path(folder), {part: a.finish() for part, a in writer.arrays.items()}, Image(None, None, 3))
        rows = data.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=12))
        found = read.gather(np.asarray(rows, np.int64))
    assert all(np.array_equal(value, values[row]) for value, row in zip(found, rows, strict=True))


@settings(max_examples=30, deadline=None)
@given(counts=st.lists(st.integers(0, 20), max_size=4), length=st.integers(0, 4))
def test_fixed(counts: list[int], length: int) -> None:
    blocks = [np.random.default_rng(count).integers(0, 2**40, (count, length)) for count in counts]
    whole = np.concatenate([np.empty((0, length), np.int64), *blocks])
    with tempfile.TemporaryDirectory() as folder:
        writer = ColumnWriter(Path(folder), "a", Storage("fixed", "int64", (length,)))
        for block in blocks:
            writer.append(block)
        read = column(Path(folder), {part: a.finish() for part, a in writer.arrays.items()}, Numbers(length))
        rows = np.arange(len(whole))[::-1]
        assert np.array_equal(read.gather(rows), whole[::-1])
