"""A task's defaults go beneath what the user set, and nowhere else; its options are its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

import danlu.tasks
from danlu.errors import RecipeError
from danlu.recipe import Recipe, complete, dump, from_dict, from_text, load, patch, resolved
from danlu.recipe.schema import Choice, EarlyStopSection, Named, Section
from danlu.recipe.spec import Column, TaskSpec


class Inner(Section):
    depth: int = 1
    width: int = 2


class Options(Section):
    beams: Annotated[int, Field(ge=1)] = 4
    sizes: tuple[int, ...] = (1, 2)
    inner: Inner = Inner()
    pick: Choice = Named(name="first")


SPEC = TaskSpec(
    name="toy",
    title=("Toy", "玩具"),
    columns={"x": Column("number", "input"), "y": Column("category", "target")},
    task="nowhere:Toy",
    monitor=("val/accuracy", 1),
    defaults={
        "data": {"augment": ["flip", {"rotate": 5}], "split": {"val": 0.2}, "columns": {"x": "a", "y": "b"}},
        "model": {"name": "mlp", "dropout": 0.5, "args": {"widths": [8, 8]}},
        "train": {
            "epochs": 3,
            "optimizer": {"name": "sgd", "lr": 0.5, "momentum": 0.8, "nesterov": False},
            "schedule": {"cosine": {"restarts": 2, "floor": 0.1}},
            "loss": {"cross-entropy": 0.1},
            "early_stop": {"monitor": "val/accuracy", "patience": 9},
        },
        "options": {"beams": 6, "inner": {"depth": 5}},
    },
    options=Options,
)


@pytest.fixture(autouse=True)
def _toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The task as a folder of danlu.tasks."""
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "__init__.py").touch()
    (tmp_path / "toy" / "spec.py").write_text(f"import sys\nSPEC = sys.modules[{__name__!r}].SPEC\n")
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or _this())
    monkeypatch.setattr(danlu.tasks, "__path__", [*danlu.tasks.__path__, str(tmp_path)])
    yield
    for name in [name for name in sys.modules if name.startswith("danlu.tasks.toy")]:
        del sys.modules[name]


def _this() -> Any:
    import types

    module = types.ModuleType(__name__)
    module.__dict__.update(globals())
    return module


def toy(**sections: Any) -> Recipe:
    return complete(from_dict({"task": "toy", **sections}))


def test_everything_unset_is_the_tasks() -> None:
    recipe = toy()
    assert recipe.train.epochs == 3
    assert recipe.train.optimizer.args == {"momentum": 0.8, "nesterov": False}
    assert recipe.train.loss == Named(name="cross-entropy", value=0.1)
    assert recipe.data.augment == (Named(name="flip"), Named(name="rotate", value=5))
    assert recipe.train.batch_size == 128  # neither the user's nor the task's
    assert recipe.options == {
        "beams": 6,
        "sizes": (1, 2),
        "inner": {"depth": 5, "width": 2},
        "pick": {"name": "first", "value": None, "args": {}},
    }


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ({"optimizer": {"lr": 0.1}}, ("sgd", 0.1, {"momentum": 0.8, "nesterov": False})),
        ({"optimizer": {"name": "sgd", "lr": 0.1}}, ("sgd", 0.1, {"momentum": 0.8, "nesterov": False})),
        ({"optimizer": {"momentum": 0.9}}, ("sgd", 0.5, {"momentum": 0.9, "nesterov": False})),
        ({"optimizer": "sgd"}, ("sgd", 0.5, {"momentum": 0.8, "nesterov": False})),
        ({"optimizer": "adamw"}, ("adamw", 1e-3, {})),
        ({"optimizer": {"name": "adam", "amsgrad": True}}, ("adam", 1e-3, {"amsgrad": True})),
    ],
)
def test_an_optimizer_inherits_only_from_its_own_name(train: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = toy(train=train).train.optimizer
    assert (found.name, found.lr, found.args) == expected


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("cosine", Named(name="cosine", args={"restarts": 2, "floor": 0.1})),
        ({"cosine": {"restarts": 4}}, Named(name="cosine", args={"restarts": 4, "floor": 0.1})),
        ({"args": {"restarts": 4}}, Named(name="cosine", args={"restarts": 4, "floor": 0.1})),
        ({"cosine": 4}, Named(name="cosine", value=4)),
        ({"value": 4}, Named(name="cosine", value=4)),
        ("step", Named(name="step")),
        ({"step": {"gamma": 0.5}}, Named(name="step", args={"gamma": 0.5})),
    ],
)
def test_a_choice_inherits_only_from_its_own_name(schedule: Any, expected: Named) -> None:
    assert toy(train={"schedule": schedule}).train.schedule == expected


def test_arguments_by_name_replace_a_single_value() -> None:
    assert toy(train={"loss": {"cross-entropy": {"ignore": 3}}}).train.loss == Named(
        name="cross-entropy", args={"ignore": 3}
    )


def test_a_model_of_another_name_is_the_users_alone() -> None:
    own, other = toy(model={"dropout": 0.1}).model, toy(model="resnet").model
    assert (own.name, own.dropout, own.args) == ("mlp", 0.1, {"widths": (8, 8)})
    assert (other.name, other.dropout, other.args) == ("resnet", None, {})


def test_sections_and_mappings_are_merged_lists_are_replaced() -> None:
    recipe = toy(
        data={"augment": ["flip"], "split": {"test": 0.3}, "columns": {"y": "label"}},
        train={"early_stop": {"patience": 2}},
        options={"inner": {"width": 7}},
    )
    assert recipe.data.augment == (Named(name="flip"),)
    assert (recipe.data.split.val, recipe.data.split.test) == (0.2, 0.3)
    assert recipe.data.columns == {"x": "a", "y": "label"}
    assert recipe.train.early_stop == EarlyStopSection(monitor="val/accuracy", patience=2)
    assert recipe.options["inner"] == {"depth": 5, "width": 7}


def test_null_takes_a_default_away() -> None:
    recipe = toy(train={"early_stop": None, "loss": None}, data={"augment": []})
    assert recipe.train.early_stop is None
    assert recipe.train.loss is None
    assert recipe.data.augment == ()


def test_values_equal_to_the_schemas_default_still_are_the_users() -> None:
    assert toy(train={"epochs": 10}).train.epochs == 10


def test_sections_as_objects_count_what_was_set_in_them() -> None:
    from danlu.recipe.schema import OptimizerSection, TrainSection

    recipe = complete(Recipe(task="toy", train=TrainSection(optimizer=OptimizerSection(lr=0.1))))
    assert (recipe.train.optimizer.name, recipe.train.optimizer.lr, recipe.train.epochs) == ("sgd", 0.1, 3)


def test_who_set_a_value_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("task: toy\ntrain:\n  optimizer: {lr: 0.1}\n  early_stop:\n    patience: 2\n")
    recipe = complete(load(path, ["train.epochs=4"]))
    assert recipe.where("train.epochs") == "command line (train.epochs)"
    assert recipe.where("train.optimizer.lr") == f"{path}:3 (train.optimizer.lr)"
    assert recipe.where("train.optimizer.momentum") == "default of toy (train.optimizer.momentum)"
    assert recipe.where("train.early_stop.monitor") == "default of toy (train.early_stop.monitor)"
    assert recipe.where("train.early_stop.patience") == f"{path}:5 (train.early_stop.patience)"
    assert recipe.where("data.augment.1") == "default of toy (data.augment.1)"
    assert recipe.where("options.beams") == "default of toy (options.beams)"
    assert recipe.where("seed") == "seed"
    assert recipe.under("train.optimizer")("lr") == f"{path}:3 (train.optimizer.lr)"


def test_a_clash_with_a_default_is_shown_at_what_the_user_wrote() -> None:
    with pytest.raises(RecipeError) as caught:
        complete(from_text("task: toy\ndata: {split: {val: 0}}"))
    assert [problem.where for problem in caught.value.problems] == ["recipe:2 (data.split.val)"]


def test_options_are_the_tasks() -> None:
    options = toy(options={"sizes": [3], "pick": {"best": 2}}).options
    assert (options["beams"], options["sizes"], options["pick"]) == (6, (3,), {"name": "best", "value": 2, "args": {}})
    assert Options(**options) == Options(beams=6, sizes=(3,), inner=Inner(depth=5), pick=Named(name="best", value=2))
    with pytest.raises(RecipeError) as caught:
        complete(from_text("task: toy\noptions:\n  beams: 0\n  inner:\n    dept: 3\n  sizes: [1, x]"))
    assert [(each.where, each.remedy) for each in caught.value.problems] == [
        ("recipe:3 (options.beams)", ""),
        ("recipe:5 (options.inner.dept)", "Did you mean depth?"),
        ("recipe:6 (options.sizes.1)", ""),
    ]


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"train": {"optimizer": "adamw", "schedule": {"cosine": 4}, "loss": None, "early_stop": None}},
        {"model": "resnet", "options": {"pick": {"best": {"k": 2}}}, "data": {"columns": {"x": "q"}}},
        {"data": {"split": {"val": 0.0}}, "train": {"early_stop": None}},
    ],
)
def test_completing_again_or_after_writing_changes_nothing(sections: dict[str, Any]) -> None:
    recipe = toy(**sections)
    assert complete(recipe) == recipe
    again = from_text(dump(recipe))
    assert again == recipe
    assert complete(again) == recipe


def test_a_runs_recipe_is_not_touched_by_later_defaults_of_its_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = toy(model={"args": {"widths": [4]}}, train={"schedule": {"cosine": {"floor": 0.2}}})
    text = "".join(
        f"{line}\n" for line in dump(before).splitlines() if "clip_norm" not in line
    )  # a key that came later
    (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
    later = {"train": {"clip_norm": 1.0, "schedule": {"cosine": {"multiply": 3.0}}}}
    monkeypatch.setattr(sys.modules[__name__], "SPEC", replace(SPEC, defaults=later))
    del sys.modules["danlu.tasks.toy.spec"]
    touched = complete(load(tmp_path / "recipe.yaml")).train
    assert touched.clip_norm == 1.0
    assert touched.schedule.args == {"floor": 0.2, "restarts": 2, "multiply": 3.0}
    assert resolved(tmp_path / "recipe.yaml") == before


def test_patch_changes_what_it_is_told() -> None:
    recipe = complete(from_text("task: toy\nseed: 3\ntrain: {epochs: 4}"))
    changed = patch(recipe, {"train.precision": "fp32", "train.optimizer.lr": 0.25, "data.augment.0.p": 0.1})
    assert (changed.train.precision, changed.train.optimizer.lr) == ("fp32", 0.25)
    assert changed.data.augment[0] == Named(name="flip", args={"p": 0.1})
    assert patch(changed, {"train.precision": "auto", "train.optimizer.lr": 0.5, "data.augment.0": "flip"}) == recipe
    assert changed.where("train.epochs") == "recipe:3 (train.epochs)"
    assert complete(changed) == changed
    with pytest.raises(RecipeError, match=r"train\.precison.*Did you mean precision"):
        patch(recipe, {"train.precison": "fp32"})
    with pytest.raises(RecipeError, match="fp23 is not allowed"):
        patch(recipe, {"train.precision": "fp23"})


def test_every_task_there_is_has_defaults_that_hold() -> None:
    from danlu.recipe.names import tasks

    for name, spec in tasks().items():
        assert spec.name == name
        recipe = complete(from_dict({"task": name}))
        assert complete(from_text(dump(recipe))) == recipe
        if spec.example:
            complete(from_text(spec.example))
