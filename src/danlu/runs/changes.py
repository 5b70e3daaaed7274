"""What stands otherwise in a recipe than in the one that a checkpoint was trained with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from danlu.messages import say
from danlu.recipe.schema import Recipe
from danlu.recipe.writing import shown

SHAPES = ("task", "model", "data.image", "data.normalize", "options")  # the net and what goes into it
_FREE = (  # nothing that is computed follows from them; that the data are the same is proven by their fingerprint
    "run", "watch", "deploy", "data.source", "data.root", "data.cache", "data.workers", "evaluate.weights", "evaluate.confidence",
    "evaluate.baselines", "train.checkpoint", "model.pretrained",
)  # fmt: skip


def as_data(recipe: Recipe) -> dict[str, Any]:
    """The recipe as a checkpoint keeps it."""
    return recipe.model_dump(mode="json")


def changes(before: Mapping[str, Any], now: Recipe, under: tuple[str, ...] = ()) -> list[str]:
    """ "train.optimizer.lr: 0.001 → 0.009" for every key that differs, if anything that is computed follows from it.

    Keys that the version which wrote ``before`` did not know are passed over. under: only keys under these.
    """
    return [
        say("runs.change", key=key, before=shown(old), now=shown(new))
        for key, old, new in _differing(before, as_data(now), "")
        if not _within(key, _FREE) and (not under or _within(key, under))
    ]


def _differing(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any, Any]]:
    """key, value before, value now. Of sections the keys that both have, of arguments (whose keys are the user's) all."""
    own = prefix.endswith(("args.", "columns.", "options."))
    for key in [*new, *(key for key in old if key not in new)] if own else [key for key in new if key in old]:
        before, after, name = old.get(key), new.get(key), f"{prefix}{key}"
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _differing(before, after, f"{name}.")
        elif before != after:
            yield name, before, after


def _within(key: str, prefixes: tuple[str, ...]) -> bool:
    return any(key == prefix or key.startswith(f"{prefix}.") for prefix in prefixes)
