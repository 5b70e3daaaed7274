"""Stochastic depth in own and published nets: rates that rise with depth, the expectation kept, and a reason where there is none."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from danlu._compat import torchvision
from danlu.errors import RecipeError
from danlu.nn.build import build_net
from danlu.nn.residual import Block

torchvision.ensure()

from timm.layers import DropPath  # noqa: E402
from torchvision import models  # noqa: E402
from torchvision.ops import StochasticDepth  # noqa: E402


def rates(net: nn.Module) -> list[float]:
    found = [
        layer.p if isinstance(layer, StochasticDepth) else layer.drop_prob
        for layer in net.modules()
        if isinstance(layer, StochasticDepth | DropPath)
    ]
    return [float(rate or 0.0) for rate in found]


def test_torchvisions_nets_get_what_their_own_argument_gives() -> None:
    with torch.device("meta"):
        ours = build_net("torchvision:convnext_tiny", 3, 7, (32, 32), drop_path=0.3)
        theirs = models.convnext_tiny(num_classes=7, stochastic_depth_prob=0.3)
    assert rates(ours) == pytest.approx(rates(theirs))
    assert max(rates(ours)) == pytest.approx(0.3)


@pytest.mark.parametrize("name", ["efficientnet_b0", "swin_t", "swin_v2_t"])
def test_it_rises_evenly_to_the_rate(name: str) -> None:
    """Also where torchvision's function for the net takes no such argument."""
    with torch.device("meta"):
        found = rates(build_net(f"torchvision:{name}", 3, 7, (224, 224), drop_path=0.5))
    assert found[0] == 0
    assert found[-1] == pytest.approx(0.5)
    steps = [later - earlier for earlier, later in itertools.pairwise(found)]
    assert steps == pytest.approx([0.5 / (len(found) - 1)] * len(steps))


@pytest.mark.parametrize("name", ["resnet10t", "convnext_atto", "vit_tiny_patch16_224"])
def test_timms_nets_get_it(name: str) -> None:
    found = rates(build_net(f"timm:{name}", 1, 7, (32, 32), drop_path=0.3))
    assert max(found) == pytest.approx(0.3)
    assert found == sorted(found)


def test_nets_of_the_hub_get_it(tmp_path: Path) -> None:
    from transformers import ConvNextConfig, ConvNextForImageClassification, ResNetConfig, ResNetForImageClassification

    small: dict[str, Any] = {"num_channels": 3, "hidden_sizes": [4, 8], "depths": [1, 2], "num_labels": 2}
    ConvNextForImageClassification(ConvNextConfig(num_stages=2, **small)).save_pretrained(tmp_path / "convnext")
    ResNetForImageClassification(ResNetConfig(embedding_size=4, **small)).save_pretrained(tmp_path / "resnet")
    net = build_net(f"hf:{tmp_path / 'convnext'}", 3, 2, (32, 32), drop_path=0.2)
    found = [layer.drop_prob for layer in net.modules() if type(layer).__name__ == "ConvNextDropPath"]
    assert max(map(float, found)) == pytest.approx(0.2)
    with pytest.raises(RecipeError, match="has none that can be left out"):
        build_net(f"hf:{tmp_path / 'resnet'}", 3, 2, (32, 32), drop_path=0.2)


class Own(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()


@pytest.mark.parametrize(
    "name", ["mlp", "image-classifier", "torchvision:resnet18", "timm:vgg11", "timm:densenet121", f"{__name__}:Own"]
)
def test_where_no_branch_can_be_left_out_it_is_said(name: str) -> None:
    with pytest.raises(RecipeError, match="has none that can be left out") as caught:
        build_net(name, 3, 7, (32, 32), drop_path=0.2)
    assert caught.value.problems[0].where == "model.drop_path"


@pytest.mark.parametrize("name", ["resnet", "torchvision:efficientnet_b0", "timm:resnet10t"])
def test_a_rate_of_0_is_none(name: str) -> None:
    """The same bits in training mode, of nets from the same seed; a larger rate gives others."""
    x = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    outputs = []
    for rate in (0.0, None, 0.9):
        torch.manual_seed(1)
        args = {"stochastic_depth_prob": 0.0, "dropout": 0.0} if "efficientnet" in name and rate is None else {}
        more = {"dropout": 0.0} if "efficientnet" in name and rate is not None else {}
        net = build_net(name, 3, 7, (32, 32), drop_path=rate, args=args, **more).train()
        with torch.no_grad():
            for part in net.modules():  # branches that begin as 0
                if isinstance(part, nn.BatchNorm2d):
                    part.weight.fill_(1.0)
        torch.manual_seed(2)
        outputs.append(net(x))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.allclose(outputs[0], outputs[2])


def test_a_block_keeps_its_expectation() -> None:
    """Mean and spread of 20 000 draws are those of the formula: x + b·Bernoulli(0.7)/0.7 has mean x + b, variance b²·0.3/0.7."""
    torch.manual_seed(0)
    plain = Block(2, 2, 1, "identity", "none", zero_init=False).double()
    thinned = Block(2, 2, 1, "identity", "none", drop_path=0.3, zero_init=False).double()
    thinned.load_state_dict(plain.state_dict())
    x = torch.randn(1, 2, 3, 3, dtype=torch.float64)
    with torch.no_grad():
        branch, drawn = plain(x) - x, thinned(x.expand(20_000, -1, -1, -1))
    spread = branch.abs() * (0.3 / 0.7) ** 0.5
    assert ((drawn.mean(0) - plain(x)[0]).abs() <= 4 * spread[0] / 20_000**0.5).all()
    torch.testing.assert_close(drawn.std(0), spread[0], rtol=0.03, atol=1e-9)
    assert torch.equal(thinned.eval()(x), plain(x))
