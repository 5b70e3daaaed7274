"""An adapter through a whole run: resumed bit for bit, judged, exported with the adapter merged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import danlu
from danlu.errors import RecipeError
from danlu.nn.build import build_net
from danlu.recipe import complete, from_text
from danlu.runs.evaluating import evaluate
from danlu.runs.predicting import RunPredictor
from danlu.runs.training import resume
from danlu.training import checkpoint

pytest.importorskip("peft")

RECIPE = """
data: {source: "builtin:fashion", limit: 128}
model:
  name: resnet
  pretrained: first.safetensors
  args: {width: 4}
  adapter: {lora: {rank: 2, dropout: 0.2}}
train: {epochs: 2, batch_size: 32, precision: fp32, checkpoint: {every_steps: 2, every_epochs: null, keep: 20}}
run: {name: one}
"""


def test_contradictions_are_told() -> None:
    for model, told in (
        ("{name: 'timm:resnet18', pretrained: true, unfreeze: gradual, adapter: lora}", "gradual"),
        ("{name: 'timm:resnet18', adapter: lora}", "random weights"),
        ("{name: 'timm:resnet18', pretrained: true, adapter: lara}", "lora"),
    ):
        with pytest.raises(RecipeError, match=told):
            complete(from_text(f"model: {model}"))
    for unfreeze in ("all", "frozen"):
        complete(from_text(f"model: {{name: 'timm:resnet18', pretrained: true, unfreeze: {unfreeze}, adapter: lora}}"))


@pytest.mark.slow
def test_a_run_with_an_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    first = build_net("resnet", 1, 10, (28, 28), args={"width": 4})
    save_file(first.state_dict(), "first.safetensors")
    run = danlu.train(from_text(RECIPE))
    end = checkpoint.listed(run.folder.checkpoints)[-1]
    whole = checkpoint.read(end)
    net = whole.tensors["net"]
    assert any(value.abs().sum() > 0 for name, value in net.items() if "lora_B" in name)
    for name, value in first.state_dict().items():
        if "head" not in name:
            key = next(key for key in net if key.replace(".base_layer", "") == f"1.{name}")
            assert torch.equal(net[key], value), name

    for path in checkpoint.listed(run.folder.checkpoints)[1:]:
        shutil.rmtree(path)
    resumed = resume(run.path, screen=False)
    again = checkpoint.read(checkpoint.listed(resumed.folder.checkpoints)[-1])
    for part, tensors in whole.tensors.items():
        for name, value in tensors.items():
            assert torch.equal(again.tensors[part][name], value), (part, name)

    answers = RunPredictor(run.path)
    assert not [name for name, _ in answers.net.named_modules() if "lora" in name]
    artifact = danlu.export(run)
    assert (artifact / "model.onnx").is_file()
    assert evaluate(run.path, part="val")
