"""Nets by ``hf:NAME``: what Transformers itself would give, fitted to channels, size and classes without losing a weight."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from danlu._compat.torchvision import ensure
from danlu.errors import RecipeError
from danlu.nn.build import build_net
from danlu.nn.depth import stages
from danlu.nn.head import head_of
from danlu.nn.normalise import Normalise
from danlu.recipe.names import faults
from danlu.recipe.schema import Named

ensure()
transformers = pytest.importorskip("transformers")

SMALL = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32, "image_size": 32, "patch_size": 8}
NETS: dict[str, tuple[str, dict[str, Any]]] = {
    "vit": ("ViTConfig", {**SMALL, "num_hidden_layers": 4}),
    "deit": (
        "DeiTConfig",
        {**SMALL, "num_hidden_layers": 4, "architectures": ["DeiTForImageClassificationWithTeacher"]},
    ),
    "dinov2": (
        "Dinov2Config",
        {**SMALL, "num_hidden_layers": 2, "layerscale_value": 0.5},
    ),
    "swin": (
        "SwinConfig",
        {"image_size": 32, "patch_size": 2, "embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4},
    ),
    "resnet": (
        "ResNetConfig",
        {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 2], "layer_type": "basic"},
    ),
    "convnext": ("ConvNextConfig", {"num_stages": 2, "hidden_sizes": [8, 16], "depths": [1, 2]}),
}


def saved(folder: Path, name: str, **more: Any) -> nn.Module:
    """A net of 5 classes with every weight drawn anew, written by Transformers."""
    kind, values = NETS[name]
    torch.manual_seed(0)
    config = getattr(transformers, kind)(**values, num_labels=5)
    with torch.random.fork_rng():
        net = transformers.AutoModelForImageClassification.from_config(_chosen(config)).eval()
        for parameter in net.parameters():  # zeros and ones would hide what is lost
            parameter.data.add_(torch.randn_like(parameter), alpha=0.1)
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2.0)
    net.save_pretrained(folder, **more)
    return net


def _chosen(config: Any) -> Any:
    config.architectures = config.architectures or []
    return config


def built(
    folder: Path, channels: int = 3, classes: int = 5, size: tuple[int, int] = (32, 32), **more: Any
) -> nn.Module:
    return build_net(f"hf:{folder}", channels, classes, size, **{"pretrained": True, **more}).eval()


def refused(folder: Path | str, *args: Any, **more: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        built(folder, *args, **more)  # type: ignore[arg-type]
    return str(caught.value)


def images(channels: int = 3, size: tuple[int, int] = (32, 32)) -> Tensor:
    return torch.rand(2, channels, *size, generator=torch.Generator().manual_seed(1))


# ---- equal weights, equal answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETS)
def test_it_answers_as_transformers_does(name: str, tmp_path: Path) -> None:
    theirs = saved(tmp_path, name)
    ours = built(tmp_path)
    with torch.no_grad():
        assert torch.equal(ours(images()), theirs(images()).logits)
    fresh = built(tmp_path, pretrained=False)
    shapes = {key: value.shape for key, value in ours.state_dict().items()}
    assert {key: value.shape for key, value in fresh.state_dict().items()} == shapes
    assert not torch.allclose(fresh(images()), theirs(images()).logits)


@pytest.mark.parametrize("name", NETS)
def test_other_channels_keep_the_first_layers_weights(name: str, tmp_path: Path) -> None:
    """Of a grey image what it gave as three equal channels; and of four channels what the kernels in turn give."""
    theirs = saved(tmp_path, name)
    with torch.no_grad():
        grey = built(tmp_path, 1)(images(1))
        torch.testing.assert_close(grey, theirs(images(1).expand(-1, 3, -1, -1)).logits, atol=1e-5, rtol=1e-5)
        same = images(1).expand(-1, 4, -1, -1)
        torch.testing.assert_close(built(tmp_path, 6)(same[:, [0, 1, 2, 3, 0, 1]]), grey, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [(48, 48), (32, 64), (16, 64)])
@pytest.mark.parametrize("name", NETS)
def test_other_sizes_keep_every_weight(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    """(16, 64) has as many patches as (32, 32), in another arrangement."""
    theirs = saved(tmp_path, name)
    told = {"interpolate_pos_encoding": True} if name in ("vit", "deit") else {}
    with torch.no_grad():
        expected = theirs(images(3, size), **told).logits
        torch.testing.assert_close(built(tmp_path, size=size)(images(3, size)), expected, atol=1e-6, rtol=1e-6)
    fresh, ours = (built(tmp_path, size=size, pretrained=each) for each in (False, True))
    assert [v.shape for v in fresh.state_dict().values()] == [v.shape for v in ours.state_dict().values()]


@pytest.mark.parametrize("name", NETS)
def test_only_the_head_is_new_for_other_classes(name: str, tmp_path: Path) -> None:
    theirs = saved(tmp_path, name).state_dict()
    net = nn.Sequential(Normalise([0.5] * 3, [0.5] * 3), built(tmp_path, classes=7))
    assert net(images()).shape == (2, 7)
    heads = tuple(f"{head}." for head in head_of(net))
    new = {key for key, value in net.state_dict().items() if not _is(theirs.get(key.removeprefix("1.model.")), value)}
    assert {key for key in new if not key.startswith("0.")} == {
        key for key in net.state_dict() if key.startswith(heads)
    }
    for head in head_of(net):
        assert net.get_submodule(head).out_features == 7
    net.train()(images()).square().sum().backward()
    lacking = [key for key, p in net.named_parameters() if p.grad is None]
    assert not [key for key in lacking if "mask_token" not in key]  # which is for pretraining alone


def _is(one: Tensor | None, other: Tensor) -> bool:
    return one is not None and one.shape == other.shape and torch.equal(one, other)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vit", ["vit.embeddings", *(f"vit.layers.{n}" for n in range(4)), "classifier"]),
        ("dinov2", ["dinov2.embeddings", "dinov2.encoder.layer.0", "dinov2.encoder.layer.1", "classifier"]),
        ("swin", ["swin.embeddings", "swin.encoder.layers.0", "swin.encoder.layers.1", "classifier"]),
        ("resnet", ["resnet.embedder", "resnet.encoder.stages.0", "resnet.encoder.stages.1", "classifier.1"]),
        ("convnext", ["convnext.embeddings", "convnext.encoder.stages.0", "convnext.encoder.stages.1", "classifier"]),
    ],
)
def test_stages_are_embeddings_layers_and_head(name: str, expected: list[str], tmp_path: Path) -> None:
    saved(tmp_path, name)
    net = nn.Sequential(Normalise([0.5] * 3, [0.5] * 3), built(tmp_path))
    found = stages(net)
    assert sorted(n for stage in found for n in stage.parameters) == sorted(n for n, _ in net.named_parameters())
    assert [stage.name for stage in found] == [f"1.model.{each}" for each in expected]


def test_fresh_weights_follow_the_seed(tmp_path: Path) -> None:
    saved(tmp_path, "vit")
    found = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        found.append(built(tmp_path, pretrained=False)(images()))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_values_of_the_configuration_can_be_given(tmp_path: Path) -> None:
    saved(tmp_path, "vit")
    net = built(
        tmp_path, dropout=0.3, args={"attention_probs_dropout_prob": 0.2, "num_hidden_layers": 2}, pretrained=False
    )
    config = net.model.config
    assert (config.hidden_dropout_prob, config.attention_probs_dropout_prob) == (0.3, 0.2)
    assert len(net.model.vit.layers) == 2
    assert "hidden_size" in refused(tmp_path, args={"hidden_sise": 8})
    assert "num_labels" in refused(tmp_path, args={"num_labels": 8})
    assert "layernorm" in refused(tmp_path, args={"hidden_size": 32})  # the weights are of another
    assert "activation" in refused(tmp_path, activation="relu")
    saved(tmp_path, "resnet")
    assert "dropout" in refused(tmp_path, dropout=0.5)


# ---- weights --------------------------------------------------------------------------------------------------------


def test_weights_in_every_form(tmp_path: Path) -> None:
    theirs = saved(tmp_path / "one", "vit")
    saved(tmp_path / "many", "vit", max_shard_size="10KB")
    assert len(list((tmp_path / "many").glob("*.safetensors"))) > 1
    config = (tmp_path / "one" / "config.json").read_text()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "config.json").write_text(config)
    torch.save(load_file(tmp_path / "one" / "model.safetensors"), tmp_path / "old" / "pytorch_model.bin")
    expected = theirs(images()).logits
    for folder in ("one", "many", "old"):
        assert torch.equal(built(tmp_path / folder)(images()), expected)
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text(config)
    text = refused(tmp_path / "bare")
    assert "model.safetensors" in text
    file = str(tmp_path / "one" / "model.safetensors")
    assert torch.equal(built(tmp_path / "bare", pretrained=file)(images()), expected)


def test_weights_of_a_run_begin_another(tmp_path: Path) -> None:
    """They lie behind the normalisation, for the run's own classes, channels and size."""
    saved(tmp_path, "vit")
    trained = nn.Sequential(Normalise([0.5], [0.5]), built(tmp_path, 1, 7, (48, 48), pretrained=False))
    file = tmp_path / "net.safetensors"
    save_file(trained.state_dict(), file)
    again = built(tmp_path, 1, 7, (48, 48), pretrained=str(file))
    assert torch.equal(again(images(1, (48, 48))), trained.eval()[1](images(1, (48, 48))))
    fewer = built(tmp_path, 1, 3, (48, 48), pretrained=str(file))
    assert torch.equal(fewer.model.vit.layernorm.weight, trained[1].model.vit.layernorm.weight)
    assert fewer(images(1, (48, 48))).shape == (2, 3)


def test_nothing_but_the_head_may_be_lacking(tmp_path: Path) -> None:
    saved(tmp_path, "vit")
    file = tmp_path / "model.safetensors"
    whole = load_file(file)
    save_file({key: value for key, value in whole.items() if "classifier" not in key}, file, {"format": "pt"})
    net = built(tmp_path)
    assert torch.equal(net.model.vit.embeddings.cls_token, whole["vit.embeddings.cls_token"])
    for gone in ("vit.embeddings.position_embeddings", next(key for key in whole if "layernorm" in key)):
        save_file({key: value for key, value in whole.items() if key != gone}, file, {"format": "pt"})
        assert gone.rpartition(".")[2] in refused(tmp_path)
        assert "1 tensor" in refused(tmp_path)
        smaller = {**whole, gone: whole[gone][..., :8].clone()}
        save_file(smaller, file, {"format": "pt"})
        assert gone.rpartition(".")[2] in refused(tmp_path)


def test_nothing_of_a_folder_runs(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (tmp_path.joinpath("ran").touch, ())

    saved(tmp_path / "evil", "vit")
    (tmp_path / "evil" / "model.safetensors").unlink()
    torch.save({"vit.embeddings.cls_token": Evil()}, tmp_path / "evil" / "pytorch_model.bin")
    assert "more than tensors" in refused(tmp_path / "evil")

    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "code.py").write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()")
    remote = {"AutoConfig": "code.Config", "AutoModelForImageClassification": "code.Net"}
    (tmp_path / "own" / "config.json").write_text(json.dumps({"model_type": "mine", "auto_map": remote}))
    assert "own" in refused(tmp_path / "own", pretrained=False)
    known = json.loads((tmp_path / "evil" / "config.json").read_text())
    (tmp_path / "own" / "config.json").write_text(json.dumps({**known, "auto_map": remote}))
    assert type(built(tmp_path / "own", pretrained=False).model).__name__ == "ViTForImageClassification"
    assert not (tmp_path / "ran").exists()


# ---- the hub --------------------------------------------------------------------------------------------------------


def test_a_hub_out_of_reach_is_one_clear_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    before = time.perf_counter()
    for pretrained in (True, False):
        text = refused("nobody/no-such-net", pretrained=pretrained)
        assert "nobody/no-such-net" in text
        assert "hf:./folder" in text
        assert len(text.splitlines()) < 4
    assert time.perf_counter() - before < 20  # its client alone would retry for most of a minute
    assert constants.HF_HUB_OFFLINE is False


def test_the_hubs_cache_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--somebody--a-net"
    theirs = saved(repository / "snapshots" / ("0" * 40), "resnet")
    (repository / "refs").mkdir()
    for name in ("main", "v2"):
        (repository / "refs" / name).write_text("0" * 40)
    for name in ("somebody/a-net", "somebody/a-net@v2", f"somebody/a-net@{'0' * 40}"):
        assert torch.equal(built(name)(images()), theirs(images()).logits)  # type: ignore[arg-type]
    assert "somebody/a-net@v3" in refused("somebody/a-net@v3")


def test_names_are_checked_before_anything_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "mine", "resnet")
    for fine in ("hf:./mine", "hf:mine", f"hf:{tmp_path / 'mine'}", "hf:microsoft/resnet-18", "hf:gpt2", "hf:a/b@v1.0"):
        assert faults("net", Named(name=fine)) == []
    for wrong, told in (
        ("hf:./yours", "config.json"),
        ("hf:.", "config.json"),
        ("hf:a b/c", "OWNER/NAME"),
        ("hf:", "hf:NAME"),
    ):
        assert told in " ".join(map(str, faults("net", Named(name=wrong)))), wrong
    assert "hf:mine@v2" in str(refused("mine", pretrained="v2"))


def test_without_transformers_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("danlu.recipe.names.exists", lambda name: name != "transformers")
    text = " ".join(map(str, faults("net", Named(name="hf:microsoft/resnet-18"))))
    assert "danlu[hf]" in text


def test_other_applications_are_refused(tmp_path: Path) -> None:
    transformers.BertConfig(num_hidden_layers=1).save_pretrained(tmp_path)
    assert "image classification" in refused(tmp_path)
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "timm_wrapper", "architecture": "resnet18", "num_classes": 3})
    )
    assert "timm:" in refused(tmp_path)
    (tmp_path / "config.json").write_text("{")
    assert "config" in refused(tmp_path)


def test_a_size_that_nothing_can_be_fitted_to_is_refused(tmp_path: Path) -> None:
    config = transformers.LevitConfig(
        image_size=32, hidden_sizes=[16, 32, 48], num_attention_heads=[2, 2, 2], depths=[1, 1, 1], key_dim=[4, 4, 4],
        architectures=["LevitForImageClassification"], num_labels=5,
    )  # fmt: skip
    transformers.LevitForImageClassification(config).save_pretrained(tmp_path)
    assert built(tmp_path)(images()).shape == (2, 5)
    text = refused(tmp_path, size=(48, 48))
    assert "48×48" in text
    assert "data.image.size" in text
    assert "attention_biases" in text
    assert "square" in refused(tmp_path, size=(16, 64))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vit", "convnext"])
def test_from_the_recipe_to_an_artifact(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grey images of 28 pixels; the export is accepted only where it answers as the run does."""
    import danlu

    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "net", name)
    recipe = danlu.Recipe.model_validate(
        {
            "data": {"source": "builtin:fashion", "limit": 200},
            "model": {"name": "hf:./net", "pretrained": True, "unfreeze": "gradual"},
            "train": {"epochs": 1, "batch_size": 64},
            "run": {"name": "one"},
        }
    )
    run = danlu.train(recipe)
    assert (danlu.export(run) / "model.onnx").is_file()
