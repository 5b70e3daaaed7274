"""LoRA: the net answers as before, only the adapters and the head learn, and merged they are the same net."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from danlu._compat.torchvision import ensure
from danlu.errors import RecipeError
from danlu.nn.adapters.lora import Lora
from danlu.nn.build import build_net
from danlu.nn.normalise import Normalise
from danlu.recipe.names import build, faults
from danlu.recipe.schema import Named, named

ensure()
peft = pytest.importorskip("peft")

NETS = {
    "resnet": {},
    "image-classifier": {},
    "torchvision:mobilenet_v3_small": {},  # with convolutions by groups
    "torchvision:vit_b_16": {"num_layers": 2, "hidden_dim": 32, "mlp_dim": 32, "num_heads": 2},
    "timm:vit_tiny_patch16_224": {"depth": 2, "embed_dim": 32, "num_heads": 2},
    "timm:convnext_atto": {"depths": (1, 1, 1, 1), "dims": (8, 8, 8, 8)},
}


def plain(name: str = "resnet") -> nn.Module:
    torch.manual_seed(0)
    if name == "torchvision:vit_b_16":
        from torchvision.models import VisionTransformer

        body: nn.Module = VisionTransformer(32, 16, 2, 2, 32, 32, num_classes=5)
        nn.init.normal_(body.heads.head.weight)  # zeros would hide everything before
    else:
        args = {"width": 4} if name == "resnet" else NETS[name]
        body = build_net(name, 3, 5, (32, 32), args=args)
    net = nn.Sequential(Normalise([0.5] * 3, [0.5] * 3), body)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):  # as trained: the last of a residual block is made with zeros
            nn.init.ones_(module.weight)
            module.momentum = 1.0
    net.train()(images())
    return net


def adapted(net: nn.Module, drawn: bool = False, **arguments: Any) -> nn.Module:
    torch.manual_seed(1)
    Lora(**{"rank": 2, "alpha": 6.0, **arguments}).attach(net)
    if drawn:
        for name, parameter in net.named_parameters():
            if "lora_B" in name:
                nn.init.normal_(parameter, std=0.03)
    return net


def images() -> Tensor:
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", NETS)
def test_the_first_answers_are_the_nets_own(name: str) -> None:
    net = plain(name).eval()
    expected = net(images())
    assert torch.equal(adapted(net)(images()), expected)
    assert sum("lora_A" in key for key in net.state_dict()) > 1


@pytest.mark.parametrize("name", NETS)
def test_adapters_and_head_alone_learn(name: str) -> None:
    """To the bit, running statistics too, whatever ``train()`` says; every adapter has a gradient."""
    net = adapted(plain(name)).train()
    before = copy.deepcopy(net.state_dict())
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(images()), torch.tensor([0, 1, 2, 3])).backward()
        optimizer.step()
    changed = {key for key, value in net.state_dict().items() if not torch.equal(value, before[key])}
    adapters = {key for key in before if "lora_" in key}
    heads = {key for key, p in net.named_parameters() if p.requires_grad} - adapters
    assert changed <= adapters | heads
    assert heads <= changed
    assert {key for key in adapters if "lora_B" in key} <= changed
    assert len({key.rpartition(".")[0] for key in heads}) == 1
    assert all(p.grad is None for p in net.parameters() if not p.requires_grad)


@pytest.mark.parametrize("name", NETS)
def test_merged_it_is_the_same_net(name: str) -> None:
    before = plain(name)
    net = adapted(plain(name), drawn=True).eval()
    expected, exact = net(images()), copy.deepcopy(net).double()
    assert (expected - before.eval()(images())).abs().max() > 1e-3  # they do something
    Lora().merge(net)
    torch.testing.assert_close(net(images()), expected, atol=1e-5 * max(1.0, expected.abs().max().item()), rtol=1e-5)
    answers = exact(images().double())
    Lora().merge(exact)
    torch.testing.assert_close(exact(images().double()), answers, atol=1e-10, rtol=1e-10)
    assert list(net.state_dict()) == list(before.state_dict())
    assert [type(module) for module in net.modules()] == [type(module) for module in before.modules()]


def test_it_is_the_formula() -> None:
    """W + alpha/rank · B A, by hand."""
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    first, second = copy.deepcopy(net[0]), copy.deepcopy(net[2])
    adapted(net, drawn=True)
    a, b = net[0].lora_A.default.weight, net[0].lora_B.default.weight
    assert (a.shape, b.shape) == ((2, 6), (5, 2))
    x = torch.randn(7, 6)
    hidden = torch.relu(nn.functional.linear(x, first.weight + 6.0 / 2 * b @ a, first.bias))
    torch.testing.assert_close(net(x), second(hidden))


def test_it_is_what_peft_itself_makes() -> None:
    net, theirs = plain(), plain()
    adapted(net, drawn=True)
    names = sorted({key.split(".lora_")[0] for key in net.state_dict() if ".lora_" in key})
    config = peft.LoraConfig(r=2, lora_alpha=6.0, target_modules=names, modules_to_save=["head"])
    model = peft.get_peft_model(theirs, config)
    state = net.state_dict()
    mine = {name: value for name, value in state.items() if "lora_" in name}
    loaded = model.load_state_dict({f"base_model.model.{name}": value for name, value in mine.items()}, strict=False)
    assert not loaded.unexpected_keys
    assert not [key for key in loaded.missing_keys if "lora_" in key]
    assert torch.equal(net.eval()(images()), model.eval()(images()))
    ours = sum(p.numel() for p in net.parameters() if p.requires_grad)
    assert ours == sum(p.numel() for p in model.parameters() if p.requires_grad)


def test_targets_by_the_ends_of_their_names() -> None:
    net = adapted(plain("timm:vit_tiny_patch16_224"), targets=("qkv", "1.mlp.fc1"))
    found = {key.split(".lora_")[0] for key in net.state_dict() if ".lora_" in key}
    assert found == {"1.blocks.0.attn.qkv", "1.blocks.1.attn.qkv", "1.blocks.1.mlp.fc1"}
    for target, near in (("qkw", "qkv"), ("head", "no linear layer"), ("kv", "qkv")):
        with pytest.raises(RecipeError) as caught:
            adapted(plain("timm:vit_tiny_patch16_224"), targets=(target,))
        assert near in str(caught.value)
        assert f"'{target}'" in str(caught.value)
    with pytest.raises(RecipeError, match="no layer"):
        adapted(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)))


def test_what_the_net_had_frozen_stays_so() -> None:
    net = plain()
    net[1].head.bias.requires_grad_(False)
    adapted(net)
    assert not net[1].head.bias.requires_grad
    assert net[1].head.weight.requires_grad


def test_recipes_arguments_are_checked() -> None:
    fine = {"lora": {"rank": 4, "alpha": 8, "dropout": 0.1, "targets": ["qkv"]}}
    assert faults("adapter", Named(**named(fine)), "model.adapter") == []
    made = build("adapter", Named(**named(fine)), "model.adapter")
    assert (made.rank, made.alpha, made.dropout, tuple(made.targets)) == (4, 8.0, 0.1, ("qkv",))
    assert build("adapter", "lora").targets == "auto"
    for wrong, told in (
        ({"rank": 0}, "rank"),
        ({"rnak": 4}, "rank"),
        ({"targets": "qkv"}, "auto"),
        ({"dropout": 1}, "dropout"),
    ):
        assert told in " ".join(map(str, faults("adapter", Named(**named({"lora": wrong})), "model.adapter"))), wrong
    assert "lora" in " ".join(map(str, faults("adapter", Named(name="lara"), "model.adapter")))


def test_without_peft_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("danlu.nn.adapters.lora.exists", lambda name: False)
    with pytest.raises(RecipeError, match=r"danlu\[lora\]"):
        adapted(plain())
