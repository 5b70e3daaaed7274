"""Patches: dotted recipe keys with new values, only such as this recipe and its net can take. Without a recipe they are empty."""

from __future__ import annotations

from typing import Any

from danlu.recipe.schema import Named
from danlu.watch.health.recording import Recording

Patch = dict[str, Any]

_RATES = {"adamw": 1e-3, "adam": 1e-3, "rmsprop": 1e-3, "lion": 1e-4, "muon": 2e-2, "sgd": 0.05}
"""Rates that each optimiser mostly works with: torch's defaults, Lion's a tenth of Adam's (Chen et al. 2023), Muon's own."""


def rate(recording: Recording, factor: float) -> Patch:
    """The peak rate times ``factor``, in two digits; a lowered one that is still above what its optimiser mostly works with becomes
    that, a raised one stays below it.
    """
    recipe = recording.recipe
    if recipe is None or not isinstance(recipe.train.optimizer.lr, float | int):
        return {}
    now = float(recipe.train.optimizer.lr)
    usual = _RATES.get(recipe.train.optimizer.name)
    wanted = now * factor
    if usual is not None:
        wanted = min(wanted, usual if factor < 1 else max(usual, now))
    wanted = float(f"{wanted:.1e}")
    return {"train.optimizer.lr": wanted} if wanted != now else {}


def found_rate(recording: Recording) -> Patch:
    """Let a short test find the peak rate: it is measured on this net and these data."""
    recipe = recording.recipe
    return {} if recipe is None else {"train.optimizer.lr": "auto"}


def clip(recording: Recording, norm: float = 1.0) -> Patch:
    recipe = recording.recipe
    if recipe is None or (recipe.train.clip_norm is not None and recipe.train.clip_norm <= norm):
        return {}
    return {"train.clip_norm": norm}


def warm_up(recording: Recording, share: float = 0.1) -> Patch:
    """One-cycle begins low by itself."""
    recipe = recording.recipe
    if recipe is None or recipe.train.warmup or recipe.train.schedule.name == "one-cycle":
        return {}
    return {"train.warmup": share}


def fall(recording: Recording) -> Patch:
    """A schedule at whose end the rate is low."""
    recipe = recording.recipe
    return {"train.schedule": "cosine"} if recipe is not None and recipe.train.schedule.name == "constant" else {}


def schedule(recording: Recording) -> Patch:
    """One that spreads the fall over the whole run."""
    return {} if recording.recipe is None else {"train.schedule": "one-cycle"}


def activation(recording: Recording, name: str) -> Patch:
    now = recording.takes.get("activation", name)
    return {} if recording.recipe is None or now == name else {"model.activation": name}


def norm(recording: Recording, name: str = "batch") -> Patch:
    """Where there is none yet."""
    now = recording.takes.get("norm")
    return {"model.norm": name} if recording.recipe is not None and now == "none" else {}


def dropout(recording: Recording, share: float) -> Patch:
    now = recording.takes.get("dropout")
    return {"model.dropout": share} if recording.recipe is not None and now is not None and now != share else {}


def less_dropout(recording: Recording) -> Patch:
    """A net that learns too little needs none."""
    now = recording.takes.get("dropout")
    return {"model.dropout": 0.0} if recording.recipe is not None and isinstance(now, float) and now >= 0.3 else {}


def wider(recording: Recording) -> Patch:
    """Layers four times as wide, 64 at least, where the recipe says how wide they are."""
    recipe = recording.recipe
    args = {} if recipe is None else recipe.model.args
    if args.get("widths"):
        return {"model.args.widths": [max(4 * int(width), 64) for width in args["widths"]]}
    return {"model.args.width": max(4 * int(args["width"]), 64)} if isinstance(args.get("width"), int) else {}


def augment(recording: Recording) -> Patch:
    """For images where nothing is varied yet: small shifts, which change no class."""
    recipe = recording.recipe
    if recipe is None or recipe.data.augment or "image" not in recording.inputs:
        return {}
    return {"data.augment": [{"crop": 2}]}


def no_l1(recording: Recording) -> Patch:
    recipe = recording.recipe
    return {"train.l1": 0.0} if recipe is not None and recipe.train.l1 else {}


def epochs(recording: Recording, times: float) -> Patch:
    """More of them; ``max_steps``, where it is what ends the training, instead."""
    recipe = recording.recipe
    if recipe is None:
        return {}
    if recipe.train.max_steps is not None:
        return {
            "train.max_steps": int(recipe.train.max_steps * times),
            "train.epochs": int(recipe.train.epochs * times),
        }
    return {"train.epochs": max(recipe.train.epochs + 1, int(recipe.train.epochs * times))}


def early_stop(recording: Recording, evaluations: int) -> Patch:
    """Stop, and keep the weights of the lowest validation loss. evaluations: in the run so far."""
    recipe = recording.recipe
    if recipe is None:
        return {}
    found: Patch = {}
    if recipe.train.early_stop is None:
        found["train.early_stop"] = {"monitor": "val/loss", "patience": max(3, min(10, evaluations // 10))}
    if recipe.evaluate.weights != "best":
        found["evaluate.weights"] = "best"
    return found


def decay(recording: Recording, least: float) -> Patch:
    recipe = recording.recipe
    if recipe is None or recipe.train.optimizer.weight_decay >= least:
        return {}
    return {"train.optimizer.weight_decay": least}


def smoothing(recording: Recording, share: float = 0.1) -> Patch:
    """Label smoothing of a cross entropy (Lukasik et al. 2020: it helps against wrong labels)."""
    recipe = recording.recipe
    loss = None if recipe is None else recipe.train.loss
    if recipe is None or loss is None or loss.name != "cross-entropy":
        return {}
    now = loss.args.get("label_smoothing", 0.0)
    if now >= share:
        return {}
    return {"train.loss": Named(name=loss.name, args=dict(loss.args) | {"label_smoothing": share})}
