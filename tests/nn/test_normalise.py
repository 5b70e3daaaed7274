"""Normalisation equals the plain formula in every layout and travels with the net."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from danlu.nn.normalise import Normalise

MEAN, STD = [124.0, 116.0, 104.0], [58.0, 57.0, 0.5]


class Padded(NamedTuple):
    values: Tensor
    sizes: Tensor


def images(channels: int, dtype: torch.dtype, layout: torch.memory_format) -> Tensor:
    x = torch.randint(0, 256, (4, channels, 7, 9), generator=torch.Generator().manual_seed(0))
    return x.to(dtype).contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("channels", [1, 3])
def test_equals_the_formula(channels: int, dtype: torch.dtype, layout: torch.memory_format) -> None:
    net, x = Normalise(MEAN[:channels], STD[:channels]), images(channels, dtype, layout)
    kept, out = x.clone(), net(x)
    mean, std = (torch.tensor(v[:channels]).view(1, -1, 1, 1) for v in (MEAN, STD))
    torch.testing.assert_close(out, (kept.float() - mean) / std, rtol=1e-6, atol=0)
    assert out.dtype == torch.float32
    assert out.is_contiguous(memory_format=layout)
    assert torch.equal(x, kept)


def test_equals_torchvisions_normalize_in_unit_range() -> None:
    """torchvision's Normalize of ToTensor's images, with ImageNet's numbers times 255."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = images(3, torch.uint8, torch.contiguous_format)
    theirs = (x.float() / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    ours = Normalise((mean * 255).tolist(), (std * 255).tolist())(x)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gradient_reaches_the_image(layout: torch.memory_format) -> None:
    x = images(3, torch.float32, layout).requires_grad_()
    Normalise(MEAN, STD)(x).sum().backward()
    torch.testing.assert_close(x.grad, (1 / torch.tensor(STD)).view(1, 3, 1, 1).expand(4, 3, 7, 9))


def test_padding_stays_zero_whatever_lies_there() -> None:
    x = images(3, torch.uint8, torch.contiguous_format)
    sizes = torch.tensor([[7, 9], [3, 9], [7, 2], [1, 1]])
    net = Normalise(MEAN, STD)
    out = net(Padded(x, sizes))
    assert isinstance(out, Padded)
    for i, (height, width) in enumerate(sizes.tolist()):
        torch.testing.assert_close(out.values[i, :, :height, :width], net(x)[i, :, :height, :width])
        outside = out.values[i].clone()
        outside[:, :height, :width] = 0
        assert not outside.any()
    assert torch.equal(out.sizes, sizes)


def test_numbers() -> None:
    year = torch.tensor([1999.0, 2004.0, 2031.5])
    torch.testing.assert_close(Normalise(2000.0, 4.0, dims=0)(year), torch.tensor([-0.25, 1.0, 7.875]))
    table = torch.tensor([[1.0, 1e9], [2.0, 1e9 + 128]])
    out = Normalise([1.0, 1e9], [2.0, 64.0], dims=0)(table)
    torch.testing.assert_close(out, torch.tensor([[0.0, 0.0], [0.5, 2.0]]))  # exact: the mean goes before the scale


STATISTICS = {"mean": [10.0, 20.0], "std": [2.0, 0.0], "min": [0.0, 20.0], "max": [40.0, 20.0]}


@pytest.mark.parametrize(
    ("how", "expected"), [("standard", [1.0, 1.0]), ("minmax", [0.3, 1.0]), ("none", [12.0, 21.0])]
)
def test_from_statistics(how: str, expected: list[float]) -> None:
    """A channel that never changes has no spread to divide by: it is only shifted."""
    net = Normalise.of(STATISTICS, how)  # type: ignore[arg-type]
    out = net(torch.tensor([12.0, 21.0]).view(1, 2, 1, 1))
    torch.testing.assert_close(out.flatten(), torch.tensor(expected))


def test_saved_with_the_net() -> None:
    net = Normalise(MEAN, STD)
    other = Normalise([0.0] * 3, [1.0] * 3)
    other.load_state_dict(net.state_dict())
    x = images(3, torch.uint8, torch.channels_last)
    assert torch.equal(other(x), net(x))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="3 channels"):
        Normalise(MEAN, STD)(torch.zeros(2, 1, 4, 4))
    with pytest.raises(ValueError, match="4 dimensions"):
        Normalise(MEAN, STD)(torch.zeros(3, 4, 4))
    with pytest.raises(ValueError, match="shape"):
        Normalise(MEAN, STD[:1])
    for mean, std in ((float("nan"), 1.0), (0.0, -1.0), (0.0, float("inf"))):
        with pytest.raises(ValueError, match="finite"):
            Normalise(mean, std, 0)


def test_compiled_or_exported_graphs_keep_the_formula() -> None:
    x = images(3, torch.uint8, torch.channels_last)
    net = Normalise(MEAN, STD)
    exported = torch.export.export(net, (x,)).module()
    torch.testing.assert_close(exported(x), net(x))
