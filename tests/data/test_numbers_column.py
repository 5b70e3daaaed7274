"""Numbers of a Parquet file stay as the file has them, and are Python's own to whoever reads one."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from danlu.data.columns import Numbers, pick
from danlu.data.kinds.id import Id
from danlu.data.moments import moments
from danlu.data.sources.parquet import _one_after_another, _plain, read
from danlu.errors import DataError
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column
from danlu.tasks.interactions.division import _codes, _facts, _parts_of_pairs


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint64, np.float32, np.float64])
def test_values_are_those_of_a_list(dtype: type[np.generic]) -> None:
    values = np.asarray([3, 0, 7, 7, 100], dtype)
    column, plain = Numbers(values), pa.array(values).to_pylist()
    assert list(column) == plain
    assert [type(value) for value in column] == [type(value) for value in plain]
    assert [column[row] for row in range(-5, 5)] == [plain[row] for row in range(-5, 5)]
    assert column[1:4] == plain[1:4]
    assert list(pick(column, np.asarray([4, 0]))) == [plain[4], plain[0]]
    with pytest.raises(IndexError):
        column[5]


@pytest.mark.parametrize(
    ("pieces", "lazy"),
    [
        ([[1, 2], [3]], True),
        ([[1, None], [3]], False),
        ([[1.5], [2.5]], True),
        ([[1], [2.5]], False),
        ([["a"], ["b"]], False),
        ([[True], [False]], False),
    ],
)
def test_files_one_after_another(tmp_path: Path, pieces: list[list[object]], lazy: bool) -> None:
    read = []
    for place, piece in enumerate(pieces):
        parquet.write_table(pa.table({"x": piece}), tmp_path / f"{place}.parquet")
        read.append(_plain(parquet.read_table(tmp_path / f"{place}.parquet")["x"]))
    found = _one_after_another(read)
    assert isinstance(found, Numbers) is lazy
    assert list(found) == [value for piece in pieces for value in piece]


def test_names_and_codes_are_those_of_texts() -> None:
    numbers = np.random.default_rng(0).integers(0, 300, 2000)
    column, texts = Numbers(numbers), [f" {value}" for value in numbers.tolist()]
    assert np.array_equal(_codes(column), _codes(texts))
    assert np.array_equal(_codes(texts), np.unique([text.strip() for text in texts], return_inverse=True)[1])
    kind = Id.fit(column, {})
    assert kind == Id.fit(texts, {})
    made = kind.prepare_many(column[10:20])
    assert made is not None
    assert made.tolist() == [int(kind.prepare(text).value) for text in texts[10:20]]
    assert Id(("7",)).prepare_many([7, 2**70]) is None


def test_times_are_those_of_a_list() -> None:
    values = np.asarray([5.5, -1, 3])
    assert np.array_equal(moments(Numbers(values), ["a"] * 3), moments(values.tolist(), ["a"] * 3))


def test_pairs_are_counted_as_rows_of_a_table() -> None:
    user, item, codes = np.asarray([0, 0, 1, 1, 1]), np.asarray([2, 2, 0, 0, 1]), np.asarray([0, 1, 0, 0, 2], np.int8)
    assert _parts_of_pairs(user, item, codes) == 1
    assert _facts(user, item, codes)["repeated"] == 2


def test_numbers_with_gaps_are_refused_where_memory_has_no_room_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("danlu.data.room.memory", lambda: 100 * 64)
    wanted = {name: Column("number", "input") for name in ("x", "y")}
    for place, gap in enumerate((0.5, None)):
        path = tmp_path / f"{place}.parquet"
        parquet.write_table(pa.table({"x": [1.5] * 99 + [gap], "y": list(range(100))}), path)
        if gap is not None:
            assert len(read(path, DataSection(source=str(path)), wanted)) == 100
        else:
            with pytest.raises(DataError, match="memory"):
                read(path, DataSection(source=str(path)), wanted)
