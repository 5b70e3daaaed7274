"""A complete recipe as its user would write it."""

from __future__ import annotations

from typing import Any

import pytest

from danlu import recipe as recipes
from danlu.recipe.brief import brief, written

MADE: list[dict[str, Any]] = [
    {},
    {"task": "image-classification", "seed": 7, "train": {"epochs": 3}},
    {"model": "mlp", "train": {"optimizer": "adamw"}},
    {"model": {"name": "mlp", "norm": "none", "args": {"widths": [8, 4]}}, "data": {"augment": []}},
    {"data": {"augment": ["flip", {"rotate": 10}, {"mixup": 0.2}], "split": {"val": 0.2, "time": None}}},
    {"train": {"optimizer": {"name": "sgd", "lr": 0.3, "momentum": 0.5}, "schedule": {"one-cycle": {"peak": 0.4}}}},
    {"train": {"loss": {"name": "focal", "gamma": 3.0}, "early_stop": {"patience": 2}, "warmup": 0.1}},
    {"task": "detection", "data": {"source": "x.json"}, "options": {"min_score": 0.2}},
    {"run": {"name": "1e5", "folder": "# here"}, "evaluate": {"weights": "best"}},
]


@pytest.mark.parametrize("given", MADE)
def test_it_means_the_same_and_says_no_more_than_was_said(given: dict[str, Any]) -> None:
    whole = recipes.complete(recipes.from_dict(given))
    found = brief(whole)
    text = written(found)
    assert recipes.dump(recipes.complete(recipes.from_text(text))) == recipes.dump(whole)
    assert set(found) <= {*given, "task"}
    for section, value in given.items():
        if isinstance(value, dict) and isinstance(found.get(section), dict):
            assert set(found[section]) <= set(value)


def test_nothing_can_be_left_out() -> None:
    whole = recipes.complete(recipes.from_dict(MADE[5]))
    found = brief(whole)
    for key in found["train"]:
        without = found | {"train": {name: value for name, value in found["train"].items() if name != key}}
        assert recipes.complete(recipes.from_dict(without)) != whole


def test_what_must_be_said_is_said_with_its_note() -> None:
    whole = recipes.complete(recipes.from_dict({"train": {"epochs": 3}}))
    lr = whole.train.optimizer.lr
    found = brief(whole, keep=["train.optimizer.lr"])
    assert found["train"] == {"epochs": 3, "optimizer": {"lr": lr}}
    text = written(found, {"train.optimizer.lr": "as before"}, head="Two\nlines")
    assert (
        text
        == f"# Two\n# lines\ntask: image-classification\ntrain:\n  epochs: 3\n  optimizer:\n    lr: {lr}  # as before\n"
    )
    assert recipes.complete(recipes.from_text(text)) == whole
