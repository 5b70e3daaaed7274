"""Runs that are broken on purpose: how, which verdict each must get, and by what a mended one is known.

Each is broken in the sense of the word's definition, which ``broken`` shows on the run's weights and curves themselves
(``ground.py``), without captures. Margins of ``mended`` were set before any patch was seen: several standard errors of the test part
(180 digits: 0.03 at most; 600 images of Fashion-MNIST: 0.02; 1,600: 0.01).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.endtoend.ground import Ground
from tests.endtoend.health_data import flipped

NETS = "tests.endtoend.ailing_nets:"
Recipe = Mapping[str, Any]


@dataclass(frozen=True)
class Ailing:
    """recipe: dotted changes. verdicts: one of these must be there, as a warning or a problem. absurd: none of these may.

    guilty: names that the evidence must point to, one of them at least ("": none in particular). mended: holds for (this run, the run
    of the patched recipe); None where a recipe can't mend it. stops: training ends with an error. often: in the ordinary test run.
    unseen, unmended: why there is no verdict, or no patch that mends, as yet: the test is expected to fail, and must.
    """

    recipe: Recipe
    verdicts: frozenset[str]
    broken: Callable[[Ground], None]
    mended: Callable[[Ground, Ground], None] | None = None
    guilty: str = ""
    absurd: frozenset[str] = frozenset()
    stops: bool = False
    often: bool = False
    unseen: str = ""
    unmended: str = ""


def sgd(lr: float) -> Recipe:
    return {"train.optimizer": {"name": "sgd", "lr": lr, "weight_decay": 0.0, "momentum": 0.9}}


def adam(lr: float) -> Recipe:
    return {"train.optimizer": {"name": "adamw", "lr": lr, "weight_decay": 0.0}}


DIGITS: Recipe = {"data.source": "builtin:digits"}
FASHION: Recipe = {"data.source": "builtin:fashion", "data.limit": 600, "train.batch_size": 32}
PLAIN: Recipe = {"train.loss": {"name": "cross-entropy", "label_smoothing": 0.0}}


def accuracy(ground: Ground, part: str = "test") -> float:
    return ground.judged(part)[f"{part}/accuracy"]


def better(before: Ground, after: Ground, by: float, least: float) -> None:
    """Accuracy on the test part rose by ``by`` at least, to ``least`` at least."""
    assert accuracy(after) >= max(accuracy(before) + by, least)


def sleeping(ground: Ground) -> None:
    assert max(ground.dead().values()) == 1.0
    assert min(ground.dead().values()) > 0.5
    assert accuracy(ground, "train") < 0.2


def awake(before: Ground, after: Ground) -> None:
    assert all(share < 0.3 for share in after.dead().values())
    better(before, after, by=0.5, least=0.8)


def killed(ground: Ground) -> None:
    """They were alive at first."""
    last = max(ground.dead(), key=lambda name: ground.dead()[name])
    assert ground.dead()[last] > 0.8
    assert ground.dead(ground.first)[last] < 0.1
    assert accuracy(ground) < 0.6


def alive(before: Ground, after: Ground) -> None:
    assert all(share < 0.5 for share in after.dead().values())
    better(before, after, by=0.15, least=0.6)


def shut(ground: Ground) -> None:
    assert min(ground.saturated().values()) > 0.6
    assert accuracy(ground) < 0.7


def opened(before: Ground, after: Ground) -> None:
    assert all(share < 0.3 for share in after.saturated().values())
    better(before, after, by=0.15, least=0.8)


def slope(ground: Ground) -> float:
    """Root mean square of the gradient of the first matrix over that of the last, when training begins."""
    found = [value for name, value in ground.slopes(ground.first).items() if name.endswith("weight")]
    return found[0] / found[-1]


def vanished(ground: Ground) -> None:
    assert slope(ground) < 1e-4
    first = next(name for name in ground.moved() if name.endswith("weight"))
    assert ground.moved()[first] < 1e-3
    assert accuracy(ground, "train") < 0.2


def arriving(before: Ground, after: Ground) -> None:
    assert slope(after) > 1e-2
    better(before, after, by=0.5, least=0.8)


def exploded(ground: Ground) -> None:
    norms = ground.curve("grad_norm")
    assert max(norms) > 100 * norms[0]
    assert ground.run.status == "stopped"


def tame(before: Ground, after: Ground) -> None:
    """Clipping does not shorten the gradients that are measured, but they do not grow any more, and the run ends well."""
    norms = after.curve("grad_norm")
    assert max(norms) < 20 * norms[0]
    assert after.run.status == "finished"
    assert accuracy(after) >= 0.6


def gone(ground: Ground) -> None:
    losses = ground.curve("train/loss")
    assert losses[-1] > 1e6 * losses[0] or not math.isfinite(losses[-1])
    assert ground.run.status == "stopped"


def back(before: Ground, after: Ground) -> None:
    """The mean of all prices is 110 off on average."""
    assert after.run.status == "finished"
    assert after.judged("test")["test/mae"] < 50


def leaping(ground: Ground) -> None:
    """A step is as long as the weights are, and what an epoch has learnt the next has forgotten."""
    matrices = {
        name: value for name, value in ground.moved().items() if "stem.0" in name or name.endswith("head.weight")
    }
    assert min(matrices.values()) > 3
    assert max(ground.curve("val/loss")) > 10 * math.log(10)
    assert accuracy(ground) < 0.55


def walking(before: Ground, after: Ground) -> None:
    assert max(after.curve("val/loss")) < 10 * math.log(10)
    better(before, after, by=0.1, least=0.55)


def creeping(ground: Ground) -> None:
    """The loss falls, and the weights stay nearly where they were."""
    losses = ground.curve("epoch/train/loss")
    assert losses[-1] < losses[0]
    assert losses[-1] > 0.97 * losses[0]
    assert max(share for name, share in ground.moved().items() if name.endswith("weight")) < 0.01


def striding(before: Ground, after: Ground) -> None:
    losses = after.curve("epoch/train/loss")
    assert losses[-1] < 0.8 * losses[0]
    better(before, after, by=0.3, least=0.6)


def still(ground: Ground) -> None:
    """It learns in the first epochs only, far from what the net could reach."""
    losses = ground.curve("epoch/train/loss")
    half = len(losses) // 2
    assert losses[0] - losses[half] > 0.03
    assert losses[half] - losses[-1] < 0.001
    assert accuracy(ground, "train") < 0.4


def moving(before: Ground, after: Ground) -> None:
    losses = after.curve("epoch/train/loss")
    assert losses[len(losses) // 2] - losses[-1] > 0.05
    better(before, after, by=0.3, least=0.6)


def memorised(ground: Ground) -> None:
    losses = ground.curve("val/loss")
    assert losses[-1] > 1.4 * min(losses)
    assert accuracy(ground, "train") == 1.0
    assert accuracy(ground, "val") < 0.85


def generalising(before: Ground, after: Ground) -> None:
    """The loss on new samples rises no more after its least, and is lower; accuracy may not suffer for it."""
    losses = after.curve("val/loss")
    assert losses[-1] < 1.2 * min(losses)
    assert after.judged("test")["test/log-loss"] < before.judged("test")["test/log-loss"] - 0.15
    assert accuracy(after) > accuracy(before) - 0.05


def poor(ground: Ground) -> None:
    """On its own training rows too, although digits are easy: a linear model has more than 0.9."""
    assert accuracy(ground, "train") < 0.5
    assert abs(accuracy(ground, "train") - accuracy(ground, "val")) < 0.1


def able(before: Ground, after: Ground) -> None:
    assert accuracy(after, "train") >= 0.8
    better(before, after, by=0.4, least=0.8)


def mislabelled(share: float) -> Callable[[Ground], None]:
    """The net knows the rows that were left alone, and contradicts the labels of those that were not."""

    def shown(ground: Ground) -> None:
        anew = flipped(share)
        right = ground.right("test")
        touched = np.array([anew[int(Path(row).stem)] for row in right], dtype=bool)
        hits = np.array(list(right.values()))
        assert hits[~touched].mean() > 0.75
        assert hits[touched].mean() < 0.3

    return shown


def unused(ground: Ground) -> None:
    mine = {name: value for name, value in ground.slopes(ground.last).items() if "attention" in name}
    assert len(mine) == 4
    assert all(math.isnan(value) for value in mine.values())


def unmoved(ground: Ground) -> None:
    assert all(value == 0 for name, value in ground.moved().items() if "features" in name)
    assert all(value > 0.1 for name, value in ground.moved().items() if "head" in name)


def icebound(ground: Ground) -> None:
    """With the body thawed it has 0.9; as it is, neither dead nor saturated units are in its way."""
    held = {name: value for name, value in ground.moved().items() if "body" in name}
    assert len(held) == 6
    assert not any(held.values())
    assert max(ground.dead().values()) < 0.1
    assert max(ground.saturated().values()) < 0.1
    assert accuracy(ground, "train") < 0.5


AILING: dict[str, Ailing] = {
    "biases far below zero": Ailing(
        {**DIGITS, **PLAIN, **adam(5e-3), "model.name": NETS + "Sleepers", "train.epochs": 6, "train.batch_size": 32},
        frozenset({"dead-relu"}), sleeping, awake, guilty="two", absurd=frozenset({"overfitting", "rate-too-high"}), often=True,
    ),
    "ReLUs killed by the rate": Ailing(
        {**FASHION, **PLAIN, **sgd(0.5), "model.name": "image-classifier", "model.args": {"widths": [16, 32]},
         "train.epochs": 6},
        frozenset({"dead-relu", "rate-too-high"}), killed, alive, absurd=frozenset({"overfitting", "rate-too-low"}),
    ),
    "tanh under large weights": Ailing(
        {**DIGITS, **PLAIN, **adam(1e-3), "model.name": NETS + "Loud", "train.epochs": 8},
        frozenset({"saturated"}), shut, opened, guilty="layers", absurd=frozenset({"overfitting", "rate-too-high"}),
    ),
    "tanh driven to its ends": Ailing(
        {**DIGITS, **PLAIN, **sgd(1.0), "model.name": "mlp", "model.activation": "tanh", "model.norm": "none",
         "model.args": {"widths": [64, 64, 64]}, "train.epochs": 8, "train.batch_size": 32},
        frozenset({"saturated", "rate-too-high"}), shut, opened, absurd=frozenset({"overfitting", "rate-too-low"}),
    ),
    "eight sigmoids deep": Ailing(
        {**DIGITS, **PLAIN, **sgd(0.1), "model.name": "mlp", "model.activation": "sigmoid", "model.norm": "none",
         "model.args": {"widths": [32] * 8}, "train.epochs": 8},
        frozenset({"vanishing-gradient"}), vanished, arriving, guilty="layers.0",
        absurd=frozenset({"overfitting", "exploding-gradient", "rate-too-high"}), often=True,
    ),
    "a recurrence that amplifies": Ailing(
        {**FASHION, **PLAIN, **sgd(0.03), "model.name": NETS + "Echo", "model.args": {"gain": 1.0}, "train.epochs": 6},
        frozenset({"exploding-gradient"}), exploded, tame, absurd=frozenset({"overfitting", "rate-too-low"}), stops=True,
    ),
    "prices in raw units": Ailing(
        {**sgd(1e-4), "task": "house_price.spec:SPEC", "data.source": "houses", "train.epochs": 10},
        frozenset({"divergence", "exploding-gradient", "rate-too-high"}), gone, back,
        absurd=frozenset({"overfitting", "rate-too-low", "plateau"}), stops=True, often=True,
    ),
    "a rate of one for AdamW": Ailing(
        {**FASHION, **adam(1.0), "model.args": {"width": 8}, "train.epochs": 5},
        frozenset({"rate-too-high", "update-ratio"}), leaping, walking, absurd=frozenset({"overfitting", "rate-too-low"}),
    ),
    "a rate of a hundred-thousandth": Ailing(
        {**DIGITS, **sgd(1e-5), "model.name": "mlp", "train.epochs": 6},
        frozenset({"rate-too-low", "update-ratio"}), creeping, striding, absurd=frozenset({"overfitting", "rate-too-high"}),
        often=True,
    ),
    "a schedule that gives up": Ailing(
        {**DIGITS, **PLAIN, **sgd(0.01), "model.name": "image-classifier", "data.image.size": 12,
         "model.args": {"widths": [8, 16]}, "train.schedule": {"step": {"every": 1, "gamma": 0.1}}, "train.epochs": 10},
        frozenset({"plateau", "rate-too-low"}), still, moving, absurd=frozenset({"overfitting", "rate-too-high"}),
    ),
    "two hundred images by heart": Ailing(
        {**PLAIN, **adam(2e-3), "data.source": "few_images", "model.name": "mlp", "model.norm": "none", "train.epochs": 40,
         "train.batch_size": 32, "train.schedule": "constant"},
        frozenset({"overfitting"}), memorised, generalising, absurd=frozenset({"underfitting", "plateau", "rate-too-low"}),
    ),
    "nine tenths dropped": Ailing(
        {**DIGITS, **PLAIN, **adam(3e-3), "model.name": "mlp", "model.args": {"widths": [16, 16]}, "model.dropout": 0.9,
         "train.epochs": 10},
        frozenset({"underfitting"}), poor, able, absurd=frozenset({"overfitting"}),
    ),
    "two labels in ten wrong": Ailing(
        {**PLAIN, **adam(3e-3), "data.source": "noisy", "model.name": "mlp", "train.epochs": 12, "train.batch_size": 64},
        frozenset({"label-noise"}), mislabelled(0.22), absurd=frozenset({"underfitting"}),
    ),
    "four labels in ten wrong": Ailing(
        {**PLAIN, **adam(3e-3), "data.source": "noisier", "model.name": "mlp", "train.epochs": 12, "train.batch_size": 64},
        frozenset({"label-noise"}), mislabelled(0.44), absurd=frozenset({"underfitting"}),
    ),
    "a branch nobody calls": Ailing(
        {**DIGITS, "model.name": NETS + "Forgotten", "train.epochs": 5},
        frozenset({"unused-parameters"}), unused, guilty="attention", absurd=frozenset({"overfitting", "underfitting", "rate-too-low"}),
    ),
    "features behind detach()": Ailing(
        {**FASHION, "model.name": NETS + "Detached", "train.epochs": 8},
        frozenset({"unused-parameters", "frozen-parameters"}), unmoved, guilty="features",
    ),
    "features never thawed": Ailing(
        {**FASHION, "model.name": NETS + "Thawless", "train.epochs": 8},
        frozenset({"frozen-parameters"}), unmoved, guilty="features",
    ),
    "a body frozen as it was drawn": Ailing(
        {**DIGITS, **adam(5e-3), "model.name": NETS + "Icebound", "train.epochs": 8},
        frozenset({"frozen-parameters"}), icebound, guilty="body", absurd=frozenset({"overfitting", "rate-too-low", "rate-too-high"}),
    ),
}  # fmt: skip
"""What is wrong, in words → the run."""
