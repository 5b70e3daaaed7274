"""Explanations: Grad-CAM against pytorch-grad-cam, attributions against what they add up to, roll-out against the product."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import danlu
from danlu._compat.torchvision import ensure
from danlu.cli.main import main
from danlu.errors import DanluError
from danlu.evaluation.explain.explaining import METHODS, explained
from danlu.evaluation.explain.grad_cam import grad_cam
from danlu.evaluation.explain.perturbing import integrated_gradients, occlusion
from danlu.evaluation.explain.roll_out import roll_out, rolled
from danlu.evaluation.explain.subject import Subject
from danlu.tasks.explaining import Aim

ensure()


def subject(net: nn.Module, pixels: Tensor, place: int = 0) -> Subject:
    """A net on one image (1, C, H, W), of which output ``place`` is explained."""
    aim = Aim("it", lambda outputs: outputs[:, place])
    picture = np.zeros((*pixels.shape[2:], 3), np.uint8)
    return Subject(net.eval(), (pixels,), 0, aim, picture, torch.full((1, pixels.shape[1], 1, 1), 0.5))


def small(channels: int = 3, classes: int = 4) -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, classes),
    )


def peer(net: nn.Module, layer: nn.Module, pixels: Tensor, place: int) -> np.ndarray:
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    with GradCAM(net.eval(), [layer]) as cam:
        found: np.ndarray = cam(pixels.clone(), [ClassifierOutputTarget(place)])[0]
    return found


@pytest.mark.parametrize("place", [0, 2])
@pytest.mark.parametrize("layer", ["0", "4", "1"])
def test_grad_cam_is_pytorch_grad_cams(layer: str, place: int) -> None:
    net, pixels = small(), torch.rand(1, 3, 24, 20)
    made = grad_cam(subject(net, pixels, place), layer)
    # theirs looks at what an in-place ReLU has already changed: a net without one is the same net
    plain = nn.Sequential(*(nn.ReLU() if isinstance(part, nn.ReLU) else part for part in net))
    wanted = peer(plain, plain.get_submodule(layer), pixels, place)
    assert made.heat.shape == (24, 20)
    assert np.abs(made.heat.numpy() - wanted).max() < 1e-4
    assert wanted.max() > 0.9


def test_grad_cam_of_published_kinds_of_nets() -> None:
    import timm
    from torchvision.models import resnet18

    torch.manual_seed(0)
    for net, layer in (
        (resnet18(num_classes=5), "layer4"),
        (timm.create_model("mobilenetv3_small_050", num_classes=5), "blocks"),
    ):
        pixels = torch.rand(1, 3, 160, 128)
        made = grad_cam(subject(net, pixels, 1), layer)
        assert np.abs(made.heat.numpy() - peer(net, net.get_submodule(layer), pixels, 1)).max() < 1e-4
        assert grad_cam(subject(net, pixels, 1)).layer.split(".")[0] in (layer, "conv_head", "act2", "norm_head")


def test_the_layer_is_the_last_map_that_the_score_depends_on() -> None:
    class Two(nn.Module):
        """Levels of which each output sees one; a head that runs on both."""

        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 4, 3, padding=1)
            self.fine, self.coarse = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, 2, padding=1)
            self.head = nn.Conv2d(4, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x).relu()
            levels = [self.head(self.fine(x)), self.head(self.coarse(x))]
            return torch.stack([level.amax((1, 2, 3)) for level in levels], 1)

    torch.manual_seed(0)
    net, pixels = Two(), torch.rand(1, 3, 16, 16)
    assert grad_cam(subject(net, pixels, 0)).layer == "fine"
    assert grad_cam(subject(net, pixels, 1)).layer == "coarse"
    assert grad_cam(subject(small(), torch.rand(1, 3, 16, 16))).layer == "5"
    with pytest.raises(DanluError, match="more than once"):
        grad_cam(subject(net, pixels), "head")
    with pytest.raises(DanluError, match="coarse"):
        grad_cam(subject(net, pixels), "coars")
    with pytest.raises(DanluError, match="no feature map"):
        grad_cam(subject(nn.Sequential(nn.Flatten(), nn.Linear(48, 3)), torch.rand(1, 3, 4, 4)))


def test_the_map_is_the_nets_and_not_the_images() -> None:
    """Adebayo et al. (2018): with weights at random it must be another map."""
    net, pixels = small(), torch.rand(1, 3, 16, 16)
    before = grad_cam(subject(net, pixels, 1), "5").heat
    attributions = integrated_gradients(subject(net, pixels, 1))[0]
    torch.manual_seed(11)
    for part in net:
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
    for one, other in (
        (before, grad_cam(subject(net, pixels, 1), "5").heat),
        (attributions, integrated_gradients(subject(net, pixels, 1))[0]),
    ):
        together = np.corrcoef(one.flatten(), other.flatten())[0, 1]
        assert abs(together) < 0.7
        assert float((one - other).abs().max()) > 0.05 * float(one.abs().max())


def test_integrated_gradients_add_up() -> None:
    net, pixels = small(), torch.rand(1, 3, 12, 12)
    found, total, apart = integrated_gradients(subject(net, pixels, 2))
    neutral = torch.full_like(pixels, 0.5)
    assert apart == pytest.approx(float((net(pixels) - net(neutral))[0, 2].detach()), abs=1e-5)
    assert total == pytest.approx(apart, rel=0.02)
    assert total == pytest.approx(float(found.sum()), abs=1e-4)


def test_of_a_linear_net_attributions_are_known() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(2 * 8 * 8, 2))
    pixels = torch.rand(1, 2, 8, 8)
    weights = net[1].weight[1].detach().reshape(2, 8, 8)  # type: ignore[union-attr,operator]
    own = (pixels[0] - 0.5) * weights
    assert torch.allclose(integrated_gradients(subject(net, pixels, 1))[0], own, atol=1e-5)
    found, side = occlusion(subject(net, pixels, 1))  # squares of one pixel
    assert side == 1
    assert torch.allclose(found, own.sum(0), atol=1e-5)


def test_rolled_is_the_product() -> None:
    first, second = (torch.softmax(torch.randn(3, 3), -1) for _ in range(2))
    one, other = (0.5 * each + 0.5 * torch.eye(3) for each in (first, second))
    assert torch.allclose(rolled([first, second]), other @ one)
    assert torch.allclose(rolled([torch.full((4, 4), 0.25)]).sum(-1), torch.ones(4))


def transformers() -> Sequence[tuple[str, nn.Module]]:
    import timm
    from torchvision.models import VisionTransformer
    from transformers import ViTConfig, ViTForImageClassification

    class Logits(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            config = ViTConfig(
                hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32,
                patch_size=8, num_labels=3,
            )  # fmt: skip
            self.model = ViTForImageClassification(config)

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.model(pixel_values=x).logits
            return logits

    size = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 3}
    return (
        ("timm", timm.models.vision_transformer.VisionTransformer(**size)),
        ("timm, no class token", timm.models.vision_transformer.VisionTransformer(
            **size, class_token=False, global_pool="avg")),
        ("torchvision", VisionTransformer(32, 8, 2, 2, 24, 32, num_classes=3)),
        ("transformers", Logits()),
    )  # fmt: skip


def test_roll_out_of_every_kind_of_transformer_and_nothing_is_left_behind() -> None:
    torch.manual_seed(1)
    for name, net in transformers():
        pixels = torch.rand(1, 3, 32, 32)
        net.eval()
        before = net(pixels).detach()
        heat, layers = roll_out(subject(net, pixels))
        assert layers == 2, name
        assert heat.shape == (32, 32)
        assert float(heat.max()) == pytest.approx(1.0, abs=0.1)
        assert torch.equal(net(pixels).detach(), before)
        assert all(not module._forward_hooks and not module._forward_pre_hooks for module in net.modules())


def test_roll_out_is_that_of_the_nets_own_attention() -> None:
    """With queries and keys of 0 all patches are attended alike: the map is flat; with a net whose attention is known it is that."""
    import timm

    torch.manual_seed(1)
    net = timm.models.vision_transformer.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=24, depth=1, num_heads=1, num_classes=3
    ).eval()
    pixels = torch.rand(1, 3, 32, 32)
    block = net.blocks[0]
    tokens = net.norm_pre(net.patch_drop(net._pos_embed(net.patch_embed(pixels))))
    query, key, _ = block.attn.qkv(block.norm1(tokens)).chunk(3, -1)
    attention = torch.softmax(query @ key.transpose(1, 2) / 24**0.5, -1)[0, 0, 1:].detach()
    coarse = ((attention - attention.min()) / (attention.max() - attention.min())).reshape(1, 1, 4, 4)
    wanted = torch.nn.functional.interpolate(coarse, (32, 32), mode="bilinear", align_corners=False)[0, 0]
    assert torch.allclose(roll_out(subject(net, pixels))[0], wanted, atol=1e-4)


def test_what_does_not_suit_is_refused() -> None:
    with pytest.raises(DanluError, match="no attention"):
        roll_out(subject(small(), torch.rand(1, 3, 16, 16)))


# ---- of runs -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise with a square in one of its corners, red above and blue below; the corner is the class."""
    place = tmp_path_factory.mktemp("explain")
    draw = np.random.default_rng(0)
    for row in range(120):
        corner = row % 2
        pixels = draw.integers(0, 90, (24, 24, 3), dtype=np.uint8)
        top = (2, 14)[corner]
        pixels[top : top + 8, top : top + 8] = ((230, 40, 40), (40, 40, 230))[corner]
        folder = place / "data" / ("upper", "lower")[corner]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{row}.png")
    train = {"epochs": 4, "batch_size": 16, "device": "cpu", "threads": 1, "precision": "fp32"}
    danlu.train(
        {
            "data": {"source": str(place / "data"), "augment": []},
            "model": {"name": "resnet", "args": {"width": 8, "blocks": [1, 1]}},
            "train": {**train, "optimizer": {"name": "adamw", "lr": 5e-3}},
            "evaluate": {"views": "flip", "baselines": False},
            "run": {"folder": str(place / "runs"), "name": "corners"},
        },
        screen=False,
    )
    return place


def digest(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file() and "explanations" not in path.parts]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_explanations_find_the_square_and_change_nothing(place: Path) -> None:
    run, before = place / "runs" / "corners", digest(place / "runs")
    state = torch.get_rng_state()
    files = [place / "data" / "upper" / "0.png", place / "data" / "lower" / "1.png"]
    for method in METHODS[:3]:
        for one, corner in zip(danlu.explain(run, files, method=method), (0, 1), strict=True):
            assert one.target == ("upper", "lower")[corner]
            assert one.heat.shape == (24, 24)
            assert one.image.shape == (24, 24, 3)
            inside = np.abs(one.heat[2:10, 2:10]).mean(), np.abs(one.heat[14:22, 14:22]).mean()
            if method != "grad-cam":  # whose maps here are of 3 pixels
                assert inside[corner] > 2 * inside[1 - corner]
            assert one.picture().shape == (216, 436, 3)
    assert digest(place / "runs") == before
    assert torch.equal(torch.get_rng_state(), state)


def test_another_class_is_another_map_and_unknown_ones_are_refused(place: Path) -> None:
    run, file = place / "runs" / "corners", place / "data" / "upper" / "0.png"
    (one,) = danlu.explain(run, file, target="lower", method="occlusion")
    (other,) = danlu.explain(run, file, target="upper", method="occlusion")
    assert one.target == "lower"
    assert float(np.abs(one.heat - other.heat).max()) > 1e-3
    for changes, word in (
        ({"target": "uper"}, "upper"),
        ({"method": "gradcam"}, "grad-cam"),
        ({"layer": "nowhere"}, "no layer"),
        ({"method": "roll-out"}, "no attention"),
        ({"method": "occlusion", "layer": "1"}, "reads no layer"),
    ):
        with pytest.raises(DanluError, match=word):
            danlu.explain(run, file, **changes)  # type: ignore[arg-type]
    with pytest.raises(DanluError):
        danlu.explain(run, place / "runs" / "corners" / "recipe.yaml")


def test_without_captum_it_is_said_how_to_get_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "captum", None)
    run, file = place / "runs" / "corners", place / "data" / "upper" / "0.png"
    with pytest.raises(DanluError, match=r'pip install "danlu\[explain\]"'):
        danlu.explain(run, file, method="occlusion")
    assert danlu.explain(run, file)[0].method == "grad-cam"


def test_the_command_writes_pictures(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, folder = str(place / "runs" / "corners"), str(place / "data" / "upper")
    files = sorted((place / "data" / "upper").iterdir())[:2]
    assert main(["explain", run, *map(str, files), "--class", "lower", "-o", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{path.stem}-grad-cam.png" for path in files)
    assert "lower" in capsys.readouterr().out
    assert main(["explain", run]) == 2
    assert main(["explain", run, folder, "--method", "magic"]) == 2


def test_the_report_shows_them(place: Path) -> None:
    text = (place / "runs" / "corners" / "report.html").read_text(encoding="utf-8")
    assert 'id="explanations"' in text
    assert text.count('class="pair"') >= 3
    assert len(text.encode()) < 1_000_000


def test_a_report_says_why_there_are_none(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from danlu.tasks.base import Task

    def no(self: Any, *_: Any) -> Aim:
        raise TypeError("nothing to explain here")

    monkeypatch.setattr(Task, "explained", no)
    path = danlu.write_report(place / "runs" / "corners", place / "other.html")
    text = path.read_text(encoding="utf-8")
    assert "nothing to explain here" in text
    assert 'class="pair"' not in text


def test_explained_says_what_was_missed(place: Path) -> None:
    net, pixels = small(), torch.rand(1, 3, 16, 16)
    made = explained(subject(net, pixels, 1), "x", "integrated-gradients")
    assert made.sums is not None
    assert "add up to" in made.notes[0]
    assert made.as_dict()["difference"] == made.sums[1]


def test_what_is_explained_of_masks_boxes_and_embeddings() -> None:
    from danlu.tasks.explaining import of_locations, of_masks, similarity

    logits = torch.zeros(1, 3, 2, 2)
    logits[0, 0, 0], logits[0, 2, 1] = 5.0, 2.0  # background above, the last class below
    found = of_masks(logits, ("none", "cat", "dog"), None)
    assert (found.name, float(found.score(logits))) == ("dog", 4.0)
    assert float(of_masks(logits, ("none", "cat", "dog"), "none").score(logits)) == 10.0
    assert float(of_masks(logits, ("none", "cat", "dog"), "cat").score(logits)) == 0.0
    places = torch.tensor([[[0.1, 0.2], [0.9, 0.0], [0.0, 0.4]]])
    assert (
        of_locations(places, ("a", "b"), None).name,
        float(of_locations(places, ("a", "b"), "b").score(places)),
    ) == (
        "a",
        pytest.approx(0.4),
    )
    score = similarity(torch.tensor([[3.0, 4.0]]))
    assert score(torch.tensor([[3.0, 4.0], [-4.0, 3.0]])).tolist() == pytest.approx([1.0, 0.0])


@pytest.mark.slow
def test_a_detector_and_its_report(tmp_path: Path) -> None:
    from tests.endtoend.drawn import coco_of_shapes

    source = coco_of_shapes(tmp_path / "coco", count=24)
    run = danlu.train(
        {
            "task": "detection",
            "data": {"source": str(source), "format": "coco", "split": {"val": 0.2, "test": 0.2}},
            "model": {"args": {"width": 8, "features": 16, "tower": 1}},
            "train": {"epochs": 1, "batch_size": 8, "device": "cpu", "threads": 1, "precision": "fp32"},
            "evaluate": {"baselines": False},
            "run": {"folder": str(tmp_path / "runs"), "name": "boxes"},
        },
        screen=False,
    )
    files = sorted((tmp_path / "coco" / "images").iterdir())[:2]
    for method in METHODS[:3]:
        assert all(np.isfinite(one.heat).all() for one in danlu.explain(run, files, method=method))
    assert 'id="explanations"' in (run.path / "report.html").read_text(encoding="utf-8")
