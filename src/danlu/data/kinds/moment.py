"""When something happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from danlu.data.columns import Coded, Numbers, Numerals
from danlu.data.kinds.base import BadValue, Framing, Kind, MissingValue, Prepared, Storage
from danlu.data.moments import in_seconds, mixed, seconds_of
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.data.batches.batch import Value

_LOOKED = 1000  # values that tell whether there are numbers among them


@dataclass(frozen=True)
class Moment(Kind):
    """A time: numbers as they are, dates and times in seconds since 1970 (UTC where no zone is given). In a batch float64 (B,).

    mixed: some numbers are seconds, others milliseconds, which are made seconds.
    """

    mixed: bool = False

    name: ClassVar[str] = "moment"
    by_sample: ClassVar[bool] = True

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Moment:
        if isinstance(raws, Numbers | Numerals):
            return cls(mixed(raws.values))
        if not any(isinstance(each, int | float | str) and _numeric(each) for each in raws[:_LOOKED]):
            return cls()
        used = raws.values_in_use() if isinstance(raws, Coded) else raws
        if (found := cls().prepare_many(used)) is None:  # not numbers alone
            told = [each for each in map(seconds_of, used) if each is not None]
            found = np.asarray(told, np.float64)
        return cls(mixed(found))

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """raw: a number, a date or a time, or text that is one (ISO 8601, 2024/3/17). Raises :class:`BadValue`."""
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            raise MissingValue(say("data.missing"))
        found = seconds_of(raw)
        if found is None:
            raise BadValue(say("data.split.no-time", value=str(raw)[:40]))
        if self.mixed and found != (seconds := float(in_seconds(np.asarray(found)))):
            return Prepared(np.asarray(seconds, np.float64), (say("data.note.milliseconds"),))
        return Prepared(np.asarray(found, np.float64))

    def prepare_many(self, raws: Sequence[Any]) -> np.ndarray | None:
        if self.mixed:  # one by one, so that it is said of how many rows
            return None
        try:
            values = np.asarray(raws, np.float64)
        except (TypeError, ValueError, OverflowError):
            return None
        digits = not isinstance(raws, np.ndarray) and any(isinstance(raw, str) and len(raw) == 8 for raw in raws)
        return None if digits or values.ndim != 1 or not np.isfinite(values).all() else values

    def storage(self) -> Storage:
        return Storage("fixed", "float64", ())

    def spec(self) -> dict[str, Any]:
        return {"mixed": True} if self.mixed else {}

    def collate(self, values: Any) -> Value:
        import torch

        return torch.from_numpy(np.ascontiguousarray(values, np.float64))

    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        moments = np.asarray(values, np.float64).reshape(-1)
        return {"first": float(moments.min()), "last": float(moments.max())} if len(moments) else {}


def _numeric(value: str | float) -> bool:
    try:
        float(value)
    except (ValueError, OverflowError):
        return False
    return True
