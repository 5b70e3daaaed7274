"""How one column of a table becomes numbers or a code: everything that it needs is learnt from training rows, and is JSON-able."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, MissingValue
from danlu.data.kinds.category import natural
from danlu.data.tabular.cells import answer_of, days_of, name_of, number_of
from danlu.data.tabular.scaling import Scale
from danlu.data.tabular.whole import each, good, good_numbers, numbers
from danlu.data.tabular.writing import Writing
from danlu.messages import say

RARE, MISSING = 0, 1  # codes of a category: rare or unseen, missing


class Encoder(ABC):
    """One column, or a few together. numbers: names of the numbers that it gives. codes: how many codes it has, 0 for none.

    sources: the table's columns that it reads; of several, a raw value is a tuple of cells.
    """

    type: ClassVar[str]
    numbers: tuple[str, ...] = ()
    codes: int = 0

    def __init__(self, name: str) -> None:
        self.name = name
        self.sources: tuple[str, ...] = (name,)

    def called(self, code: int) -> str:
        """What a code stands for."""
        return str(code)

    def calendar(self, number: str) -> bool:
        """Whether one of ``numbers`` is the calendar's alone: the same for everything of that day."""
        return False

    @abstractmethod
    def __call__(self, raws: Sequence[Any]) -> np.ndarray:
        """float64 (N, len(numbers)), or codes float64 (N, 1). Raises :class:`BadValue`; MissingValue where rows are to be dropped."""

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """What :func:`danlu.data.tabular.encoding.encoder_of` makes an equal one of."""


class Numeric(Encoder):
    """A number (or yes and no): missing ones filled in, scaled; one more number says whether it was missing, where asked for.

    fill: what stands for a missing value, None: such rows are dropped. writing: how numbers are written, None: as Python does.
    """

    type = "number"

    def __init__(
        self,
        name: str,
        fill: float | None,
        scale: Scale,
        indicator: bool,
        boolean: bool = False,
        writing: Writing | None = None,
    ) -> None:
        super().__init__(name)
        self.writing = writing
        self.fill, self.scale, self.indicator, self.boolean = fill, scale, indicator, boolean
        self.numbers = (name, f"{name} ?") if indicator else (name,)

    @classmethod
    def fit(
        cls,
        name: str,
        raws: Sequence[Any],
        options: Mapping[str, Any],
        boolean: bool = False,
        writing: Writing | None = None,
    ) -> Numeric:
        values = np.asarray(good(raws, answer_of), np.float64) if boolean else good_numbers(raws, writing)
        known = values[~np.isnan(values)]
        missing = str(options.get("missing", "median"))
        fill = _fill(missing, known, options.get("fill"))
        filled = known if fill is None else np.where(np.isnan(values), fill, values)
        scale = Scale("none") if boolean else Scale.fit(str(options.get("scale", "quantile")), filled)
        indicator = fill is not None and _indicated(options, len(values) > len(known))
        return cls(name, fill, scale, indicator, boolean, writing)

    def __call__(self, raws: Sequence[Any]) -> np.ndarray:
        values = np.asarray(each(raws, answer_of), np.float64) if self.boolean else numbers(raws, self.writing)
        gone = np.isnan(values)
        if self.fill is None and gone.any():
            raise MissingValue(say("data.missing"))
        scaled = self.scale(np.where(gone, 0.0 if self.fill is None else self.fill, values))
        return np.stack([scaled, gone], 1) if self.indicator else scaled[:, None]

    def spec(self) -> dict[str, Any]:
        return {
            "type": "boolean" if self.boolean else "number",
            "name": self.name,
            "fill": self.fill,
            "scale": self.scale.spec(),
            "indicator": self.indicator,
            **({} if self.writing is None else {"written": str(self.writing)}),
        }


class Dated(Encoder):
    """A date as numbers: elapsed days, year, month, weekday, and the place in year, week and day as sine and cosine.

    parts: those of them that vary among training rows. scales: of the first four. fill: days since 1970.
    """

    type = "date"

    def __init__(
        self, name: str, form: str, fill: float | None, parts: Sequence[str], scales: Sequence[Scale], indicator: bool
    ) -> None:
        super().__init__(name)
        self.form, self.fill, self.parts = form, fill, tuple(parts)
        self.scales, self.indicator = tuple(scales), indicator
        self.numbers = (*(f"{name} {part}" for part in parts), *((f"{name} ?",) if indicator else ()))

    def calendar(self, number: str) -> bool:
        return number not in (f"{self.name} days", f"{self.name} year", f"{self.name} ?")

    @classmethod
    def fit(cls, name: str, raws: Sequence[Any], options: Mapping[str, Any], form: str) -> Dated:
        values = np.asarray(good(raws, lambda raw: days_of(raw, form)), np.float64)
        known = values[~np.isnan(values)]
        missing = str(options.get("missing", "median"))
        fill = None if missing == "drop" or not len(known) else float(np.median(known))
        filled = known if fill is None else np.where(np.isnan(values), fill, values)
        found = parts_of(filled)
        parts = [part for part, each in found.items() if len(each) and np.ptp(each) > 1e-9]
        kind = str(options.get("scale", "quantile"))
        scales = [
            Scale("none")
            if part.endswith((" sin", " cos"))
            else Scale.fit("standard" if kind == "quantile" else kind, found[part])
            for part in parts
        ]
        return cls(name, form, fill, parts, scales, fill is not None and _indicated(options, len(values) > len(known)))

    def __call__(self, raws: Sequence[Any]) -> np.ndarray:
        values = np.asarray(each(raws, lambda raw: days_of(raw, self.form)), np.float64)
        gone = np.isnan(values)
        if self.fill is None and gone.any():
            raise MissingValue(say("data.missing"))
        found = parts_of(np.where(gone, 0.0 if self.fill is None else self.fill, values))
        made = [scale(found[part]) for part, scale in zip(self.parts, self.scales, strict=True)]
        if self.indicator:
            made.append(gone.astype(np.float64))
        return np.stack(made, 1) if made else np.empty((len(raws), 0))

    def spec(self) -> dict[str, Any]:
        return {
            "type": "date",
            "name": self.name,
            "form": self.form,
            "fill": self.fill,
            "parts": list(self.parts),
            "scales": [scale.spec() for scale in self.scales],
            "indicator": self.indicator,
        }


class Categorical(Encoder):
    """One of ``known`` names as its code from 2; 0: rare among training rows, or not seen there; 1: missing.

    fill: the name that stands for a missing one; "": the code 1. drop: rows without are dropped.
    """

    type = "category"

    def __init__(self, name: str, known: Sequence[str], fill: str = "", drop: bool = False) -> None:
        super().__init__(name)
        self.known, self.fill, self.drop = tuple(known), fill, drop
        self.codes = len(self.known) + 2
        self._index = {each: place for place, each in enumerate(self.known, 2)}

    @classmethod
    def fit(cls, name: str, raws: Sequence[Any], options: Mapping[str, Any]) -> Categorical:
        counts = Counter(found for found in good(raws, name_of) if found is not None)
        least = int(options.get("min_count", 5))
        known = sorted((each for each, count in counts.items() if count >= least), key=natural)
        missing = str(options.get("missing", "median"))
        fill = ""
        if missing == "most-frequent" and counts:
            fill = min(counts, key=lambda each: (-counts[each], natural(each)))
        elif missing == "constant" and options.get("fill") is not None:
            fill = str(options["fill"])
        return cls(name, known, fill, missing == "drop")

    def called(self, code: int) -> str:
        return ("…", "?")[code] if code < 2 else self.known[code - 2]

    def __call__(self, raws: Sequence[Any]) -> np.ndarray:
        return np.asarray(each(raws, self._code), np.float64)[:, None]

    def _code(self, raw: Any) -> int:
        name = name_of(raw)
        if name is None:
            if self.drop:
                raise MissingValue(say("data.missing"))
            if not self.fill:
                return MISSING
            name = self.fill
        return self._index.get(name, RARE)

    def spec(self) -> dict[str, Any]:
        return {"type": "category", "name": self.name, "known": list(self.known), "fill": self.fill, "drop": self.drop}


def parts_of(days: np.ndarray) -> dict[str, np.ndarray]:
    """What is read from days since 1970, float64 (N,): name of the part → float64 (N,)."""
    whole = np.floor(days)
    moments = whole.astype("datetime64[D]")
    years = moments.astype("datetime64[Y]")
    months = moments.astype("datetime64[M]")
    year = years.astype(np.int64) + 1970.0
    start = years.astype("datetime64[D]").astype(np.float64)
    length = (years + 1).astype("datetime64[D]").astype(np.float64) - start
    week = (whole + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    found = {
        "days": days,
        "year": year,
        "month": (months - years.astype("datetime64[M]")).astype(np.float64) + 1,
        "weekday": week,
    }
    cycles = {"year": (days - start) / length, "week": (week + days - whole) / 7, "day": days - whole}
    for name, phase in cycles.items():
        found[f"in {name} sin"], found[f"in {name} cos"] = np.sin(2 * np.pi * phase), np.cos(2 * np.pi * phase)
    return found


def _fill(missing: str, known: np.ndarray, given: Any) -> float | None:
    if missing == "drop":
        return None
    if missing == "constant":
        try:
            return number_of(0.0 if given is None else given)
        except BadValue:
            return 0.0
    if not len(known):
        return 0.0
    if missing == "mean":
        return float(known.mean())
    if missing == "most-frequent":
        values, counts = np.unique(known, return_counts=True)
        return float(values[counts.argmax()])
    return float(np.median(known))


def _indicated(options: Mapping[str, Any], some: bool) -> bool:
    """Whether a number says that the value was missing: where any was, among training rows."""
    return bool(options.get("indicator", True)) and some
