"""What holds for every cache: any values come back, no damage is served, and its key is that of the content. Drawn by hypothesis."""

from __future__ import annotations

import os
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from danlu.data import cache
from danlu.data.cache import columns, files, proof
from danlu.data.cache.key import key_of
from danlu.data.kinds.base import BadValue, Framing, Kind, MissingValue, Prepared, Storage
from danlu.data.kinds.boxes import Boxes
from danlu.data.kinds.category import Category
from danlu.data.kinds.image import Image
from danlu.data.kinds.number import Number
from danlu.errors import DataError
from tests.data.cached_tables import CLASSES, image_kinds, labels, pictures, png, table
from tests.data.made import IMAGES, folder, image
from tests.data.made import table as read


@dataclass(frozen=True)
class Anything(Kind):
    """Arrays as they are, in any layout; None is missing, a text bad. Encoded: their bytes."""

    layout: str
    dtype: str
    shape: tuple[int, ...]

    name: ClassVar[str] = "anything"

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Anything:
        return cls("fixed", "int64", ())

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        if raw is None:
            raise MissingValue("nothing")
        if isinstance(raw, str):
            raise BadValue(raw or "empty")
        if self.layout == "encoded":
            return Prepared(np.frombuffer(raw.tobytes(), np.uint8))
        return Prepared(raw)

    def decode(self, encoded: bytes) -> np.ndarray:
        return np.frombuffer(encoded, self.dtype)

    def storage(self) -> Storage:
        return Storage(self.layout, self.dtype, self.shape)

    def spec(self) -> dict[str, Any]:
        return asdict(self)

    def collate(self, values: Any) -> Any:
        return values


DTYPES = ("bool", "int8", "uint8", "<i4", ">i2", "int64", "<f2", "float32", "float64", "complex64")


@st.composite
def filled(draw: st.DrawFn) -> tuple[Anything, list[Any]]:
    """A kind, and raw values: arrays of any bits (NaN with payloads too), gaps and bad ones."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    layout = draw(st.sampled_from(["fixed", "ragged", "encoded"]))
    most = draw(st.lists(st.integers(0, 4), max_size=3))
    seed = np.random.default_rng(draw(st.integers(0, 999)))
    raws: list[Any] = []
    for _ in range(draw(st.integers(0, 12))):
        shape = most if layout == "fixed" else [int(seed.integers(0, size + 1)) for size in most]
        count = int(np.prod(shape, dtype=np.int64))
        value = np.frombuffer(seed.bytes(count * dtype.itemsize), dtype)
        value = seed.integers(0, 2, count).astype(bool) if dtype.kind == "b" else value
        chosen = draw(st.integers(0, 9))
        raws.append(None if chosen == 0 else draw(st.text(max_size=4)) if chosen == 1 else value.reshape(shape))
    shape_ = tuple(most) if layout == "fixed" else (-1,) * len(most)
    return Anything(layout, dtype.str, shape_), raws


@contextmanager
def somewhere() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def bits(value: np.ndarray, kind: Anything) -> tuple[Any, ...]:
    """Layouts of an array may differ (byte order), its values not."""
    little = value.astype(value.dtype.newbyteorder("<"))
    return (value.size,) if kind.layout == "encoded" else value.shape, little.tobytes()


@settings(max_examples=25)
@given(filled(), st.integers(1, 3), st.booleans(), st.integers(0, 99))
@example((Anything("fixed", "|b1", ()), [np.asarray(True), np.asarray(False)]), 1, False, 0)
@example((Anything("ragged", "<f8", ()), [np.asarray(1.5), np.asarray(np.nan)]), 1, True, 0)
@example((Anything("fixed", "<i8", (0, 3)), [np.zeros((0, 3), np.int64)] * 2), 1, True, 0)
def test_any_values_come_back(made: tuple[Anything, list[Any]], workers: int, mapped: bool, seed: int) -> None:
    kind, raws = made
    good = [row for row, raw in enumerate(raws) if isinstance(raw, np.ndarray)]
    with somewhere() as path, pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "_IN_MEMORY", 0 if mapped else 4 << 20)
        for _ in range(2):  # filled, then opened
            store = cache.fill(table({"a": raws}), {"a": kind}, path, workers=workers)
            assert store.rows.tolist() == good
            assert {bad.row: bad.missing for bad in store.bad} == {
                row: raw is None for row, raw in enumerate(raws) if row not in good
            }
            rows = np.random.default_rng(seed).integers(0, max(1, len(good)), 9 if good else 0)
            found = store.gather("a", rows)
            assert len(found) == len(rows)
            for row, value in zip(rows, found, strict=True):
                assert bits(value, kind) == bits(raws[good[row]], kind)
        expected: dict[bytes, set[int]] = {}
        for place, row in enumerate(good):
            raw = raws[row]
            expected.setdefault(
                repr((raw.shape, raw.tobytes()) if kind.layout != "encoded" else raw.tobytes()).encode(), set()
            ).add(int(store.hashes[place]))
        assert all(len(hashes) == 1 for hashes in expected.values())
        assert len(set(store.hashes.tolist())) == len(expected)


# ---- damage ------------------------------------------------------------------------------------------------------------

RAWS = {
    "image": np.stack(pictures(40, ((9, 7),))),
    "packed": [png(each) for each in pictures(40, ((9, 7),))],
    "boxes": [[{"box": [1, 1, 3, 4], "label": "ant"}] * (row % 3) for row in range(40)],
    "label": labels(40),
    "number": np.linspace(-1, 1, 40),
}
KINDS: dict[str, Kind] = {
    "image": Image(9, 7, 3),
    "packed": Image(9, 7, 3, stored="encoded"),
    "boxes": Boxes(CLASSES),
    "label": Category(CLASSES),
    "number": Number(),
}


def everything(store: cache.Cache) -> bytes:
    values = store.gather_all(KINDS, np.arange(40))
    return b"".join(np.ascontiguousarray(each).tobytes() for column in values.values() for each in column)


@pytest.mark.parametrize("large", [False, True])
def test_no_damage_is_ever_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
    """A byte changed, or the file cut, anywhere: noticed when the cache is opened, or else before the first use of the value.

    large: as if files were too large to be proven when they are opened.
    """
    if large:
        monkeypatch.setattr(files, "_WHOLE", 100)
        for module in (files, proof):
            monkeypatch.setattr(module, "PIECE", 128)
    monkeypatch.setattr(columns, "_IN_MEMORY", 0)
    data = table(RAWS)
    store = cache.fill(data, KINDS, tmp_path)
    place, expected = store.folder, everything(store)
    draw, served, noticed, later = np.random.default_rng(3), 0, 0, 0
    names = sorted(path.name for path in place.iterdir())
    whole = {name: (place / name).read_bytes() for name in names}
    for turn in range(200):
        name = names[turn % len(names)]
        path, content = place / name, bytearray(whole[name])
        at = int(draw.integers(len(content)))
        if turn % 3:
            content[at] ^= int(draw.integers(1, 256))
        else:
            del content[at:]
        path.write_bytes(content)
        try:
            opened = cache.Cache(place, KINDS)
        except files.DamagedError as error:
            assert name in str(error)  # noqa: PT017 - it may be found later
            noticed += 1
        else:
            try:
                assert everything(opened) == expected  # a blank in JSON
                served += 1
            except DataError as error:
                assert name in str(error)  # noqa: PT017
                assert not (place / files.META).exists()
                (place / files.META).write_bytes(whole[files.META])
                later += 1
        path.write_bytes(whole[name])
    assert served <= 8
    assert noticed > (40 if large else 150)
    assert (later > 20) == large
    assert everything(cache.Cache(place, KINDS)) == expected


def test_what_is_damaged_is_filled_again_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_WHOLE", 100)
    for module in (files, proof):
        monkeypatch.setattr(module, "PIECE", 128)
    store = cache.fill(table(RAWS), KINDS, tmp_path)
    path = store.folder / "0-image.values.bin"
    content = bytearray(path.read_bytes())
    content[20 * 9 * 7 * 3] ^= 1
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = cache.fill(table(RAWS), KINDS, tmp_path)
    assert np.array_equal(opened.gather("image", np.arange(10)), RAWS["image"][:10])  # what is sound can be used
    for _ in range(2):
        with pytest.raises(DataError, match=r"damaged.*Start again or resume"):
            opened.gather("image", np.asarray([3, 20]))
    with pytest.warns(UserWarning, match="filled again"):
        mended = cache.fill(table(RAWS), KINDS, tmp_path)
    assert np.array_equal(mended.gather("image", np.arange(40)), RAWS["image"])


@settings(max_examples=30)
@given(st.lists(st.integers(0, 50), max_size=12), st.integers(0, 99))
def test_checksums_of_pieces_do_not_hang_on_the_blocks_written(blocks: list[int], seed: int) -> None:
    content = np.random.default_rng(seed).integers(0, 256, sum(blocks)).astype(np.uint8)
    with somewhere() as path, pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "PIECE", 16)
        whole, parts = files.GrowingArray(path, "whole", np.uint8), files.GrowingArray(path, "parts", np.uint8)
        whole._room = parts._room = 16
        whole.append(content)
        for block in np.split(content, np.cumsum(blocks)[:-1] if blocks else []):
            parts.append(block)
        one, other = whole.finish(), parts.finish()
        assert (one.crc32, one.bytes, one.shape) == (other.crc32, other.bytes, other.shape)
        assert len(one.crc32) == -(-len(content) // 16)
        other.check(path, whole=True)


# ---- keys ----------------------------------------------------------------------------------------------------------------


def key(root: Path, kinds: Mapping[str, Kind] | None = None) -> str:
    return key_of(read(root), image_kinds() if kinds is None else kinds, ("image",), True)


def changed(root: Path, what: str) -> None:
    victim = root / "a" / "1.png"
    status = victim.stat()
    if what == "pixels":
        image(victim, 77)
    elif what == "bytes of one size, and the time set back":
        content = bytearray(victim.read_bytes())
        content[-20] ^= 1
        victim.write_bytes(content)
        os.utime(victim, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif what == "time":
        os.utime(victim, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    elif what == "name":
        victim.rename(root / "a" / "one.png")
    elif what == "class":
        victim.rename(root / "b" / "one.png")
    elif what == "one more":
        image(root / "a" / "9.png", 9)
    elif what == "one less":
        victim.unlink()


@pytest.mark.parametrize(
    "what", ["pixels", "bytes of one size, and the time set back", "time", "name", "class", "one more", "one less"]
)
def test_the_key_changes_with_the_content(tmp_path: Path, what: str) -> None:
    root = folder(tmp_path / "photos", {"a": 3, "b": 3})
    before = key(root)
    assert key(root) == before
    changed(root, what)
    assert key(root) != before


def test_the_key_does_not_change_with_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(tmp_path / "photos", {"a": 3, "b": 3})
    before = key(root)
    (root / "notes.txt").write_text("not an image")
    assert key(root) == before
    moved = root.rename(tmp_path / "moved")
    assert key(moved) == before
    monkeypatch.chdir(moved)
    assert key(Path()) == before
    (tmp_path / "link").symlink_to(moved)
    assert key(tmp_path / "link") == before


def test_the_key_changes_with_the_preparation(tmp_path: Path) -> None:
    root = folder(tmp_path / "photos", {"a": 3, "b": 3})
    found = read(root)
    base = {"image": Image(12, 10, 3), "label": Category(("a", "b"))}
    others: list[dict[str, Kind]] = [
        {**base, "image": Image(12, 12, 3)},
        {**base, "image": Image(12, 10, 1)},
        {**base, "image": Image(12, 10, 3, resize="pad")},
        {**base, "image": Image(12, 10, 3, stored="encoded")},
        {**base, "image": Image(None, None, 3, longest=9)},
        {**base, "label": Category(("b", "a"))},
        {**base, "label": Category(("a", "b", "c"))},
        {"image": base["image"]},
    ]
    keys = [key_of(found, kinds, ("image",), True) for kinds in (base, *others)]
    keys += [key_of(found, base, ("image", "label"), True), key_of(found, base, ("image",), False)]
    keys += [key_of(found.take(rows), base, ("image",), True) for rows in (np.asarray([0, 1]), np.asarray([1, 0]))]
    assert len(set(keys)) == len(keys)
    assert key_of(found, dict(base), ("image",), True) == keys[0]


def test_the_key_sees_which_column_is_the_label(tmp_path: Path) -> None:
    folder(tmp_path, {"": 3})
    (tmp_path / "a.csv").write_text("image,one,two\n0.png,a,b\n1.png,b,a\n2.png,a,b\n")
    keys = {
        key_of(read(tmp_path / "a.csv", IMAGES, columns={"label": name}), image_kinds(), ("image",), True)
        for name in ("one", "two")
    }
    assert len(keys) == 2


# ---- at once -----------------------------------------------------------------------------------------------------------------


def test_threads_that_ask_at_once_all_get_the_whole(tmp_path: Path) -> None:
    """Processes: tests/data/test_cache_processes.py."""
    asked, prepared = threading.Barrier(6), []

    class Counted(Anything):
        def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
            prepared.append(raw)
            return Prepared(np.asarray(raw))

    found: list[list[int]] = []

    def ask() -> None:
        asked.wait()
        store = cache.fill(table({"a": list(range(50))}), {"a": Counted("fixed", "<i8", ())}, tmp_path, workers=1)
        found.append(store.gather("a", np.arange(50)).tolist())  # type: ignore[union-attr]

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [list(range(50))] * 6
    assert sorted(prepared) == list(range(50))  # by one of them
    assert len([path for path in tmp_path.iterdir() if path.name != ".locks"]) == 1
