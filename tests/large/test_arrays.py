"""Long arrays in files and piece by piece are those that numpy makes in memory."""

import itertools
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danlu.data.columns import Coded, Numerals, Texts, pick
from danlu.data.growing import Cells, whole_numbers
from danlu.data.row_names import RowNames, keys_in
from danlu.data.sources._numbered import Lines
from danlu.errors import DataError
from danlu.large import arrays
from danlu.large.arrays import Growing, gathered, release, where, zeros
from danlu.large.sorting import distinct, equal_groups, once, sort_order, together
from danlu.randomness import keys_of


@pytest.fixture(autouse=True)
def _in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "AT_ONCE", 7)
    monkeypatch.setattr(arrays, "HELD", 40)


def test_long_arrays_lie_in_files_that_are_gone_with_them(tmp_path: Path) -> None:
    made = zeros(1000, np.int32)
    assert isinstance(made, np.memmap)
    assert not isinstance(zeros(10, np.int32), np.memmap)
    made[:] = np.arange(1000)
    release(made)
    assert made.tolist() == list(range(1000))
    np.zeros(1000, np.int32).tofile(tmp_path / "given")
    copied = np.memmap(tmp_path / "given", np.int32, "c")
    copied[:] = 5
    release(copied, copied[2:], np.asarray(copied))
    assert copied.tolist() == [5] * 1000
    growing = Growing(np.float32)
    for start in range(0, 100, 9):
        growing.append(np.arange(start, min(start + 9, 100)))
    assert growing.done().tolist() == list(range(100))
    assert Growing(np.int8).done().tolist() == []


def test_threads_may_be_the_first_to_read_a_column() -> None:
    for _ in range(20):
        column = Texts([f"n{number}" for number in range(5000)])
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(column.__getitem__, range(4990, 5000))) == [
                f"n{number}" for number in range(4990, 5000)
            ]


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full, raising=False)
    with pytest.raises(DataError, match="No space left"):
        zeros(1000, np.int64)


_VALUES = st.lists(st.integers(-5, 60), max_size=120)


@settings(max_examples=60, deadline=None)
@given(_VALUES, st.sampled_from([np.int64, np.uint64, np.float64, np.int32]))
def test_orders_and_groups_are_numpys(values: list[int], dtype: type[np.generic]) -> None:
    column = np.asarray([abs(value) for value in values], dtype)
    order = np.argsort(column, kind="stable")
    assert np.array_equal(sort_order(column), order)
    rows, starts = equal_groups(column)
    found = {tuple(rows[a:b].tolist()) for a, b in itertools.pairwise(starts)}
    wanted = {tuple(np.flatnonzero(column == each).tolist()) for each in np.unique(column)}
    assert found == {group for group in wanted if len(group) > 1}
    assert rows.tolist() == [row for row in order.tolist() if (column == column[row]).sum() > 1]
    pieces = list(together(column, order))
    assert np.array_equal(np.concatenate([np.empty(0, np.int64), *pieces]), order)
    seen = [set(column[piece].tolist()) for piece in pieces]
    assert sum(map(len, seen)) == len(np.unique(column))
    assert np.array_equal(distinct(column), np.unique(column))
    assert np.array_equal(once(column.reshape(1, -1)), np.unique(column))
    assert once(column).dtype == column.dtype
    assert np.array_equal(where(column > 3), np.flatnonzero(column > 3))
    assert np.array_equal(gathered(column, order), column[order])


_TEXTS = st.one_of(
    st.lists(st.sampled_from(["a", "", "é 文", "12", "007"]), max_size=60),
    st.lists(st.integers(-(10**6), 10**6).map(str), max_size=60),
    st.lists(st.text("ab1é ", max_size=3), max_size=60),
)


@settings(max_examples=80, deadline=None)
@given(_TEXTS, st.booleans(), st.integers(1, 4))
def test_cells_give_what_they_took(texts: list[str], empty: bool, few: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("danlu.data.growing._AT_ONCE", 5)
        patch.setattr("danlu.data.growing.FEW", few * 4)
        patch.setattr("danlu.data.growing.SHARE", 10**6)
        made = Cells(empty)
        for start in range(0, len(texts), 3):
            made.extend(texts[start : start + 3])
        column = made.done()
    kept = empty and isinstance(column, Coded)
    wanted = [text if text or kept else None for text in texts]
    assert list(column) == wanted
    assert column[1:9] == wanted[1:9]
    assert [column[row] for row in range(len(texts))] == wanted
    rows = np.arange(len(texts))[::-2]
    assert list(pick(column, rows)) == [wanted[row] for row in rows.tolist()]
    assert list(pickle.loads(pickle.dumps(column))) == wanted  # noqa: S301 - of our own making, as workers are sent it


def test_columns_are_as_small_as_their_values_allow() -> None:
    def column(texts: list[str]) -> object:
        made = Cells()
        made.extend(texts)
        return type(made.done())

    assert column(["x", "y"] * 50) is Coded
    assert column([str(number) for number in range(100_000)]) is Numerals
    assert column([f"n{number}" for number in range(100_000)]) is Texts
    assert whole_numbers(["1", "-7"]) is not None
    assert all(whole_numbers(["1", odd]) is None for odd in ("01", "+1", " 1", "1_0", "١", "", "1.0", str(2**70)))


def test_a_text_in_a_column_of_numbers_keeps_both() -> None:
    made, texts = Cells(), [str(number) for number in range(70_000)] + ["x", ""]
    made.extend(texts)
    column = made.done()
    assert column[69_999] == "69999"
    assert column[70_000] == "x"
    assert column[70_001] is None


def test_rows_of_one_content_are_numbered_and_their_keys_are_their_names() -> None:
    digests = np.asarray([5, 9, 5, 7, 9, 5, 2**63], np.uint64)
    ids = RowNames(digests)
    once: dict[int, int] = {}
    wanted = []
    for digest in digests.tolist():
        once[digest] = once.get(digest, 0) + 1
        wanted.append(f"#{digest:016x}" + (f".{once[digest]}" if once[digest] > 1 else ""))
    assert list(ids) == wanted == [ids[row] for row in range(len(ids))]
    assert np.array_equal(keys_in(ids), keys_of(wanted))
    rows = np.asarray([5, 0, 4])
    assert np.array_equal(keys_in(pick(ids, rows)), keys_of([wanted[row] for row in rows.tolist()]))
    assert np.array_equal(keys_in(["a", "b"]), keys_of(["a", "b"]))


def test_lines_with_gaps() -> None:
    numbers, lines = [2, 3, 4, 7, 8, 20], Lines()
    for number in numbers:
        lines.append(number)
    assert list(lines) == numbers
    assert lines[2:5] == numbers[2:5]
    assert lines[-1] == 20
    with pytest.raises(IndexError):
        lines[6]
