"""The weights that a run's test, evaluation and predictions use: one place decides, and never takes others in silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from danlu.errors import Problem, RunError
from danlu.messages import say
from danlu.recipe.schema import Recipe
from danlu.runs.changes import SHAPES, changes
from danlu.runs.folder import RunFolder
from danlu.training import best, checkpoint
from danlu.training.checkpoint import State
from danlu.training.manifest import DamagedError

_TRIES = 10


def replaced(recipe: Recipe) -> Recipe:
    """The recipe for a net whose every weight comes from the run: published ones need not be had (offline, elsewhere)."""
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"pretrained": False})})


def chosen(folder: RunFolder, recipe: Recipe) -> dict[str, Tensor]:
    """The best weights, or the last (averaged where EMA is on) as ``evaluate.weights`` says and where nothing was judged.

    Only reads, also while the run goes on. Raises RunError where there are none, where they are damaged, and where the recipe's net
    is not the one that they were trained in.
    """
    awaited = _awaited(folder)
    if recipe.evaluate.weights == "best" and (awaited >= 0 or checkpoint.exists(folder.best)):
        state = _best(folder, awaited)
        tensors = state.tensors["net"]
    else:
        state = _last(folder)
        tensors = state.tensors.get("ema", state.tensors["net"])
    before = state.values.get("extra", {}).get("recipe")
    differing = changes(before, recipe, SHAPES) if before else []
    if differing:
        what = say("runs.recipe-other-net", changes="; ".join(differing))
        raise RunError.of(str(folder.recipe), what, say("runs.recipe-other-net.remedy"))
    return dict(tensors)


def put_into(net: nn.Module, tensors: dict[str, Tensor], folder: RunFolder) -> None:
    """Raises RunError where they don't fit: runs of earlier versions don't tell the recipe of their weights."""
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise RunError.of(str(folder.recipe), say("runs.weights-misfit", reason=reason[:300])) from error


def secure(folder: RunFolder, warn: Callable[[str], None]) -> None:
    """Before the test that ends a run: the best weights are mended where they can be. Raises RunError where they are lost."""
    state = _newest(folder).get("best")
    damage = best.settled(folder.best, folder.checkpoints, state, warn) if state else ""
    if damage:
        raise _lost(folder, damage)


def _best(folder: RunFolder, awaited: int) -> State:
    try:
        state = checkpoint.read(folder.best)
    except DamagedError as damage:
        raise _lost(folder, str(damage)) from damage
    found = state.values.get("step", awaited)
    if found < awaited:  # further on is right: the checkpoint that tells of it is still to come
        raise _lost(folder, say("training.damage-other-step", file=folder.best.name, found=found, step=awaited))
    return state


def _lost(folder: RunFolder, damage: str) -> RunError:
    what = say("runs.best-damaged", damage=damage)
    return RunError(Problem(str(folder.best), what, say("runs.best-damaged.remedy", path=folder.path)))


def _last(folder: RunFolder) -> State:
    for _ in range(_TRIES):
        saved = checkpoint.listed(folder.checkpoints)
        if not saved:
            path = folder.path
            raise RunError.of(str(path), say("runs.no-weights"), say("runs.no-weights.remedy", path=path))
        try:
            return checkpoint.read(saved[-1])
        except DamagedError as error:
            damage = error
        if (
            checkpoint.listed(folder.checkpoints)[-1:] == saved[-1:]
        ):  # else training goes on and has deleted it meanwhile
            break
    what = say("training.checkpoint-damaged", damage=damage)
    raise RunError.of(str(saved[-1]), what, say("runs.last-damaged.remedy", path=folder.path)) from damage


def _awaited(folder: RunFolder) -> int:
    """The step whose weights the newest sound checkpoint calls the best; -1 where it knows of none."""
    found = _newest(folder).get("best")
    return int(found["step"]) if found else -1


def _newest(folder: RunFolder) -> dict[str, Any]:
    """The values of the newest checkpoint that can tell them."""
    for path in reversed(checkpoint.listed(folder.checkpoints)):
        try:
            return checkpoint.values(path)
        except DamagedError:  # whoever needs its tensors says so
            continue
    return {}
