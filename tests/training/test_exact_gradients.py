"""House rule 4 through the real loop, in float64: what reaches the optimiser is the full batch's gradient by the textbook, to 1e-12.

Whatever the effective batch is cut into: micro-batches of any sizes, a short last window, a micro-batch or a whole window in which
nothing is known; with class weights, smoothing, soft targets, an L1 penalty, clipping, and several weighted terms at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch, Padded, Ragged
from danlu.metrics.classification import Classification
from danlu.nn.terms.binary_cross_entropy import BinaryCrossEntropy
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.nn.terms.huber import Huber
from danlu.recipe import names
from danlu.recipe.names import catalogue
from danlu.recipe.schema import Named
from danlu.tasks.detection.assign import AssignBoxes
from danlu.tasks.detection.net import Fcos
from danlu.tasks.detection.terms import BoxTerm, CentreTerm, ClassTerm
from danlu.training.evaluation import judge
from danlu.training.events import EpochDone
from danlu.training.loop import fit
from danlu.training.objective import Objective
from danlu.training.plan import Plan
from danlu.training.precision import Precision
from danlu.training.schedules.constant import Constant
from tests.training.feeds import Recorder
from tests.training.textbook import CASES, WEIGHTS, Case, binary_cross_entropy, cross_entropy, regression

FEATURES = 5
CLIP, PENALTY = 0.05, 0.01
Loss = Callable[[Any, Batch], Tensor]


@dataclass(frozen=True)
class Cut:
    """How an epoch is cut. sizes: of its micro-batches; accumulate: how many make a step; hidden: those in which nothing is known."""

    sizes: tuple[int, ...]
    accumulate: int
    hidden: tuple[int, ...] = ()


CUTS = {
    "whole": Cut((6, 6), 1),
    "halves": Cut((4, 4, 4, 4), 2),
    "thirds, a short last window": Cut((3, 3, 3, 3), 3),
    "five uneven, then two": Cut((1, 7, 2, 5, 3, 4, 1), 5),
    "nothing known in one": Cut((2, 5, 3), 3, (1,)),
    "nothing known in a window": Cut((3, 2, 3, 3), 2, (0, 1)),
    "nothing known in the short last": Cut((3, 3, 2), 2, (2,)),
}


class Pieces:
    """A feed of the micro-batches it is given."""

    def __init__(self, micros: Sequence[Batch]) -> None:
        self.micros = micros

    def __len__(self) -> int:
        return len(self.micros)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        yield from self.micros[start:]


class Gradients(torch.optim.Optimizer):
    """An optimiser that writes down what it is given, and moves nothing."""

    def __init__(self, groups: Any, seen: list[dict[nn.Parameter, Tensor]]) -> None:
        super().__init__(groups, {})
        self.seen = seen

    def step(self, closure: Any = None) -> None:
        self.seen.append(
            {p: p.grad.clone() for group in self.param_groups for p in group["params"] if p.grad is not None}
        )


class Shaped(nn.Module):
    """(B, FEATURES) → (B, *shape), of layers that mix no samples."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        torch.manual_seed(3)
        width = int(np.prod(shape, dtype=int))
        self.layers = nn.Sequential(
            nn.Linear(FEATURES, 7), nn.LayerNorm(7), nn.Tanh(), nn.GroupNorm(1, 7), nn.Linear(7, width)
        )
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).reshape(len(x), *self.shape)


def cut(columns: dict[str, Tensor], inputs: tuple[str, ...], sizes: Sequence[int]) -> list[Batch]:
    edges = np.cumsum([0, *sizes])
    return [
        Batch({name: value[low:high] for name, value in columns.items()}, inputs, np.arange(low, high))
        for low, high in zip(edges, edges[1:], strict=False)
    ]


def joined(micros: Sequence[Batch]) -> Batch:
    columns = {name: torch.cat([micro[name] for micro in micros]) for name in micros[0].columns}  # type: ignore[arg-type]
    return replace(micros[0], columns=columns, rows=np.concatenate([micro.rows for micro in micros]))


def prove(
    net: nn.Module, objective: Objective, loss: Loss, micros: Sequence[Batch], accumulate: int, clip: bool, l1: bool
) -> Recorder:
    """Train one epoch of steps that move nothing; every gradient given to the optimiser must be the textbook's of the window as one batch.

    loss: of (outputs, batch), with torch alone; NaN (or 0) where nothing is known. The reported losses and norms must be its too.
    """
    seen: list[dict[nn.Parameter, Tensor]] = []
    recorder = Recorder()
    plan = Plan(
        epochs=1, accumulate=accumulate, optimizer=lambda groups, **_: Gradients(groups, seen), schedule=Constant(),
        clip_norm=CLIP if clip else None, l1=PENALTY if l1 else 0.0,
    )  # fmt: skip
    fit(net, objective, Pieces(micros), plan, watchers=[recorder])
    windows = [joined(micros[first : first + accumulate]) for first in range(0, len(micros), accumulate)]
    assert len(seen) == len(windows)
    parameters = list(net.parameters())
    losses, norms = [], []
    for given, window in zip(seen, windows, strict=True):
        value = loss(net(*window.arguments()), window)
        value = value if value.isfinite() else sum((p * 0).sum() for p in parameters)  # type: ignore[assignment]
        gradients = [
            g.clone() for g in torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)
        ]
        copies = [nn.Parameter(p.detach().clone()) for p in parameters]
        for copy, gradient in zip(copies, gradients, strict=True):
            copy.grad = gradient
        norms.append(float(torch.nn.utils.get_total_norm(gradients)))
        if clip:
            torch.nn.utils.clip_grad_norm_(copies, CLIP)
        if l1:  # of matrices and kernels alone
            (PENALTY * sum(copy.abs().sum() for copy in copies if copy.ndim > 1)).backward()  # type: ignore[union-attr]
        largest = max(float(copy.grad.abs().max()) for copy in copies)  # type: ignore[union-attr]
        for parameter, copy in zip(parameters, copies, strict=True):
            assert copy.grad is not None
            ours = given.get(parameter, torch.zeros_like(copy.grad))
            torch.testing.assert_close(ours, copy.grad, rtol=1e-12, atol=1e-12 * largest)
        losses.append(float(value.detach()))
    assert recorder.curve("train/loss") == pytest.approx(losses, rel=1e-12, abs=1e-14)
    assert recorder.curve("grad_norm") == pytest.approx(norms, rel=1e-12, abs=1e-14)
    if l1:
        size = PENALTY * sum(float(p.detach().abs().sum()) for p in parameters if p.ndim > 1)
        assert recorder.curve("train/l1") == pytest.approx([size] * len(windows), rel=1e-12)
    return recorder


def made(case: Case, way: Cut, seed: int = 0) -> list[Batch]:
    draw = torch.Generator().manual_seed(seed)
    count = sum(way.sizes)
    columns = {"x": torch.randn(count, FEATURES, generator=draw).double(), "y": case.target(count, draw)}
    micros = cut(columns, ("x",), way.sizes)
    return [m.with_columns(y=case.hide(m["y"])) if i in way.hidden else m for i, m in enumerate(micros)]  # type: ignore[arg-type]


# ---- one term -------------------------------------------------------------------------------------------------------


def test_every_loss_of_the_catalogue_has_a_case() -> None:
    assert {case.loss for case in CASES.values()} == set(catalogue("loss"))


@pytest.mark.parametrize("way", CUTS)
@pytest.mark.parametrize("name", CASES)
def test_gradients_are_the_full_batchs(name: str, way: str) -> None:
    case = CASES[name]
    term = names.build("loss", Named(name=case.loss, args=dict(case.args)), target="y")
    micros = made(case, CUTS[way])
    for clip, l1 in ((False, False), (True, True)):
        net = Shaped(case.shape).double()
        recorder = prove(
            net, Objective({"loss": term}), lambda out, batch: case.mean(out, batch["y"]),  # type: ignore[arg-type]
            micros, CUTS[way].accumulate, clip, l1,
        )  # fmt: skip
    whole = case.mean(net(joined(micros)["x"]), joined(micros)["y"])  # type: ignore[arg-type]
    assert recorder.of(EpochDone)[0].values["train/loss"] == pytest.approx(float(whole.detach()), rel=1e-12)


# ---- several terms --------------------------------------------------------------------------------------------------


class ThreeHeads(nn.Module):
    """(B, FEATURES) → {"class": (B, 4), "value": (B,), "tags": (B, 4)}."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Shaped((9,))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        out = self.body(x)
        return {"class": out[:, :4], "value": out[:, 4], "tags": out[:, 5:]}


@pytest.mark.parametrize("way", CUTS)
def test_weighted_terms_are_each_divided_by_their_own_count(way: str) -> None:
    """The three targets are unknown in different samples, and one term of a window may have no target at all."""
    parts = {"class": "cross-entropy, both", "value": "huber", "tags": "binary-cross-entropy, weights"}
    weights = {"class": 0.7, "value": 2.0, "tags": 0.1}
    count, draw = sum(CUTS[way].sizes), torch.Generator().manual_seed(8)
    columns = {"x": torch.randn(count, FEATURES, generator=draw).double()}
    for name, case in parts.items():
        made_ = CASES[case].target(count, draw)
        columns[name] = made_[:, 0] if name == "value" else made_
    micros = cut(columns, ("x",), CUTS[way].sizes)
    for index in CUTS[way].hidden:
        micros[index] = micros[index].with_columns(tags=torch.full_like(micros[index]["tags"], torch.nan))  # type: ignore[arg-type]
    objective = Objective(
        {
            "class": CrossEntropy("class", "class", class_weights=WEIGHTS, label_smoothing=0.1),
            "value": Huber("value", "value", delta=0.7),
            "tags": BinaryCrossEntropy("tags", "tags", pos_weight=[0.5, 2.0, 4.0, 1.5]),
        },
        weights,
    )
    means = {
        "class": cross_entropy(True, 0.1),
        "value": regression(nn.functional.huber_loss, delta=0.7),
        "tags": binary_cross_entropy([0.5, 2.0, 4.0, 1.5]),
    }

    def parts_of(outputs: Any, batch: Batch) -> dict[str, Tensor]:
        found = {name: mean(outputs[name], batch[name]) for name, mean in means.items()}  # type: ignore[arg-type]
        return {name: value if value.isfinite() else value.new_zeros(()) for name, value in found.items()}

    def loss(outputs: Any, batch: Batch) -> Tensor:
        return sum(weights[name] * value for name, value in parts_of(outputs, batch).items())  # type: ignore[return-value]

    net = ThreeHeads().double()
    for clip, l1 in ((False, False), (True, True)):
        recorder = prove(net, objective, loss, micros, CUTS[way].accumulate, clip, l1)
    with torch.no_grad():
        size = CUTS[way].accumulate
        windows = [joined(micros[first : first + size]) for first in range(0, len(micros), size)]
        for name in parts:
            expected = [float(parts_of(net(window["x"]), window)[name]) for window in windows]
            assert recorder.curve(f"train/loss/{name}") == pytest.approx(expected, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize(("clip", "l1"), [(True, False), (False, True)])
def test_clipping_and_penalty_stand_after_the_accumulation(clip: bool, l1: bool) -> None:
    case, way = CASES["cross-entropy, both"], CUTS["five uneven, then two"]
    objective = Objective({"loss": CrossEntropy("y", class_weights=WEIGHTS, label_smoothing=0.1)})
    net = Shaped(case.shape).double()
    prove(net, objective, lambda out, batch: case.mean(out, batch["y"]), made(case, way), way.accumulate, clip, l1)  # type: ignore[arg-type]


# ---- detection's three terms ----------------------------------------------------------------------------------------


def scenes(counts: Sequence[int], seed: int = 2) -> list[Batch]:
    """One image a micro-batch, 64 × 64 float64, with so many boxes; what the detector adds to a batch is added."""
    draw = np.random.default_rng(seed)
    made_ = []
    for index, count in enumerate(counts):
        corner, side = draw.uniform(0, 30, (count, 2)), draw.uniform(12, 32, (count, 2))
        rest = np.column_stack([draw.integers(0, 3, count), draw.random(count) < 0.2, side.prod(1)])
        rows = torch.tensor(np.concatenate([corner, corner + side, rest], 1), dtype=torch.float32).reshape(-1, 7)
        image = torch.tensor(draw.normal(size=(1, 3, 64, 64)))
        boxes = Ragged(rows, torch.tensor([0, count]))
        batch = Batch({"image": image, "boxes": boxes}, ("image",), np.asarray([index]), np.asarray([index], np.uint64))
        made_.append(AssignBoxes()(batch, None, {}).map(lambda t: t))  # type: ignore[arg-type]
    return [replace(b, columns={n: v for n, v in b.columns.items() if n != "boxes"}) for b in made_]


def fcos_loss(outputs: dict[str, Tensor], batch: Batch) -> Tensor:
    """FCOS as torchvision's operators have it: focal over locations, GIoU weighted by centre-ness, centre-ness."""
    from danlu._compat.torchvision import ensure

    ensure()
    from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

    kind, centre, sides = (batch[f"fcos_{name}"] for name in ("class", "centre", "box"))
    assert isinstance(kind, Tensor)
    assert isinstance(centre, Tensor)
    assert isinstance(sides, Tensor)
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
    torch.manual_seed(0)
    net = Fcos(3, 3, width=8, features=16, tower=1, norm="group", activation="tanh").double()
    objective = Objective({"class": ClassTerm(), "box": BoxTerm(), "centre": CentreTerm()})
    micros = scenes(counts)
    for clip, l1 in ((False, False), (True, True)):
        prove(net, objective, fcos_loss, micros, accumulate, clip, l1)
