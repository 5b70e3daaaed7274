"""Categories: one of a list of classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Kind, MissingValue, Prepared, Storage
from danlu.messages import say

if TYPE_CHECKING:
    from torch import Tensor

    from danlu.data.batches.batch import Value


def natural(text: str) -> tuple[list[tuple[int, int, str]], str]:
    """A sort key in which "class 2" comes before "class 10", and case matters only where nothing else differs."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(0, *_size_of(part)) if part.isdecimal() else (1, 0, part) for part in parts if part], text


def _size_of(digits: str) -> tuple[int, str]:
    """Compares as the number does, however long: Python refuses to read more than some thousand digits."""
    plain = "".join(str(int(digit)) for digit in digits).lstrip("0")
    return len(plain), plain


def is_text(text: str) -> bool:
    """Whether every character is whole: JSON can hold halves (surrogates), which nothing can be written with."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def class_name(raw: Any) -> str:
    """A raw category as its class's name: text stripped, 3 and 3.0 (a column that had gaps) alike "3". Raises :class:`BadValue`."""
    if isinstance(raw, np.generic | np.ndarray) and np.ndim(raw) == 0:
        raw = raw.item()
    if isinstance(raw, str):
        text = raw.strip()
        if not text:
            raise MissingValue(say("data.missing"))
        if not text.isascii() and not is_text(text):
            raise BadValue(say("data.category.text"))
        return text
    if raw is None or (isinstance(raw, float) and raw != raw):
        raise MissingValue(say("data.missing"))
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    if isinstance(raw, bool | int | float):
        return str(raw)
    if isinstance(raw, bytes):
        return class_name(raw.decode("utf-8", "replace"))
    raise BadValue(say("data.category.type", type=type(raw).__name__))


@dataclass(frozen=True)
class Category(Kind):
    """One of ``classes`` (names, in order); cached as its index. In a batch int64 (B,), -1 = ignored; mixed: float32 (B, K).

    unseen: other names are taken too; each has a number of its own below -1, made from the name alone.
    """

    classes: tuple[str, ...]
    unseen: bool = False

    name: ClassVar[str] = "category"
    by_sample: ClassVar[bool] = True
    can_mix: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))  # a spec read from JSON holds a list
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes are not unique")

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Category:
        """options: classes (names in order; else all values that occur, in natural order); unseen."""
        unseen = bool(options.get("unseen", False))
        if options.get("classes"):
            return cls(tuple(map(str, options["classes"])), unseen)
        return cls(tuple(sorted(names_in(raws), key=natural)), unseen)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.classes)}

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """raw: a class's name, or a number that is one. Raises :class:`BadValue` for a class that wasn't known when fitting."""
        index = self._index.get(raw) if type(raw) is str else None
        if index is None:
            name = class_name(raw)
            index = self._index.get(name)
            if index is None and self.unseen:
                index = _number_of(name)
            if index is None:
                raise BadValue(say("data.category.unseen", value=name[:60]))
        return Prepared(np.asarray(index, np.int64))

    def prepare_many(self, raws: Sequence[Any]) -> np.ndarray | None:
        index = self._index
        if isinstance(raws, np.ndarray):
            if raws.dtype.kind not in "iuU" or raws.ndim != 1:
                return None
            values, inverse = np.unique(raws, return_inverse=True)
            found = [index.get(class_name(value) if str(value).strip() else "") for value in values]
            return None if None in found else np.asarray(found, np.int64)[inverse]
        found = [index.get(raw) if type(raw) is str else None for raw in raws]
        return None if None in found else np.asarray(found, np.int64)

    def storage(self) -> Storage:
        return Storage("fixed", "int64", ())

    def spec(self) -> dict[str, Any]:
        return {"classes": list(self.classes)} | ({"unseen": True} if self.unseen else {})

    def collate(self, values: Any) -> Value:
        import torch

        return torch.from_numpy(np.ascontiguousarray(values, np.int64))

    def probabilities(self, value: Value) -> Tensor:
        """float32 (B, K): one-hot of class indices, a row of zeros where ignored; probabilities as they are."""
        import torch

        labels: Tensor = value  # type: ignore[assignment]
        if labels.is_floating_point():
            return labels
        rows = torch.zeros(len(labels), len(self.classes), device=labels.device)
        known = (labels >= 0).to(rows.dtype)
        return rows.scatter_(1, labels.clamp_min(0)[:, None], known[:, None])

    def mix(self, value: Value, partner: Value, share: Tensor) -> Value:
        """float32 (B, K) probabilities; a row of zeros (ignored) where the class of either with a share is not known."""
        one, other = self.probabilities(value), self.probabilities(partner)
        weight = share.to(one.dtype)[:, None]
        known = (one.sum(1, keepdim=True) > 0) | (weight == 0)
        known &= (other.sum(1, keepdim=True) > 0) | (weight == 1)
        return (weight * one + (1 - weight) * other) * known

    def strata(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(values).reshape(-1)

    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        labels = np.asarray(values, np.int64).reshape(-1)
        counts = np.bincount(labels[labels >= 0], minlength=len(self.classes))
        return {"classes": dict(zip(self.classes, counts.tolist(), strict=True))}

    def statistics(self, values: Any) -> dict[str, Any]:
        """counts: training rows of each class."""
        counts = np.zeros(len(self.classes), np.int64)
        for block in values:
            labels = np.asarray(block, np.int64).reshape(-1)
            counts += np.bincount(labels[labels >= 0], minlength=len(self.classes))
        return {"counts": counts.tolist()}

    def draw(self, value: np.ndarray, canvas: np.ndarray | None = None) -> str:
        index = int(value)
        return self.classes[index] if index >= 0 else ""


def _number_of(name: str) -> int:
    """Below -1, the same wherever and whenever."""
    return -2 - (int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> 2)


def names_in(raws: Iterable[Any]) -> set[str]:
    """The class names that occur among raw values; missing and unusable ones are passed over."""
    values = getattr(raws, "values_in_use", None)  # columns that know theirs without being read through
    names: set[str] = set()
    for raw in values() if values is not None else raws:
        if type(raw) is str and raw in names:
            continue
        try:
            names.add(class_name(raw))
        except BadValue:
            continue
    return names
