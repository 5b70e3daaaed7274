"""House rule 4 through the real loop, in float64: what reaches the optimiser is the full batch's gradient by the textbook, to 1e-12.

Whatever the effective batch is cut into: micro-batches of any sizes, a short last window, a micro-batch or a whole window in which
nothing is known; with class weights, smoothing, soft targets, an L1 penalty, clipping, and several weighted terms at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch, Ragged
from danlu.nn.terms.binary_cross_entropy import BinaryCrossEntropy
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.nn.terms.huber import Huber
from danlu.randomness import Position
from danlu.recipe import names
from danlu.recipe.names import catalogue
from danlu.recipe.schema import Named
from danlu.tasks.detection.assign import AssignBoxes
from danlu.tasks.detection.net import Fcos
from danlu.tasks.detection.terms import BoxTerm, CentreTerm, ClassTerm
from danlu.training.events import EpochDone
from danlu.training.objective import Objective
from tests.training.exactness import CUTS, FEATURES, Loss, Pieces, Shaped, columns_of, cut, joined, prove, windows
from tests.training.textbook import ANSWERS, CASES, WEIGHTS, Case, binary_cross_entropy, cross_entropy, regression

EXTRAS: tuple[dict[str, Any], ...] = ({}, {"clip_norm": 0.05, "l1": 0.01})


def made(case: Case, way: str, seed: int = 0) -> list[Batch]:
    draw = torch.Generator().manual_seed(seed)
    count = sum(CUTS[way].sizes)
    columns = {"x": torch.randn(count, FEATURES, generator=draw).double(), "y": case.target(count, draw)}
    micros = cut(columns, ("x",), CUTS[way].sizes)
    hidden = [micro.with_columns(y=case.hide(columns_of(micro, "y")[0])) for micro in micros]
    return [hidden[index] if index in CUTS[way].hidden else micro for index, micro in enumerate(micros)]


def of(case: Case) -> Loss:
    return lambda outputs, batch: case.mean(outputs, *columns_of(batch, "y"))


# ---- one term -------------------------------------------------------------------------------------------------------


# of outputs of other forms: in tests of their own
ELSEWHERE = {"arcface", "bpr", "cosface", "dice", "info-nce", "next-token", "nt-xent", "pointwise", "sampled-softmax"}


def test_every_loss_of_the_catalogue_has_a_case() -> None:
    assert {case.loss for case in CASES.values()} | ELSEWHERE == set(catalogue("loss"))


@pytest.mark.parametrize("way", CUTS)
@pytest.mark.parametrize("name", CASES)
def test_gradients_are_the_full_batchs(name: str, way: str) -> None:
    """And the epoch's training loss is that of all its samples together."""
    case, size = CASES[name], CUTS[way].accumulate
    term = names.build("loss", Named(name=case.loss, args=dict(case.args)), target="y")
    net, micros = Shaped(case.shape).double(), made(case, way)
    for extra in EXTRAS:
        feed = Pieces(micros)
        recorder = prove(
            net, Objective({"loss": term}), of(case), feed, windows(micros, size), accumulate=size, **extra
        )
    with torch.no_grad():
        epoch = of(case)(net(*joined(micros).arguments()), joined(micros))
    assert recorder.of(EpochDone)[0].values["train/loss"] == pytest.approx(float(epoch), rel=1e-12)


@pytest.mark.parametrize("extra", [{"clip_norm": 0.05}, {"l1": 0.01}])
def test_clipping_and_penalty_stand_after_the_accumulation(extra: dict[str, float]) -> None:
    case, way = CASES["cross-entropy, both"], "five uneven, then two"
    objective = Objective({"loss": CrossEntropy("y", class_weights=WEIGHTS, label_smoothing=0.1)})
    micros, size = made(case, way), CUTS[way].accumulate
    net = Shaped(case.shape).double()
    prove(net, objective, of(case), Pieces(micros), windows(micros, size), accumulate=size, **extra)


# ---- several terms --------------------------------------------------------------------------------------------------


class ThreeHeads(nn.Module):
    """(B, FEATURES) → {"class": (B, 4), "value": (B,), "tags": (B, 4)}."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Shaped((9,))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        out = self.body(x)
        return {"class": out[:, :4], "value": out[:, 4], "tags": out[:, 5:]}


HEADS = {"class": "cross-entropy, both", "value": "mse", "tags": "binary-cross-entropy, weights"}
MEANS = {
    "class": cross_entropy(True, 0.1),
    "value": regression(nn.functional.huber_loss, delta=0.7),
    "tags": binary_cross_entropy(ANSWERS),
}
SHARES = {"class": 0.7, "value": 2.0, "tags": 0.1}


def parts_of(outputs: Any, batch: Batch) -> dict[str, Tensor]:
    found = {name: mean(outputs[name], *columns_of(batch, name)) for name, mean in MEANS.items()}
    return {name: value.new_zeros(()) if value.isnan() else value for name, value in found.items()}


@pytest.mark.parametrize("way", CUTS)
def test_weighted_terms_are_each_divided_by_their_own_count(way: str) -> None:
    """The three targets are unknown in different samples, and one term of a window may have no target at all."""
    draw = torch.Generator().manual_seed(8)
    count, size = sum(CUTS[way].sizes), CUTS[way].accumulate
    targets = {name: CASES[case].target(count, draw) for name, case in HEADS.items()}
    micros = cut({"x": torch.randn(count, FEATURES, generator=draw).double(), **targets}, ("x",), CUTS[way].sizes)
    for index in CUTS[way].hidden:
        micros[index] = micros[index].with_columns(tags=torch.full((len(micros[index]), 4), torch.nan))
    objective = Objective(
        {
            "class": CrossEntropy("class", "class", class_weights=WEIGHTS, label_smoothing=0.1),
            "value": Huber("value", "value", delta=0.7),
            "tags": BinaryCrossEntropy("tags", "tags", pos_weight=ANSWERS),
        },
        SHARES,
    )

    def loss(outputs: Any, batch: Batch) -> Tensor:
        return torch.stack([SHARES[name] * value for name, value in parts_of(outputs, batch).items()]).sum()

    net, whole = ThreeHeads().double(), windows(micros, size)
    for extra in EXTRAS:
        recorder = prove(net, objective, loss, Pieces(micros), whole, accumulate=size, **extra)
    with torch.no_grad():
        found = [parts_of(net(*window.arguments()), window) for window in whole]
    for name in HEADS:
        expected = [float(parts[name]) for parts in found]
        assert recorder.curve(f"train/loss/{name}") == pytest.approx(expected, rel=1e-12, abs=1e-14)


# ---- detection's three terms ----------------------------------------------------------------------------------------


def scenes(counts: Sequence[int], seed: int = 2) -> list[Batch]:
    """One image a micro-batch, 64 × 64 in float64, with so many boxes, and with what the detector adds to a batch."""
    draw = np.random.default_rng(seed)
    found = []
    for index, count in enumerate(counts):
        corner, side = draw.uniform(0, 30, (count, 2)), draw.uniform(12, 32, (count, 2))
        rest = np.column_stack([draw.integers(0, 3, count), draw.random(count) < 0.2, side.prod(1)])
        rows = torch.tensor(np.concatenate([corner, corner + side, rest], 1), dtype=torch.float32).reshape(-1, 7)
        columns = {
            "image": torch.tensor(draw.normal(size=(1, 3, 64, 64))),
            "boxes": Ragged(rows, torch.tensor([0, count])),
        }
        batch = AssignBoxes()(Batch(columns, ("image",), np.asarray([index])), Position(0), {})
        found.append(replace(batch, columns={name: value for name, value in batch.columns.items() if name != "boxes"}))
    return found


def fcos_loss(outputs: dict[str, Tensor], batch: Batch) -> Tensor:
    """FCOS as torchvision's operators have it: focal over locations, GIoU weighted by centre-ness, centre-ness."""
    from danlu._compat.torchvision import ensure

    ensure()
    from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

    kind, centre, sides = columns_of(batch, "fcos_class", "fcos_centre", "fcos_box")
    found, judged = kind >= 0, kind != -2
    truth = nn.functional.one_hot(kind.clamp(min=0), 3) * found[..., None]
    logits = outputs["class"]
    classes = sigmoid_focal_loss(logits[judged], truth[judged].to(logits.dtype), 0.25, 2.0, "sum")
    loss = classes / found.sum(1).clamp(min=1).sum()
    if not found.any():
        return loss
    sign = torch.tensor([-1.0, -1.0, 1.0, 1.0], dtype=torch.float64)
    ours, true = (value[found].double() * sign for value in (outputs["box"], sides))
    weight = centre[found].double()
    giou = generalized_box_iou_loss(ours, true, eps=0.0)
    pointed = nn.functional.binary_cross_entropy_with_logits(outputs["centre"][found], weight)
    return loss + (giou * weight).sum() / weight.sum() + pointed


@pytest.mark.parametrize(
    ("counts", "accumulate"), [((2, 5, 1, 3), 1), ((2, 0, 7, 1), 4), ((1, 4, 0, 3, 2), 3), ((0, 0, 3, 1), 2)]
)
def test_detection_counts_each_of_its_terms(counts: tuple[int, ...], accumulate: int) -> None:
    """Images with many boxes, few, none; crowds; a window without any box."""
    torch.manual_seed(0)
    net = Fcos(3, 3, width=8, features=16, tower=1, norm="group", activation="tanh").double()
    objective = Objective({"class": ClassTerm(), "box": BoxTerm(), "centre": CentreTerm()})
    micros = scenes(counts)
    for extra in EXTRAS:
        prove(net, objective, fcos_loss, Pieces(micros), windows(micros, accumulate), accumulate=accumulate, **extra)
