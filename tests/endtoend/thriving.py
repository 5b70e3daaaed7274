"""Runs that a practitioner would be content with, of kinds as different as they come: none may be told that something ails it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.endtoend.ground import Ground

NETS = "tests.endtoend.thriving_nets:"
Recipe = Mapping[str, Any]


@dataclass(frozen=True)
class Thriving:
    """recipe: dotted changes of the task's default. content: shows that the run is good. weights: of which other run it begins with."""

    recipe: Recipe
    content: Callable[[Ground], None]
    weights: str = ""
    often: bool = False


def sgd(lr: float, **args: Any) -> Recipe:
    return {"train.optimizer": {"name": "sgd", "lr": lr, "weight_decay": 5e-4, "momentum": 0.9, **args}}


def adam(lr: float, name: str = "adamw", decay: float = 0.01) -> Recipe:
    return {"train.optimizer": {"name": name, "lr": lr, "weight_decay": decay}}


def at_least(least: float, metric: str = "test/accuracy") -> Callable[[Ground], None]:
    def content(ground: Ground) -> None:
        assert ground.judged("test")[metric] >= least

    return content


def at_most(most: float) -> Callable[[Ground], None]:
    def content(ground: Ground) -> None:
        assert ground.judged("test")["test/mae"] <= most

    return content


def converged(ground: Ground) -> None:
    assert ground.judged("test")["test/loss"] < 1e-3
    assert ground.curve("epoch/train/loss")[-1] < 5e-3


def stopped_early(ground: Ground) -> None:
    assert ground.run.status == "early-stop"
    at_least(0.95)(ground)


def frozen(least: float) -> Callable[[Ground], None]:
    """Nothing but the head was trained, by purpose."""

    def content(ground: Ground) -> None:
        assert all((value > 0) == ("head" in name) for name, value in ground.moved().items())
        at_least(least)(ground)

    return content


def reading(ground: Ground) -> None:
    """What is left is what the numbers don't tell: a mean absolute error of 40, on 80 rows ± 3.4."""
    assert 30 < ground.judged("test")["test/mae"] < 50


DIGITS: Recipe = {"data.source": "builtin:digits"}
FASHION: Recipe = {"data.source": "builtin:fashion", "data.limit": 1500}
PLAIN: Recipe = {"train.loss": {"name": "cross-entropy", "label_smoothing": 0.0}}

THRIVING: dict[str, Thriving] = {
    "the default net, batch norm and SGD in one cycle": Thriving(
        {**FASHION, "data.augment": ["flip", {"crop": 1}], "model.args": {"width": 8}, "train.epochs": 7},
        at_least(0.8),
    ),
    "MLP with AdamW": Thriving(
        {**DIGITS, **adam(3e-3), "model.name": "mlp", "train.epochs": 8}, at_least(0.95), often=True
    ),
    "GELU, layer norm, warm-up and cosine": Thriving(
        {**DIGITS, **adam(2e-3), "model.name": "mlp", "model.activation": "gelu", "model.norm": "layer",
         "train.schedule": "cosine", "train.warmup": 0.1, "train.epochs": 12},
        at_least(0.95),
    ),
    "one layer of tanh, SGD at a constant rate": Thriving(
        {**DIGITS, **PLAIN, **sgd(0.05), "model.name": "mlp", "model.activation": "tanh", "model.norm": "none",
         "model.args": {"widths": [96]}, "train.schedule": "constant", "train.epochs": 10},
        at_least(0.95), often=True,
    ),
    "mixup, flips, rotations and averaged weights": Thriving(
        {**sgd(0.1), "data.source": "shapes", "data.augment": ["flip", {"rotate": 10}, {"mixup": 0.2}],
         "model.args": {"width": 8}, "train.ema": 0.95, "train.epochs": 25, "train.batch_size": 16},
        at_least(0.9),
    ),
    "cutmix and erasing": Thriving(
        {**FASHION, "data.augment": ["flip", {"crop": 2}, "erase", "cutmix"], "model.args": {"width": 8},
         "train.epochs": 9},
        at_least(0.7),
    ),
    "house prices": Thriving(
        {**adam(0.03), "task": "house_price.spec:SPEC", "data.source": "houses", "train.epochs": 25}, at_most(5.0),
        often=True,
    ),
    "house prices that two numbers can't tell": Thriving(
        {**adam(0.03), "task": "house_price.spec:SPEC", "data.source": "rough_houses", "train.epochs": 25}, reading
    ),
    "rare classes with weights": Thriving(
        {**adam(3e-3), "data.source": "rare_digits", "data.balance": "class-weights", "model.name": "mlp",
         "train.epochs": 12},
        at_least(0.9, "test/balanced-accuracy"),
    ),
    "stopped early": Thriving(
        {**DIGITS, **adam(3e-3), "model.name": "image-classifier", "data.image.size": 12,
         "model.args": {"widths": [16, 32]}, "train.epochs": 60, "train.schedule": "constant",
         "train.early_stop": {"monitor": "val/loss", "patience": 2}},
        stopped_early,
    ),
    "accumulation, clipping, group norm and dropout": Thriving(
        {**FASHION, **sgd(0.1, nesterov=True), "model.name": "image-classifier", "model.norm": "group",
         "model.dropout": 0.2, "model.args": {"widths": [16, 32]}, "train.accumulate": 2, "train.batch_size": 32,
         "train.clip_norm": 1.0, "train.epochs": 6},
        at_least(0.8),
    ),
    "converged to nothing": Thriving(
        {**PLAIN, **adam(3e-3), "data.source": "shades", "model.name": "mlp", "train.epochs": 15}, converged, often=True
    ),
    "residual net without norm, whose branches begin at zero": Thriving(
        {**DIGITS, **adam(3e-3), "model.norm": "none", "model.args": {"width": 8}, "train.epochs": 12}, at_least(0.93)
    ),
    "LSTM over rows": Thriving({**DIGITS, **adam(0.01), "model.name": NETS + "Reader", "train.epochs": 15}, at_least(0.93)),
    "squeeze and excitation": Thriving(
        {**DIGITS, **adam(5e-3), "model.name": NETS + "Gated", "train.epochs": 8}, at_least(0.95)
    ),
    "transformer over patches": Thriving(
        {**DIGITS, **adam(4e-3), "model.name": NETS + "Patches", "train.epochs": 12, "train.warmup": 0.1,
         "train.schedule": "cosine"},
        at_least(0.9),
    ),
    "Lion": Thriving({**DIGITS, **adam(3e-4, "lion", 0.1), "model.name": "mlp", "train.epochs": 12}, at_least(0.95)),
    "three epochs": Thriving({**DIGITS, **adam(0.01), "model.name": "mlp", "train.epochs": 3}, at_least(0.95)),
    "a frozen body with another run's weights": Thriving(
        {**adam(0.03), "data.source": "few_images", "model.args": {"width": 8}, "model.unfreeze": "frozen", "train.epochs": 10,
         "train.batch_size": 32},
        frozen(0.75), weights="the default net, batch norm and SGD in one cycle",
    ),
    "random features, frozen on purpose": Thriving(
        {**DIGITS, **adam(5e-3), "model.name": NETS + "RandomFeatures", "train.epochs": 8}, frozen(0.95)
    ),
    "a frozen layer that was known before": Thriving(
        {**DIGITS, **adam(0.01), "model.name": NETS + "Components", "train.epochs": 12}, frozen(0.95)
    ),
    "boxes of shapes": Thriving(
        {**adam(5e-3), "task": "detection", "data.source": "boxes", "data.split": {"val": 0.2, "test": 0.2}, "data.augment": ["flip"],
         "model.args": {"width": 8, "features": 24, "tower": 1}, "train.epochs": 26, "train.batch_size": 8},
        at_least(0.6, "test/ap50"),
    ),
}  # fmt: skip
"""What it is, in words → the run."""
