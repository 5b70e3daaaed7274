"""Patches: dotted recipe keys with new values, only such as this recipe and its net can take. Without a recipe they are empty."""

from __future__ import annotations

from typing import Any

from danlu.watch.health.recording import Recording

Patch = dict[str, Any]

_RATE = "train.optimizer.lr"
_PATIENCE = 0.3  # of the evaluations
_SIDE = 16  # pixels: in smaller images a shift takes away too much


def rate(recording: Recording, factor: float) -> Patch:
    """Let a short test find the peak rate: it is measured on this net and these data. Where that was done already, the rate times
    ``factor``.
    """
    recipe = recording.recipe
    if recipe is None or not isinstance(recipe.train.optimizer.lr, float | int):
        return {}
    if _RATE in recording.automatic:
        return {_RATE: float(f"{recipe.train.optimizer.lr * factor:.1e}")}
    return {_RATE: "auto"}


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
    """A schedule at whose end the rate is low; an optimiser that does without takes none."""
    recipe = recording.recipe
    if recipe is None or recipe.train.optimizer.name == "schedule-free":
        return {}
    return {"train.schedule": "cosine"} if recipe.train.schedule.name == "constant" else {}


def schedule(recording: Recording) -> Patch:
    """One that spreads the fall over the whole run."""
    recipe = recording.recipe
    none = recipe is None or recipe.train.optimizer.name == "schedule-free"
    return {} if none else {"train.schedule": "one-cycle"}


def activation(recording: Recording, name: str) -> Patch:
    now = recording.takes.get("activation", name)
    return {"model.activation": name} if now != name and _may(recording, "activation", name) else {}


def norm(recording: Recording, name: str = "batch") -> Patch:
    """Where there is none yet."""
    return {"model.norm": name} if recording.takes.get("norm") == "none" and _may(recording, "norm", name) else {}


def _may(recording: Recording, key: str, name: str) -> bool:
    """A net of the user's may allow some names only."""
    return recording.recipe is not None and name in recording.choices.get(key, (name,))


def dropout(recording: Recording, share: float) -> Patch:
    """At least so much, where the net has any."""
    now = recording.takes.get("dropout")
    return {"model.dropout": share} if recording.recipe is not None and isinstance(now, float) and now < share else {}


def less_dropout(recording: Recording) -> Patch:
    """A net that learns too little needs none."""
    now = recording.takes.get("dropout")
    return {"model.dropout": 0.0} if recording.recipe is not None and isinstance(now, float) and now >= 0.3 else {}


def wider(recording: Recording) -> Patch:
    """Layers four times as wide, 64 at least, where the recipe says how wide they are. Weights that it brings fit as they are only."""
    recipe = recording.recipe
    args = {} if recipe is None or recipe.model.pretrained else recipe.model.args
    if args.get("widths"):
        return {"model.args.widths": [max(4 * int(width), 64) for width in args["widths"]]}
    return {"model.args.width": max(4 * int(args["width"]), 64)} if isinstance(args.get("width"), int) else {}


def thaw(recording: Recording) -> Patch:
    """Train everything, where the recipe has the head trained alone."""
    return {"model.unfreeze": "all"} if recording.unfreezes == "frozen" else {}


def augment(recording: Recording) -> Patch:
    """For images where nothing is varied yet: shifts by a twenty-eighth of their side, which change no class."""
    recipe = recording.recipe
    if recipe is None or recipe.data.augment or recording.side < _SIDE:
        return {}
    return {"data.augment": [{"crop": max(1, round(recording.side / 28))}]}


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


def early_stop(recording: Recording) -> Patch:
    """Stop, and keep the weights of the lowest validation loss. A schedule that begins with a low rate needs patience at first."""
    recipe = recording.recipe
    if recipe is None:
        return {}
    found: Patch = {}
    if recipe.train.early_stop is None:
        count = len(recording.curves["val/loss"][1]) if "val/loss" in recording.curves else 0
        found["train.early_stop"] = {"monitor": "val/loss", "patience": max(5, round(_PATIENCE * count))}
    if recipe.evaluate.weights != "best":
        found["evaluate.weights"] = "best"
    return found


def decay(recording: Recording) -> Patch:
    """More of it; what is meant by a number depends on whether the optimiser decouples it (Loshchilov & Hutter 2019)."""
    recipe = recording.recipe
    if recipe is None:
        return {}
    least = 0.1 if recipe.train.optimizer.name in ("adamw", "lion", "muon") else 5e-3
    return {} if recipe.train.optimizer.weight_decay >= least else {"train.optimizer.weight_decay": least}


def smoothing(recording: Recording, share: float = 0.1) -> Patch:
    """Label smoothing of a cross entropy (Lukasik et al. 2020: it helps against wrong labels)."""
    recipe = recording.recipe
    loss = None if recipe is None else recipe.train.loss
    if recipe is None or loss is None or loss.name != "cross-entropy":
        return {}
    now = loss.args.get("label_smoothing", 0.0)
    if now >= share:
        return {}
    return {"train.loss": {"name": loss.name, **loss.args, "label_smoothing": share}}
