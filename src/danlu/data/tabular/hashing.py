"""Codes without a vocabulary: values, or several together, by their hash; and numbers by the bucket that they fall into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from danlu.data.tabular.cells import name_of
from danlu.data.tabular.encoders import MISSING, Categorical, Encoder
from danlu.data.tabular.whole import each, numbers
from danlu.data.tabular.writing import Writing

_APART = "\x1f"  # between the values of a cross: no text has it
_FIRST = 2  # codes before are those of rare and of missing values, as a vocabulary's
MOST_BUCKETS = 1 << 24  # float32 counts exactly so far


class Hashed(Encoder):
    """A category of so many values that they share ``buckets`` codes by chance (Weinberger et al. 2009). Unseen values have one too."""

    type = "hashed"

    def __init__(self, name: str, buckets: int) -> None:
        super().__init__(name)
        self.buckets, self.codes = buckets, buckets + _FIRST

    def __call__(self, raws: Sequence[Any]) -> np.ndarray:
        return np.asarray(each(raws, self._code), np.float64)[:, None]

    def _code(self, raw: Any) -> int:
        name = name_of(raw)
        return MISSING if name is None else bucket(self.name, name, self.buckets)

    def called(self, code: int) -> str:
        return ("…", "?")[code] if code < _FIRST else f"#{code - _FIRST}"

    def spec(self) -> dict[str, Any]:
        return {"type": self.type, "name": self.name, "buckets": self.buckets}


class Crossed(Encoder):
    """Values of several columns together as one category, hashed; missing where any of them is."""

    type = "crossed"

    def __init__(self, sources: Sequence[str], buckets: int) -> None:
        super().__init__(" × ".join(sources))
        self.sources = tuple(sources)
        self.buckets, self.codes = buckets, buckets + _FIRST

    def __call__(self, raws: Sequence[Any]) -> np.ndarray:
        found = np.empty((len(raws), 1))
        for row, cells in enumerate(raws):
            names = [name_of(cell) for cell in cells]
            gone = any(name is None for name in names)
            found[row] = MISSING if gone else bucket(self.name, _APART.join(map(str, names)), self.buckets)
        return found

    def called(self, code: int) -> str:
        return ("…", "?")[code] if code < _FIRST else f"#{code - _FIRST}"

    def spec(self) -> dict[str, Any]:
        return {"type": self.type, "sources": list(self.sources), "buckets": self.buckets}


class Bucketed(Encoder):
    """A number as the code of its bucket; edges are quantiles of the training rows, so that buckets are about equally full.

    writing: how numbers are written, None: as Python does.
    """

    type = "bucketed"

    def __init__(self, name: str, edges: Sequence[float], writing: Writing | None = None) -> None:
        super().__init__(name)
        self.writing = writing
        self.edges = tuple(edges)
        self.codes = _FIRST + len(self.edges) + 1

    @classmethod
    def fit(cls, name: str, values: np.ndarray, buckets: int, writing: Writing | None = None) -> Bucketed:
        """values: float64 (N,), finite, of training rows."""
        inner = np.quantile(values, np.linspace(0, 1, buckets + 1)[1:-1]) if len(values) else np.empty(0)
        return cls(name, tuple(map(float, np.unique(inner))), writing)

    def __call__(self, raws: Sequence[Any]) -> np.ndarray:
        values = numbers(raws, self.writing)
        place = np.searchsorted(np.asarray(self.edges), values, side="right") + _FIRST
        return np.where(np.isnan(values), MISSING, place).astype(np.float64)[:, None]

    def called(self, code: int) -> str:
        if code < _FIRST:
            return ("…", "?")[code]
        low, high = code - _FIRST - 1, code - _FIRST
        begin = f"{self.edges[low]:.4g}" if low >= 0 else "-∞"
        return f"[{begin}, {self.edges[high]:.4g})" if high < len(self.edges) else f"[{begin}, ∞)"

    def spec(self) -> dict[str, Any]:
        made = {"type": self.type, "name": self.name, "edges": list(self.edges)}
        return made | ({} if self.writing is None else {"written": str(self.writing)})


def bucket(column: str, name: str, buckets: int) -> int:
    """The code of a name, the same wherever and whenever; each column has a hash of its own."""
    digest = blake2b(f"{column}{_APART}{name}".encode(), digest_size=8).digest()
    return _FIRST + int.from_bytes(digest, "big") % buckets


def hashed_where_many(made: Categorical, options: Mapping[str, Any]) -> Encoder:
    """The vocabulary as it is, or its column hashed where it holds more values than ``hash_above`` says."""
    above = options.get("hash_above")
    if above is None or len(made.known) <= int(above):
        return made
    return Hashed(made.name, int(options.get("buckets") or above))
