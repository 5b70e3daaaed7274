"""Convolutions by the processor's tiles: exact where numbers are, and the same bits for any number of threads."""

from __future__ import annotations

import copy
import shutil
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from danlu.nn import lending
from danlu.nn.maps import kernel, pieces, tiles
from danlu.nn.maps.functions import Pool
from danlu.nn.maps.scratch import Scratch
from danlu.nn.maps.stages import Convolution, How, Stage

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or tiles.missing() is not None, reason="no C compiler, or a processor without tiles"
)
LAST = torch.channels_last
ACTIVATIONS: tuple[Callable[[Tensor], Tensor], ...] = (lambda z: z, F.relu, F.silu)
SHAPES = [  # samples, channels, outputs, height, width, size, stride, padding
    (5, 16, 32, 9, 7, 3, 1, 1),
    (70, 32, 48, 5, 5, 3, 1, 1),
    (3, 48, 16, 8, 11, 3, 1, 0),
    (4, 16, 16, 13, 12, 3, 2, 1),
    (2, 64, 32, 11, 5, 5, 2, 2),
    (3, 32, 64, 6, 6, 2, 2, 0),
    (2, 16, 16, 12, 12, 7, 3, 3),
    (9, 32, 32, 6, 5, 3, 4, 2),
    (9, 128, 64, 3, 3, 3, 1, 1),
    (4, 32, 16, 7, 6, 1, 1, 0),
    (4, 16, 32, 7, 6, 1, 2, 0),
    (1, 16, 32, 40, 60, 3, 1, 1),
    (33, 1, 16, 28, 28, 3, 1, 1),
    (5, 1, 32, 11, 9, 3, 2, 1),
    (6, 2, 16, 8, 9, 2, 1, 0),
    (2, 16, 16, 1, 9, 3, 1, 2),
    (3, 48, 32, 2, 3, 2, 5, 1),
    (5, 3, 16, 1, 12, 2, 3, 1),
]


def half(x: Tensor) -> Tensor:
    return x.to(torch.bfloat16).contiguous(memory_format=LAST)


def whole_numbers(least: int, end: int, *shape: int, seed: int) -> Tensor:
    return torch.randint(least, end, shape, generator=torch.Generator().manual_seed(seed)).float()


@pytest.fixture(autouse=True)
def _small_maps_too(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pieces, "LEAST", 1)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _memory_that_nobody_wrote_is_not_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is read before it is written spoils what comes out."""

    def spoilt(made: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def make(*sizes: int) -> Tensor:
            found = made(*sizes)
            return found.fill_(float("nan") if found.is_floating_point() else 255)

        return make

    for name in ("_bytes", "_numbers", "_maps", "_kernels"):
        monkeypatch.setattr(tiles, name, spoilt(getattr(tiles, name)))

    class Spoilt(Scratch):
        def __init__(self, total: int) -> None:
            super().__init__(total)
            self._memory.fill_(255)

    monkeypatch.setattr(tiles, "Scratch", Spoilt)


def layout(x: Tensor, weight: Tensor, stride: int, padding: int) -> tiles.Shape:
    return tiles.shape(*x.shape, weight.shape[0], weight.shape[-1], stride, padding)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_of_whole_numbers_every_bit_is_right(shape: tuple[int, ...], threads: int) -> None:
    """Sums of whole numbers are exact in float32: what comes out is theirs, rounded once, and the kernel's gradient is not rounded."""
    samples, channels, outputs, height, width, size, stride, padding = shape
    torch.set_num_threads(threads)
    x = half(whole_numbers(-3, 4, samples, channels, height, width, seed=0))
    weight = whole_numbers(-2, 3, outputs, channels, size, size, seed=1).contiguous(memory_format=LAST).requires_grad_()
    inner = channels % tiles.LANES == 0
    y = Convolution.apply(x.requires_grad_(inner), weight, layout(x, weight, stride, padding), False)
    its = x.detach().float().requires_grad_(inner), weight.detach().clone().requires_grad_()
    wanted = F.conv2d(*its, None, stride, padding)
    assert y.is_contiguous(memory_format=LAST)
    assert torch.equal(y, wanted.bfloat16())
    g = whole_numbers(-1, 2, *y.shape, seed=2)
    y.backward(half(g))
    wanted.backward(g)
    assert torch.equal(weight.grad, its[1].grad)  # type: ignore[arg-type]
    if inner:
        assert torch.equal(x.grad, its[0].grad.bfloat16())  # type: ignore[arg-type, union-attr]


@pytest.mark.parametrize(
    "shape", [(5, 16, 32, 9, 7, 3, 1, 1), (33, 1, 16, 28, 28, 3, 1, 1), (40, 32, 16, 6, 6, 3, 2, 1)]
)
def test_the_greatest_of_two_by_two_is_that_of_what_would_come_out(shape: tuple[int, ...]) -> None:
    samples, channels, outputs, height, width, size, stride, padding = shape
    x = half(torch.randn(samples, channels, height, width)).requires_grad_(channels > 15)
    weights = [torch.randn(outputs, channels, size, size).contiguous(memory_format=LAST).requires_grad_()]
    weights.append(weights[0].detach().clone().requires_grad_())
    found = []
    for weight, both in zip(weights, (True, False), strict=True):
        y = Convolution.apply(x, weight, layout(x, weight, stride, padding), both)
        y = y if both else Pool.apply(y)
        x.grad = None
        y.backward(half(torch.ones(y.shape)))
        found.append((y, x.grad, weight.grad))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][2], found[1][2])
    if channels > 15:
        assert torch.equal(found[0][1], found[1][1])


def stage(x: Tensor, numbers: list[Tensor], by: int, pooled: bool, *, stride: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """(y, running mean, running variance)."""
    outputs = len(numbers[1])
    mean, variance = torch.zeros(outputs), torch.ones(outputs)
    filters, weight, bias = numbers
    how = How(mean, variance, 1e-5, 0.1, by, pooled)
    return Stage.apply(x, filters, weight, bias, layout(x, filters, stride, 1), how), mean, variance


def exactly(
    x: Tensor, numbers: list[Tensor], by: int, pooled: bool, *, stride: int = 1
) -> tuple[Tensor, Tensor, Tensor]:
    """In float64, of kernels in bfloat16, with what the convolution and the activation give rounded to it as tensors of it are."""
    filters, weight, bias = numbers
    mean, variance = torch.zeros(len(weight)).double(), torch.ones(len(weight)).double()
    z = F.conv2d(x, filters + (filters.bfloat16().double() - filters).detach(), None, stride, 1)
    z = z + (z.bfloat16().double() - z).detach()
    y = ACTIVATIONS[by](F.batch_norm(z, mean, variance, weight, bias, True, 0.1, 1e-5))
    y = y + (y.bfloat16().double() - y).detach()
    return F.max_pool2d(y, 2) if pooled else y, mean, variance


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("by", range(3))
@pytest.mark.parametrize(
    ("channels", "outputs", "side", "stride"), [(16, 32, 9, 1), (32, 48, 8, 2), (64, 16, 12, 1), (1, 16, 13, 1)]
)
def test_a_stage_is_that_of_exact_numbers(
    channels: int, outputs: int, side: int, stride: int, by: int, pooled: bool
) -> None:
    """bfloat16 is off by its own rounding: of what comes out, and of the gradient of what the norm was given."""
    torch.manual_seed(0)
    x = half(torch.randn(21, channels, side, side))
    numbers = [
        torch.randn(outputs, channels, 3, 3).contiguous(memory_format=LAST),
        torch.randn(outputs),
        torch.randn(outputs),
    ]
    given = x.clone(memory_format=torch.preserve_format).requires_grad_(channels > 15)
    mine = [one.clone(memory_format=torch.preserve_format).requires_grad_() for one in numbers]
    its = [one.double().requires_grad_() for one in (x, *numbers)]
    y, mean, variance = stage(given, mine, by, pooled, stride=stride)
    wanted, its_mean, its_variance = exactly(its[0], its[1:], by, pooled, stride=stride)
    torch.testing.assert_close(y.double(), wanted.detach(), rtol=2**-8, atol=2**-8)
    torch.testing.assert_close(mean.double(), its_mean, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(variance.double(), its_variance, rtol=1e-5, atol=1e-5)
    g = half(torch.randn(y.shape))
    y.backward(g)
    wanted.backward(g.double())
    for one, other in zip((given, *mine), its, strict=True):
        if one.requires_grad:
            off = (one.grad.double() - other.grad).norm() / other.grad.norm()  # type: ignore[union-attr, operator]
            # a sum near 0 or a near tie, rounded to the other side, sends whole gradients elsewhere
            assert float(off) < (0.06 if pooled or by == 1 else 0.01)


@pytest.mark.parametrize("by", range(3))
def test_a_pool_behind_a_stage_is_a_pool_by_itself(by: int) -> None:
    """Bit for bit where they come from the same bits, and their gradients but for the order of sums."""
    torch.manual_seed(0)
    x, g = half(torch.randn(20, 32, 9, 10)), half(torch.randn(20, 32, 4, 5))
    numbers = [torch.randn(32, 32, 3, 3).contiguous(memory_format=LAST), torch.randn(32), torch.randn(32)]
    found = []
    for pooled in (True, False):
        given = x.clone(memory_format=torch.preserve_format).requires_grad_()
        mine = [one.clone(memory_format=torch.preserve_format).requires_grad_() for one in numbers]
        y, *_ = stage(given, mine, by, pooled)
        y = y if pooled else Pool.apply(y)
        y.backward(g)
        found.append([y.detach(), given.grad, *(one.grad for one in mine)])
    assert torch.equal(found[0][0], found[1][0])
    for one, other in zip(found[0][1:], found[1][1:], strict=True):
        torch.testing.assert_close(one, other, rtol=2**-7, atol=2e-3 * float(other.abs().max()))  # type: ignore[union-attr]


def test_what_is_not_a_number_stays_so() -> None:
    x = half(torch.randn(3, 16, 8, 8))
    x[1, 3, 2, 2] = float("nan")
    numbers = [torch.randn(16, 16, 3, 3).contiguous(memory_format=LAST), torch.ones(16), torch.zeros(16)]
    y = Convolution.apply(x, numbers[0], layout(x, numbers[0], 1, 1), False)
    assert torch.equal(y.isnan(), F.conv2d(x.float(), numbers[0], None, 1, 1).isnan())
    for pooled in (False, True):
        assert bool(stage(x, numbers, 1, pooled)[0].isnan().all())


def test_gradients_of_gradients_are_torchs() -> None:
    torch.manual_seed(0)
    x = half(torch.randn(4, 16, 6, 6))
    numbers = [torch.randn(16, 16, 3, 3).contiguous(memory_format=LAST) / 12, torch.rand(16) + 0.5, torch.randn(16)]

    def penalty(part: Callable[..., Any], *given: Tensor) -> list[Tensor]:
        leaves = [one.clone(memory_format=torch.preserve_format).requires_grad_() for one in given]
        y = part(leaves[0], leaves[1:], 2, True)[0]
        (slope,) = torch.autograd.grad(y.square().sum(), leaves[1], create_graph=True)
        return [slope.detach(), *torch.autograd.grad(slope.square().sum(), leaves[1:])]

    mine, its = penalty(stage, x, *numbers), penalty(exactly, x.double(), *(one.double() for one in numbers))
    for one, other in zip(mine, its, strict=True):
        assert float((one.double() - other).norm() / other.norm()) < 0.1


class Net(nn.Module):
    """Stages of every kind: of pictures, nested, pooled before and after their norm, with a stride, of one position."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Sequential(nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.SiLU()),
            nn.Sequential(nn.Conv2d(16, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()),
            nn.MaxPool2d(2),
        )
        self.branch = nn.Sequential(nn.Conv2d(32, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32))
        self.skip = nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(32, 32, 1, bias=False), nn.BatchNorm2d(32))
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y: Tensor = self.act(self.skip(x) + self.branch(x))
        return y.float().mean((2, 3))


def net(seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return Net().to(memory_format=LAST)  # type: ignore[call-overload, no-any-return]


def passed(forward: Callable[[Tensor], Tensor], part: nn.Module, *, samples: int = 24) -> list[Tensor]:
    part.zero_grad()
    x = torch.randn(samples, 1, 24, 16, generator=torch.Generator().manual_seed(1))
    with torch.autocast("cpu", torch.bfloat16):
        y = forward(x)
    (y * torch.arange(32)).square().sum().backward()
    return [y.detach(), *(p.grad for p in part.parameters()), *(b.float() for b in part.buffers())]  # type: ignore[list-item]


def nodes(y: Tensor) -> set[str]:
    """Names of what is gone through on the way back."""
    found, left = set(), [y.grad_fn]
    while left:
        node = left.pop()
        if node is not None and node not in found:
            found.add(node)
            left += [each for each, _ in node.next_functions]
    return {type(node).__name__ for node in found}


def test_a_net_of_stages_learns_what_torchs_learns() -> None:
    mine, its = net(), net()
    exact = [one.double() for one in passed_exactly(net())]
    found, wanted = passed(lending.forward(mine), mine), passed(its, its)
    for one, other, true in zip(found, wanted, exact, strict=True):
        size = true.norm() + 1e-3
        assert float((one - true).norm() / size) <= 1.5 * float((other - true).norm() / size) + 0.01


def passed_exactly(part: nn.Module) -> list[Tensor]:
    x = torch.randn(24, 1, 24, 16, generator=torch.Generator().manual_seed(1))
    y = part(x)
    (y * torch.arange(32)).square().sum().backward()
    return [y.detach(), *(p.grad for p in part.parameters()), *(b.float() for b in part.buffers())]  # type: ignore[list-item]


def test_the_bits_do_not_depend_on_threads() -> None:
    found = []
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        part = net()
        found.append(passed(lending.forward(part), part, samples=70))
    for other in found[1:]:
        assert all(torch.equal(one, its) for one, its in zip(found[0], other, strict=True))


def test_nets_may_learn_in_several_threads_at_once_and_go_back_in_others() -> None:
    nets = [net() for _ in range(8)]
    part = net()
    wanted = passed(lending.forward(part), part)
    with ThreadPoolExecutor(4) as threads:
        several = list(threads.map(lambda part: passed(lending.forward(part), part), nets))
    for found in several:
        assert all(torch.equal(one, its) for one, its in zip(found, wanted, strict=True))
    part = net()
    torch.set_num_threads(2)
    with torch.autocast("cpu", torch.bfloat16):
        y = lending.forward(part)(torch.randn(24, 1, 24, 16, generator=torch.Generator().manual_seed(1)))
    torch.set_num_threads(1)
    other = Thread(target=(y * torch.arange(32)).square().sum().backward)
    other.start()
    other.join()
    for one, its in zip(part.parameters(), wanted[1:], strict=False):
        assert torch.equal(one.grad, its)  # type: ignore[arg-type]


def test_all_of_it_goes_through_the_tiles_and_nothing_in_float32() -> None:
    part, x = net(), torch.randn(8, 1, 24, 16)
    with torch.autocast("cpu", torch.bfloat16):
        names = nodes(lending.forward(part)(x))
    assert {"StageBackward", "ConvolutionBackward", "SiluBackward", "MeanBackward"} <= names
    assert not names & {"ConvolutionBackward0", "NativeBatchNormBackward0", "MaxPool2DWithIndicesBackward0"}
    assert not nodes(lending.forward(part)(x)) & {"StageBackward", "ConvolutionBackward"}


@pytest.mark.parametrize(
    "change",
    [
        lambda part: part.branch[1].eval(),
        lambda part: part.branch[0].weight.requires_grad_(False),
        lambda part: part.branch[0].register_forward_hook(lambda *_: None),
        lambda part: part.branch[1].register_forward_hook(lambda *_: None),
        lambda part: part.branch[0].to(memory_format=torch.contiguous_format),
        lambda part: setattr(part.branch[1], "momentum", None),
        lambda part: setattr(part.branch[0], "forward", part.branch[0].forward),
    ],
)
def test_what_is_frozen_hooked_or_lies_otherwise_keeps_torchs_bits(change: Callable[[Any], Any]) -> None:
    part = net()
    change(part)
    other = copy.deepcopy(part.branch)
    x = half(torch.randn(8, 32, 6, 6))
    with torch.autocast("cpu", torch.bfloat16):
        found = lending.forward(part.branch)(x)
        assert "StageBackward" not in nodes(found)
        if "forward" not in vars(part.branch[0]) and part.branch[0].weight.is_contiguous(memory_format=LAST):
            assert torch.allclose(found, other(x), rtol=2**-7, atol=2**-6)


def put(weight: Tensor) -> Callable[[Any], None]:
    def change(part: Any) -> None:
        part[0].weight, part[1] = nn.Parameter(weight.contiguous(memory_format=LAST)), nn.BatchNorm2d(len(weight))

    return change


@pytest.mark.parametrize(
    "change",
    [
        put(torch.randn(24, 32, 3, 3)),
        put(torch.randn(32, 32, 5, 5)),
        put(torch.randn(32, 32, 3, 1)),
        lambda part: setattr(part[0], "stride", 2),
        lambda part: setattr(part[0], "padding", 0),
        lambda part: setattr(part[0], "padding", "same"),
        lambda part: setattr(part[0], "stride", (2, 1)),
    ],
)
def test_kernels_and_steps_that_somebody_has_put_there_count(change: Callable[[Any], None]) -> None:
    """By hand, as by pruning of whole outputs: torch reads them as they are, and what the layer said before is not read beyond."""
    torch.manual_seed(0)
    mine: Any = nn.Sequential(nn.Conv2d(32, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()).to(
        memory_format=LAST
    )  # type: ignore[call-overload]
    forward = lending.forward(mine)
    change(mine)
    its, x = copy.deepcopy(mine), half(torch.randn(8, 32, 6, 6))
    with torch.autocast("cpu", torch.bfloat16):
        found, wanted = forward(x), its(x)
    assert torch.allclose(found, wanted, rtol=2**-7, atol=2**-6)
    for y in (found, wanted):
        y.float().square().mean().backward()
    off = mine[0].weight.grad - its[0].weight.grad
    assert float(off.norm() / its[0].weight.grad.norm()) < 0.02


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_pictures_may_lie_apart(dtype: torch.dtype) -> None:
    """Every other row and column of pictures with channels last still lies in their order, but not one after the other."""
    torch.manual_seed(0)
    mine = nn.Sequential(nn.Conv2d(3, 16, 2, bias=False), nn.BatchNorm2d(16)).to(memory_format=LAST)  # type: ignore[call-overload]
    its = copy.deepcopy(mine)
    x = torch.randn(4, 3, 16, 16).to(dtype).contiguous(memory_format=LAST)[:, :, ::2, ::2]
    with torch.autocast("cpu", torch.bfloat16):
        found, wanted = lending.forward(mine)(x), its(x)
    assert "StageBackward" in nodes(found)
    assert torch.allclose(found, wanted, rtol=2**-7, atol=2**-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.uint8, torch.int64])
def test_pictures_that_convolutions_refuse_are_refused(dtype: torch.dtype) -> None:
    """As evaluation will refuse them."""
    part = nn.Sequential(nn.Conv2d(1, 16, 3, bias=False), nn.BatchNorm2d(16)).to(memory_format=LAST)  # type: ignore[call-overload]
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(RuntimeError, match="BFloat16"):
        lending.forward(part)(torch.ones(4, 1, 8, 8, dtype=dtype))


@pytest.mark.parametrize(("channels", "side", "mine"), [(16, 221, True), (16, 222, False), (1, 400, True)])
def test_maps_that_do_not_stay_near_are_left_to_torch(channels: int, side: int, mine: bool) -> None:
    """A thread would work in several times the numbers of a sample, and not be as fast; pictures are taken row by row."""
    part = nn.Sequential(nn.Conv2d(channels, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)).to(memory_format=LAST)  # type: ignore[call-overload]
    with torch.autocast("cpu", torch.bfloat16):
        found = lending.forward(part)(half(torch.randn(1, channels, side, side)))
    assert ("StageBackward" in nodes(found)) is mine


def test_inner_sequences_that_are_hooked_are_seen() -> None:
    part, seen = net(), []
    part.stem[1].register_forward_hook(lambda layer, given, found: seen.append(tuple(found.shape)))
    passed(lending.forward(part), part, samples=4)
    assert seen == [(4, 32, 12, 8)]


def test_a_part_that_is_worked_out_again_for_backward_learns_the_same() -> None:
    class Again(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = net()

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = checkpoint(self.part, x, use_reentrant=False)
            return y

    torch.manual_seed(0)
    mine, its = Again(), Again()
    for one, other in zip(passed(lending.forward(mine), mine), passed(its, its), strict=True):
        assert torch.equal(one, other)


def test_many_threads_go_torchs_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "THREADS", 1)
    torch.set_num_threads(2)
    part = net()
    with torch.autocast("cpu", torch.bfloat16):
        names = nodes(lending.forward(part)(torch.randn(8, 1, 24, 16)))
    assert not names & {"StageBackward", "ConvolutionBackward"}


def test_the_sizes_agree_with_the_page_of_c() -> None:
    few = (tiles.SOURCE.path.parent / "few.h").read_text()
    assert f"#define MOST {tiles.FEW} " in few
    assert kernel.LANES == tiles.LANES


def test_shapes_that_are_met_once_are_forgotten() -> None:
    def met(width: int) -> weakref.ref[tiles.Shape]:
        one = tiles.shape(1, 16, 3, width, 16, 3, 1, 1)
        assert tiles._forward_room(one, 1) > 0
        assert tiles._backward_room(one, 1) > 0
        return weakref.ref(one)

    first = met(10)
    assert first() is tiles.shape(1, 16, 3, 10, 16, 3, 1, 1)
    for width in range(11, 11 + tiles._KNOWN):
        met(width)
    assert first() is None
