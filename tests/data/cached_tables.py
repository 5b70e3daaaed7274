"""Small tables, kinds and datasets for the tests of cache, stream and batches."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image as Pillow

from danlu.data.kinds.base import BadValue, Framing, Kind, MissingValue, Prepared, Storage
from danlu.data.kinds.category import Category
from danlu.data.kinds.image import Image
from danlu.data.table import Table
from danlu.randomness import keys_of

if TYPE_CHECKING:  # the tests of several processes start them often, without torch
    from danlu.data.batches.batch import Batch
    from danlu.data.dataset import Dataset, Store

CLASSES = ("ant", "bee", "cat")


def table(columns: Mapping[str, Sequence[Any]], fingerprint: str = "fingerprint") -> Table:
    count = len(next(iter(columns.values())))
    return Table(columns, [f"id{i}" for i in range(count)], [f"file.csv, row {i}" for i in range(count)], fingerprint)


def pictures(count: int, sizes: Sequence[tuple[int, int]] = ((12, 10),), seed: int = 0) -> list[np.ndarray]:
    """uint8 (H, W, 3) each."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (*sizes[i % len(sizes)], 3), dtype=np.uint8) for i in range(count)]


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Pillow.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def labels(count: int) -> list[str]:
    return [CLASSES[i * 7 % 3] for i in range(count)]


def png_table(count: int) -> Table:
    return table({"image": [png(each) for each in pictures(count)], "label": labels(count)})


def image_kinds(stored: Any = "decoded") -> dict[str, Kind]:
    return {"image": Image(12, 10, 3, stored=stored), "label": Category(CLASSES)}


def dataset(store: Store, kinds: Mapping[str, Kind], count: int) -> Dataset:
    from danlu.data.dataset import Dataset

    ids = [f"id{i}" for i in range(count)]
    parts = {"train": np.arange(count - count // 4), "val": np.arange(count - count // 4, count)}
    return Dataset(store, kinds, ("image",), ("label",), ids, ids, keys_of(ids), parts, {}, {})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Numbers(Kind):
    """Rows of int64 of any length (ragged), or of ``length`` (fixed). Raw: a list; None is missing, a text bad, a sign mended."""

    length: int | None = None
    shift: int = 0

    name: ClassVar[str] = "numbers"

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Numbers:
        return cls()

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        if raw is None:
            raise MissingValue("nothing there")
        if isinstance(raw, str):
            raise BadValue(f"{raw!r} is no list")
        value = np.asarray(raw, np.int64) + self.shift
        return Prepared(np.abs(value), ("sign removed",) if (value < 0).any() else ())

    def storage(self) -> Storage:
        return Storage("ragged", "int64", (-1,)) if self.length is None else Storage("fixed", "int64", (self.length,))

    def spec(self) -> dict[str, Any]:
        return asdict(self)

    def collate(self, values: Any) -> Any:
        import torch

        from danlu.data.batches.batch import Ragged

        offsets = np.cumsum([0, *map(len, values)])
        return Ragged(torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *values])), torch.from_numpy(offsets))


def same(one: Batch, other: Batch) -> bool:
    """Whether two batches are equal bit for bit."""
    import torch

    pairs = list(zip(one.tensors(), other.tensors(), strict=True))
    return (
        all(a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b) for a, b in pairs)
        and np.array_equal(one.rows, other.rows)
        and np.array_equal(one.keys, other.keys)
        and one.partners == other.partners
    )
