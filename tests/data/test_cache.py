"""What goes into a cache comes out of it, with what was found on the way."""

from __future__ import annotations

import contextvars
import errno
import os
import pickle
import tracemalloc
import warnings
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from danlu.data import cache
from danlu.data.cache import columns
from danlu.data.cache.rows import content_hashes
from danlu.data.columns import Coded
from danlu.data.kinds.base import BadValue, Framing, Prepared, prepare_row
from danlu.data.kinds.boxes import Boxes
from danlu.data.kinds.category import Category
from danlu.data.kinds.image import Image
from danlu.errors import DataError
from danlu.messages import set_language
from tests.data.cached_tables import CLASSES, Numbers, image_kinds, labels, pictures, png, png_table, table


class OneByOne(Image):
    """An image kind that can't prepare blocks."""

    def prepare_many(self, raws: Sequence[Any]) -> np.ndarray | None:
        return None


class Unreadable(Numbers):
    """A kind that can't prepare at all: whatever is gathered must come from the cache."""

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        raise RuntimeError("prepared again")


def test_fixed_columns_round_trip(tmp_path: Path) -> None:
    images = pictures(20)
    kinds = image_kinds()
    store = cache.fill(table({"image": images, "label": labels(20)}), kinds, tmp_path)
    rows = np.asarray([3, 0, 19, 3])
    assert np.array_equal(store.gather("image", rows), np.stack([images[row] for row in rows]))
    assert store.gather("label", rows).tolist() == [CLASSES.index(labels(20)[row]) for row in rows]
    assert store.gather("image", np.empty(0, np.int64)).shape == (0, 12, 10, 3)


def test_ragged_images_and_the_boxes_that_follow_them(tmp_path: Path) -> None:
    images = pictures(9, sizes=((20, 30), (8, 5), (41, 40)))
    raws = [[{"box": [1, 2, 4, 5], "label": "ant"}] * (i % 3) for i in range(9)]
    kinds = {"boxes": Boxes(CLASSES), "image": Image(None, None, 3, longest=16)}
    store = cache.fill(table({"image": images, "boxes": raws}), kinds, tmp_path, workers=2)
    rows = np.asarray([8, 1, 2, 0])
    found = store.gather_all(kinds, rows)
    for place, row in enumerate(rows):
        expected = prepare_row(kinds, {"image": images[row], "boxes": raws[row]})
        for name in kinds:
            assert np.array_equal(found[name][place], expected[name].value)
            assert found[name][place].dtype == expected[name].value.dtype
    assert found["image"][0].shape == (16, 16, 3)
    assert np.allclose(found["boxes"][1][0, :4], [1, 2, 4, 5])  # 8 × 5 isn't resized
    assert np.allclose(found["boxes"][2][0, :4], np.asarray([1, 2, 4, 5]) * (16 / 41), rtol=0.03)


def test_encoded_gives_the_same_pixels(tmp_path: Path) -> None:
    data = png_table(12)
    decoded = cache.fill(data, image_kinds(), tmp_path)
    encoded = cache.fill(data, image_kinds("encoded"), tmp_path)
    rows = np.asarray([5, 5, 11, 0, 7])
    assert np.array_equal(decoded.gather("image", rows), np.stack(encoded.gather("image", rows)))
    assert decoded.instant
    assert not encoded.instant


def test_blocks_and_single_rows_give_the_same_cache(tmp_path: Path) -> None:
    images = np.stack(pictures(50))
    data = table({"image": images, "label": labels(50)})
    fast = cache.fill(data, image_kinds(), tmp_path)
    slow = cache.fill(data, {**image_kinds(), "image": OneByOne(12, 10, 3)}, tmp_path)
    rows = np.arange(50)
    assert fast.folder != slow.folder
    assert np.array_equal(fast.gather("image", rows), slow.gather("image", rows))
    assert np.array_equal(fast.hashes, slow.hashes)


@pytest.mark.parametrize("workers", [2, 5])
def test_threads_change_no_byte(tmp_path: Path, workers: int) -> None:
    raws: list[Any] = [[i] * (i % 7) for i in range(300)]
    raws[40], raws[170] = "bad", [-1]
    for folder, threads in (("one", 1), ("many", workers)):
        cache.fill(table({"a": raws}), {"a": Numbers()}, tmp_path / folder, workers=threads)
    one, many = (
        {path.name: path.read_bytes() for path in sorted((tmp_path / name).rglob("*")) if path.is_file()}
        for name in ("one", "many")
    )
    assert one == many
    assert len(one) > 5


def test_bad_rows_are_set_aside_and_everything_else_is_kept(tmp_path: Path) -> None:
    raws: list[Any] = [[1], "x", [2, 3], None, [-4], [], [-5]]
    data = table({"a": raws, "label": ["ant", "ant", "eel", "bee", "cat", "ant", "bee"]})
    kinds = {"a": Numbers(), "label": Category(CLASSES)}
    for attempt in range(2):  # filled, then opened
        store = cache.fill(data, kinds, tmp_path)
        assert store.rows.tolist() == [0, 4, 5, 6]
        assert [list(v) for v in store.gather("a", np.arange(4))] == [[1], [4], [], [5]]
        assert store.gather("label", np.arange(4)).tolist() == [0, 2, 0, 1]
        assert [(bad.row, bad.origin, bad.column, bad.missing) for bad in store.bad] == [
            (1, "file.csv, row 1", "a", False),
            (2, "file.csv, row 2", "label", False),
            (3, "file.csv, row 3", "a", True),
        ], attempt
        assert store.bad[0].reason == "'x' is no list"
        assert store.notes == (cache.Note("a", "sign removed", 2, ("file.csv, row 4", "file.csv, row 6")),)


def test_content_hashes_find_exact_duplicates_of_inputs(tmp_path: Path) -> None:
    images = [np.zeros((2, 8, 3), np.uint8), np.zeros((4, 4, 3), np.uint8), np.zeros((2, 8, 3), np.uint8), *pictures(2)]
    kinds = {"image": Image(None, None, 3), "label": Category(CLASSES)}
    data = table({"image": images, "label": ["ant", "bee", "cat", "ant", "ant"]})
    store = cache.fill(data, kinds, tmp_path, inputs=["image"])
    assert store.hashes.dtype == np.uint64
    assert store.hashes[0] == store.hashes[2]  # although their labels differ
    assert len(np.unique(store.hashes)) == 4  # equal bytes in another shape are another image
    assert len(np.unique(cache.fill(data, kinds, tmp_path).hashes)) == 5  # over all columns


def test_a_hit_prepares_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = table({"a": [[1], [2, 3]]})
    cache.fill(data, {"a": Numbers()}, tmp_path)
    monkeypatch.setattr(Numbers, "prepare", Unreadable.prepare)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = cache.fill(data, {"a": Numbers()}, tmp_path)
    assert [list(v) for v in store.gather("a", np.asarray([1, 0]))] == [[2, 3], [1]]


def test_the_key_is_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def key(columns: Any, kinds: Any, fingerprint: str = "one", **options: Any) -> str:
        return cache.fill(table(columns, fingerprint), kinds, tmp_path, **options).folder.name

    base: Any = {"a": [[1], [2]], "label": Coded.of(["ant", "bee"])}
    kinds: Any = {"a": Numbers(), "label": Category(CLASSES)}
    keys = [
        key(base, kinds),
        key(base, kinds, fingerprint="two"),
        key(base, {**kinds, "a": Numbers(shift=1)}),
        key({**base, "label": Coded.of(["bee", "bee"])}, kinds),  # another column of the same file taken as the label
        key({**base, "label": ["bee", "cat"]}, kinds),
        key({**base, "label": np.asarray(["cat", "cat"])}, kinds),
        key(base, kinds, inputs=["a"]),
    ]
    monkeypatch.setattr(Numbers, "version", 2)
    keys.append(key(base, kinds))
    assert len(set(keys)) == len(keys)


def test_gathered_values_belong_to_the_caller(tmp_path: Path) -> None:
    images = np.stack(pictures(4))
    kinds = {**image_kinds(), "a": Numbers()}
    store = cache.fill(table({"image": images, "label": labels(4), "a": [[1, 2]] * 4}), kinds, tmp_path)
    rows = np.arange(4)
    for name in kinds:
        values = store.gather(name, rows)
        for value in values if isinstance(values, list) else [values]:
            value[...] = 99
    assert np.array_equal(store.gather("image", rows), images)
    assert store.gather("a", rows)[3].tolist() == [1, 2]


def test_large_arrays_are_mapped_and_another_process_maps_them_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_IN_MEMORY", 100)
    data = table({"image": np.stack(pictures(200)), "label": labels(200)})
    store = cache.fill(data, image_kinds(), tmp_path)
    sent = pickle.dumps(store)
    assert len(sent) < 2000  # 72 kB of pixels stay where they are
    rows = np.asarray([199, 4])
    assert np.array_equal(pickle.loads(sent).gather("image", rows), store.gather("image", rows))  # noqa: S301


def test_memory_stays_bounded_while_filling(tmp_path: Path) -> None:
    class Large(Sequence[list[int]]):
        def __len__(self) -> int:
            return 150

        def __getitem__(self, row: Any) -> Any:
            return np.full(131072, row)  # 1 MiB

    tracemalloc.start()
    try:
        store = cache.fill(table({"a": Large()}), {"a": Numbers()}, tmp_path, workers=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20  # of 150 MiB; 48 would do
    assert int(store.gather("a", np.asarray([149]))[0].sum()) == 149 * 131072


def test_reasons_are_in_the_reader_s_language_in_every_thread(tmp_path: Path) -> None:
    def filled() -> str:
        set_language("zh")
        data = table({"label": ["eel"] * 200})
        return cache.fill(data, {"label": Category(CLASSES)}, tmp_path, workers=2).bad[-1].reason

    assert any("\u4e00" <= letter <= "\u9fff" for letter in contextvars.copy_context().run(filled))


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    cache.fill(png_table(30), image_kinds(), tmp_path, lambda *step: told.append(step), workers=2)
    assert told[-1][1:] == (30, 30)
    assert [step[1] for step in told] == sorted(step[1] for step in told)


def test_nothing_but_arrays_and_json_lies_in_the_folder(tmp_path: Path) -> None:
    store = cache.fill(png_table(5), image_kinds("encoded"), tmp_path)
    assert {path.suffix for path in store.folder.iterdir()} == {".bin", ".json"}
    assert {path.name for path in tmp_path.iterdir()} == {store.folder.name, ".locks"}


def test_no_rows_and_only_bad_rows(tmp_path: Path) -> None:
    empty = cache.fill(table({"a": []}), {"a": Numbers()}, tmp_path)
    bad = cache.fill(table({"a": ["x"] * 3}), {"a": Numbers(length=2)}, tmp_path)
    assert len(empty) == len(bad) == 0
    assert len(bad.bad) == 3
    assert bad.gather("a", np.empty(0, np.int64)).shape == (0, 2)


def test_a_defect_names_the_row_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError) as caught:
        cache.fill(table({"a": [[1], {1: 2}]}), {"a": Numbers()}, tmp_path)
    assert "file.csv, row 1" in "".join(caught.value.__notes__)
    assert {path.name for path in tmp_path.iterdir()} == {".locks"}


def test_a_kind_that_breaks_its_storage_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="its storage is"):
        cache.fill(table({"a": [[1, 2, 3]]}), {"a": Numbers(length=2)}, tmp_path)


@pytest.mark.parametrize(("code", "word"), [(errno.ENOSPC, "full"), (errno.EROFS, "can't be written here")])
def test_a_disk_that_fails_is_said_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, word: str
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DataError) as caught:
        cache.fill(png_table(5), image_kinds(), tmp_path)
    (problem,) = caught.value.problems
    assert word in problem.what
    assert problem.where == str(tmp_path / problem.where.split("/")[-1])
    assert "data.cache" in problem.remedy
    assert {path.name for path in tmp_path.iterdir()} == {".locks"}


def test_a_cache_that_does_not_fit_is_refused_before_the_work(tmp_path: Path) -> None:
    class Many(Sequence[list[int]]):
        def __len__(self) -> int:
            return 10**9

        def __getitem__(self, row: Any) -> Any:
            if row % 1000 == 1:
                raise BadValue("read")
            return [0]

    data = cache.fill.__globals__["Table"]({"a": Many()}, Many(), Many(), "f")
    with pytest.raises(DataError, match="GiB"):
        cache.fill(data, {"a": Numbers(length=10**6)}, tmp_path)


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError) as caught:
        cache.fill(png_table(2), image_kinds(), tmp_path / "file" / "cache")
    assert str(tmp_path / "file") in caught.value.problems[0].where


def test_a_row_that_can_be_read_by_now_is_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "0.png"
    path.write_bytes(b"no image")
    data = table({"image": [path], "label": ["ant"]})
    assert len(cache.fill(data, image_kinds(), tmp_path / "cache").bad) == 1
    path.write_bytes(png(pictures(1)[0]))  # the table's fingerprint has not changed, as with rights or a mount
    with pytest.warns(UserWarning, match="can be read now"):
        assert len(cache.fill(data, image_kinds(), tmp_path / "cache").bad) == 0


def test_hashes_are_of_values_with_their_dtypes_and_shapes() -> None:
    """Runs remember them (the data's fingerprint): whatever computes them must give the same for ever."""
    draw = np.random.default_rng(0)
    both = [draw.normal(size=5).astype(np.float32), draw.integers(0, 9, (5, 2, 3)).astype(np.uint8)]
    for some in (both, both[1:], [both[0], list(both[1])]):
        expected = []
        for row in range(5):
            digest = blake2b(digest_size=8)
            for column in some:
                digest.update(f"{column[row].dtype.str}{column[row].shape}".encode() + column[row].tobytes())
            expected.append(int.from_bytes(digest.digest(), "little"))
        assert content_hashes(some, 5).tolist() == expected
    assert content_hashes(both, 5)[0] == 0x6526E9C41CCB83C9  # as version 0.1 had it
