"""The techniques of the guide as data: what each changes in a small recipe, and which of them can't stand together, with the reason.

Every technique is one line of a recipe, so a pair of them is two; whatever pair isn't named in :func:`refusal` must train.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

STEPS, STOP = 20, 11
WEIGHTS = "weights that fit the net"


@dataclass(frozen=True)
class Technique:
    """changes: dotted key → value (a whole section first, single keys of it after). augment: added to the list, in order."""

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    augment: tuple[Any, ...] = ()


def base(source: str) -> dict[str, Any]:
    """What every pair starts from: a tiny residual net on small pictures, 20 steps of gradient descent at a constant rate."""
    return {
        "seed": 5,
        "data.source": source,
        "data.split": {"val": 0.15, "test": 0.1},
        "data.augment": [],
        "model": {"name": "resnet", "args": {"width": 4, "blocks": [1]}},
        "train.epochs": 20,
        "train.max_steps": STEPS,
        "train.batch_size": 8,
        "train.optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "nesterov": False, "weight_decay": 1e-3},
        "train.schedule": "constant",
        "train.loss": {"name": "cross-entropy"},
        "train.precision": "fp32",
        "train.channels_last": False,
        "train.device": "cpu",
        "train.threads": 1,
        "train.evaluate_every": 3,
        "train.checkpoint": {"every_steps": STOP, "every_minutes": None, "every_epochs": None},
        "evaluate.baselines": False,
    }


def _optimiser(name: str, lr: float, **args: Any) -> dict[str, Any]:
    return {"train.optimizer": {"name": name, "lr": lr, "weight_decay": 1e-2, **args}}


def _one(key: str, value: Any) -> dict[str, Any]:
    return {key: value}


TECHNIQUES: tuple[Technique, ...] = (
    Technique("sgd", _optimiser("sgd", 0.05, momentum=0.0, nesterov=False)),
    Technique("nesterov", _optimiser("sgd", 0.02, momentum=0.9, nesterov=True)),
    Technique("adam", _optimiser("adam", 2e-3)),
    Technique("adamw", _optimiser("adamw", 2e-3, betas=[0.9, 0.99])),
    Technique("rmsprop", _optimiser("rmsprop", 1e-3, momentum=0.5)),
    Technique("lion", _optimiser("lion", 3e-4)),
    Technique("muon", _optimiser("muon", 2e-3, nesterov=True)),
    Technique("schedule-free", _optimiser("schedule-free", 5e-3, form="adamw")),
    Technique("schedule-free-sgd", _optimiser("schedule-free", 0.1, form="sgd")),
    Technique("constant", _one("train.schedule", "constant")),
    Technique("step", _one("train.schedule", {"step": {"every": 2, "gamma": 0.5}})),
    Technique("cosine", _one("train.schedule", {"cosine": {"floor": 0.1}})),
    Technique("restarts", _one("train.schedule", {"cosine": {"restarts": 1}})),
    Technique(
        "one-cycle", _one("train.schedule", {"one-cycle": {"peak": 0.4, "linear": False, "cycle_momentum": True}})
    ),
    Technique(
        "plateau",
        {
            "train.schedule": {"reduce-on-plateau": {"factor": 0.5, "patience": 0, "min_delta": 10.0}},
            "train.evaluate_every": 1,
        },
    ),
    Technique("warm-up", _one("train.warmup", 4)),
    Technique("accumulate", _one("train.accumulate", 2)),
    Technique("clip", _one("train.clip_norm", 0.3)),
    Technique("ema", _one("train.ema", 0.8)),
    Technique("l1", _one("train.l1", 1e-3)),
    Technique("proximal", {"train.l1": 1e-3, "train.l1_by": "proximal"}),
    Technique("sam", _one("train.sam", 0.05)),
    Technique("swa", _one("train.swa", 0.4)),
    Technique("label-smoothing", _one("train.loss.label_smoothing", 0.1)),
    Technique("focal", _one("train.loss.name", "focal")),
    Technique("coupled", _one("train.loss.name", "tests.endtoend.coupled:Coupled")),
    Technique("class-weights", _one("data.balance", "class-weights")),
    Technique("own-weights", _one("train.loss.class_weights", [0.5, 1.0, 2.0])),
    Technique("sampler", _one("data.balance", "sampler")),
    Technique("logit-adjustment", _one("data.balance", "logit-adjustment")),
    Technique("flip", augment=("flip",)),
    Technique("rotate", augment=({"rotate": 15},)),
    Technique("crop", augment=({"crop": 1},)),
    Technique("erase", augment=("erase",)),
    Technique("color-jitter", augment=("color-jitter",)),
    Technique("randaugment", augment=("randaugment",)),
    Technique("mixup", augment=({"mixup": 0.4},)),
    Technique("cutmix", augment=("cutmix",)),
    Technique("dropout", _one("model.dropout", 0.3)),
    Technique("drop-path", _one("model.drop_path", 0.4)),
    Technique("group-norm", _one("model.norm", "group")),
    Technique("layer-norm", _one("model.norm", "layer")),
    Technique("instance-norm", _one("model.norm", "instance")),
    Technique("no-norm", _one("model.norm", "none")),
    Technique("gelu", _one("model.activation", "gelu")),
    Technique("prelu", _one("model.activation", "prelu")),
    Technique("bf16", _one("train.precision", "bf16")),
    Technique("fp16", _one("train.precision", "fp16")),
    Technique("channels-last", _one("train.channels_last", True)),
    Technique("frozen", {"model.unfreeze": "frozen", "model.pretrained": WEIGHTS}),
    Technique("gradual", _one("model.unfreeze", {"gradual": {"until": 0.75}})),
    Technique("layerwise", _one("model.unfreeze", {"layerwise": {"decay": 0.5}})),
    Technique("early-stop", {"train.early_stop": {"monitor": "val/loss", "patience": 3}, "train.evaluate_every": 1}),
    Technique("workers", {"data.storage": "stream", "data.workers": 2}),
    Technique("encoded", _one("data.storage", "encoded")),
    Technique("lr-auto", _one("train.optimizer.lr", "auto")),
    Technique("batch-auto", _one("train.batch_size", "auto")),
    Technique("thresholds", _one("evaluate.thresholds", "macro-f1")),
    Technique("minmax", _one("data.normalize", "minmax")),
    Technique("no-normalise", _one("data.normalize", "none")),
    Technique("duplicates", _one("data.duplicates", "drop")),
    Technique("limit", _one("data.limit", 30)),
)
BY_NAME = {technique.name: technique for technique in TECHNIQUES}


def recipe(source: str, weights: str, *chosen: Technique) -> dict[str, Any]:
    """The recipe of some techniques together. weights: a folder for those that start from some."""
    flat = base(source)
    for technique in chosen:
        flat |= technique.changes
        flat["data.augment"] = [*flat["data.augment"], *technique.augment]
    made: dict[str, Any] = {}
    for key in sorted(flat, key=lambda key: key.count(".")):
        *sections, last = key.split(".")
        below = made
        for section in sections:
            below = below.setdefault(section, {})
        value = flat[key]
        below[last] = dict(value) if isinstance(value, dict) else value
    model = made["model"]
    if model.get("pretrained") == WEIGHTS:
        model["pretrained"] = f"{weights}/{'none' if model.get('norm') == 'none' else 'batch'}.safetensors"
    return made


def alternatives(one: Technique, other: Technique) -> bool:
    """Whether they are two values of the same key, so that no recipe can name both."""
    return any(other.changes.get(key, value) != value for key, value in one.changes.items())


def pairs() -> list[tuple[Technique, Technique]]:
    """Every two techniques that one recipe can name."""
    return [pair for pair in combinations(TECHNIQUES, 2) if not alternatives(*pair)]


_REFUSED: dict[frozenset[str], str] = {
    frozenset({"focal", "label-smoothing"}): r"focal has no argument label_smoothing",
    frozenset({"class-weights", "own-weights"}): r"class weights are given by train\.loss and by data\.balance",
    frozenset({"ema", "swa"}): r"two averages of the weights",
    frozenset({"sampler", "own-weights"}): r"rare classes would be helped twice",
    frozenset({"logit-adjustment", "own-weights"}): r"rare classes would be helped twice",
}


_ALONE: dict[str, str] = {  # beside an optimiser that averages its own steps
    **dict.fromkeys(("step", "cosine", "restarts", "one-cycle", "plateau"), r"schedule-free replaces the falling rate"),
    **dict.fromkeys(("ema", "swa"), r"schedule-free averages the weights by itself"),
    "proximal": r"the mean that schedule-free is judged by would have none",
}


def refusal(*chosen: Technique) -> str | None:
    """What must be said (a pattern) where these can't stand together; None where they can."""
    names = {technique.name for technique in chosen}
    if "fp16" in names:  # base() asks for the CPU
        return r"fp16 is for GPUs"
    if names & {"schedule-free", "schedule-free-sgd"}:
        asked = [reason for name, reason in _ALONE.items() if name in names]
        return asked[0] if asked else None
    return next((reason for both, reason in _REFUSED.items() if both <= names), None)


def matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None
