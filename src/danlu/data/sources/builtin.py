"""Data that come with Danlu, or are fetched by name: ``builtin:fashion``, ``builtin:fashion-full``, ``builtin:digits``."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from danlu.data.columns import Coded
from danlu.data.places import cache_folder, installed
from danlu.data.progress import Progress
from danlu.data.sources import idx
from danlu.data.sources._wanted import no_extra, only
from danlu.data.table import Part, Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

PREFIX = "builtin:"
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
ASSETS = Path(__file__).parent.parent / "assets"

# As published in the README of zalandoresearch/fashion-mnist.
_FULL = {
    "train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
}
_URLS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)


def recognises(path: Path) -> bool:
    return str(path).startswith(PREFIX)


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """Images with a category each; Fashion-MNIST with its own train and test parts."""
    name = str(path).removeprefix(PREFIX)
    if name not in _SETS:
        near = get_close_matches(name, _SETS, n=1)
        remedy = say("data.builtin.nearest", name=PREFIX + near[0]) if near else ""
        names_ = ", ".join(PREFIX + key for key in _SETS)
        raise DataError.of("data.source", say("data.builtin.unknown", name=path, names=names_), remedy)
    kinds = only(path, wanted, ("image", "category"), str(path))
    no_extra(path, data, str(path))
    images, codes, classes, given, ids, digest = _SETS[name](progress)
    columns: dict[str, Sequence[Any]] = {
        "image": images,  # type: ignore[dict-item]
        "category": Coded(codes, classes),
    }
    return Table(
        columns={column: columns[kind] for kind, column in kinds.items()},
        ids=ids,
        origins=[f"{path}, {each}" for each in ids],
        fingerprint=f"{path} {digest}",
        given=given,
        classes={kinds["category"]: classes} if "category" in kinds else {},
    )


_Set = tuple[np.ndarray, np.ndarray, tuple[str, ...], list[Part | None] | None, list[str], str]


def _fashion(progress: Progress | None) -> _Set:
    """12,000 images: the first 1,000 of each class of Fashion-MNIST's train part, the first 200 of each of its test part."""
    file = ASSETS / "fashion.npz"
    with np.load(file, allow_pickle=False) as archive:
        images, labels, rows = archive["images"], archive["labels"], archive["rows"]
    parts: list[Part | None] = [*["train"] * 10_000, *["test"] * 2_000]  # type: ignore[list-item]
    ids = [f"{part}/{row:05d}" for part, row in zip(parts, rows.tolist(), strict=True)]
    with zipfile.ZipFile(file) as archive_:
        digest = "-".join(f"{entry.CRC:08x}" for entry in archive_.infolist())
    return images, labels, FASHION, parts, ids, digest


def _fashion_full(progress: Progress | None) -> _Set:
    """Fashion-MNIST whole: 60,000 + 10,000. Where it is installed, else downloaded once."""
    folder = _folder_of_full(progress)
    images, labels = (
        np.concatenate([idx.array(folder / _name(folder, f"{part}-{what}-ubyte.gz")) for part in ("train", "t10k")])
        for what in ("images-idx3", "labels-idx1")
    )
    if images.shape != (70_000, 28, 28) or labels.shape != (70_000,):
        raise DataError.of(
            str(folder), say("data.builtin.not-fashion"), say("data.builtin.not-fashion.remedy", folder=folder)
        )
    counts: tuple[tuple[Part, int], ...] = (("train", 60_000), ("test", 10_000))
    parts: list[Part | None] = [part for part, count in counts for _ in range(count)]
    ids = [f"{part}/{row:05d}" for part, count in counts for row in range(count)]
    return images, labels, FASHION, parts, ids, f"{crc32(images.tobytes()):08x}{crc32(labels.tobytes()):08x}"


def _name(folder: Path, name: str) -> str:
    plain = name.removesuffix(".gz")
    return name if (folder / name).exists() else plain


def _folder_of_full(progress: Progress | None) -> Path:
    for folder in installed("fashion-mnist"):
        if all((folder / _name(folder, name)).exists() for name in _FULL):
            return folder
    from danlu.data.sources._download import fetch

    folder = cache_folder() / "datasets" / "fashion-mnist"
    for name, checksum in _FULL.items():
        fetch([url + name for url in _URLS], folder / name, checksum, progress)
    return folder


def _digits(progress: Progress | None) -> _Set:
    """1,797 images of 8×8 from scikit-learn (BSD-3; UCI Optical Recognition of Handwritten Digits, 17 grey levels)."""
    found = find_spec("sklearn")
    folder = Path(found.origin).parent if found is not None and found.origin else None
    file = folder / "datasets" / "data" / "digits.csv.gz" if folder else None
    if file is None or not file.exists():
        raise DataError.of(f"{PREFIX}digits", say("data.builtin.no-sklearn"), say("data.builtin.no-sklearn.remedy"))
    with gzip.open(file, "rt") as text:
        table = np.loadtxt(text, delimiter=",", dtype=np.uint8)
    levels = table[:, :64].reshape(-1, 8, 8).astype(np.uint16)
    images = ((levels * 255 + 8) // 16).astype(np.uint8)  # 0–16 → 0–255, rounded
    ids = [f"{row:04d}" for row in range(len(table))]
    classes = tuple(str(digit) for digit in range(10))
    return images, table[:, 64], classes, None, ids, f"{crc32(table.tobytes()):08x}"


_SETS: dict[str, Callable[[Progress | None], _Set]] = {
    "fashion": _fashion,
    "fashion-full": _fashion_full,
    "digits": _digits,
}


def names() -> tuple[str, ...]:
    """What may follow ``builtin:``."""
    return tuple(_SETS)
