"""What the task adds to a recipe: its defaults beneath what the user set, and its options; then all that needs no data is checked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Literal

from pydantic import ValidationError

from danlu.errors import Problem, RecipeError
from danlu.messages import say
from danlu.recipe.arguments import Chosen
from danlu.recipe.contradictions import contradictions
from danlu.recipe.frozen import FrozenDict, freeze
from danlu.recipe.names import catalogue, faults, spec_of
from danlu.recipe.problems import explain, not_allowed, told
from danlu.recipe.schema import ModelSection, Named, OptimizerSection, Recipe, Section
from danlu.recipe.spec import TaskSpec
from danlu.recipe.spelling import spell_out
from danlu.recipe.tree import grow, plain

Note = Callable[[str], object]  # told every key that a default filled in


def complete(recipe: Recipe, defaults: bool = True) -> Recipe:
    """The recipe with its task's defaults and options. Raises RecipeError with every problem found.

    Completing twice changes nothing, nor does writing a complete recipe out and reading it again.
    defaults: False leaves the task's out (:func:`danlu.recipe.resolved`).
    """
    completed, problems = examine(recipe, defaults=defaults)
    if problems:
        raise told(problems)
    return completed


def examine(recipe: Recipe, wrong: Collection[str] = (), defaults: bool = True) -> tuple[Recipe, list[Problem]]:
    """The recipe, completed as far as it can be, and its problems.

    wrong: dotted keys already known to be wrong (and left out of the recipe); what depends on them isn't judged.
    defaults: whether the task's are put beneath.
    """
    problems: list[Problem] = []
    given = {key for _, choice, key in _choices(recipe) if choice.args or getattr(choice, "value", None) is not None}
    spec: TaskSpec | None = None
    if "task" not in wrong:
        try:
            spec = spec_of(recipe.task, recipe.where("task"))
            recipe = with_defaults(recipe, spec) if defaults else recipe
            recipe = with_options(recipe, spec)
        except RecipeError as error:
            problems += error.problems
    formats = ("auto", *(name for name in catalogue("source") if name != "builtin"))
    if recipe.data.format not in formats:
        problems.append(not_allowed(recipe.where("data.format"), recipe.data.format, Literal[*formats]))
    for group, choice, key in _choices(recipe):
        problems += faults(group, choice, recipe.under(key), arguments=key in given)
    return recipe, [*problems, *contradictions(recipe, spec, wrong)]


def _choices(recipe: Recipe) -> Iterator[tuple[str, Chosen, str]]:
    """(group, choice, dotted key) of everything that is chosen by name."""
    model, train = recipe.model, recipe.train
    if model.name != "auto":
        yield "net", model, "model"
    for group in ("activation", "norm"):
        name = getattr(model, group)
        if name is not None:
            yield group, Named(name=name), f"model.{group}"
    yield "unfreeze", model.unfreeze, "model.unfreeze"
    if model.adapter is not None:
        yield "adapter", model.adapter, "model.adapter"
    yield "optimizer", train.optimizer, "train.optimizer"
    yield "schedule", train.schedule, "train.schedule"
    if train.loss is not None:
        yield "loss", train.loss, "train.loss"
    for index, choice in enumerate(recipe.data.augment):
        yield "augmentation", choice, f"data.augment.{index}"


def with_options(recipe: Recipe, spec: TaskSpec) -> Recipe:
    """The recipe with all of the task's options. Raises RecipeError."""
    try:
        options = spec.options.model_validate(dict(recipe.options))
    except ValidationError as error:
        raise RecipeError(explain(error, spec.options, recipe.options, recipe.where, "options").values()) from None
    return recipe.model_copy(update={"options": freeze(options.model_dump())})


def with_defaults(recipe: Recipe, spec: TaskSpec) -> Recipe:
    """The recipe with the task's defaults beneath. What was chosen under another name inherits nothing from the default."""
    net = recipe.model.name if "name" in recipe.model.model_fields_set else spec.defaults.get("model", {}).get("name")
    own = {key: {**spec.defaults.get(key, {}), **values} for key, values in spec.nets.get(net, {}).items()}
    tree = grow({**spec.defaults, **own})
    spell_out(tree, Recipe)
    label = say("recipe.default-of", task=spec.name)
    origins = dict(recipe._origins)
    merged = _merge(Recipe.model_validate(plain(tree)), recipe, "", lambda key: origins.setdefault(key, label))
    assert isinstance(merged, Recipe)
    merged._origins = origins
    return merged


def _merge(default: Any, own: Any, prefix: str, note: Note) -> Any:
    """``own``, a section, with what ``default`` sets and it does not."""
    if isinstance(own, Named):
        return _merge_choice(default, own, prefix, note)
    if isinstance(own, OptimizerSection | ModelSection) and "name" in own.model_fields_set and own.name != default.name:
        return own
    merged: dict[str, Any] = {}
    for key in type(own).model_fields:
        mine, theirs = getattr(own, key), getattr(default, key)
        if key not in own.model_fields_set:
            if key in default.model_fields_set:
                merged[key] = theirs
                for below in [key, *(f"{key}.{name}" for name in theirs)] if isinstance(theirs, dict) else [key]:
                    note(prefix + below)
        elif isinstance(mine, Section) and isinstance(theirs, Section):
            merged[key] = _merge(theirs, mine, f"{prefix}{key}.", note)
        elif isinstance(mine, dict) and isinstance(theirs, dict):
            merged[key] = _merge_mapping(theirs, mine, f"{prefix}{key}.", note)
    return own.model_copy(update=merged)


def _merge_choice(default: Named, own: Named, prefix: str, note: Note) -> Named:
    """Arguments are added to the default's; a single value replaces them."""
    if own.name not in ("", default.name):
        return own
    if not own.name:
        note(prefix + "name")
    if own.value is not None:
        return own.model_copy(update={"name": default.name})
    args = _merge_mapping(default.args, own.args, f"{prefix}args.", note)
    return Named(name=default.name, value=None if own.args else default.value, args=args)


def _merge_mapping(default: Mapping[str, Any], own: Mapping[str, Any], prefix: str, note: Note) -> FrozenDict:
    merged = dict(default)
    for key in default.keys() - own.keys():
        note(prefix + key)
    for key, mine in own.items():
        theirs = default.get(key)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            mine = _merge_mapping(theirs, mine, f"{prefix}{key}.", note)
        merged[key] = mine
    return FrozenDict(merged)
