"""Layers that lend their work: whoever looks at them, changes, copies or transforms them finds what torch does."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from danlu.nn import lending
from danlu.nn.maps import pieces

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
LAST = torch.channels_last


def maps(*shape: int, seed: int = 0) -> Tensor:
    made = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)
    return made.contiguous(memory_format=LAST)


@pytest.fixture(autouse=True)
def _small_maps_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "LEAST", 1)


def chain() -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(16), nn.ReLU())


class Calls(nn.Module):
    """A chain, and what a net's forward does with it."""

    def __init__(self, part: nn.Module, how: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.part, self.how = part, how

    def forward(self, x: Tensor) -> Any:
        return self.how(self, x)


def test_a_part_that_is_worked_out_again_for_backward_learns_the_same() -> None:
    """Activation checkpointing does it after the pass, when nothing is lent: what both keep has to be the same tensors."""
    part = nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
    net = Calls(part, lambda self, x: checkpoint(self.part, x, use_reentrant=False))
    other = copy.deepcopy(part)
    x = maps(4, 16, 8, 8)
    lending.forward(net)(x).square().sum().backward()
    other(x).square().sum().backward()
    for mine, its in zip(part.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine.grad, its.grad)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("before", [True, False])
def test_a_forward_that_somebody_has_given_a_layer_counts_and_stays(place: int, before: bool) -> None:
    """Given before the net is looked at, or after."""
    net = chain()

    def mine(x: Tensor) -> Tensor:
        return x + 100

    def give() -> None:
        net[place].forward = mine  # type: ignore[method-assign]

    if before:
        give()
    forward = lending.forward(net)
    give()
    assert float(forward(maps(4, 16, 4, 4)).detach().mean()) > 50
    assert net[place].__dict__["forward"] is mine


def test_what_changes_in_a_net_counts() -> None:
    net = chain()
    forward, x = lending.forward(net), maps(4, 16, 4, 4)
    norm: Any = net[0]
    net[1] = nn.Tanh()
    assert float(forward(x).detach().min()) < -0.5
    net[1] = nn.ReLU()
    norm.track_running_stats = False
    forward(x)
    assert int(norm.num_batches_tracked) == 1
    norm.track_running_stats, norm.momentum = True, None
    forward(x)
    torch.testing.assert_close(norm.running_mean, x.mean((0, 2, 3)) / 2 + norm.running_mean / 2, rtol=0, atol=0.2)
    assert int(norm.num_batches_tracked) == 2
    norm.momentum = 0.1
    norm.weight = nn.Parameter(torch.ones(8))  # too few
    with pytest.raises(RuntimeError, match="weight"):
        forward(x)


def test_layers_are_called_by_keyword_too() -> None:
    net = Calls(chain(), lambda self, x: self.part(input=self.part[0](input=x)))
    assert lending.forward(net)(maps(4, 16, 4, 4)).shape == (4, 16, 4, 4)


def test_hooks_on_every_module_see_every_module() -> None:
    seen: list[str] = []
    hook = register_module_forward_hook(lambda part, given, found: seen.append(type(part).__name__))
    try:
        lending.forward(chain())(maps(4, 16, 4, 4))
    finally:
        hook.remove()
    assert seen == ["BatchNorm2d", "ReLU", "Sequential"]


def test_a_copy_made_in_a_pass_works_as_torchs() -> None:
    def how(self: Any, x: Tensor) -> Tensor:
        if "other" not in self.__dict__:
            self.__dict__["other"] = copy.deepcopy(self.part)
        first: Tensor = self.other(x)
        return first + self.part(x)

    net = Calls(chain(), how)
    lending.forward(net)(maps(4, 16, 4, 4))
    x, one, other = maps(4, 16, 4, 4, seed=1), net.__dict__["other"], chain()
    assert torch.equal(one(x), other(x))
    assert one[0].weight.data_ptr() != net.part[0].weight.data_ptr()  # type: ignore[index]


def test_what_torch_does_sooner_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small maps, and norms with no activation behind them."""
    monkeypatch.undo()
    net = nn.Sequential(nn.BatchNorm2d(16), nn.SiLU(), nn.MaxPool2d(2), nn.BatchNorm2d(16))
    for size, mine in ((8, False), (64, True)):
        found, nodes = lending.forward(net)(maps(4, 16, size, size)).grad_fn, []
        while found is not None:
            nodes.append(type(found).__name__)
            found = found.next_functions[0][0]
        assert ("NormBackward" in nodes) is ("PoolBackward" in nodes) is mine
        assert nodes[0] == "NativeBatchNormBackward0"


def test_transforms_within_a_net_work() -> None:
    pool = Calls(nn.MaxPool2d(2), lambda self, x: torch.vmap(self.part)(torch.stack([x, 2 * x])))
    x = maps(4, 16, 4, 4)
    assert torch.equal(lending.forward(pool)(x)[1], F.max_pool2d(2 * x, 2))
    with forward_ad.dual_level():
        given = forward_ad.make_dual(x, torch.ones_like(x))
        found = forward_ad.unpack_dual(lending.forward(chain())(given)).tangent
    assert found is not None


def test_a_compiled_part_is_compiled_from_torchs_operations() -> None:
    part = nn.Sequential(nn.BatchNorm2d(16), nn.SiLU(), nn.MaxPool2d(2))
    other = copy.deepcopy(part)
    net = Calls(torch.compile(part, backend="eager", fullgraph=True), lambda self, x: self.part(x))  # type: ignore[arg-type]
    x = maps(4, 16, 4, 4)
    assert torch.equal(lending.forward(net)(x), other(x))


def test_whoever_counts_operations_finds_torchs() -> None:
    net = nn.Sequential(nn.Conv2d(16, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU())
    counter = FlopCounterMode(display=False)
    with counter:
        lending.forward(net)(maps(2, 16, 5, 5))
    assert counter.get_total_flops() == 2 * 2 * 9 * 9 * 16 * 16
