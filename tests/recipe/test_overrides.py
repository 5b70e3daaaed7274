"""Dotted overrides reach every key, in whichever spelling the recipe has it, and leave everything else alone."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from danlu.errors import RecipeError
from danlu.recipe import Recipe, complete, from_dict, from_text
from danlu.recipe.schema import Named
from danlu.recipe.shape import alternatives, field_type

FILE = """\
task: image-classification
data:
  augment: [flip, {rotate: 10}, {color-jitter: {hue: 0.1}}, {name: crop, padding: 2}]
model: mlp
train:
  optimizer: sgd
  schedule: {cosine: 3}
  loss: {focal: {gamma: 1.5}}
"""


def at(recipe: Any, key: str) -> Any:
    for step in key.split("."):
        recipe = (
            getattr(recipe, step)
            if isinstance(recipe, BaseModel)
            else recipe[step if isinstance(recipe, dict) else int(step)]
        )
    return recipe


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("seed=7", "seed", 7),
        ("run.name=first try", "run.name", "first try"),
        ("run.name='7'", "run.name", "7"),
        ('run.name="a=b"', "run.name", "a=b"),
        ("data.source=hub: x # y", "data.source", "hub: x # y"),
        ("train.optimizer.lr=3e-4", "train.optimizer.lr", 3e-4),
        ("train.optimizer.lr=auto", "train.optimizer.lr", "auto"),
        ("train.optimizer.lr=1", "train.optimizer.lr", 1.0),
        ("train.optimizer.momentum=0.8", "train.optimizer.args.momentum", 0.8),
        ("train.optimizer.args.momentum=0.8", "train.optimizer.args.momentum", 0.8),
        ("train.optimizer=adamw", "train.optimizer.name", "adamw"),
        ("train.optimizer={name: adam, betas: [0.8, 0.9]}", "train.optimizer.args.betas", (0.8, 0.9)),
        ("train.optimizer={adam: {lr: 0.5}}", "train.optimizer.lr", 0.5),
        ("train.schedule.cosine=4", "train.schedule.value", 4),
        ("train.schedule.restarts=4", "train.schedule.args.restarts", 4),
        ("train.schedule={cosine: {restarts: 4}}", "train.schedule.args.restarts", 4),
        ("train.loss.gamma=3", "train.loss.args.gamma", 3),
        ("train.loss.focal.gamma=3", "train.loss.args.gamma", 3),
        ("train.loss=mse", "train.loss", Named(name="mse")),
        ("train.loss=null", "train.loss", None),
        ("train.loss=", "train.loss", None),
        ("train.clip_norm=~", "train.clip_norm", None),
        ("train.early_stop.patience=3", "train.early_stop.patience", 3),
        ("train.early_stop={patience: 3}", "train.early_stop.patience", 3),
        ("train.warmup=100", "train.warmup", 100),
        ("data.augment.0=erase", "data.augment.0.name", "erase"),
        ("data.augment.0.p=0.1", "data.augment.0.args.p", 0.1),
        ("data.augment.1.rotate=20", "data.augment.1.value", 20),
        ("data.augment.1.value=20", "data.augment.1.value", 20),
        ("data.augment.2.color-jitter.hue=0.2", "data.augment.2.args.hue", 0.2),
        ("data.augment.2.hue=0.2", "data.augment.2.args.hue", 0.2),
        ("data.augment.3.padding=5", "data.augment.3.args.padding", 5),
        ("data.augment.4={mixup: 0.2}", "data.augment.4.value", 0.2),
        ("data.augment=[]", "data.augment", ()),
        ("data.augment=[{rotate: 5}]", "data.augment", (Named(name="rotate", value=5),)),
        ("data.columns.label=class", "data.columns.label", "class"),
        ("data.columns={label: class, image: file}", "data.columns", {"label": "class", "image": "file"}),
        ("data.split.stratify=true", "data.split.stratify", True),
        ("data.split.group=no", "data.split.group", "no"),
        ("model=resnet", "model.name", "resnet"),
        ("model.args.widths=[8, 8]", "model.args.widths", (8, 8)),
        ("model.args.deep.er=1", "model.args.deep.er", 1),
        ("options.new=[a, {b: 1e-3}]", "options.new", ("a", {"b": 1e-3})),
        ("options.deep.er=true", "options.deep.er", True),
    ],
)
def test_reaches(override: str, key: str, value: object) -> None:
    before, after = from_text(FILE), from_text(FILE, [override])
    assert at(after, key) == value
    assert type(at(after, key)) is type(value) or isinstance(value, dict)
    assert "command line" in after.where(key)
    top, section = key.split(".")[0], ".".join(key.split(".")[:2])
    for name in Recipe.model_fields:
        if name != top:
            assert getattr(after, name) == getattr(before, name)
    if isinstance(getattr(before, top), BaseModel):
        for name in type(getattr(before, top)).model_fields:
            if f"{top}.{name}" != section:
                assert at(after, f"{top}.{name}") == at(before, f"{top}.{name}")


def leaves(annotation: Any, prefix: str = "") -> list[str]:
    found = []
    for kind, _ in alternatives(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not Named:
            for key, field in kind.model_fields.items():
                found += leaves(field_type(field), f"{prefix}{key}.")
    return found or [prefix.rstrip(".")]


@pytest.mark.parametrize("key", leaves(Recipe))
def test_every_key_of_the_schema_can_be_set_alone(key: str) -> None:
    """Each to its default, in a recipe where nothing else is written."""
    default = at(Recipe(train={"early_stop": {}}), key)
    plain = {"name": default.name} if isinstance(default, Named) else default
    from danlu.recipe.writing import flow

    assert at(from_dict({}, [f"{key}={flow(plain)}"]), key) == default


def test_later_overrides_win_and_build_on_earlier_ones() -> None:
    recipe = from_text(FILE, ["train.loss=mse", "train.loss=focal", "train.loss.gamma=4", "train.loss.gamma=5"])
    assert recipe.train.loss == Named(name="focal", args={"gamma": 5})


def test_arguments_of_the_old_choice_go_with_it() -> None:
    assert from_text(FILE, ["train.loss=focal"]).train.loss == Named(name="focal")
    assert from_text(FILE, ["data.augment.2=flip"]).data.augment[2] == Named(name="flip")


def test_an_argument_alone_keeps_the_default_choice() -> None:
    recipe = from_dict({}, ["train.schedule.peak=0.2"])
    default = complete(from_dict({})).train.schedule
    assert complete(recipe).train.schedule == Named(name=default.name, args={**default.args, "peak": 0.2})
    assert "command line" in recipe.where("train.schedule.peak")


def test_overrides_are_many_strings_not_one() -> None:
    with pytest.raises(TypeError, match="key=value"):
        from_dict({}, "seed=3")


@pytest.mark.parametrize("override", ["=3", "a b=3", "train..epochs=3", ".seed=3", "seed.=3", "seed", ""])
def test_what_is_no_override_is_refused(override: str) -> None:
    with pytest.raises(RecipeError, match="not of the form key=value"):
        from_dict({}, [override])


def test_lists_are_counted_from_0() -> None:
    for place in ("5", "-1", "first"):
        with pytest.raises(RecipeError, match="no place in it"):
            from_text(FILE, [f"data.augment.{place}=flip"])


def test_an_unknown_keys_value_is_shown_as_it_was_written() -> None:
    with pytest.raises(RecipeError) as caught:
        from_dict({}, ["data.augmnt=[flip, {rotate: 10}]"])
    assert "[flip, {rotate: 10}]" in str(caught.value)
