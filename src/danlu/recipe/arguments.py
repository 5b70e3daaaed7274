"""A recipe's arguments held against the signature of what they are meant for: annotations are the schema.

``gamma: Annotated[float, Field(ge=0)] = 2.0`` in a constructor is all it takes for ``gamma: -1`` to be refused with file, line and
what is allowed.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any, Protocol, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from danlu.errors import Problem
from danlu.messages import say
from danlu.recipe.nearest import did_you_mean
from danlu.recipe.problems import explain
from danlu.recipe.schema import ModelSection
from danlu.recipe.writing import shown

Where = str | Callable[[str], str]
"""Where a choice stands in the recipe: a dotted key or place as text, or a function of the keys below it (``recipe.under(key)``)."""


class Chosen(Protocol):
    """A Named, or a section that has a name and arguments."""

    @property
    def name(self) -> str: ...
    @property
    def args(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Parameter:
    """annotation: evaluated, Any where it can't be. required: has no default. default: ``inspect.Parameter.empty`` then."""

    annotation: Any
    required: bool
    default: Any = inspect.Parameter.empty


@dataclass(frozen=True)
class Signature:
    """What may be given by name. others: whether further names are taken too (``**kwargs``)."""

    parameters: Mapping[str, Parameter]
    others: bool

    @classmethod
    def of(cls, target: Callable[..., Any]) -> Signature:
        return _signature(target) if isinstance(target, Hashable) else _signature.__wrapped__(target)


@lru_cache(maxsize=256)
def _signature(target: Callable[..., Any]) -> Signature:
    function = target.func if isinstance(target, partial) else target
    function = inspect.unwrap(function.__init__ if isinstance(function, type) else function)  # type: ignore[misc]
    try:
        given = inspect.signature(target).parameters.values()
    except ValueError:  # written in C, without a signature
        return Signature({}, True)
    names = {
        one.name: Parameter(
            _evaluated(one.annotation, getattr(function, "__globals__", {})), one.default is one.empty, one.default
        )
        for one in given
        if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    }
    return Signature(names, any(one.kind is one.VAR_KEYWORD for one in given))


def _evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    if annotation is inspect.Parameter.empty:
        return Any
    try:
        hints = get_type_hints(SimpleNamespace(__annotations__={"it": annotation}), names, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError):  # imported for type checkers only
        return Any
    return hints["it"]


def place(where: Where, key: str) -> str:
    """Where ``key`` below a choice stands."""
    if callable(where):
        return where(key)
    if not key:
        return where
    if where.endswith(")"):  # "recipe.yaml:3 (train.loss)"
        return f"{where[:-1]}.{key})"
    return f"{where}.{key}" if where else key


def in_args(where: Where) -> Callable[[str], str]:
    """Places of a choice whose arguments are written below ``args`` only, such as the net's."""
    return lambda key: place(where, key if key in ("", "name") else f"args.{key}")


def check(
    target: Callable[..., Any], chosen: Chosen, where: Where, supplied: Collection[str], whole: bool = False
) -> tuple[dict[str, Any], list[Problem]]:
    """(keyword arguments, problems) of the recipe's part. supplied: what the program gives. whole: nothing else will be added."""
    if isinstance(chosen, ModelSection):  # its arguments are written below args only
        where = in_args(where)
    signature = Signature.of(target)
    open_to_recipe = [name for name in signature.parameters if name not in supplied]
    given: dict[str, tuple[str, Any]] = {}  # parameter → (key below the choice, value)
    problems = []
    value = getattr(chosen, "value", None)
    if value is not None:
        if not open_to_recipe:
            problems.append(
                Problem(place(where, "value"), say("recipe.no-value", name=chosen.name, value=shown(value)))
            )
        elif open_to_recipe[0] in chosen.args:
            what = say("recipe.given-twice", argument=open_to_recipe[0], name=chosen.name)
            problems.append(Problem(place(where, "value"), what))
        else:
            given[open_to_recipe[0]] = ("value", value)
    for name, item in chosen.args.items():
        if name in supplied:
            what = say("recipe.supplied", argument=name, name=chosen.name)
            own = getattr(type(chosen), "model_fields", ())  # train.optimizer.args.lr is not train.optimizer.lr
            problems.append(
                Problem(place(where, f"args.{name}" if name in own else name), what, say("recipe.leave-out"))
            )
        elif name in signature.parameters or signature.others:
            given[name] = (name, item)
        else:
            problems.append(_unknown(chosen, name, item, open_to_recipe, place(where, name)))
    kwargs = {}
    for name, (key, item) in given.items():
        annotation = signature.parameters[name].annotation if name in signature.parameters else Any
        kwargs[name], wrong = _validated(annotation, item, where, key)
        problems += wrong
    if whole:
        for name in open_to_recipe:
            if signature.parameters[name].required and name not in kwargs:
                what = say("recipe.argument-missing", argument=name, name=chosen.name)
                remedy = say("recipe.argument-missing.remedy", name=chosen.name, argument=name)
                problems.append(Problem(place(where, name), what, remedy))
    return kwargs, problems


def untaken(target: Callable[..., Any], supplied: Collection[str]) -> list[str]:
    """Which of ``supplied`` the target does not take."""
    signature = Signature.of(target)
    return [] if signature.others else [name for name in supplied if name not in signature.parameters]


def _unknown(chosen: Chosen, argument: str, value: Any, known: list[str], where: str) -> Problem:
    what = say("recipe.unknown-argument", name=chosen.name, argument=argument, value=shown(value))
    fields = [field for field in getattr(type(chosen), "model_fields", ()) if field not in ("args", "value")]
    remedy = did_you_mean(argument, [*known, *fields])
    if not remedy:
        remedy = (
            say("recipe.known-keys", keys=", ".join(known)) if known else say("recipe.takes-none", name=chosen.name)
        )
    return Problem(where, what, remedy)


def _validated(annotation: Any, value: Any, where: Where, key: str) -> tuple[Any, list[Problem]]:
    """As pydantic's strict JSON mode takes it: a list is a tuple where one is meant, a whole number a float, text never a number."""
    try:
        try:
            adapter = TypeAdapter(annotation, config=ConfigDict(strict=True, arbitrary_types_allowed=True))
        except PydanticUserError:  # the type brings a configuration of its own
            adapter = TypeAdapter(annotation)
    except PydanticUserError:  # nothing that pydantic knows: the constructor itself has to judge
        return value, []
    try:
        return adapter.validate_json(json.dumps(value), strict=True), []
    except ValidationError as error:
        return value, list(explain(error, annotation, value, partial(place, where), key).values())
