"""The recipes that are killed: between them every technique that keeps a state, draws numbers or has a process of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

SHAPES: dict[str, Any] = {"split": {"val": 0.2, "test": 0.2}, "workers": 0}
DIGITS: dict[str, Any] = {"source": "builtin:digits", "limit": 96, "split": {"val": 0.2, "test": 0.2}, "workers": 0}
COCO: dict[str, Any] = {"format": "coco", "split": {"val": 0.2, "test": 0.2}, "workers": 0}
STREAM: dict[str, Any] = {"storage": "stream", "workers": 2}
RESNET: dict[str, Any] = {"name": "resnet", "args": {"width": 8}}
DETECTOR: dict[str, Any] = {"args": {"width": 8, "features": 16, "tower": 1}}

# What the ordinary test run kills: small, and yet mixed, dropped out, accumulated, averaged, clipped, read by two workers.
SMALL = "small"

# 72 training images in micro-batches of 10 are 8 of them, the last of 2: windows of 3, 3 and 2.
RECIPES: dict[str, dict[str, Any]] = {
    SMALL: {
        "data": DIGITS | {"workers": 2, "augment": [{"crop": 1}, {"mixup": 0.2}]},
        "model": {"name": "mlp", "dropout": 0.2, "args": {"widths": [32]}},
        "train": {
            "epochs": 4, "accumulate": 3, "ema": 0.9, "clip_norm": 1.0, "optimizer": {"name": "adamw", "lr": 1e-3},
            "checkpoint": {"every_steps": 2},
        },
        "evaluate": {"baselines": False},
    },
    "sgd": {
        "data": SHAPES | {"augment": [{"flip": {"alternating": True}}, {"rotate": 10}]},
        "model": RESNET,
        "train": {"epochs": 4, "batch_size": 12, "channels_last": True, "checkpoint": {"every_steps": 4, "keep": 2}},
    },
    "mixup-ema-accumulate": {
        "data": SHAPES | {"augment": ["flip", {"mixup": 0.2}]},
        "model": RESNET,
        "train": {
            "accumulate": 3, "ema": 0.9, "optimizer": {"name": "adamw", "lr": 3e-3}, "checkpoint": {"every_steps": 2}
        },
    },
    "cutmix-bf16-dropout": {
        "data": SHAPES | {"augment": [{"crop": 2}, {"cutmix": 1.0}]},
        "model": RESNET | {"dropout": 0.3, "args": {"width": 8, "drop_path": 0.3}},
        "train": {"precision": "bf16", "clip_norm": 1.0, "channels_last": True, "checkpoint": {"every_steps": 3}},
    },
    "stream-sampler-jitter": {
        "data": SHAPES | STREAM | {
            "balance": "sampler",
            "augment": [{"crop": 2}, "erase", {"color-jitter": {"brightness": 0.3, "contrast": 0.3}}],
        },
        "model": RESNET,
        "train": {"optimizer": {"name": "adamw", "lr": 3e-3}, "channels_last": False, "checkpoint": {"every_steps": 3}},
    },
    "early-stop-l1": {
        "data": SHAPES | {"augment": ["randaugment"]},
        "model": RESNET,
        "train": {
            "epochs": 8, "l1": 1e-4, "warmup": 5, "schedule": "cosine", "optimizer": {"name": "sgd", "lr": 0.6},
            "early_stop": {"monitor": "val/loss", "patience": 1}, "best": "val/loss",
            "checkpoint": {"every_steps": 5, "keep": 1},
        },
    },
    "lr-auto": {
        "data": SHAPES | {"augment": ["random-resized-crop", "flip"]},
        "model": RESNET | {"dropout": 0.2},
        "train": {"optimizer": {"name": "adamw", "lr": "auto"}, "ema": 0.95, "checkpoint": {"every_steps": 3}},
    },
    "no-checkpoint-at-epochs": {
        "data": SHAPES | {"augment": ["flip", {"rotate": 15}], "balance": "class-weights"},
        "model": {"name": "image-classifier", "dropout": 0.3, "args": {"widths": [8, 16]}},
        "train": {
            "loss": {"focal": {"gamma": 1.5}}, "channels_last": True,
            "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9},
            "checkpoint": {"every_steps": 6, "every_epochs": None},
        },
        "evaluate": {"weights": "best"},
    },
    "no-checkpoint-in-epochs": {
        "data": SHAPES | {"storage": "encoded", "augment": ["flip", "erase"]},
        "model": RESNET | {"norm": "group"},
        "train": {"accumulate": 3, "clip_norm": 0.5, "optimizer": {"name": "adam", "lr": 3e-3}, "evaluate_every": 2},
        "evaluate": {"weights": "best"},
    },
    "stream-mixup-bf16": {
        "data": SHAPES | STREAM | {"augment": ["flip", {"mixup": 0.4}]},
        "model": RESNET | {"dropout": 0.2},
        "train": {"accumulate": 3, "ema": 0.9, "precision": "bf16", "checkpoint": {"every_steps": 2}},
        "evaluate": {"weights": "best"},
    },
    "digits-max-steps": {
        "data": DIGITS | {"workers": 2, "augment": [{"crop": 1}, {"mixup": 0.2}, {"cutmix": 1.0}]},
        "model": {"name": "mlp", "dropout": 0.2, "args": {"widths": [32]}},
        "train": {
            "epochs": 6, "max_steps": 29, "batch_size": 16, "optimizer": {"name": "rmsprop", "lr": 1e-3},
            "schedule": "step", "checkpoint": {"every_steps": 3},
        },
        "watch": {"tensorboard": True},
    },
    "digits-without-validation": {
        "data": DIGITS | {"split": {"val": 0.0, "test": 0.3}},
        "model": {"name": "mlp", "norm": "none", "args": {"widths": [32]}},
        "train": {
            "epochs": 6, "batch_size": 16, "accumulate": 2, "ema": 0.9, "optimizer": {"name": "adamw", "lr": 1e-3},
            "schedule": "constant", "checkpoint": {"every_steps": 3},
        },
    },
    "detection": {
        "task": "detection",
        "data": COCO | {"augment": ["flip", {"color-jitter": {"brightness": 0.2}}]},
        "model": DETECTOR,
        "train": {"batch_size": 8, "checkpoint": {"every_steps": 2}},
    },
    "detection-stream": {
        "task": "detection",
        "data": COCO | STREAM | {"augment": ["flip", {"crop": 4}]},
        "model": DETECTOR,
        "train": {
            "batch_size": 5, "accumulate": 3, "ema": 0.9, "optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9},
            "checkpoint": {"every_steps": 2},
        },
        "evaluate": {"weights": "best"},
    },
}  # fmt: skip


def whole(name: str, folders: dict[str, str]) -> dict[str, Any]:
    """The recipe to be written down, in relative paths but for the data. folders: "shapes" and "coco" → the source."""
    chosen = RECIPES[name]
    task = chosen.get("task", "image-classification")
    data = {"source": folders["coco" if task == "detection" else "shapes"], "cache": "cache"} | chosen["data"]
    train = {"epochs": 3, "batch_size": 10, "precision": "fp32", "device": "cpu", "threads": 1} | chosen["train"]
    train["checkpoint"] = {"every_minutes": None} | train.get("checkpoint", {})
    return {
        "task": task,
        "seed": 11,
        "run": {"name": "it", "folder": "runs"},
        "data": data,
        "model": chosen["model"],
        "train": train,
        "evaluate": chosen.get("evaluate", {}),
        "watch": {"log_seconds": 0.001} | chosen.get("watch", {}),
    }


def workplace(place: Path, name: str, folders: dict[str, str]) -> Path:
    """``place``, empty but for the recipe: the folder in which a training keeps its run and its cache."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    (place / "recipe.yaml").write_text(yaml.safe_dump(whole(name, folders), sort_keys=False), encoding="utf-8")
    return place
