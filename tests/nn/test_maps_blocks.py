"""Residual blocks at once: the bits of their layers one after the other, and only where nobody looks between them."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from danlu.nn import lending
from danlu.nn.maps import blocks, pieces, tiles
from danlu.nn.residual import Block

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or tiles.missing() is not None, reason="no C compiler, or a processor without tiles"
)
LAST = torch.channels_last
KINDS = [  # channels, outputs, stride, activation, height, width
    (16, 16, 1, "silu", 7, 9),
    (16, 16, 1, "relu", 6, 6),
    (16, 32, 2, "silu", 9, 7),
    (32, 64, 2, "relu", 8, 8),
    (16, 48, 1, "silu", 5, 6),
    (32, 32, 2, "silu", 4, 3),
    (16, 32, 3, "relu", 11, 10),
]


@pytest.fixture(autouse=True)
def _small_maps_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "LEAST", 1)


def block(channels: int, outputs: int, stride: int, activation: str, *, drop_path: float = 0.0) -> Any:
    torch.manual_seed(0)
    made = Block(channels, outputs, stride, activation, "batch", drop_path, zero_init=False)
    for part in made.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1, 0.3)
            nn.init.normal_(part.bias)
    return made.to(memory_format=LAST)  # type: ignore[call-overload]


def maps(*shape: int, seed: int = 1) -> Tensor:
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return drawn.to(torch.bfloat16).contiguous(memory_format=LAST)


def passed(part: nn.Module, x: Tensor, forward: Callable[[Tensor], Tensor]) -> tuple[str, list[Tensor]]:
    """(the name of what gave the answer; answer, gradients, buffers)."""
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    part.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        y = forward(x)
    y.backward(maps(*y.shape, seed=2))
    kept = [x.grad, *(p.grad for p in part.parameters()), *part.buffers()]
    return type(y.grad_fn).__name__, [y.detach(), *(one for one in kept if one is not None)]


@pytest.mark.parametrize("kind", KINDS)
def test_it_has_the_bits_of_its_layers(kind: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    mine = block(*kind[:4])
    its, x = copy.deepcopy(mine), maps(6, kind[0], *kind[4:])
    name, found = passed(mine, x, lending.forward(mine))
    assert name == ("ResidualBackward" if kind[2] < 3 else "JoinBackward")  # averages of 3 × 3 are torch's
    monkeypatch.setattr(blocks, "_ways", lambda *_: None)
    name, wanted = passed(its, x, lending.forward(its))
    assert name == "JoinBackward"
    assert len(found) == len(wanted) >= 12
    for one, other in zip(found, wanted, strict=True):
        assert torch.equal(one, other)
        assert one.stride() == other.stride()


def test_whose_input_wants_no_gradient_learns_the_same() -> None:
    mine = block(16, 32, 2, "silu")
    x, found = maps(6, 16, 8, 8), []
    for wanted in (True, False):
        mine.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            y = lending.forward(mine)(x.clone(memory_format=torch.preserve_format).requires_grad_(wanted))
        y.float().square().sum().backward()
        found.append([p.grad for p in mine.parameters()])
    assert all(map(torch.equal, *found))


@pytest.mark.parametrize("kind", [(16, 16, 1, "relu"), (16, 32, 2, "silu")])
def test_gradients_of_gradients_are_torchs(kind: tuple[Any, ...]) -> None:
    mine, x = block(*kind), maps(4, 16, 6, 6)
    its = copy.deepcopy(mine).double()

    def penalty(part: nn.Module, forward: Callable[[Tensor], Tensor], x: Tensor) -> list[Tensor]:
        x = x.clone(memory_format=torch.preserve_format).requires_grad_()
        (slope,) = torch.autograd.grad(forward(x).float().square().sum(), x, create_graph=True)
        return [slope, *torch.autograd.grad(slope.float().square().sum(), [x, *part.parameters()])]

    with torch.autocast("cpu", torch.bfloat16):
        found = penalty(mine, lending.forward(mine), x)
    for one, other in zip(found, penalty(its, its, x.double()), strict=True):
        assert float((one.double() - other).detach().norm() / other.detach().norm()) < 0.15


def twice(part: Any, place: int) -> nn.Module:
    """place: of the layer that stands for the first of its kind again; 0: the whole block is passed twice."""
    if not place:
        return nn.Sequential(part, part)
    part.branch[place] = part.branch[place - 3]
    return part  # type: ignore[no-any-return]


@pytest.mark.parametrize("place", [0, 3, 4])
def test_gradients_to_be_differentiated_of_layers_that_are_passed_twice_are_torchs(place: int) -> None:
    mine, x = twice(block(16, 16, 1, "silu"), place), maps(4, 16, 6, 6)
    its = copy.deepcopy(mine).double()

    def both(part: nn.Module, forward: Callable[[Tensor], Tensor], x: Tensor) -> list[Tensor]:
        x = x.clone(memory_format=torch.preserve_format).requires_grad_()
        wanted = [x, *part.parameters()]
        slopes = torch.autograd.grad(forward(x).float().square().sum(), wanted, create_graph=True)
        return [*slopes, *torch.autograd.grad(slopes[0].float().square().sum(), wanted)]

    with torch.autocast("cpu", torch.bfloat16):
        found = both(mine, lending.forward(mine), x)
    for one, other in zip(found, both(its, its, x.double()), strict=True):
        assert float((one.double() - other).detach().norm() / other.detach().norm()) < 0.15


def watch(part: nn.Module) -> None:
    part.register_forward_hook(lambda *_: None)


@pytest.mark.parametrize(
    "change",
    [
        lambda part: watch(part.branch[2]),
        lambda part: watch(part.branch),
        lambda part: watch(part.skip[0]),
        lambda part: watch(part.drop_path),
        lambda part: watch(part.activation),
        lambda part: part.branch[1].eval(),
        lambda part: part.branch[3].weight.requires_grad_(False),
        lambda part: setattr(part, "activation", nn.SiLU(inplace=True)),
        lambda part: setattr(part, "drop_path", nn.Identity()),
        lambda part: setattr(part.drop_path, "rate", 0.5),
        lambda part: setattr(part, "skip", nn.Conv2d(16, 32, 1, 2, bias=False).to(memory_format=LAST)),
        lambda part: part.branch.append(nn.Identity()),
    ],
)
def test_whose_layers_are_seen_or_others_is_gone_through_one_by_one(change: Callable[[Any], Any]) -> None:
    mine = block(16, 32, 2, "silu")
    forward = lending.forward(mine)
    change(mine)
    its = copy.deepcopy(mine)
    x = maps(6, 16, 8, 8)
    torch.manual_seed(3)
    name, found = passed(mine, x, forward)
    assert name != "ResidualBackward"
    torch.manual_seed(3)
    for one, other in zip(found, passed(its, x, its)[1], strict=True):
        assert float((one.float() - other.float()).norm()) <= 0.05 * float(other.float().norm()) + 1e-3


def test_ways_that_do_not_meet_are_told_as_torch_tells_it() -> None:
    mine = block(16, 32, 2, "silu")
    mine.branch[3].stride = (2, 2)
    for forward in (lending.forward(mine), mine):
        with pytest.raises(RuntimeError, match="must match"):
            passed(mine, maps(6, 16, 8, 8), forward)


def test_a_position_alone_between_its_convolutions_is_no_batch_to_norm_by() -> None:
    mine = block(16, 32, 2, "silu")
    mine.branch[3] = nn.Conv2d(32, 32, 2, padding=1, bias=False)
    mine.skip[1] = nn.Conv2d(16, 32, 2, padding=1, bias=False)
    mine = mine.to(memory_format=LAST)
    for forward in (lending.forward(mine), mine):
        with pytest.raises(ValueError, match="more than 1 value"):
            passed(mine, maps(1, 16, 2, 2), forward)


def test_batches_are_counted_once() -> None:
    mine = block(16, 32, 2, "silu")
    passed(mine, maps(6, 16, 8, 8), lending.forward(mine))
    assert [int(each) for name, each in mine.named_buffers() if "num" in name] == [1, 1, 1]
