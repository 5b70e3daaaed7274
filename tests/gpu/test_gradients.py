"""Gradients on the device are the CPU's: every own net, every loss. In float64 nearly to the bit, in float32 as far as that goes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.nn.nets.image_classifier import ImageClassifier
from danlu.nn.nets.mlp import MLP
from danlu.nn.nets.resnet import ResNet
from danlu.nn.nets.text_classifier import TextClassifier
from danlu.nn.nets.whitened import Whitened
from danlu.nn.normalise import Normalise
from danlu.recipe import names
from danlu.recipe.names import catalogue
from danlu.recipe.schema import Named
from danlu.tasks.detection.net import Fcos
from danlu.training.objective import Objective
from tests.gpu.conftest import Note
from tests.training.exactness import FEATURES, Shaped
from tests.training.textbook import CASES

pytestmark = pytest.mark.gpu

BARS = {torch.float64: 1e-9, torch.float32: 2e-4}  # of the gradient's norm


def images(draw: torch.Generator) -> tuple[Tensor, ...]:
    return (torch.randint(0, 256, (6, 3, 20, 20), generator=draw, dtype=torch.uint8),)


def tokens(draw: torch.Generator) -> tuple[Tensor, ...]:
    lengths = torch.tensor([[9], [1], [4], [7], [2], [9]])
    found = torch.randint(1, 30, (6, 9), generator=draw)
    return torch.where(torch.arange(9) < lengths, found, 0), lengths


def ids(draw: torch.Generator) -> tuple[Tensor, ...]:
    return torch.randint(0, 8, (6,), generator=draw), torch.randint(0, 5, (6,), generator=draw)


def seeing(net: nn.Module) -> nn.Module:
    return nn.Sequential(Normalise((120.0, 110.0, 100.0), (60.0, 61.0, 62.0)), net)


def resnet(**options: Any) -> nn.Module:
    return seeing(ResNet(3, 4, (20, 20), width=4, blocks=(1, 1), **options))


NETS: dict[str, tuple[Callable[[], nn.Module], Callable[[torch.Generator], tuple[Tensor, ...]]]] = {
    "resnet, batch": (lambda: resnet(norm="batch"), images),
    "resnet, group": (lambda: resnet(norm="group"), images),
    "resnet, layer": (lambda: resnet(norm="layer"), images),
    "resnet, instance": (lambda: resnet(norm="instance"), images),
    "resnet, none": (lambda: resnet(norm="none"), images),
    "resnet, prelu": (lambda: resnet(activation="prelu"), images),
    "whitened": (lambda: seeing(Whitened(3, 4, (20, 20), widths=(8, 12))), images),
    "image-classifier": (lambda: seeing(ImageClassifier(3, 4, (20, 20), widths=(6, 8), activation="tanh")), images),
    "mlp": (lambda: seeing(MLP(3, 4, (20, 20), widths=(16, 8))), images),
    "fcos": (lambda: seeing(Fcos(3, 3, width=8, features=16, tower=1)), images),
    "text, rnn": (lambda: TextClassifier(30, 4, embedding=6, hidden=5, cell="rnn"), tokens),
    "text, gru": (lambda: TextClassifier(30, 4, embedding=6, hidden=5, cell="gru", bidirectional=True), tokens),
    "text, lstm": (lambda: TextClassifier(30, 4, embedding=6, hidden=5, layers=2), tokens),
    "collaborative-filtering": (lambda: CollaborativeFiltering(8, 5, embedding=4, biases=True), ids),
}


def leaves(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else [leaf for part in value.values() for leaf in leaves(part)]


def slopes(net: nn.Module, loss: Callable[[nn.Module], Tensor]) -> Tensor:
    """Every parameter's gradient, end to end, in float64 on the CPU."""
    loss(net).backward()
    return torch.cat([p.grad.double().flatten().cpu() for p in net.parameters() if p.grad is not None])


def far(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("dtype", BARS)
@pytest.mark.parametrize("name", NETS)
def test_nets(accelerator: torch.device, note: Note, name: str, dtype: torch.dtype) -> None:
    """The reference is the CPU in float64; the loss weighs every output by a drawn number."""
    make, given = NETS[name]
    torch.manual_seed(3)
    net, inputs = make().double(), given(torch.Generator().manual_seed(5))

    def loss(some: nn.Module) -> Tensor:
        like = next(some.parameters())
        drawn = torch.Generator().manual_seed(7)
        found = leaves(some(*(value.to(like.device) for value in inputs)))
        weights = [torch.randn(out.shape, generator=drawn, dtype=torch.float64).to(out) for out in found]
        return torch.stack([(out * weight).sum() for out, weight in zip(found, weights, strict=True)]).sum()

    there = copy.deepcopy(net).to(accelerator, dtype)
    found = far(slopes(there, loss), slopes(net, loss))
    note("off", found)
    assert found <= BARS[dtype]


def test_every_own_net_is_among_them() -> None:
    kinds = {type(module).__module__.rpartition(".")[2] for make, _ in NETS.values() for module in make().modules()}
    own = {name.replace("-", "_") for name in catalogue("net")}
    assert own <= kinds


@pytest.mark.parametrize("dtype", BARS)
@pytest.mark.parametrize("name", CASES)
def test_losses(accelerator: torch.device, name: str, dtype: torch.dtype) -> None:
    """Beside them the values, counts and parts."""
    case, drawn = CASES[name], torch.Generator().manual_seed(2)
    target, x = case.target(12, drawn), torch.randn(12, FEATURES, generator=drawn, dtype=torch.float64)
    net = Shaped(case.shape).double()
    objective = Objective({"loss": names.build("loss", Named(name=case.loss, args=dict(case.args)), target="y")})
    told = []

    def loss(some: nn.Module) -> Tensor:
        like = next(some.parameters())
        terms = copy.deepcopy(objective).to(like.device)
        batch = Batch({"x": x.to(like), "y": target.to(like.device)}, ("x",), np.arange(12))
        value, parts = terms(some(*batch.arguments()), batch, terms.counts(batch))
        told.append((float(value.detach()), terms.counts(batch).tolist(), parts.double().tolist()))
        return value

    found = far(slopes(copy.deepcopy(net).to(accelerator, dtype), loss), slopes(net, loss))
    assert found <= BARS[dtype]
    for there, here in zip(*told, strict=True):
        assert there == pytest.approx(here, rel=BARS[dtype])
