"""Numbers: one real value, as an input or as what a regression predicts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Kind, MissingValue, Prepared, Storage
from danlu.data.tabular.whole import written_in
from danlu.data.tabular.writing import Writing
from danlu.messages import say

if TYPE_CHECKING:
    from torch import Tensor

    from danlu.data.batches.batch import Value

_NONE = frozenset(("", "na", "n/a", "nan", "null", "none", "?", "-"))


@dataclass(frozen=True)
class Number(Kind):
    """A finite float32. In a batch: float32 (B,).

    written: how texts are written where Python does not read them, see :class:`danlu.data.tabular.writing.Writing`; "": as it does.
    gaps: a value that is missing is NaN, and its row is kept.
    """

    written: str = ""
    gaps: bool = False

    name: ClassVar[str] = "number"
    by_sample: ClassVar[bool] = True
    can_mix: ClassVar[bool] = True

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Number:
        found = written_in(raws)
        return cls("" if found is None else str(found), bool(options.get("gaps", False)))

    @cached_property
    def _writing(self) -> Writing | None:
        return Writing.of(self.written) if self.written else None

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """raw: a number, or text that is one ("3.5", "1e-3"). Raises :class:`BadValue`, also for infinity and beyond float32."""
        if raw is None or (isinstance(raw, str) and raw.strip().casefold() in _NONE):
            return self._missing()
        if self._writing is not None and isinstance(raw, str):
            found = self._writing.read(raw)
            if found is None:
                raise BadValue(say("tables.written", value=raw[:60], example=self._writing.example))
            raw = found
        try:
            value = float(raw)
        except OverflowError as error:
            raise BadValue(say("data.number.infinite", value=str(raw)[:60])) from error
        except (TypeError, ValueError) as error:
            raise BadValue(say("data.number.type", value=str(raw)[:60])) from error
        if value != value:
            return self._missing()
        if not math.isfinite(value) or abs(value) > float(np.finfo(np.float32).max):
            raise BadValue(say("data.number.infinite", value=str(raw)[:60]))
        return Prepared(np.asarray(value, np.float32))

    def _missing(self) -> Prepared:
        if not self.gaps:
            raise MissingValue(say("data.missing"))
        return Prepared(np.asarray(np.nan, np.float32))

    def prepare_many(self, raws: Sequence[Any]) -> np.ndarray | None:
        if self._writing is not None and not isinstance(raws, np.ndarray):
            known = {raw: self._writing.read(raw) for raw in raws if isinstance(raw, str)}
            raws = [known.get(raw, raw) if isinstance(raw, str) else raw for raw in raws]
        try:
            values = raws if isinstance(raws, np.ndarray) else np.asarray([float(raw) for raw in raws], np.float64)
        except (TypeError, ValueError, OverflowError):  # a gap, or no number: looked at one by one
            return None
        if values.ndim != 1 or values.dtype.kind not in "iuf":
            return None
        fits = np.abs(values.astype(np.float64)) <= np.finfo(np.float32).max  # NaN doesn't either
        if self.gaps:
            fits |= np.isnan(values)
        return values.astype(np.float32) if fits.all() else None

    def storage(self) -> Storage:
        return Storage("fixed", "float32", ())

    def spec(self) -> dict[str, Any]:
        return ({"written": self.written} if self.written else {}) | ({"gaps": True} if self.gaps else {})

    def collate(self, values: Any) -> Value:
        import torch

        return torch.from_numpy(np.ascontiguousarray(values, np.float32))

    def mix(self, value: Value, partner: Value, share: Tensor) -> Value:
        import torch

        return torch.lerp(partner, value, share.to(value.dtype))  # type: ignore[arg-type,union-attr]

    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        numbers = np.array(values, np.float64).reshape(-1)
        numbers = numbers[~np.isnan(numbers)] if self.gaps else numbers
        if not len(numbers):
            return {}
        found = self.statistics([numbers])
        quartiles = np.percentile(numbers, [25, 50, 75], overwrite_input=True)
        written = {} if self._writing is None else {"written": self._writing.example}
        return {**found, "quartiles": [float(quartile) for quartile in quartiles], **written}

    def statistics(self, values: Iterable[Any]) -> dict[str, Any]:
        """mean, std (population), min, max: floats. Block by block, merged as by Chan, Golub and LeVeque (1979)."""
        count, mean, squares, low, high = 0, 0.0, 0.0, math.inf, -math.inf
        for block in values:
            numbers = np.asarray(block, np.float64).reshape(-1)
            numbers = numbers[~np.isnan(numbers)] if self.gaps else numbers
            if not len(numbers):
                continue
            middle = float(numbers.mean())
            apart = middle - mean
            together = count + len(numbers)
            off = numbers - middle
            squares += float(np.square(off, out=off).sum()) + apart * apart * count * len(numbers) / together
            mean += apart * len(numbers) / together
            count = together
            low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
        if not count:
            return {}
        return {"mean": mean, "std": math.sqrt(squares / count), "min": low, "max": high}

    def draw(self, value: np.ndarray, canvas: np.ndarray | None = None) -> str:
        return f"{float(value):.6g}"
