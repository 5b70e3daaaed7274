"""Sets of classes: any number of them a sample, none included."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Kind, MissingValue, Prepared, Storage
from danlu.data.kinds.category import class_name, natural
from danlu.messages import say

if TYPE_CHECKING:
    from torch import Tensor

    from danlu.data.batches.batch import Value

SEPARATORS = ("|", ";", ",")
_LOOKED = 20_000  # values from which a separator is told
_PAIRS = 20  # of classes that occur together, for the card
_YES = frozenset(("1", "true", "yes", "1.0", "t", "y"))
_NO = frozenset(("0", "false", "no", "0.0", "f", "n", "-1"))


@dataclass(frozen=True)
class Labels(Kind):
    """A subset of ``classes`` (names, in order). Cached, and in a batch, as uint8 (K,) of 0 and 1; mixed: float32 (B, K).

    A raw value is a text ("cat|dog"), a list of names, a list in JSON, or a mapping name → 0 or 1 (several columns).
    separator: what stands between names in a text. empty: "none" where an empty cell means the empty set, "missing" where it means that
    nobody has looked. The empty set can always be written ``[]``.
    """

    classes: tuple[str, ...]
    separator: str = "|"
    empty: str = "missing"

    name: ClassVar[str] = "labels"
    by_sample: ClassVar[bool] = True
    spans: ClassVar[str] = "several"
    can_mix: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes are not unique")

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Labels:
        """options: separator ("auto": of ``| ; ,`` the one in most values), empty, classes (names in order; else all that occur, in
        natural order; of several columns, in theirs).
        """
        separator = str(options.get("separator", "auto"))
        if separator == "auto":
            separator = _separator(raws)
        empty = str(options.get("empty", "missing"))
        given = options.get("classes")
        if given:
            return cls(tuple(map(str, given)), separator, empty)
        first = next((raw for raw in raws if raw is not None), None)
        if isinstance(first, Mapping):
            return cls(tuple(class_name(name) for name in first), separator, empty)
        reader = cls((), separator, empty)
        names: set[str] = set()
        for raw in raws:
            try:
                names.update(reader.names(raw))
            except BadValue:
                continue
        return cls(tuple(sorted(names, key=natural)), separator, empty)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.classes)}

    def names(self, raw: Any) -> list[str]:
        """The names in a raw value, as they stand there. Raises :class:`BadValue`; :class:`MissingValue` where there is nothing."""
        if isinstance(raw, Mapping):
            return [class_name(name) for name, value in raw.items() if _answer(str(name), value)]
        if isinstance(raw, np.ndarray) and raw.ndim:
            raw = raw.tolist()
        if isinstance(raw, (list, tuple, set, frozenset)):
            return [class_name(name) for name in raw]
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            if self.empty == "none":
                return []
            raise MissingValue(say("data.missing"))
        if isinstance(raw, str):
            text = raw.strip()
            if (text.startswith("[") and text.endswith("]")) or text.startswith(('["', "['")):
                return self.names(_list(text))
            return [class_name(part) for part in text.split(self.separator) if part.strip()]
        return [class_name(raw)]

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """uint8 (K,). Raises :class:`BadValue` for a name that wasn't known when fitting, :class:`MissingValue` for an empty cell."""
        value = np.zeros(len(self.classes), np.uint8)
        if isinstance(raw, Mapping) and (lacking := [name for name in self.classes if name not in raw]):
            raise BadValue(say("labels.lacking", names=", ".join(lacking[:5])))
        for name in self.names(raw):
            index = self._index.get(name)
            if index is None:
                raise BadValue(say("data.category.unseen", value=name[:60]))
            value[index] = 1
        return Prepared(value)

    def storage(self) -> Storage:
        return Storage("fixed", "uint8", (len(self.classes),))

    def spec(self) -> dict[str, Any]:
        return {"classes": list(self.classes), "separator": self.separator, "empty": self.empty}

    def collate(self, values: Any) -> Value:
        import torch

        return torch.from_numpy(np.ascontiguousarray(values, np.uint8))

    def mix(self, value: Value, partner: Value, share: Tensor) -> Value:
        one, other = value.float(), partner.float()  # type: ignore[union-attr]
        weight = share.to(one.dtype)[:, None]
        return weight * one + (1 - weight) * other

    def strata(self, values: np.ndarray) -> np.ndarray:
        """int64 (N,): of each row's classes the one with the fewest rows, of equals the first; -1 where there is none.

        So a split by them divides the rarest classes first, which chance would leave whole in one part (after Sechidis et al. 2011).
        """
        values = np.asarray(values).reshape(-1, len(self.classes)) > 0
        order = np.argsort(values.sum(0), kind="stable")
        ranked = values[:, order]
        rarest = order[ranked.argmax(1)] if len(order) else np.zeros(len(values), np.int64)
        return np.where(values.any(1), rarest, -1).astype(np.int64)

    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        """classes: name → rows. per_sample: mean, max and share of empty sets. together: pairs of classes with their rows."""
        rows = np.asarray(values, np.int64).reshape(-1, len(self.classes))
        sizes = rows.sum(1)
        made: dict[str, Any] = {"classes": dict(zip(self.classes, rows.sum(0).tolist(), strict=True))}
        if len(rows):
            made["per_sample"] = {
                "mean": float(sizes.mean()),
                "max": int(sizes.max()),
                "none": float((sizes == 0).mean()),
            }
            made["together"] = [[self.classes[a], self.classes[b], n] for a, b, n in pairs(rows.T @ rows, _PAIRS)]
        return made

    def statistics(self, values: Any) -> dict[str, Any]:
        """counts: training rows with each class. rows: training rows."""
        counts, rows = np.zeros(len(self.classes), np.int64), 0
        for block in values:
            block = np.asarray(block, np.int64).reshape(-1, len(self.classes))
            counts += block.sum(0)
            rows += len(block)
        return {"counts": counts.tolist(), "rows": rows}

    def draw(self, value: np.ndarray, canvas: np.ndarray | None = None) -> str:
        return ", ".join(self.classes[index] for index in np.flatnonzero(np.asarray(value) > 0.5)) or "∅"


def pairs(together: np.ndarray, most: int) -> Iterator[tuple[int, int, int]]:
    """(class, class, rows with both) of a matrix of counts (K, K), the most frequent first."""
    upper = np.triu(together, 1)
    filled = np.flatnonzero(upper)
    for cell in filled[np.argsort(-upper.reshape(-1)[filled], kind="stable")][:most].tolist():
        yield cell // len(upper), cell % len(upper), int(upper.reshape(-1)[cell])


def _separator(raws: Sequence[Any]) -> str:
    """Of :data:`SEPARATORS` the one in most values, of equals the first."""
    counts: Counter[str] = Counter()
    for raw in islice(raws, _LOOKED):
        if isinstance(raw, str) and not raw.lstrip().startswith("["):
            counts.update(each for each in SEPARATORS if each in raw)
    return max(SEPARATORS, key=lambda each: counts[each])


def _list(text: str) -> list[Any]:
    """From JSON, or as Python writes a list, which is what pandas puts into a CSV."""
    for read in (json.loads, ast.literal_eval):
        try:
            return list(read(text))
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    raise BadValue(say("labels.json", value=text[:60]))


def _answer(name: str, value: Any) -> bool:
    """Whether a cell of a class's own column says yes."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if value is None or (isinstance(value, float) and value != value):
        raise MissingValue(say("data.missing"))
    text = (str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)).strip().casefold()
    if not text:
        raise MissingValue(say("data.missing"))
    if text in _YES or text in _NO:
        return text in _YES
    raise BadValue(say("labels.answer", column=name, value=text[:60]))
