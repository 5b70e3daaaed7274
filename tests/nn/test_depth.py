"""A net's stages: every parameter and norm in one of them, from the input to the head."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from danlu.nn.build import build_net
from danlu.nn.depth import stages
from danlu.nn.normalise import Normalise

NETS = [
    "resnet",
    "mlp",
    "image-classifier",
    "torchvision:resnet18",
    "torchvision:mobilenet_v2",
    "torchvision:vgg11_bn",
    "torchvision:vit_b_16",
    "timm:resnet10t",
    "timm:convnext_atto",
    "timm:vit_tiny_patch16_224",
    "timm:mobilenetv3_small_050",
]


def order_of_use(net: nn.Module, x: Tensor) -> list[str]:
    """Names of parameters as a forward pass meets their modules."""
    used: list[str] = []
    for name, module in net.named_modules():
        own = [f"{name}.{each}" if name else each for each, _ in module.named_parameters(recurse=False)]
        module.register_forward_pre_hook(lambda _, __, own=own: used.extend(each for each in own if each not in used))
    net.eval()(x)
    return used


@pytest.mark.parametrize("name", NETS)
def test_stages_follow_the_forward_pass(name: str) -> None:
    """Layers of an earlier stage run before those of a later one."""
    torch.manual_seed(0)
    size = 64 if "vit" not in name else 224
    net = build_net(name, 3, 5, (size, size))
    found = stages(net)
    names = [parameter for stage in found for parameter in stage.parameters]
    assert sorted(names) == sorted(n for n, _ in net.named_parameters())
    place = {parameter: number for number, stage in enumerate(found) for parameter in stage.parameters}
    with torch.no_grad():
        used = [n for n in order_of_use(net, torch.zeros(2, 3, size, size)) if "." in n]
    order = [place[parameter] for parameter in used]
    assert order == sorted(order), [(n, place[n]) for n in used]


@pytest.mark.parametrize(
    ("name", "count"),
    [("torchvision:mobilenet_v2", 20), ("torchvision:resnet18", 10), ("timm:vit_tiny_patch16_224", 14)],
)
def test_blocks_are_left_whole(name: str, count: int) -> None:
    """Their published numbers of blocks, the stem and the head."""
    size = 224 if "vit" in name else 64
    net = build_net(name, 3, 5, (size, size))
    assert len(stages(net)) == count


def test_norms_belong_to_the_layer_before_them() -> None:
    body = nn.Sequential(
        nn.BatchNorm2d(3, affine=False), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3),
        nn.BatchNorm2d(4, affine=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2),
    )  # fmt: skip
    net = nn.Sequential(Normalise([1.0] * 3, [1.0] * 3), body)
    first, second, head = stages(net)
    assert first.parameters == ("1.1.weight", "1.1.bias", "1.2.weight", "1.2.bias")
    assert first.norms == ("1.0", "1.2")
    assert second.parameters == ("1.4.weight", "1.4.bias")
    assert second.norms == ("1.5",)
    assert (head.name, head.parameters, head.norms) == ("1.8", ("1.8.weight", "1.8.bias"), ())


class Tied(nn.Module):
    """A parameter in two places, and one that belongs to no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.zeros(1, 4))
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        self.layers[2].weight = self.layers[0].weight
        self.head = nn.Linear(4, 2)


def test_shared_and_loose_parameters() -> None:
    found = stages(Tied())
    assert [stage.parameters for stage in found] == [
        ("start",),
        ("layers.0.weight", "layers.0.bias"),
        ("layers.1.weight", "layers.1.bias", "layers.2.bias"),
        ("head.weight", "head.bias"),
    ]
