"""Terms that compare samples are accumulated by cached gradients: those of the whole effective batch, and nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch, Padded, Ragged
from danlu.data.batches.joining import joined as as_one
from danlu.errors import TrainingError
from danlu.nn.terms.base import Term
from danlu.nn.terms.mse import MSE
from danlu.nn.terms.nt_xent import NtXent
from danlu.randomness import Position
from danlu.training.loop import fit
from danlu.training.objective import Objective
from danlu.training.plan import Plan
from danlu.training.randomness import reseed
from danlu.training.schedules.constant import Constant
from tests.training.exactness import CUTS, FEATURES, Gradients, Pieces, Shaped, cut, joined, prove, windows


class Repelling(Term):
    """Samples of a batch push each other apart."""

    coupled = True

    def count(self, batch: Batch) -> Tensor:
        return torch.tensor(float(len(batch)), dtype=torch.float64)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        return repelling(self.pick(outputs))


def repelling(outputs: Tensor) -> Tensor:
    distances = (outputs[:, None] - outputs[None]).square().sum(2)
    return torch.exp(-distances).sum()


def micros(sizes: Sequence[int]) -> list[Batch]:
    draw = torch.Generator().manual_seed(1)
    count = sum(sizes)
    columns = {name: torch.randn(count, FEATURES, generator=draw).double() for name in ("x", "label")}
    return cut(columns, ("x",), sizes)


@pytest.mark.parametrize("way", CUTS)
def test_the_gradient_is_the_whole_effective_batchs(way: str) -> None:
    batches, size = micros(CUTS[way].sizes), CUTS[way].accumulate
    objective = Objective({"apart": Repelling("label"), "near": MSE("label")}, {"apart": 0.3})
    loss = lambda outputs, batch: (  # noqa: E731
        0.3 * repelling(outputs) / len(batch) + nn.functional.mse_loss(outputs, batch["label"])
    )
    net = Shaped((FEATURES,)).double()
    prove(net, objective, loss, Pieces(batches), windows(batches, size), accumulate=size)


def test_nt_xent_is_accumulated_exactly() -> None:
    batches = micros((3, 5, 2))
    objective = Objective({"nt-xent": NtXent("label", temperature=0.2)})
    loss = lambda outputs, batch: textbook(outputs, 0.2)  # noqa: E731
    prove(Shaped((2, 4)).double(), objective, loss, Pieces(batches), windows(batches, 3), accumulate=3)


def textbook(outputs: Tensor, temperature: float) -> Tensor:
    """SimCLR's pseudocode, view by view: the mean over all views."""
    unit = [view / view.norm() for sample in outputs for view in sample]
    views, losses = outputs.shape[1], []
    for i, anchor in enumerate(unit):
        others = torch.stack([torch.exp(anchor @ unit[k] / temperature) for k in range(len(unit)) if k != i])
        positives = [k for k in range(len(unit)) if k != i and k // views == i // views]
        losses += [-torch.log(torch.exp(anchor @ unit[k] / temperature) / others.sum()) for k in positives]
    return torch.stack(losses).mean()


class Dropped(nn.Module):
    """Dropout, a running statistic, and two outputs, one of which nothing learns from."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.layers = nn.Sequential(nn.Linear(FEATURES, 16), nn.BatchNorm1d(16), nn.Dropout(0.4), nn.Linear(16, 3))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"near": self.layers(x), "aside": x.argmax(1)}


def gradients(net: nn.Module, batches: Sequence[Batch], **plan: Any) -> list[dict[nn.Parameter, Tensor]]:
    seen: list[dict[nn.Parameter, Tensor]] = []
    made = Plan(
        epochs=1, accumulate=len(batches), seed=9, optimizer=lambda groups, **_: Gradients(groups, seen),
        schedule=Constant(), decay=0.0, **plan,
    )  # fmt: skip
    fit(net, Objective({"apart": Repelling("label", "near")}), Pieces(list(batches)), made)
    return seen


def test_dropout_repeats_and_running_statistics_move_once() -> None:
    batches, plain, net = micros((4, 3, 5)), Dropped().double(), Dropped().double()
    (seen,) = gradients(net, batches)
    outputs = []
    for index, batch in enumerate(batches):
        reseed(Position(9, 0, 0, index))
        outputs.append(plain(batch["x"])["near"])
    torch.autograd.backward(repelling(torch.cat(outputs)) / 12)
    for own, theirs in zip(net.parameters(), plain.parameters(), strict=True):
        assert theirs.grad is not None
        torch.testing.assert_close(seen[own], theirs.grad, rtol=1e-12, atol=1e-14)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(net.state_dict()[name], value, rtol=1e-12, atol=1e-14, msg=name)


def test_sharpness_aware_minimisation_takes_both_gradients_so() -> None:
    batches, net = micros((4, 3, 5)), Shaped((FEATURES,)).double()
    whole = Shaped((FEATURES,)).double()
    seen = [
        gradients(each, some, sam=0.1)[0] for each, some in ((Named(net), batches), (Named(whole), [joined(batches)]))
    ]
    for own, theirs in zip(net.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(seen[0][own], seen[1][theirs], rtol=1e-10, atol=1e-13)


class Named(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"near": self.net(x)}


class Mean(Named):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"near": self.net(x), "mean": self.net(x).mean()}


def test_outputs_that_are_not_by_sample_are_refused() -> None:
    with pytest.raises(TrainingError, match="no row for each of them"):
        gradients(Mean(Shaped((FEATURES,)).double()), micros((2, 2)))


def test_batches_join_as_they_were_cut() -> None:
    def batch(first: int, count: int, height: int) -> Batch:
        rows = np.arange(first, first + count)
        image = Padded(torch.full((count, 1, height, 4), float(first)), torch.tensor([[height, 4]] * count))
        boxes = Ragged(torch.arange(count * 2.0)[:, None], torch.arange(count + 1) * 2)
        return Batch({"image": image, "boxes": boxes}, ("image",), rows, rows.astype(np.uint64))

    whole = as_one([batch(0, 2, 3), batch(2, 1, 5)])
    image, boxes = whole["image"], whole["boxes"]
    assert isinstance(image, Padded)
    assert isinstance(boxes, Ragged)
    assert image.values.shape == (3, 1, 5, 4)
    assert image.values[0, 0, 3:].abs().sum() == 0
    assert image.sizes.tolist() == [[3, 4], [3, 4], [5, 4]]
    assert boxes.offsets.tolist() == [0, 2, 4, 6]
    assert boxes.values[:, 0].tolist() == [0, 1, 2, 3, 0, 1]
    assert whole.rows.tolist() == [0, 1, 2]
