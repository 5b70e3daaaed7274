"""Nets by name: own, published, and the user's, each fitted to channels, classes and image size."""

from __future__ import annotations

import os
import sys
import time
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from danlu.errors import RecipeError
from danlu.nn.build import build_net
from danlu.nn.nets.resnet import ResNet


def problem(*args: Any, **more: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        build_net(*args, **more)
    return " | ".join(map(str, caught.value.problems))


def runs(net: nn.Module, channels: int, size: tuple[int, int], classes: int) -> None:
    """Forward and backward of two images, and every parameter hears of it."""
    x = torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(0))
    out = net.train()(x)
    assert out.shape == (2, classes)
    out.square().sum().backward()
    first = next(m for m in net.modules() if isinstance(m, nn.Conv2d))
    assert first.in_channels == channels
    assert first.weight.grad is not None
    assert torch.isfinite(first.weight.grad).all()


# ---- own ------------------------------------------------------------------------------------------------------------


def test_own_nets_take_the_recipes_arguments() -> None:
    net = build_net(
        "resnet", 1, 4, (28, 28), activation="gelu", norm="group", dropout=0.25, args={"width": 8, "blocks": [1, 2]}
    )
    assert isinstance(net, ResNet)
    assert [len(stage) for stage in net.stages] == [1, 2]  # type: ignore[arg-type]
    assert net.dropout.p == 0.25
    assert {nn.GELU, nn.GroupNorm} <= {type(m) for m in net.modules()}


def test_own_nets_refuse_with_place_and_nearest_name() -> None:
    text = problem("resnet", 1, 4, (28, 28), args={"widht": 8}, where="r.yaml:3 (model)")
    assert all(part in text for part in ("r.yaml:3", "widht", "“width”" if "“" in text else "width"))
    assert "resnet" in problem("resent", 1, 4, (28, 28))
    assert "gelu" in problem("mlp", 1, 4, (28, 28), activation="gellu")
    assert "width" in problem("resnet", 1, 4, (28, 28), args={"width": 0})
    assert "dropout" in problem("mlp", 1, 4, (28, 28), dropout=1.5)
    assert "published" in problem("resnet", 1, 4, (28, 28), pretrained=True)
    assert "in_channels" in problem("text-classifier", 1, 4, (28, 28), args={"vocabulary": 10})


# ---- the user's -----------------------------------------------------------------------------------------------------


class Mine(nn.Module):
    def __init__(self, classes: int, in_channels: int = 3, depth: int = 1) -> None:
        super().__init__()
        self.depth = depth
        self.conv = nn.Conv2d(in_channels, 4, 3)
        self.out = nn.Linear(4, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.conv(x).mean((2, 3)))


class Fixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x)).mean((2, 3))


class Choosy(nn.Module):
    def __init__(self, num_classes: int, in_chans: int, img_size: tuple[int, int], activation: str = "relu") -> None:
        super().__init__()
        self.told = (num_classes, in_chans, img_size, activation)


def factory(classes: int, width: int = 2) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


@pytest.fixture(autouse=True)
def users(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = types.ModuleType("usersnets")
    module.__spec__ = types.SimpleNamespace(name="usersnets", loader=None)  # type: ignore[assignment]
    members = {"Mine": Mine, "Fixed": Fixed, "Choosy": Choosy, "factory": factory, "made": Fixed(), "seven": 7}
    for name, value in {**members, "wrong": lambda: "text"}.items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "usersnets", module)
    return module


def test_the_users_class_gets_what_its_signature_accepts() -> None:
    net = build_net("usersnets:Mine", 1, 6, (28, 28), args={"depth": 3})
    assert isinstance(net, Mine)
    assert (net.depth, net.out.out_features, net.conv.in_channels) == (3, 6, 1)
    assert isinstance(build_net("usersnets:Fixed", 1, 2, (28, 28)), Fixed)
    told = build_net("usersnets:Choosy", 1, 6, (28, 20), activation="tanh").told
    assert told == (6, 1, (28, 20), "tanh")
    runs(build_net("usersnets:factory", 1, 5, (28, 28), args={"width": 3}), 1, (28, 28), 5)


def test_a_users_module_is_copied(users: Any) -> None:
    one, other = (build_net("usersnets:made", 1, 2, (28, 28)) for _ in range(2))
    one(torch.ones(2, 1, 8, 8)).sum().backward()
    assert other.norm.num_batches_tracked == users.made.norm.num_batches_tracked == 0
    assert one.conv.weight is not users.made.conv.weight
    assert torch.equal(one.conv.weight, users.made.conv.weight)


def test_the_users_nets_refuse_what_they_do_not_take() -> None:
    assert "activation" in problem("usersnets:Mine", 1, 6, (28, 28), activation="relu")
    assert "norm" in problem("usersnets:made", 1, 6, (28, 28), norm="batch")
    assert "depth" in problem("usersnets:made", 1, 6, (28, 28), args={"depth": 1})
    assert "deep" in problem("usersnets:Mine", 1, 6, (28, 28), args={"deep": 1})
    assert "int" in problem("usersnets:seven", 1, 6, (28, 28))
    assert "str" in problem("usersnets:wrong", 1, 6, (28, 28))
    assert "Mine" in problem("usersnets:Mina", 1, 6, (28, 28))


# ---- torchvision ----------------------------------------------------------------------------------------------------

SMALL = {
    "alexnet": 64,
    "convnext_tiny": 64,
    "densenet121": 64,
    "efficientnet_b0": 32,
    "googlenet": 64,
    "inception_v3": 96,
    "maxvit_t": 224,
    "mnasnet0_5": 32,
    "mobilenet_v2": 32,
    "mobilenet_v3_small": 32,
    "regnet_y_400mf": 32,
    "resnet18": 32,
    "shufflenet_v2_x0_5": 32,
    "squeezenet1_1": 32,
    "swin_t": 64,
    "vgg11_bn": 32,
    "vit_b_32": 64,
}


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x0_5"])
def test_torchvision_is_fitted(name: str) -> None:
    side = SMALL[name]
    runs(build_net(f"torchvision:{name}", 1, 7, (side, side)), 1, (side, side), 7)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_every_family_of_torchvision_is_fitted(name: str) -> None:
    side = SMALL[name]
    runs(build_net(f"torchvision:{name}", 4, 7, (side, side)), 4, (side, side), 7)


def test_torchvision_takes_its_own_arguments_and_dropout() -> None:
    net = build_net("torchvision:mobilenet_v3_small", 3, 7, (32, 32), dropout=0.4)
    assert next(m for m in net.modules() if isinstance(m, nn.Dropout)).p == 0.4
    wide = build_net("torchvision:mobilenet_v2", 3, 7, (32, 32), args={"width_mult": 0.25})
    assert sum(p.numel() for p in wide.parameters()) < 500_000


def test_torchvision_refuses() -> None:
    assert "resnet18" in problem("torchvision:resnet19", 3, 7, (32, 32))
    assert "dropout" in problem("torchvision:resnet18", 3, 7, (32, 32), dropout=0.5)
    assert "activation" in problem("torchvision:resnet18", 3, 7, (32, 32), activation="gelu")
    assert "32" in problem("torchvision:vit_b_32", 3, 7, (60, 60))
    assert "whatever" in problem("torchvision:resnet18", 3, 7, (32, 32), args={"whatever": 1})


def test_a_new_input_draws_with_the_variance_of_the_old() -> None:
    torch.manual_seed(0)
    three = build_net("torchvision:resnet18", 3, 7, (32, 32)).conv1.weight.std()
    one = build_net("torchvision:resnet18", 1, 7, (32, 32)).conv1.weight.std()
    assert (one / three).item() == pytest.approx(3**0.5, rel=0.1)


# ---- timm -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "size"), [("resnet10t", (32, 40)), ("vit_tiny_patch16_224", (32, 48)), ("convnext_atto", (32, 32))]
)
def test_timm_is_fitted(name: str, size: tuple[int, int]) -> None:
    runs(build_net(f"timm:{name}", 1, 7, size, dropout=0.1), 1, size, 7)


def test_timm_refuses() -> None:
    assert "resnet10t" in problem("timm:resnet10tt", 3, 7, (32, 32))
    assert "norm" in problem("timm:resnet10t", 3, 7, (32, 32), norm="batch")
    assert "whatever" in problem("timm:resnet10t", 3, 7, (32, 32), args={"whatever": 1})


# ---- weights --------------------------------------------------------------------------------------------------------


def test_published_weights_offline_are_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torchvision

    def refuse(*args: Any, **more: Any) -> Any:
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("timm.models._builder.load_pretrained", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert torchvision
    for name in ("torchvision:mobilenet_v3_small", "timm:resnet10t"):
        text = problem(name, 3, 7, (32, 32), pretrained=True)
        assert "no route to host" in text
        assert "safetensors" in text


def test_published_weights_are_fitted_at_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if downloaded: the body keeps its weights, the input is summed over colours, the head is new."""
    from torchvision import models

    torch.manual_seed(0)
    trained = models.mobilenet_v3_small()
    monkeypatch.setattr(models.MobileNet_V3_Small_Weights, "get_state_dict", lambda *a, **k: trained.state_dict())
    net = build_net("torchvision:mobilenet_v3_small", 1, 7, (32, 32), pretrained=True)
    assert net.classifier[3].out_features == 7
    assert torch.equal(net.classifier[0].weight, trained.classifier[0].weight)
    x = torch.rand(2, 1, 32, 32)
    ours, theirs = net.eval().features(x), trained.eval().features(x.expand(-1, 3, -1, -1))
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_weights_from_a_file_fit_other_classes_and_channels(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained = build_net("resnet", 3, 10, (28, 28), args={"width": 4})
    file = tmp_path / "weights.safetensors"
    for prefix in ("", "1."):  # alone, or behind its normalisation
        save_file({prefix + k: v for k, v in trained.state_dict().items()}, file)
        net = build_net("resnet", 1, 4, (28, 28), args={"width": 4}, pretrained=str(file))
        assert torch.equal(net.stages[0][0].branch[0].weight, trained.stages[0][0].branch[0].weight)
        x = torch.rand(2, 1, 28, 28)
        ours, theirs = net.eval().stem(x), trained.eval().stem(x.expand(-1, 3, -1, -1))
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
        assert net.head.out_features == 4
    same = build_net("resnet", 3, 10, (28, 28), args={"width": 4}, pretrained=str(file)).eval()
    x = torch.rand(2, 3, 28, 28)
    assert torch.equal(same(x), trained(x))


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(build_net("resnet", 3, 10, (28, 28), args={"width": 4}).state_dict(), file)
    assert "stem.0.weight" in problem("resnet", 3, 10, (28, 28), args={"width": 8}, pretrained=str(file))
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    assert "broken" in problem("resnet", 3, 10, (28, 28), pretrained=str(tmp_path / "broken.safetensors"))
    assert "missing" in problem("resnet", 3, 10, (28, 28), pretrained=str(tmp_path / "missing.safetensors"))


def test_a_hub_out_of_reach_is_noticed_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its client alone would retry for most of a minute."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    build_net("timm:resnet10t", 3, 7, (32, 32))  # imports
    before = time.perf_counter()
    assert "safetensors" in problem("timm:resnet10t", 3, 7, (32, 32), pretrained=True)
    assert time.perf_counter() - before < 5
    assert constants.HF_HUB_OFFLINE is False


def test_downloaded_pickles_are_never_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Torchvision loads what it downloads without asking for tensors alone; here it must."""
    from torchvision import models

    class Evil:
        def __reduce__(self) -> Any:
            return (tmp_path.joinpath("run").touch, ())

    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    url = models.MobileNet_V3_Small_Weights.DEFAULT.url
    file = tmp_path / "hub" / "checkpoints" / url.rpartition("/")[2]
    torch.save({"classifier.0.weight": Evil()}, file)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert "UnpicklingError" in problem("torchvision:mobilenet_v3_small", 3, 7, (32, 32), pretrained=True)
    assert not (tmp_path / "run").exists()
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def lazy_net(classes: int) -> nn.Module:
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(classes))


def test_lazy_layers_of_a_users_net_learn_their_sizes() -> None:
    net = build_net(f"{__name__}:lazy_net", 3, 5, (8, 6))
    assert net(torch.zeros(2, 3, 8, 6)).shape == (2, 5)
    norm = build_net(f"{__name__}:lazy_net", 1, 2, (9, 9))[1]  # type: ignore[index]
    assert norm.num_batches_tracked == 0
    assert norm.training
