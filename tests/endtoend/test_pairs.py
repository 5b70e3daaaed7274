"""Techniques in pairs: each permitted pair trains, resumes bit for bit and equals a plain loop; all others are refused with the reason.

The grid of all pairs is slow; the ordinary run takes a sample of it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import danlu
from danlu.errors import DanluError
from tests.endtoend.drawn import coco_of_shapes
from tests.endtoend.pairs import Ground, hold, prepare, refused
from tests.endtoend.techniques import BY_NAME, TECHNIQUES, Technique, matches, pairs, recipe, refusal

SHARES = 4  # of the grid, each a test of a few minutes
PAIRS = pairs()
SAMPLE = [
    f"{one.name} {other.name}"
    for one, other in random.Random(20).sample([pair for pair in PAIRS if "workers" not in {t.name for t in pair}], 7)
]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return prepare(tmp_path_factory.mktemp("pairs"))


def stands(ground: Ground, *chosen: Technique) -> str:
    """What is wrong with a pair; "" where it holds, or is refused as it must be."""
    reason = refusal(*chosen)
    try:
        if reason is None:
            hold(ground, *chosen)
            return ""
        said = refused(ground, *chosen)
        return (
            "" if matches(reason, said) else f"it should be refused with {reason!r}, and {said or 'nothing'!r} was said"
        )
    except (AssertionError, DanluError) as error:
        return f"{type(error).__name__}: {error}"


def test_the_grid_holds_every_two_techniques_that_one_recipe_can_name() -> None:
    assert len(BY_NAME) == len(TECHNIQUES)
    assert len(PAIRS) > 1000
    refused = len(TECHNIQUES) - 2 + 2 * 8 + 5  # fp16 with all but bf16; what schedule-free stands without; five more
    assert sum(refusal(*pair) is not None for pair in PAIRS) == refused


@pytest.mark.parametrize("pair", ["ema accumulate", "coupled accumulate", *SAMPLE])
def test_a_pair_stands(ground: Ground, pair: str) -> None:
    assert stands(ground, *(BY_NAME[name] for name in pair.split())) == ""


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("share", range(SHARES))
def test_every_pair_stands(ground: Ground, share: int) -> None:
    wrong = {f"{one.name} + {other.name}": stands(ground, one, other) for one, other in PAIRS[share::SHARES]}
    assert not {names: what for names, what in wrong.items() if what}


# ---- what can't stand together for other reasons than a pair of lines -----------------------------------------------

TIMES = {"data.source": "{csv}", "data.split": {"time": "when", "val": 0.2, "test": 0.2}}
UNSPLIT = {"data.source": "{given}", "data.split": {"val": 0.0, "test": 0.0}}

FORBIDDEN: dict[str, tuple[Mapping[str, Any], str]] = {
    "fp16, and the only device is a CPU": ({"train.precision": "fp16", "train.device": "auto"}, "needs a GPU|fp16 is for GPUs"),
    "stratified by time": ({**TIMES, "data.split": {**TIMES["data.split"], "stratify": True}}, "by time can't also give"),
    "groups and time": ({**TIMES, "data.split": {**TIMES["data.split"], "group": "who"}}, "by group and by time at once"),
    "early stop, nothing to judge by": (
        {**UNSPLIT, "train.early_stop": {}}, r"train\.early_stop needs a validation part"
    ),
    "best by validation, nothing to judge by": ({**UNSPLIT, "train.best": "val/loss"}, r"train\.best needs a validation part"),
    "frozen at random": ({"model.unfreeze": "frozen"}, "body of random weights"),
    "warm-up longer than the run": ({"train.warmup": 20}, "does not fit into max_steps"),
    "warm-up longer than the epochs": ({"train.warmup": 100, "train.max_steps": None}, "leaves none of the run's 100"),
    "mixed targets for a loss of numbers": ({"train.loss": "mse", "data.augment": ["mixup"]}, r"outputs? .*\(\d+, 3\)"),
    "the same without validation": (
        {"train.loss": "mse", "data.augment": ["mixup"], "data.split": {"val": 0.0, "test": 0.2}}, r"\(\d+, 3\)"
    ),
    "the same without any other part": (
        {"train.loss": "mse", "data.augment": ["mixup"], "data.split": {"val": 0.0, "test": 0.0}}, r"\(\d+, 3\)"
    ),
    "class weights for a loss without": ({"train.loss": "huber", "data.balance": "class-weights"}, "huber has no param"),
    "weights for other classes": (
        {"train.loss": {"name": "focal", "class_weights": [1, 2]}}, r"2 class weights for 3 classes \(cat, dog, emu\)"
    ),
    "adjusted logits for a loss without": ({"train.loss": "huber", "data.balance": "logit-adjustment"}, "huber has no param"),
    "offsets for other classes": (
        {"train.loss": {"name": "focal", "logit_offsets": [1, 2]}}, r"2 offsets of logits for 3 classes \(cat, dog, emu\)"
    ),
    "alpha and class weights": ({"train.loss": {"focal": {"alpha": 0.3}}, "data.balance": "class-weights"}, "alpha"),
    "smoothed answers": ({"train.loss": {"focal": {"label_smoothing": 0.1}}}, "focal has no argument label_smoothing"),
    "dampened Nesterov": (
        {"train.optimizer": {"name": "sgd", "nesterov": True, "dampening": 0.1}}, "defined without dampening"
    ),
    "batch norm of one sample": (
        {"train.batch_size": 2, "model": {"name": "mlp", "norm": "batch", "args": {"widths": [4]}}}, "holds a single sample"
    ),
    "instance norm of one position": ({"model.norm": "instance", "model.args": {"blocks": [1] * 5}}, "1×1"),
    "mixed boxes": ({"task": "detection", "data.source": "{coco}", "data.augment": ["mixup"]}, "can't be mixed"),
    "a sampler without classes": ({"task": "detection", "data.source": "{coco}", "data.balance": "sampler"}, "needs classes"),
}  # fmt: skip


@pytest.fixture(scope="module")
def sources(ground: Ground) -> dict[str, str]:
    """Files beside the pictures: a table with times and people, an archive that brings its parts, boxes."""
    folder = ground.photos.parent
    with np.load(ground.photos) as archive:
        images, labels = archive["images"], archive["labels"]
    np.savez(folder / "given.npz", x_train=images[:40], y_train=labels[:40], x_test=images[40:], y_test=labels[40:])
    from PIL import Image

    rows = ["image,label,when,who"]
    for number in range(0, 52, 2):
        Image.fromarray(images[number]).save(folder / f"{number}.png")
        rows.append(f"{number}.png,{labels[number]},{2000 + number},p{number % 5}")
    (folder / "table.csv").write_text("\n".join(rows))
    boxes = coco_of_shapes(folder / "coco", count=12)
    return {"{given}": str(folder / "given.npz"), "{csv}": str(folder / "table.csv"), "{coco}": str(boxes)}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_cant_be_right_is_refused_before_step_one(
    ground: Ground, sources: dict[str, str], tmp_path: Path, name: str
) -> None:
    changes, reason = FORBIDDEN[name]
    given = {key: sources.get(value, value) if isinstance(value, str) else value for key, value in changes.items()}
    asked = recipe(str(ground.photos), "", Technique("these", given))
    if asked.get("task") == "detection":
        asked["model"], asked["train"] = {}, {"device": "cpu"}
    asked["run"] = {"folder": str(tmp_path)}
    with pytest.raises(DanluError) as caught:
        danlu.train(asked, screen=False)
    assert matches(reason, str(caught.value)), str(caught.value)
    assert not list(tmp_path.iterdir())
