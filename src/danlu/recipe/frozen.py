"""Mappings that can't be changed, so that a recipe really is immutable and still is plain data."""

from __future__ import annotations

from enum import Enum
from numbers import Integral
from pathlib import PurePath
from typing import Any, NoReturn

from pydantic import BaseModel


class FrozenDict(dict[str, Any]):
    """A dict that refuses every change. JSON and ``**`` take it as they take any dict; ``dict(it)`` is a changeable copy."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a recipe can't be changed; danlu.recipe.patch gives a changed copy")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse  # type: ignore[assignment]

    def __copy__(self) -> FrozenDict:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenDict:
        return self  # everything inside is frozen too

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)


def freeze(value: Any) -> Any:
    """Plain data with every mapping and list inside made immutable. Raises ValueError for what no recipe file could hold."""
    if isinstance(value, dict):
        wrong = next((key for key in value if not isinstance(key, str)), None)
        if wrong is not None:
            raise ValueError(f"the key {wrong!r} is not text")
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(map(freeze, value))
    if value is None or isinstance(value, bool | str | BaseModel | Enum | PurePath):
        return value
    if isinstance(value, float):
        return float(value)  # numpy's float64 is a float, but not as it is written
    if isinstance(value, Integral):
        return int(value)
    raise ValueError(
        f"a {type(value).__name__} can't stand in a recipe: numbers, text, true, false, null, lists and mappings can"
    )
