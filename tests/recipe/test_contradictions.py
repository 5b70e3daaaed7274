"""What looks like a contradiction and is none passes; what needs a look into a folder or a class is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from danlu.errors import RecipeError
from danlu.recipe import complete, from_text


@pytest.mark.parametrize(
    "text",
    [
        "data: {split: {val: 0.5, test: 0.49}}",
        "data: {split: {val: 0, test: 0}}",
        "data: {source: x.csv, split: {column: part, val: 0}}\ntrain: {early_stop: {}, best: val/accuracy}",
        "data: {source: x.csv, split: {group: patient, stratify: true}, balance: sampler}",
        "data: {source: x.csv, split: {time: when}, format: csv, root: pictures}",
        "data: {balance: class-weights}\ntrain: {loss: {name: cross-entropy, label_smoothing: 0.2}}",
        "train: {device: cpu, precision: bf16}",
        "train: {device: cuda, precision: fp16}",
        "train: {device: 'cuda:1', precision: fp16}",
        "train: {device: auto, precision: fp16}",
        "train: {max_steps: 100, warmup: 99}",
        "train: {max_steps: 1, warmup: 0.9}",
        "train: {warmup: 1000, epochs: 1}",
        "train: {epochs: 3, evaluate_every: 5}",
        "train: {epochs: 3, evaluate_every: 5, max_steps: 9, early_stop: {}}",
        "train: {accumulate: 4, loss: focal}",
        "data: {balance: sampler}\ntrain: {loss: {name: focal, gamma: 1}}",
        "train: {optimizer: {name: sgd, momentum: 0}}",
        "train: {optimizer: {name: sgd, dampening: 0.1, nesterov: false}}",
        "model: {unfreeze: frozen, pretrained: true, name: timm:resnet18}",
        "model: {unfreeze: frozen, name: danlu.nn.nets.mlp:MLP}",
        "task: detection\ndata: {split: {stratify: auto}, image: {size: 64}}",
        "run: {name: 第一次 v1.2_x}",
    ],
)
def test_what_can_be_met_passes(text: str) -> None:
    complete(from_text(text))


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        (
            "data: {balance: sampler}\ntrain: {loss: {name: focal, class_weights: [1, 2]}}",
            "2 (train.loss.class_weights)",
            "helped twice",
        ),
        ("train: {optimizer: {name: sgd, dampening: 0.1}}", "1 (train.optimizer.dampening)", "without dampening"),
        ("model: {norm: group, args: {norm: batch}}", "1 (model.args.norm)", r"by model\.norm and by model\.args"),
        ("task: detection\nmodel: {norm: group, args: {norm: batch}}", "2 (model.args.norm)", r"by model\.norm and"),
        ("watch: {histograms_every: 5}", "1 (watch.histograms_every)", "only among TensorBoard's files"),
    ],
)
def test_what_would_be_done_twice_or_not_at_all_is_refused(text: str, place: str, what: str) -> None:
    with pytest.raises(RecipeError, match=what) as caught:
        complete(from_text(text))
    assert caught.value.problems[0].where == f"recipe:{place}"


def test_a_folder_may_bring_its_own_validation_part(tmp_path: Path) -> None:
    text = f"data: {{source: {tmp_path}, split: {{val: 0}}}}\ntrain: {{early_stop: {{}}}}"
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(RecipeError, match=r"data\.split\.val is 0"):
        complete(from_text(text))
    (tmp_path / "Validation").mkdir()
    complete(from_text(text))


def test_a_clash_is_shown_at_what_the_user_wrote() -> None:
    with pytest.raises(RecipeError) as caught:
        complete(from_text("train: {precision: fp16}", ["train.device=cpu"]))
    assert caught.value.problems[0].where == "recipe:1 (train.precision)"
    with pytest.raises(RecipeError) as caught:
        complete(from_text("data:\n  split:\n    test: 0.95"))
    assert caught.value.problems[0].where == "recipe:3 (data.split.test)"


def test_no_clash_is_seen_with_what_is_wrong_anyway() -> None:
    with pytest.raises(RecipeError) as caught:
        from_text("data: {split: {val: x, test: 0.95}}")
    assert [problem.where for problem in caught.value.problems] == ["recipe:1 (data.split.val)"]


@pytest.mark.parametrize("text", ["train: {loss: cross-entropy}", "model: {dropout: 0.5}", "model: {unfreeze: frozen}"])
def test_what_a_task_would_pass_over_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="makes no use of") as caught:
        complete(from_text(f"task: detection\n{text}"))
    assert ":2 (" in caught.value.problems[0].where
