"""The kernel for maps: torch's norm, activations and pooling, the same bits for any number of threads."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from danlu.nn import lending
from danlu.nn.maps import kernel, pieces
from danlu.nn.maps.functions import Ends, Join, Mean, Norm, Pool, Silu
from danlu.nn.native.building import NoKernelError

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
LAST = torch.channels_last
ACTIVATIONS: tuple[Callable[[Tensor], Tensor], ...] = (lambda z: z, F.relu, F.silu)


def maps(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    made = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float32) * 3 + 5
    return made.to(dtype).contiguous(memory_format=LAST)


@pytest.fixture(autouse=True)
def _one_thread_and_small_maps_too(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pieces, "LEAST", 1)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("by", range(3))
@pytest.mark.parametrize("shape", [(2, 16, 1, 2), (7, 48, 5, 3), (64, 16, 14, 14), (3, 512, 4, 4), (1, 1024, 9, 9)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_norm_is_that_of_exact_numbers(dtype: torch.dtype, shape: tuple[int, ...], by: int) -> None:
    """Beside torch's in float64; bfloat16 is off by its own rounding of what comes out."""
    x, channels = maps(*shape, dtype=dtype).requires_grad_(), shape[1]
    generator = torch.Generator().manual_seed(1)
    weight, bias = torch.randn(channels, generator=generator), torch.randn(channels, generator=generator)
    g = torch.randn(shape, generator=generator).to(dtype).contiguous(memory_format=LAST)
    mean, variance = torch.zeros(channels), torch.ones(channels)
    parameters = weight.requires_grad_(), bias.requires_grad_()
    y = Norm.apply(x, *parameters, mean, variance, 1e-5, 0.1, by)
    y.backward(g)
    exact = [each.detach().double().requires_grad_() for each in (x, *parameters)]
    its_mean, its_variance = torch.zeros(channels).double(), torch.ones(channels).double()
    theirs = ACTIVATIONS[by](F.batch_norm(exact[0], its_mean, its_variance, exact[1], exact[2], True, 0.1, 1e-5))
    theirs.backward(g.double())
    few = 2**-8 if dtype is torch.bfloat16 else 2e-5
    assert y.dtype is dtype
    assert y.is_contiguous(memory_format=LAST)
    torch.testing.assert_close(y.double(), theirs.detach(), rtol=few, atol=few)
    torch.testing.assert_close(mean.double(), its_mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(variance.double(), its_variance, rtol=1e-5, atol=1e-6)
    scale = [float(each.grad.abs().max()) for each in exact]  # type: ignore[union-attr]
    for mine, its, size, allowed in zip((x, *parameters), exact, scale, (4 * few, 4 * few, 4 * few), strict=True):
        assert mine.grad is not None
        torch.testing.assert_close(mine.grad.double(), its.grad, rtol=allowed, atol=allowed * max(size, 1e-2))


def test_a_mean_far_from_zero_costs_no_precision() -> None:
    x = (maps(16, 16, 8, 8) / 3 + 1e4).contiguous(memory_format=LAST)
    mean, variance = torch.zeros(16), torch.ones(16)
    Norm.apply(x, torch.ones(16), torch.zeros(16), mean, variance, 1e-5, 1.0, 0)
    torch.testing.assert_close(variance.double(), x.double().var((0, 2, 3)), rtol=1e-4, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_bits_do_not_depend_on_threads(dtype: torch.dtype) -> None:
    def found() -> list[Tensor]:
        x = maps(32, 32, 12, 12, dtype=dtype).requires_grad_()
        weight, bias = torch.linspace(0.5, 2, 32).requires_grad_(), torch.zeros(32, requires_grad=True)
        mean, variance = torch.zeros(32), torch.ones(32)
        y = Pool.apply(Norm.apply(x, weight, bias, mean, variance, 1e-5, 0.1, 2))
        y.float().square().sum().backward()
        return [y.detach(), mean, variance, *(each.grad for each in (x, weight, bias))]  # type: ignore[misc]

    torch.set_num_threads(1)
    one = found()
    torch.set_num_threads(3)
    for mine, other in zip(one, found(), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 5), (2, 3), (3, 2)])
def test_pooling_is_torchs_bit_for_bit(dtype: torch.dtype, height: int, width: int) -> None:
    x = maps(3, 32, height, width, dtype=dtype)
    x[:, 1::3] = 2.0  # values that are equal: the first counts
    x[0, 0, 0, 1] = x[1, 3, 1, 0] = float("nan")
    mine, theirs = x.clone(memory_format=torch.preserve_format), x.clone(memory_format=torch.preserve_format)
    y, its = Pool.apply(mine.requires_grad_()), F.max_pool2d(theirs.requires_grad_(), 2)
    g = maps(*y.shape, dtype=dtype, seed=2)
    y.backward(g)
    its.backward(g)
    assert torch.equal(y.isnan(), its.isnan())
    assert torch.equal(y.nan_to_num(), its.nan_to_num())
    assert torch.equal(mine.grad, theirs.grad)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 5), (6, 5), (2, 3), (3, 2)])
def test_averages_of_two_by_two_are_torchs(dtype: torch.dtype, height: int, width: int, ceil: bool) -> None:
    mine, its = (maps(3, 32, height, width, dtype=dtype).requires_grad_() for _ in range(2))
    y, wanted = Mean.apply(mine, ceil), F.avg_pool2d(its, 2, ceil_mode=ceil)
    torch.testing.assert_close(y, wanted)
    g = maps(*y.shape, dtype=dtype, seed=2)
    y.backward(g)
    wanted.backward(g)
    assert torch.equal(mine.grad, its.grad)  # type: ignore[arg-type]


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 2e-6), (torch.bfloat16, 2**-8)])
def test_silu_is_right_for_every_number_of_sixteen_bits(dtype: torch.dtype, rtol: float) -> None:
    every = (torch.arange(1 << 16, dtype=torch.int32) - (1 << 15)).to(torch.int16).view(torch.bfloat16)
    x = every.to(dtype)
    exact = every.double().requires_grad_()
    F.silu(exact).backward(torch.ones_like(exact))
    y, slope = kernel.silu(x), kernel.activation_back(x, torch.ones_like(x), 2)
    rest = every.isfinite()
    torch.testing.assert_close(y[rest].double(), F.silu(exact.detach())[rest], rtol=rtol, atol=1e-35)
    torch.testing.assert_close(slope[rest].double(), exact.grad[rest], rtol=rtol, atol=4e-6)  # type: ignore[index]
    near, wanted = x[~rest].clone().requires_grad_(), F.silu(x[~rest])  # infinite, or NaN
    F.silu(near).backward(torch.ones_like(near))
    assert torch.equal(y[~rest].nan_to_num(7), wanted.nan_to_num(7))
    assert torch.equal(slope[~rest].isnan(), near.grad.isnan())  # type: ignore[union-attr]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_silu_is_torchs(dtype: torch.dtype) -> None:
    mine, its = (maps(3, 16, 5, 7, dtype=dtype).sub_(5).requires_grad_() for _ in range(2))
    y, wanted = Silu.apply(mine), F.silu(its)
    torch.testing.assert_close(y, wanted)
    g = maps(*y.shape, dtype=dtype, seed=2)
    y.backward(g)
    wanted.backward(g)
    torch.testing.assert_close(mine.grad, its.grad)


def test_averages_of_large_maps_lose_no_digits() -> None:
    x = torch.rand(2, 16, 120, 130, generator=torch.Generator().manual_seed(0)).contiguous(memory_format=LAST)
    x[:, 3] = 0.3
    found = kernel.ends(x)
    torch.testing.assert_close(found[:, :16].double(), x.double().mean((2, 3)), rtol=2e-6, atol=0)
    assert torch.equal(found[:, 16:], x.amax((2, 3)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3, 32, 7, 7), (2, 16, 1, 1), (5, 48, 2, 3)])
def test_averages_and_greatest_of_channels_are_torchs(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    """Positions that are equally great share the gradient; a NaN is the greatest."""
    mine, its = (maps(*shape, dtype=dtype).clamp_(max=6).requires_grad_() for _ in range(2))
    y, wanted = Ends.apply(mine), torch.cat([its.mean((2, 3)), its.amax((2, 3))], 1)
    torch.testing.assert_close(y, wanted)
    g = torch.randn(y.shape, generator=torch.Generator().manual_seed(3)).to(dtype)
    y.backward(g)
    wanted.backward(g)
    few = 2e-2 if dtype is torch.bfloat16 else 1e-6  # torch rounds both shares before it adds them
    torch.testing.assert_close(mine.grad, its.grad, rtol=few, atol=few / shape[2] ** 2)
    assert (its == 6).flatten(2).sum(2).max() > 1 or shape[2] == 1
    broken = maps(*shape, dtype=dtype)
    broken[0, 3, 0, 0] = float("nan")
    y = Ends.apply(broken)
    assert y.isnan().nonzero().tolist() == [[0, 3], [0, 3 + shape[1]]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("by", [1, 2])
def test_two_ways_meet_as_in_torch(dtype: torch.dtype, by: int) -> None:
    """Also where a gradient is differentiated again, through the sum that is kept."""

    def found(meet: Callable[[Tensor, Tensor], Tensor], again: bool) -> list[Tensor]:
        a, b = (maps(2, 16, 3, 5, dtype=dtype, seed=seed).sub_(5).requires_grad_() for seed in (0, 1))
        y = meet(a, b)
        slopes = torch.autograd.grad(y.float().pow(3).sum(), (a, b), create_graph=again)
        more = torch.autograd.grad(slopes[0].float().square().sum(), (a, b)) if again else ()
        return [y.detach(), *(one.detach() for one in slopes), *more]

    for again in (False, True):
        mine = found(lambda a, b: Join.apply(a, b, by)[0], again)
        its = found(lambda a, b: ACTIVATIONS[by](a + b), again)
        assert by == 2 or torch.equal(mine[0], its[0])
        few = 2e-2 if dtype is torch.bfloat16 else 1e-5
        for one, other in zip(mine, its, strict=True):
            torch.testing.assert_close(one, other, rtol=few, atol=few * max(1.0, float(other.abs().max())))


@pytest.mark.parametrize(
    ("mine", "its"),
    [
        (lambda x: Mean.apply(x, False), lambda x: F.avg_pool2d(x, 2)),
        (lambda x: Mean.apply(x, True), lambda x: F.avg_pool2d(x, 2, ceil_mode=True)),
        (Ends.apply, lambda x: torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)),
        (Silu.apply, F.silu),
    ],
)
def test_their_gradients_have_gradients(mine: Callable[[Tensor], Tensor], its: Callable[[Tensor], Tensor]) -> None:
    def found(part: Callable[[Tensor], Tensor]) -> Tensor:
        x = maps(2, 16, 5, 4).sub_(5).requires_grad_()
        (slope,) = torch.autograd.grad(part(x).pow(3).sum(), x, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), x)[0]

    torch.testing.assert_close(found(mine), found(its), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("by", range(3))
def test_gradients_of_gradients_are_torchs(by: int) -> None:
    def penalty(norm: Callable[[Tensor], Tensor], pool: Callable[[Tensor], Tensor]) -> list[Tensor]:
        x = maps(4, 16, 6, 6).requires_grad_()
        (slope,) = torch.autograd.grad(pool(norm(x)).square().sum(), x, create_graph=True)
        return [slope.detach(), *torch.autograd.grad(slope.square().sum(), (x, weight, bias))]

    weight, bias = torch.linspace(0.5, 2, 16).requires_grad_(), torch.linspace(-1, 1, 16).requires_grad_()
    fixed = torch.zeros(16), torch.ones(16), 1e-5, 0.1, by
    mine = penalty(lambda x: Norm.apply(x, weight, bias, *fixed), Pool.apply)
    theirs = penalty(
        lambda x: ACTIVATIONS[by](F.batch_norm(x, None, None, weight, bias, True)), lambda x: F.max_pool2d(x, 2)
    )
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3 * float(other.abs().max()))


@pytest.mark.parametrize("by", range(3))
def test_what_is_not_a_number_stays_so(by: int) -> None:
    x = maps(2, 16, 4, 4)
    x[1, 3, 2, 2] = float("nan")
    y = Norm.apply(x, torch.ones(16), torch.zeros(16), torch.zeros(16), torch.ones(16), 1e-5, 0.1, by)
    assert bool(y[:, 3].isnan().all())
    assert bool(y[:, :3].isfinite().all())


class Small(nn.Module):
    """A chain, and a layer of it that is also met by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.chain = nn.Sequential(
            nn.Conv2d(16, 32, 3, 1, 1, bias=False),
            nn.BatchNorm2d(32),
            nn.SiLU(),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(32),
            nn.ReLU(),
        )
        self.fails = False

    def forward(self, x: Tensor) -> Tensor:
        if self.fails:
            raise ValueError("on purpose")
        once: Tensor = self.chain(x)
        return once.mean((2, 3)) + self.chain[1](self.chain[0](x)).mean((2, 3))


def small(seed: int = 0) -> Small:
    torch.manual_seed(seed)
    return Small().to(memory_format=LAST)  # type: ignore[call-overload, no-any-return]


def passed(forward: Callable[[Tensor], Tensor], net: nn.Module) -> list[Tensor]:
    net.zero_grad()
    y = forward(maps(4, 16, 8, 8))
    y.square().sum().backward()
    return [y.detach(), *(p.grad for p in net.parameters()), *net.buffers()]  # type: ignore[list-item]


def test_a_net_that_lends_its_layers_learns_the_same_and_stays_what_it_is() -> None:
    mine, other = small(), small()
    before = [(type(part), sorted(vars(part))) for part in mine.modules()]
    found, wanted = passed(lending.forward(mine), mine), passed(other, other)
    assert isinstance(lending.forward(mine), lending.Lending)
    for one, its in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, its, rtol=1e-3, atol=1e-4)
    assert [(type(part), sorted(vars(part))) for part in mine.modules()] == before
    mine.fails = True
    with pytest.raises(ValueError, match="on purpose"):
        lending.forward(mine)(maps(4, 16, 8, 8))
    assert [(type(part), sorted(vars(part))) for part in mine.modules()] == before


def test_whoever_hooks_a_norm_sees_what_the_norm_gives() -> None:
    net, seen = small(), []
    net.chain[1].register_forward_hook(lambda part, given, found: seen.append(float(found.detach().min())))
    found, wanted = passed(lending.forward(net), net), passed(net, net)
    assert seen[0] < -0.5  # not yet through SiLU, whose least is -.28
    assert len(seen) == 4
    torch.testing.assert_close(found[0], wanted[0], rtol=1e-3, atol=1e-4)


def test_nets_that_lie_otherwise_keep_torchs_bits() -> None:
    net = small().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    x = torch.randn(4, 16, 8, 8)
    again = small().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    assert torch.equal(lending.forward(net)(x), again(x))
    net.eval(), again.eval()
    assert torch.equal(lending.forward(net)(x.to(memory_format=LAST)), again(x.to(memory_format=LAST)))
    linear = nn.Linear(3, 2)
    assert lending.forward(linear) is linear


def test_without_a_kernel_the_net_is_its_own_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_library", lambda: NoKernelError("compiler"))
    net = small()
    assert lending.forward(net) is net


def test_one_value_a_channel_is_refused_as_ever() -> None:
    net: Any = nn.Sequential(nn.BatchNorm2d(16), nn.ReLU())
    with pytest.raises(ValueError, match="more than 1 value"):
        lending.forward(net)(torch.randn(1, 16, 1, 1))


@pytest.mark.parametrize("default", [torch.float64, torch.bfloat16])
def test_torchs_default_type_does_not_matter(default: torch.dtype) -> None:
    def learnt() -> list[Tensor]:
        x = maps(4, 16, 4, 4).requires_grad_()
        weight, bias = torch.ones(16, dtype=torch.float32), torch.zeros(16, dtype=torch.float32)
        fixed = torch.zeros_like(bias), torch.ones_like(weight), 1e-5, 0.1, 2
        y = Pool.apply(Norm.apply(x, weight.requires_grad_(), bias.requires_grad_(), *fixed))
        return list(torch.autograd.grad(y, (x, weight, bias), torch.ones_like(y)))

    wanted = learnt()
    torch.set_default_dtype(default)
    try:
        found = learnt()
    finally:
        torch.set_default_dtype(torch.float32)
    for mine, its in zip(found, wanted, strict=True):
        assert torch.equal(mine, its)


@pytest.mark.parametrize("value", [1e4 + 0.1, 3.3e7, 1.7e11])
def test_a_channel_of_one_value_becomes_zero(value: float) -> None:
    x = torch.full((8, 16, 16, 16), value).contiguous(memory_format=LAST)
    y = Norm.apply(x, torch.ones(16), torch.zeros(16), torch.zeros(16), torch.ones(16), 1e-5, 0.1, 0)
    assert float(y.abs().max()) <= 1


def test_values_whose_squares_overflow_give_what_torchs_give() -> None:
    x = maps(4, 16, 8, 8)
    x[0, 0, 0, 0] = 3e38
    one, none = torch.ones(16), torch.zeros(16)
    mine, its = torch.ones(16), torch.ones(16)  # running variances
    y = Norm.apply(x, one, none, none.clone(), mine, 1e-5, 0.1, 1)
    wanted = F.relu(F.batch_norm(x, none.clone(), its, one, none, True))
    torch.testing.assert_close(y, wanted, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-4)


def test_where_several_are_not_numbers_pooling_points_where_torchs_does() -> None:
    x = maps(2, 16, 4, 4)
    x[0, 0, :2, :2] = x[0, 1, 0, :2] = float("nan")
    mine, its = (x.clone(memory_format=torch.preserve_format).requires_grad_() for _ in range(2))
    Pool.apply(mine).sum().backward()
    F.max_pool2d(its, 2).sum().backward()
    assert torch.equal(mine.grad, its.grad)  # type: ignore[arg-type]


def test_an_infinite_slope_goes_to_the_greatest_alone() -> None:
    y = Pool.apply(x := maps(2, 16, 4, 4).requires_grad_())
    (found,) = torch.autograd.grad(y, x, torch.full_like(y, float("inf")), create_graph=True)
    assert int(found.isinf().sum()) == y.numel()
    assert int((found == 0).sum()) == 3 * y.numel()
