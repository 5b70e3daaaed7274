"""A stream is a cache that keeps nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from danlu.data import cache
from danlu.data.kinds.boxes import Boxes
from danlu.data.kinds.image import Image
from danlu.data.stream import Stream, checked
from danlu.errors import DataError
from tests.data.cached_tables import CLASSES, Numbers, image_kinds, pictures, png, png_table, table


@pytest.mark.parametrize("stored", ["decoded", "encoded"])
def test_gives_what_the_cache_gives(tmp_path: Path, stored: Any) -> None:
    data, kinds = png_table(10), image_kinds(stored)
    store, stream = cache.fill(data, kinds, tmp_path), Stream(data, kinds)
    rows = np.asarray([9, 2, 2, 0])
    for name in kinds:
        one, other = store.gather(name, rows), stream.gather(name, rows)
        assert type(one) is type(other)
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_followers_follow(tmp_path: Path) -> None:
    images = [png(pixels) for pixels in pictures(4, sizes=((20, 30), (40, 10)))]
    boxes = [[{"box": [1, 2, 9, 16], "label": "bee"}]] * 4
    kinds = {"boxes": Boxes(CLASSES), "image": Image(None, None, 3, longest=16)}
    data = table({"image": images, "boxes": boxes})
    store, stream = cache.fill(data, kinds, tmp_path), Stream(data, kinds)
    rows = np.arange(4)
    assert all(map(np.array_equal, store.gather("boxes", rows), stream.gather("boxes", rows)))
    assert stream.gather("boxes", rows)[0][0, 2] < 9


def test_a_checked_stream_has_only_good_rows(tmp_path: Path) -> None:
    data = table({"a": [[1], "x", [-2], None, [3]]})
    for _ in range(2):
        stream = checked(data, {"a": Numbers()}, tmp_path)
        assert stream.rows.tolist() == [0, 2, 4]
        assert [int(value[0]) for value in stream.gather("a", np.arange(3))] == [1, 2, 3]
        assert [bad.origin for bad in stream.bad] == ["file.csv, row 1", "file.csv, row 3"]
        assert len(stream.hashes) == 3
        assert stream.notes[0].count == 1
    written = sum(path.stat().st_size for path in tmp_path.rglob("*.bin"))
    assert written == 2 * 3 * 8  # rows and hashes, no values


def test_an_unchecked_stream_says_which_rows_are_bad() -> None:
    stream = Stream(table({"a": [[1], "x", None]}), {"a": Numbers()})
    with pytest.raises(DataError) as caught:
        stream.gather("a", np.asarray([0, 1, 2]))
    assert [problem.where for problem in caught.value.problems] == ["file.csv, row 1 (a)", "file.csv, row 2 (a)"]
