"""The residual family: its shapes, its start, its stochastic depth, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from danlu.errors import RecipeError
from danlu.nn.nets.resnet import ResNet
from danlu.nn.residual import Block, DropPath


def test_the_default_on_small_images_is_the_measured_net() -> None:
    """Stem of 3×3 at full resolution, pooled by 2; stages of 16, 32 and 64; the head sees average and maximum."""
    net = ResNet(1, 10, (28, 28))
    assert [p.shape[0] for n, p in net.named_parameters() if n.startswith("stages") and "branch.0" in n] == [16, 32, 64]
    assert isinstance(net.stem[1], nn.MaxPool2d)
    assert net.stem[0].stride == (1, 1)
    sizes = []
    for module in (net.stem, *net.stages):
        module.register_forward_hook(lambda m, i, o: sizes.append(tuple(o.shape[2:])))
    net(torch.zeros(2, 1, 28, 28))
    assert sizes == [(14, 14), (14, 14), (7, 7), (4, 4)]
    assert net.head.in_features == 128
    assert sum(p.numel() for p in net.parameters()) == 78_394


@pytest.mark.parametrize(("side", "after_stem"), [(8, 8), (15, 15), (16, 8), (32, 16), (47, 23), (48, 12), (96, 24)])
def test_larger_images_shrink_more_in_the_stem(side: int, after_stem: int) -> None:
    net = ResNet(3, 2, (side, side), width=2)
    assert net.stem(torch.zeros(2, 3, side, side)).shape[2:] == (after_stem, after_stem)


@pytest.mark.parametrize("stem_kernel", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("stem_stride", [1, 2, 4])
@pytest.mark.parametrize("pool", ["avg", "max", "avg-max"])
def test_every_stem_and_pool_fits(stem_kernel: int, stem_stride: int, pool: str) -> None:
    net = ResNet(
        1,
        3,
        (25, 37),
        width=2,
        blocks=(1, 2),
        strides=(2, 3),
        stem_kernel=stem_kernel,
        stem_stride=stem_stride,
        pool=pool,
    )  # type: ignore[arg-type]
    assert net(torch.zeros(2, 1, 25, 37)).shape == (2, 3)


@pytest.mark.parametrize("norm", ["batch", "group", "layer", "instance", "none"])
def test_every_block_begins_as_its_skip(norm: str) -> None:
    torch.manual_seed(0)
    block = Block(4, 4, 1, "identity", norm)
    x = torch.randn(3, 4, 6, 6)
    assert torch.equal(block(x), x)
    assert not torch.equal(Block(4, 4, 1, "identity", norm, zero_init=False)(x), x)


def test_drop_path_leaves_out_whole_samples_and_keeps_the_mean() -> None:
    layer = DropPath(0.25)
    x = torch.ones(20_000, 1, 2, 2)
    torch.manual_seed(0)
    out = layer(x)
    values = out.flatten(1)
    assert (values == values[:, :1]).all()
    assert values[:, 0].unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert out.mean().item() == pytest.approx(1, abs=0.02)
    assert torch.equal(layer.eval()(x), x)


def test_drop_path_grows_with_depth() -> None:
    net = ResNet(1, 2, (16, 16), width=2, blocks=(1, 2, 1), drop_path=0.4)
    rates = [module.rate for module in net.modules() if isinstance(module, DropPath)]
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_logits_keep_their_digits_in_bf16() -> None:
    torch.manual_seed(0)
    net = ResNet(1, 10, (28, 28)).eval()
    seen: list[torch.Tensor] = []
    net.dropout.register_forward_hook(lambda _, __, out: seen.append(out))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits = net(torch.randn(4, 1, 28, 28))
        rounded = net.head(seen[0])
    assert seen[0].dtype == rounded.dtype == torch.bfloat16
    assert logits.dtype == torch.float32
    assert torch.equal(logits, net.head(seen[0].float()))
    assert not torch.equal(logits, rounded.float())


def test_refusals() -> None:
    with pytest.raises(RecipeError, match="2, 3 and 3"):
        ResNet(1, 2, (28, 28), widths=(4, 8))
    with pytest.raises(RecipeError, match="0×0"):
        ResNet(1, 2, (8, 8), stem_pool=16)
    with pytest.raises(RecipeError, match="1×1"):
        ResNet(1, 2, (8, 8), norm="instance", blocks=(1, 1, 1, 1))
    ResNet(1, 2, (8, 8), norm="group", blocks=(1, 1, 1, 1))
