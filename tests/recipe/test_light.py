"""Recipes are read in an instant, without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TEXT = """\
task: image-classification
seed: 7
run: {name: photos-1, folder: runs}
data:
  source: builtin:fashion
  split: {val: 0.1, test: 0.1, stratify: true}
  augment: [flip, rotate, color-jitter, mixup]
model: {name: resnet, activation: gelu, norm: batch}
train:
  epochs: 10
  batch_size: 256
  optimizer: {name: adamw, lr: auto, weight_decay: 0.01}
  schedule: one-cycle
  loss: cross-entropy
  clip_norm: 1.0
  early_stop: {monitor: val/accuracy, patience: 5}
  checkpoint: {every_steps: 500, every_minutes: 10, keep: 3}
"""

CODE = """
import sys, time
from danlu import recipe
began = time.process_time()
complete = recipe.complete(recipe.load(sys.argv[1], ["train.epochs=4", "data.split.val=0.2"]))
text = recipe.dump(complete)
taken = time.process_time() - began
assert taken < 0.15, taken
recipe.json_schema()
try:
    recipe.complete(recipe.from_text("task: detction\\nmodel: rsnet\\ntrain: {loss: focl, epochs: -1}"))
except recipe.reading.RecipeError as error:
    assert len(error.problems) == 4, error
else:
    raise AssertionError
assert "torch" not in sys.modules
"""


def test_reading_completing_writing_and_refusing_need_no_torch_and_no_time(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(TEXT)
    done = subprocess.run([sys.executable, "-c", CODE, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
