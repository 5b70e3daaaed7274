"""A recipe can't be changed, not even inside, and still is plain data; in Python it is built as one would write it."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from danlu.errors import RecipeError
from danlu.recipe import Recipe, complete, from_dict
from danlu.recipe.frozen import FrozenDict
from danlu.recipe.schema import Named, OptimizerSection, SplitSection, TrainSection

FULL: dict[str, Any] = {
    "data": {"columns": {"image": "file"}, "augment": ["flip", {"crop": {"padding": 2}}]},
    "model": {"name": "mlp", "args": {"widths": [8, [1, 2]], "deep": {"er": [{"a": 1}]}}},
    "train": {"optimizer": {"name": "adam", "betas": [0.9, 0.99]}, "loss": {"focal": [1, 2]}},
    "options": {"a": [1, {"b": 2}]},
}


def everything(value: Any) -> list[Any]:
    """``value`` and all that is inside."""
    below: list[Any] = []
    if isinstance(value, BaseModel):
        below = [getattr(value, key) for key in type(value).model_fields]
    elif isinstance(value, dict):
        below = list(value.values())
    elif isinstance(value, tuple | list | set):
        below = list(value)
    return [value, *(each for item in below for each in everything(item))]


@pytest.mark.parametrize("recipe", [Recipe(), from_dict(FULL), Recipe(**FULL), complete(from_dict({}))])
def test_nothing_inside_can_be_changed(recipe: Recipe) -> None:
    for value in everything(recipe):
        assert isinstance(value, BaseModel | FrozenDict | tuple | str | int | float | bool | None)
        if isinstance(value, BaseModel):
            for key in type(value).model_fields:
                with pytest.raises(ValidationError):
                    setattr(value, key, None)
        if isinstance(value, FrozenDict):
            for change in (
                lambda d: d.update(a=1),
                lambda d: d.__setitem__("a", 1),
                lambda d: d.pop("a", None),
                lambda d: d.setdefault("a", 1),
                lambda d: d.clear(),
                lambda d: d.__ior__({"a": 1}),
                lambda d: d.__delitem__("a"),
                lambda d: d.popitem(),
            ):
                with pytest.raises(TypeError, match="can't be changed"):
                    change(value)


def test_it_still_is_plain_data() -> None:
    recipe = from_dict(FULL)
    args = recipe.model.args
    assert args == {"widths": (8, (1, 2)), "deep": {"er": ({"a": 1},)}}
    assert {**args, "more": 1} == {"widths": (8, (1, 2)), "deep": {"er": ({"a": 1},)}, "more": 1}
    assert args | {"more": 1} == {**args, "more": 1}
    assert json.loads(json.dumps(args)) == {"widths": [8, [1, 2]], "deep": {"er": [{"a": 1}]}}
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert from_dict(recipe.model_dump()) == recipe
    assert (
        from_dict({"train": recipe.train, "data": recipe.data, "model": recipe.model, "options": {"a": [1, {"b": 2}]}})
        == recipe
    )
    for twin in (copy.copy(recipe), copy.deepcopy(recipe), pickle.loads(pickle.dumps(recipe)), recipe.model_copy()):  # noqa: S301
        assert twin == recipe
        assert twin is not recipe


def test_the_callers_data_are_not_held_on_to() -> None:
    given: dict[str, Any] = copy.deepcopy(FULL)
    recipe, direct = from_dict(given), Recipe(**given)
    assert given == FULL
    given["model"]["args"]["widths"].append(3)
    given["data"]["columns"]["x"] = "y"
    assert recipe == direct == from_dict(FULL)


def test_python_spellings() -> None:
    recipe = Recipe(
        seed=3,
        data={"source": Path("photos"), "augment": ["flip", Named(name="rotate", value=10), {"mixup": 0.2}]},
        model="mlp",
        train=TrainSection(optimizer="sgd", schedule="cosine", warmup=0, loss={"focal": {"gamma": 2}}, clip_norm=1),
    )
    assert recipe.data.source == "photos"
    assert [choice.name for choice in recipe.data.augment] == ["flip", "rotate", "mixup"]
    assert isinstance(recipe.train.clip_norm, float)
    assert recipe == from_dict(
        {
            "seed": 3,
            "data": {"source": "photos", "augment": ("flip", {"rotate": 10}, {"name": "mixup", "value": 0.2})},
            "model": {"name": "mlp"},
            "train": {"optimizer": OptimizerSection(name="sgd"), "schedule": "cosine", "warmup": 0.0,
                      "loss": {"name": "focal", "gamma": 2}, "clip_norm": 1.0},
        }
    )  # fmt: skip
    assert from_dict({"data": {"split": SplitSection(val=0.3)}}, ["data.split.test=0.2"]).data.split.val == 0.3


def test_numbers_of_numpy_become_numbers() -> None:
    args = Recipe(model={"args": {"a": np.float64(0.1), "b": np.int64(3)}}).model.args
    assert {key: type(value) for key, value in args.items()} == {"a": float, "b": int}


@pytest.mark.parametrize(
    "thing", [object(), {1, 2}, b"x", {3: 4}, lambda: 0, np.zeros(2)], ids=lambda x: type(x).__name__
)
def test_what_no_file_could_hold_is_refused(thing: Any) -> None:
    with pytest.raises(ValidationError):
        Recipe(model={"args": {"x": thing}})
    if not isinstance(thing, dict):
        with pytest.raises(RecipeError, match=r"model\.args: .*can't stand in a recipe"):
            from_dict({"model": {"args": {"x": thing}}})


@pytest.mark.parametrize(
    ("mapping", "where", "says"),
    [
        ({"train": {"epochs": "3"}}, "train.epochs", '"3" is not allowed'),
        ({"train": {"epoch": 3}}, "train.epoch", "no key epoch"),
        ({"train": TrainSection(), "data": 3}, "data", "3 is not allowed"),
        ({"data": {"augment": [3]}}, "data.augment.0", "3 is not allowed"),
    ],
)
def test_wrong_python_values_are_told_by_their_key(mapping: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(RecipeError) as caught:
        from_dict(mapping)
    (problem,) = caught.value.problems
    assert problem.where == where
    assert says in problem.what
