"""What a net of the user's lets a recipe choose: by its signature, written down by the training, read without its code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from torch import Tensor, nn

import danlu
from danlu import recipe as recipes
from danlu.errors import Problem
from danlu.runs.recorded import recording
from danlu.runs.takes import own_takes, takes
from danlu.runs.training import resume
from danlu.watch.health import remedies
from danlu.watch.history import records
from tests.runs.small import recipe as small

HERE = "tests.runs.test_takes:"


class Open(nn.Module):
    def __init__(self, classes: int, activation: str = "relu", norm: str = "none", dropout: float = 0) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return out


def choosy(
    classes: int, activation: Literal["relu", "tanh"] = "relu", norm: Literal["none", "layer"] | None = None
) -> Open:
    return Open(classes)


def foreign(classes: int, activation: type[nn.Module] = nn.ReLU, norm: str = "BatchNorm", dropout: bool = True) -> Open:
    """Its author has names of their own."""
    return Open(classes)


def anything(classes: int, **choices: Any) -> Open:
    return Open(classes)


MADE = Open(3)


def told(name: str, **model: Any) -> dict[str, dict[str, Any]]:
    return own_takes(recipes.from_dict({"model": {"name": HERE + name, **model}}))


def test_what_has_a_name_in_recipes_may_be_chosen() -> None:
    assert told("Open") == {
        "activation": {"value": "relu", "choices": None},
        "norm": {"value": "none", "choices": None},
        "dropout": {"value": 0.0, "choices": None},
    }
    assert told("choosy") == {"activation": {"value": "relu", "choices": ["relu", "tanh"]}}
    assert told("choosy", norm="layer")["norm"] == {"value": "layer", "choices": ["none", "layer"]}
    assert told("Open", activation="gelu")["activation"]["value"] == "gelu"


@pytest.mark.parametrize("name", ["foreign", "anything", "MADE"])
def test_what_a_name_from_here_means_nothing_to_is_left_alone(name: str) -> None:
    assert told(name) == {}


def test_nets_of_danlu_and_of_others_have_no_such_file() -> None:
    for name in ("mlp", "auto", "timm:resnet18", "torchvision:resnet18"):
        assert own_takes(recipes.from_dict({"model": {"name": name}})) == {}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> danlu.Run:
    """Nobody may change it."""
    made = small(tmp_path_factory.mktemp("own"))
    made["model"] = {"name": HERE + "Open", "norm": "layer"}
    run: danlu.Run = danlu.train(made, screen=False)
    return run


def test_the_training_writes_it_down(trained: danlu.Run) -> None:
    assert recording(trained).takes == {"activation": "relu", "norm": "layer", "dropout": 0.0}
    assert takes(trained.recipe) == {}
    assert "net.json" in (trained.path / "MANIFEST.json").read_text()


def test_it_is_read_without_torch_and_without_the_users_code(trained: danlu.Run) -> None:
    code = (
        "import sys; from danlu.runs.recorded import recording; found = recording(sys.argv[1]).takes; "
        "print(found['norm'], 'torch' in sys.modules, 'tests.runs.test_takes' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(trained.path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["layer", "False", "False"]


@pytest.mark.parametrize("how", ["torn", "gone"])
def test_a_damaged_one_counts_as_not_written_and_is_written_again(trained: danlu.Run, tmp_path: Path, how: str) -> None:
    copy = tmp_path / "run"
    shutil.copytree(trained.path, copy)
    whole = (copy / "net.json").read_bytes()
    if how == "torn":
        (copy / "net.json").write_bytes(whole[:-5])
    else:
        (copy / "net.json").unlink()
    problems: list[Problem] = []
    assert recording(copy, problems).takes == {}
    assert bool(problems) == (how == "torn")
    run = resume(copy, screen=False)
    assert (copy / "net.json").read_bytes() == whole
    said = [record["text"] for record in records(run.folder.events, []) if record["type"] == "said"]
    assert any("net.json" in text for text in said)


def test_patches_name_nothing_that_a_net_does_not_allow(trained: danlu.Run) -> None:
    found = replace(recording(trained), takes={"activation": "relu", "norm": "none"})
    assert remedies.activation(found, "leaky-relu") == {"model.activation": "leaky-relu"}
    assert remedies.norm(found) == {"model.norm": "batch"}
    found = replace(found, choices={"activation": ("relu", "tanh"), "norm": ("none", "batch")})
    assert remedies.activation(found, "leaky-relu") == {}
    assert remedies.norm(found) == {"model.norm": "batch"}


def test_choices_reach_the_rules(trained: danlu.Run, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(trained.path, copy)
    (copy / "MANIFEST.json").unlink()  # else the file would count as damaged
    (copy / "net.json").write_text(
        json.dumps({"takes": {"activation": {"value": "relu", "choices": ["relu", "tanh"]}}})
    )
    assert recording(copy).choices == {"activation": ("relu", "tanh")}
