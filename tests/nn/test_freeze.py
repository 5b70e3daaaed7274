"""Heads of all kinds of nets are found; what is frozen stays to the bit, its norms' statistics too."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from danlu.errors import RecipeError
from danlu.nn.build import build_net
from danlu.nn.depth import stages
from danlu.nn.freeze import freeze, thaw
from danlu.nn.head import head_of
from danlu.nn.normalise import Normalise

NETS = {
    "resnet": "head",
    "mlp": "head",
    "image-classifier": "classifier",
    "torchvision:resnet18": "fc",
    "torchvision:mobilenet_v3_small": "classifier.3",
    "torchvision:squeezenet1_1": "classifier.1",
    "timm:resnet10t": "fc",
    "timm:convnext_atto": "head.fc",
}


def frozen_body(net: nn.Module) -> str:
    """Everything below the head is frozen; the head's name."""
    *body, head = stages(net)
    for stage in body:
        freeze(map(net.get_parameter, stage.parameters), map(net.get_submodule, stage.norms))
    return head.name


@pytest.mark.parametrize(("name", "head"), NETS.items())
def test_only_the_head_learns_and_statistics_stay(name: str, head: str) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(Normalise([120.0] * 3, [60.0] * 3), build_net(name, 3, 5, (32, 32)))
    assert frozen_body(net) == f"1.{head}"
    trained = {n for n, p in net.named_parameters() if p.requires_grad}
    assert trained == {n for n, _ in net.named_parameters() if n.startswith(f"1.{head}.")}
    before = copy.deepcopy(net.state_dict())
    for again in (net, copy.deepcopy(net)):
        again.train()
        optimizer = torch.optim.SGD([p for p in again.parameters() if p.requires_grad], 0.1)
        for _ in range(2):
            again(torch.randint(0, 256, (4, 3, 32, 32)).float()).square().sum().backward()
            optimizer.step()
        changed = {n for n, value in again.state_dict().items() if not torch.equal(value, before[n])}
        assert changed
        assert changed <= trained


def test_train_mode_elsewhere_is_untouched() -> None:
    net = build_net("resnet", 3, 5, (32, 32), dropout=0.5)
    frozen_body(net)
    net.train()
    assert net.training
    assert net.dropout.training
    assert not any(m.training for m in net.modules() if isinstance(m, nn.BatchNorm2d))
    net.eval()
    assert not net.dropout.training


@pytest.mark.parametrize("training", [True, False])
def test_thawing_is_the_inverse(training: bool) -> None:
    net = build_net("resnet", 3, 5, (32, 32)).train(training)
    before = [dict(vars(module)) for module in net.modules()]
    frozen_body(net)
    for stage in stages(net):
        thaw(map(net.get_parameter, stage.parameters), map(net.get_submodule, stage.norms), training)
    assert [dict(vars(module)) for module in net.modules()] == before
    assert all(p.requires_grad for p in net.parameters())


class Wrapper(nn.Module):
    """A user's net whose head has no known name."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.last = nn.Linear(4, 2)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.body(x).mean((2, 3))) * self.scale


class Towers(nn.Module):
    """A head of many layers, as a detector has it."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Conv2d(3, 4, 3)
        self.head = nn.ModuleDict({"boxes": nn.Conv2d(4, 4, 1), "classes": nn.Conv2d(4, 2, 1)})


def test_heads_of_any_net() -> None:
    assert head_of(Wrapper()) == ("last",)
    assert head_of(Towers()) == ("head",)
    assert head_of(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 4), nn.ReLU()))) == ("2.0",)
    assert head_of(nn.ModuleDict({"net": Wrapper()})) == ("net.last",)
    with pytest.raises(RecipeError):
        head_of(nn.ReLU())


@pytest.mark.slow
def test_heads_of_torchvision() -> None:
    """All 14 families: the layer whose outputs are the classes."""
    from danlu._compat.torchvision import ensure

    ensure()
    from torchvision import models

    for name in models.list_models(module=models):
        if "regnet" in name or "_h_" in name:  # the first can't be made without memory, the second is large
            continue
        with torch.device("meta"):
            net = models.get_model(name, weights=None, num_classes=7)
        (head,) = head_of(net)
        layer = net.get_submodule(head)
        assert getattr(layer, "out_features", None) == 7 or layer.out_channels == 7, name
        found = stages(net)
        assert found[-1].name == head, name
        assert sorted(n for stage in found for n in stage.parameters) == sorted(n for n, _ in net.named_parameters()), (
            name
        )
        assert len(found) >= 4, name
