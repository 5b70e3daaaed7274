"""The recipe's shape, read from its types: what may stand at a key, and in which words that is said.

The same questions are asked of the recipe's sections, of a task's options and of the arguments of a constructor.
"""

from __future__ import annotations

import re
import types
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

from danlu.messages import say
from danlu.recipe.yaml import scalar


class Alternative(NamedTuple):
    """One of the types that a value may have, without Annotated and Union around it, and what stood there (ranges, validators)."""

    type: Any
    metadata: tuple[Any, ...]


def alternatives(annotation: Any, metadata: tuple[Any, ...] = ()) -> Iterator[Alternative]:
    """Every type that ``annotation`` allows."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        yield from alternatives(inner, (*metadata, *more))
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from alternatives(member, metadata)
    else:
        yield Alternative(annotation, metadata)


def field_type(field: FieldInfo) -> Any:
    """A field's whole annotation, with the ranges that pydantic took out of it."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections among the alternatives."""
    for kind, _ in alternatives(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield kind


def keys(annotation: Any) -> tuple[str, ...]:
    """The known keys where ``annotation`` stands; empty where it is no section."""
    return tuple(key for section in sections(annotation) for key in section.model_fields)


def child(annotation: Any, key: str | int) -> Any:
    """The annotation one level below, or None where nothing is known of it."""
    for kind, _ in alternatives(annotation):
        origin, inner = get_origin(kind) or kind, get_args(kind)
        if isinstance(origin, type) and issubclass(origin, BaseModel) and key in origin.model_fields:
            return field_type(origin.model_fields[str(key)])
        if not inner or not isinstance(origin, type):
            continue
        if issubclass(origin, Mapping) and isinstance(key, str):
            return inner[-1]
        if issubclass(origin, Sequence) and isinstance(key, int):
            many = origin is not tuple or inner[-1] is ...
            return inner[0] if many else inner[min(key, len(inner) - 1)]
    return None


def choices(annotation: Any) -> tuple[Any, ...]:
    """The values that Literals among the alternatives allow."""
    return tuple(
        value for kind, _ in alternatives(annotation) if get_origin(kind) is Literal for value in get_args(kind)
    )


def accepts(annotation: Any, value: Any) -> bool:
    """Whether ``value`` would do."""
    try:
        TypeAdapter(annotation).validate_python(value, strict=True)
    except (ValidationError, PydanticUserError, ValueError):
        return False
    return True


def guesses(value: Any) -> Iterator[Any]:
    """What may have been meant by a wrong value: numbers in quotes, yes for true, 10 or 10% or 0,1 for 0.1, one item for a list."""
    number = value
    if isinstance(value, str):
        word = unicodedata.normalize("NFKC", value).translate(_DASHES).strip().lower()
        if word in _WORDS:
            yield from _WORDS[word]
        percent, word = word.endswith("%"), word.removesuffix("%").replace("_", "")
        decimal = _DECIMAL_COMMA.fullmatch(word) is not None
        number = scalar(word.replace(",", "." if decimal else ""))
        if isinstance(number, int | float) and not isinstance(number, bool) and percent:
            yield number / 100
        elif not isinstance(number, str):
            yield number
    elif value is False:
        yield from (None, "none")
    elif isinstance(value, float) and value.is_integer():
        yield int(value)
    if isinstance(number, int | float) and not isinstance(number, bool) and 5 <= number <= 100:
        yield number / 100
    if isinstance(value, str | dict):
        yield (value,)


_DASHES = str.maketrans("‐‑‒–—−", "------")
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,(\d{1,2}|\d{4,})|[-+]?0?,\d+")  # 1,000 is a thousand
_WORDS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("yes", "on", "true", "y"), (True,)),
    **dict.fromkeys(("no", "off", "false", "n", "none", "null", "never"), (False, None)),
}


# ---- in words -----------------------------------------------------------------------------------------------------


def allowed(annotation: Any) -> str:
    """What may stand there, in the reader's language: "a whole number ≥ 1, or auto"."""
    texts = dict.fromkeys(_in_words(kind, metadata) for kind, metadata in alternatives(annotation))
    return one_of(texts)


def one_of(texts: Iterable[str]) -> str:
    """ "a, b or c"."""
    *most, last = texts
    return f"{say('recipe.comma').join(most)}{say('recipe.or')}{last}" if most else last


def _in_words(kind: Any, metadata: tuple[Any, ...]) -> str:
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin is Literal:
        return one_of(map(_constant, inner))
    if kind is None or kind is type(None):
        return "null"
    if kind is Any:
        return say("recipe.anything")
    if not isinstance(origin, type):
        return str(kind)
    if issubclass(origin, bool):
        return one_of(("true", "false"))
    for base, word in ((int, "whole"), (float, "number"), (str, "text")):
        if issubclass(origin, base):
            return say(f"recipe.{word}") + _range(metadata)
    if issubclass(origin, BaseModel):
        if "value" in origin.model_fields:
            return say("recipe.choice")
        return say("recipe.section", keys=", ".join(origin.model_fields))
    if issubclass(origin, Mapping):
        return say("recipe.mapping")
    if issubclass(origin, Sequence):
        items = [item for item in inner if item is not ...]
        if len(items) > 1:
            return say("recipe.list-of-many", items=", ".join(map(allowed, items)))
        return say("recipe.list", item=allowed(items[0]) if items else say("recipe.anything"))
    return origin.__name__


def _constant(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


_SIGNS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"), ("min_length", "≥"), ("max_length", "≤"))


def _range(metadata: tuple[Any, ...]) -> str:
    """ " ≥ 0 and < 1" of the ranges in ``metadata``; a Field in an Annotated holds its own list."""
    parts = [part for item in metadata for part in (item.metadata if isinstance(item, FieldInfo) else (item,))]
    bounds = []
    for part in parts:
        for name, sign in _SIGNS:
            bound = getattr(part, name, None)
            if bound is not None:
                number = f"{bound:g}" if isinstance(bound, float) else str(bound)
                bounds.append(f"{say('recipe.length')} {sign} {number}" if "length" in name else f"{sign} {number}")
    return f" {say('recipe.and').join(bounds)}" if bounds else ""
