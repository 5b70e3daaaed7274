"""What a column can hold. A kind owns its preparation, storage, collation, transforms and drawing.

No torch at import: ``prepare`` and ``describe`` must work in a service that has none (rule 7).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from danlu.data.augment.geometry import Geometry
    from danlu.data.batches.batch import Value
    from danlu.data.progress import Progress
    from danlu.data.table import Table
    from danlu.data.text.likeness import Likeness


@dataclass(frozen=True)
class Storage:
    """How a column lies in the cache.

    layout: "fixed" = one array (N, *shape); "ragged" = values plus offsets, each value an array of its own shape (which is
    stored too); "encoded" = bytes plus offsets (``prepare`` gives them as uint8 (n,)), decoded when gathered.
    dtype and shape describe one (decoded) value; a ragged shape has -1 where sizes differ.
    """

    layout: str
    dtype: str
    shape: tuple[int, ...]


class BadValue(Exception):  # noqa: N818 - it is a value that is bad, caught for every row
    """A raw value that can't be used; the message says why, in the reader's language. The row is set aside and listed.

    column: which one it stands in, as :func:`prepare_row` says.
    """

    column: str = ""


class MissingValue(BadValue):
    """There is no value at all (an empty cell, null, NaN): not a defect of a file, and counted apart in the card."""


@dataclass(frozen=True)
class Framing:
    """How positions in a raw image became positions in the prepared one, in continuous pixel coordinates (0-based).

    raw, size: (height, width) before (upright, after EXIF orientation) and after. A raw (x, y) lies at
    (x·scale[0] + shift[0], y·scale[1] + shift[1]) of the prepared image; outside ``size`` it was cropped away.
    orientation: EXIF orientation (1–8) that was undone: the file's own pixels are raw's turned back by it.
    """

    raw: tuple[int, int]
    size: tuple[int, int]
    scale: tuple[float, float] = (1.0, 1.0)
    shift: tuple[float, float] = (0.0, 0.0)
    orientation: int = 1


@dataclass(frozen=True)
class Prepared:
    """A value as it is cached. notes: what had to be mended ("EXIF rotation applied", "16 bit reduced to 8"), for the card.

    The same mending gives the same words (no sizes or names in them), so that notes can be counted.
    framing: how an image was resized, for the columns that follow it; None for values without geometry.
    """

    value: np.ndarray
    notes: tuple[str, ...] = ()
    framing: Framing | None = None


class Kind(ABC):
    """One column's meaning. Instances are small, immutable and JSON-able by :meth:`spec`, so that an artifact can carry them."""

    name: ClassVar[str]
    follows: ClassVar[str | None] = None  # kind whose framing this one's positions must follow (boxes follow the image)
    version: ClassVar[int] = 1  # raised when ``prepare`` gives other values for the same spec: part of the cache's key
    learns: ClassVar[bool] = (
        False  # fitted on training rows alone: what it learns (a vocabulary) would tell of the others
    )
    spans: ClassVar[str] = (
        "one"  # columns of a file: "one", "several" where named, or the "rest" that no other column takes
    )
    beside: ClassVar[
        tuple[str, ...]
    ] = ()  # of a kind that spans several: what a second column is called, taken where it is there
    asked: ClassVar[str] = (
        "row"  # what a person gives to be answered: a "file", a "text", a "name", or a "row" of a table
    )
    section: ClassVar[str] = ""  # of the recipe's ``data``, which holds its options; "": the one of its own name
    varies: ClassVar[tuple[int, ...] | None] = (
        None  # dimensions of a stacked value, behind the batch, that differ from batch to batch; None: found by trying
    )
    sequence: ClassVar[bool] = False  # values are (T, …) of many lengths, which batches of similar length waste less on

    by_sample: ClassVar[bool] = (
        False  # a batch is a tensor of the stored values, each as in any other batch: a column may be collated once for all
    )

    def __init_subclass__(cls, **options: Any) -> None:
        """Who collates anew says anew whether that is by sample."""
        super().__init_subclass__(**options)
        if "collate" in vars(cls) and "by_sample" not in vars(cls):
            cls.by_sample = False

    # ---- before the cache: Python for each sample, no torch -------------------------------------------------
    @classmethod
    @abstractmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Kind:
        """The kind with everything it must learn from the raw values (classes of a category, size of images).

        raws: all raw values of the column (lazily read; look at as few as the kind needs).
        """

    @classmethod
    def likeness(cls, raws: Sequence[Any], near: float | None, progress: Progress | None = None) -> Likeness | None:
        """Which raw values are equal, or nearly so (at least ``near``, a share), as this kind sees it; None: by the prepared values.

        Asked where a kind that ``learns`` needs the split before anything is prepared.
        """
        return None

    @classmethod
    def arranged(cls, table: Table, column: str, options: Mapping[str, Any]) -> Table:
        """The table as the kind needs it, where a row's ``column`` depends on other rows (the past of a series). Raises DataError."""
        return table

    @abstractmethod
    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """One raw value → the array that is cached and that a service feeds to the net. Raises :class:`BadValue`.

        framing: for kinds that follow another, how that one was prepared; ignored by all others. A cache, a stream and a service
        call :func:`prepare_row`, which sees to it.
        """

    def prepare_many(self, raws: Sequence[Any]) -> np.ndarray | None:
        """:meth:`prepare` for a block of raw values: (len(raws), *storage().shape), or None to have them prepared singly.

        raws: an ndarray where the source's column is one, else a list of numbers or texts. Only for fixed layouts, and
        only where every value of the block is good and needs no note: anything else is answered with None. Not asked of
        a column that others follow.
        """
        return None

    @abstractmethod
    def storage(self) -> Storage: ...

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """JSON-able constructor arguments: ``type(kind)(**kind.spec())`` is an equal kind. Part of the cache's key."""

    def decode(self, encoded: bytes) -> np.ndarray:
        """For layout "encoded": the bytes cached by ``prepare`` → the decoded value."""
        raise TypeError(f"{self.name} is not stored encoded")

    def stack(self, values: Sequence[np.ndarray]) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Prepared (and decoded) values of B samples → what a net is called with, in numpy: the same as :meth:`collate` gives.

        (B, *shape); or (values padded with zeros to one block, sizes int64 (B, …)) where sizes differ. For inputs of nets only.
        """
        return np.stack(values)

    # ---- after the cache: whole batches of tensors ---------------------------------------------------------
    @abstractmethod
    def collate(self, values: Any) -> Value:
        """What the cache gathered → tensors. fixed: ndarray (B, *shape); ragged and encoded: a list of B ndarrays."""

    def uncollate(self, value: Value) -> list[np.ndarray]:
        """The inverse of :meth:`collate`: one array for each sample, without padding."""
        return list(value.cpu().numpy())  # type: ignore[union-attr]

    def warp(self, value: Value, geometry: Geometry) -> Value:
        """The value after a geometric transform of the batch's images; unchanged for kinds without geometry."""
        return value

    def recolour(self, value: Value, change: Any) -> Value:
        """The value after a change of pixel values (images (B, C, H, W) in 0–255 → the same dtype); images only."""
        return value

    def mix(self, value: Value, partner: Value, share: Tensor) -> Value:
        """``share``·value + (1 - ``share``)·partner with share (B,) in [0, 1], for mixup and cutmix's targets."""
        raise TypeError(f"a {self.name} column can't be mixed")

    can_mix: ClassVar[bool] = False

    def strata(self, values: np.ndarray) -> np.ndarray | None:
        """int64 (N,): what a split is stratified by where the column is the target, -1 for none; None for kinds without classes.

        values: of all rows, (N, *shape).
        """
        return None

    # ---- for people ---------------------------------------------------------------------------------------
    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        """What the data card says about the column (JSON-able); values: prepared ones, in any order, possibly a sample."""
        return {}

    def suspects(self, values: np.ndarray, target: np.ndarray, kind: Kind) -> list[dict[str, Any]]:
        """[{name, score, measure}]: what in this input alone tells the target almost perfectly, and so may know too much.

        values, target: of training rows, as the store gathers them. kind: the target's.
        """
        return []

    def statistics(self, values: Any) -> dict[str, Any]:
        """What the net's normalisation needs, from training rows only (images, numbers: mean, std, min, max).

        values: an iterable of blocks, each what the store gathers: ndarray (B, *shape), or a list of B ndarrays.
        """
        return {}

    def draw(self, value: np.ndarray, canvas: np.ndarray | None = None) -> np.ndarray | str:
        """The value for a person: an image kind returns RGB uint8 (H, W, 3); boxes draw on ``canvas``; others return text."""
        return str(value)


def prepare_row(kinds: Mapping[str, Kind], raws: Mapping[str, Any]) -> dict[str, Prepared]:
    """All columns of one row, those that follow another after it. Raises :class:`BadValue` for the first that can't be used.

    kinds, raws: column → kind, column → raw value; a service passes the input columns alone. The one way by which cache, stream
    and service prepare a row.
    """
    prepared: dict[str, Prepared] = {}
    framings: dict[str, Framing | None] = {}
    for column, kind in sorted(kinds.items(), key=lambda item: item[1].follows is not None):
        try:
            made = kind.prepare(raws[column], framings.get(kind.follows) if kind.follows else None)
        except BadValue as bad:
            bad.column = column
            raise
        prepared[column] = made
        if kind.follows is None:
            framings.setdefault(kind.name, made.framing)
    return prepared
