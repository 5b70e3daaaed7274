"""One harness for every image net: what a net must do whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from danlu.nn.activations import ENTRIES as ACTIVATIONS
from danlu.nn.build import build_net
from danlu.nn.norms import ENTRIES as NORMS

Make = Callable[..., nn.Module]

NETS: dict[str, dict[str, object]] = {
    "image-classifier": {"args": {"widths": (6, 8)}},
    "mlp": {"args": {"widths": (12, 8)}},
    "resnet": {"args": {"width": 4, "blocks": (1, 1)}},
}


def make(name: str, channels: int = 3, classes: int = 5, size: tuple[int, int] = (16, 18), **more: object) -> nn.Module:
    torch.manual_seed(0)
    return build_net(name, channels, classes, size, **{**NETS[name], **more})  # type: ignore[arg-type]


def images(count: int = 4, channels: int = 3, size: tuple[int, int] = (16, 18), seed: int = 1) -> Tensor:
    return torch.randn(count, channels, *size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(("channels", "size"), [(1, (28, 28)), (3, (16, 18)), (4, (33, 21)), (1, (10, 10))])
def test_shape(name: str, channels: int, size: tuple[int, int]) -> None:
    net = make(name, channels, 7, size)
    assert net(images(2, channels, size)).shape == (2, 7)
    assert net.eval()(images(1, channels, size)).shape == (1, 7)


@pytest.mark.parametrize("name", NETS)
def test_default_arguments(name: str) -> None:
    assert build_net(name, 3, 10, (32, 32))(images(2, 3, (32, 32))).shape == (2, 10)


@pytest.mark.parametrize("name", NETS)
def test_gradient_is_the_slope(name: str) -> None:
    """Central differences in float64 on the first numbers of every parameter."""
    net = make(name, activation="tanh", norm="batch").double()
    for parameter in net.parameters():  # away from the zeros some begin with
        parameter.data.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)) * 0.1)
    x, y = images().double(), torch.tensor([0, 1, 2, 3])

    def loss() -> Tensor:
        return F.cross_entropy(net(x), y)

    loss().backward()
    for name_, parameter in net.named_parameters():
        assert parameter.grad is not None
        flat, step = parameter.data.view(-1), 1e-6
        for i in range(min(2, len(flat))):
            kept = flat[i].item()
            with torch.no_grad():
                flat[i] = kept + step
                high = loss().item()
                flat[i] = kept - step
                low = loss().item()
            flat[i] = kept
            assert (high - low) / (2 * step) == pytest.approx(parameter.grad.view(-1)[i].item(), abs=2e-6), name_


@pytest.mark.parametrize("name", NETS)
def test_evaluation_is_a_function_of_one_sample(name: str) -> None:
    """In eval mode: the same twice, alone or in a batch, whatever the dropout."""
    net = make(name, dropout=0.5)
    net(images(8, seed=3))
    net.eval()
    x = images()
    assert torch.equal(net(x), net(x))
    torch.testing.assert_close(torch.cat([net(x[i : i + 1]) for i in range(4)]), net(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_training_randomness_is_the_default_generators(name: str) -> None:
    net = make(name, dropout=0.5)
    x = images()
    torch.manual_seed(5)
    first = net(x)
    torch.manual_seed(5)
    assert torch.equal(net(x), first)
    assert not torch.equal(net(x), first)


@pytest.mark.parametrize("name", NETS)
def test_saved_and_loaded(name: str, tmp_path: Path) -> None:
    net = make(name)
    net(images(8))
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    other = make(name)
    other.load_state_dict(load_file(tmp_path / "net.safetensors"))
    assert torch.equal(net.eval()(images()), other.eval()(images()))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", NETS)
def test_memory_format_changes_nothing(name: str, norm: str) -> None:
    net = make(name, norm=norm)
    x, y = images(), torch.tensor([0, 1, 2, 3])
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        net.zero_grad()
        out = net.to(memory_format=layout)(x.contiguous(memory_format=layout))
        F.cross_entropy(out, y).backward()
        results.append([out.detach(), *(p.grad.clone() for p in net.parameters() if p.grad is not None)])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NETS)
def test_bf16_autocast(name: str) -> None:
    net = make(name)
    with torch.autocast("cpu", torch.bfloat16):
        out = net(images())
    assert out.dtype == (torch.float32 if name == "resnet" else torch.bfloat16)  # whose head computes in full
    F.cross_entropy(out.float(), torch.tensor([0, 1, 2, 3])).backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in net.parameters())
    torch.testing.assert_close(out.float(), net(images()), atol=0.15, rtol=0.1)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", NETS)
def test_every_activation_and_norm_learns(name: str, activation: str, norm: str) -> None:
    """Every parameter gets a gradient, and a few steps lower the loss."""
    net = make(name, activation=activation, norm=norm, dropout=0.0)
    x, y = images(8), torch.arange(8) % 5
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    losses = []
    for _ in range(8):
        loss = F.cross_entropy(net(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0] - 0.01, losses
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())


@pytest.mark.parametrize("name", NETS)
def test_activation_and_norm_really_stand_in_the_net(name: str) -> None:
    net = make(name, activation="prelu", norm="group")
    kinds = {type(module) for module in net.modules()}
    assert {nn.PReLU, nn.GroupNorm} <= kinds
    assert not kinds & {nn.ReLU, nn.SiLU, nn.BatchNorm1d, nn.BatchNorm2d}
    plain = {type(module) for module in make(name, norm="none").modules()}
    assert not plain & {nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm}
