"""Weights of a run of ours: ``model.pretrained: runs/NAME`` begins where that run ended, with a new head."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from danlu.errors import DanluError, RecipeError
from danlu.messages import say
from danlu.nn.tensor_file import read_tensors
from danlu.recipe import resolved
from danlu.recipe.schema import Recipe


def is_run(file: str) -> bool:
    """Whether it is the folder of a run."""
    return (Path(file).expanduser() / "recipe.yaml").is_file()


def load_run(net: nn.Module, folder: Path, head: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Load the run's net into ``net``, except what stands behind the names ``head``; returns the names that kept fresh values.

    The weights are those that the run itself answers with: its best, or its last (averaged ones where it averages). The net may be a
    part of the run's: an encoder behind its normalisation. Raises RecipeError where there are none, where they are damaged, and where
    another net or another number of channels was learnt.
    """
    recipe = _recipe(folder, where)
    found = run_tensors(folder, where)
    own = net.state_dict()
    body = [name for name in own if not name.startswith(head)]
    prefix = _prefix(body, found)
    wrong = [name for name in body if prefix + name not in found or found[prefix + name].shape != own[name].shape]
    if wrong:
        raise _other(wrong, own, found, prefix, folder, recipe, where)
    for name in body:
        own[name].copy_(found[prefix + name])
    return tuple(name for name in own if name.startswith(head))


def run_tensors(folder: Path, where: str) -> dict[str, Tensor]:
    """name → tensor, of the weights that the run itself answers with. Raises RecipeError where there are none, or damaged ones."""
    return read_tensors(_proven(folder, _recipe(folder, where), where), where)


def begun_with(folder: Path, where: str) -> bool | str:
    """What the run's own recipe says of ``model.pretrained``. Raises RecipeError where it can't be read."""
    return _recipe(folder, where).model.pretrained


def proof(file: str) -> dict[str, Any]:
    """{"run", "file", "blake2b"} of the weights that ``model.pretrained`` names, for the record; empty where it names no run."""
    if not is_run(file):
        return {}
    folder = Path(file).expanduser()
    weights = _file(folder, _recipe(folder, "model.pretrained"), "model.pretrained")
    return {"run": str(folder), "file": str(weights.relative_to(folder)), "blake2b": _hash(weights)}


def _recipe(folder: Path, where: str) -> Recipe:
    try:
        return resolved(folder / "recipe.yaml")
    except DanluError as error:
        reason = error.problems[0].what
        raise RecipeError.of(where, say("nn.run-unreadable", run=folder, reason=reason)) from error


def _file(folder: Path, recipe: Recipe, where: str) -> Path:
    """The run's best weights, else those of its newest checkpoint."""
    best = folder / "best" / "net.safetensors"
    if recipe.evaluate.weights == "best" and best.is_file():
        return best
    for saved in sorted((folder / "checkpoints").glob("[0-9]*"), key=lambda path: path.name.zfill(20), reverse=True):
        for name in ("ema.safetensors", "net.safetensors"):
            if (saved / name).is_file():
                return saved / name
    if best.is_file():
        return best
    raise RecipeError.of(where, say("nn.run-empty", run=folder), say("nn.run-empty.remedy"))


def _proven(folder: Path, recipe: Recipe, where: str) -> Path:
    """The file, if it is what its folder's manifest says it was."""
    file = _file(folder, recipe, where)
    try:
        said = json.loads((file.parent / "MANIFEST.json").read_bytes())["files"][file.name]["blake2b"]
        sound = said == _hash(file)
    except (OSError, ValueError, KeyError, TypeError):
        sound = False
    if not sound:
        raise RecipeError.of(where, say("nn.run-damaged", file=file), say("nn.run-empty.remedy"))
    return file


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _prefix(names: list[str], found: Mapping[str, Tensor]) -> str:
    """What stands before the net's names in the run's: the prefix under which most of them are found."""
    ends = {key[: -len(name)] for name in names[:8] for key in found if key == name or key.endswith(f".{name}")}
    return max(sorted(ends), key=lambda prefix: sum(prefix + name in found for name in names), default="")


def _other(
    wrong: list[str],
    own: Mapping[str, Tensor],
    found: Mapping[str, Tensor],
    prefix: str,
    folder: Path,
    recipe: Recipe,
    where: str,
) -> DanluError:
    """What the two nets differ in: the first tensor's channels, or names and shapes."""
    values: dict[str, Any] = {"run": folder, "task": recipe.task, "net": recipe.model.name}
    given = found.get(prefix + wrong[0])
    mine = own[wrong[0]]
    if len(wrong) == 1 and given is not None and mine.ndim == given.ndim == 4 and mine.shape[1] != given.shape[1]:
        what = say("nn.run-channels", theirs=given.shape[1], own=mine.shape[1], **values)
        return RecipeError.of(where, what, say("nn.run-channels.remedy", channels=given.shape[1]))
    theirs = "–" if given is None else tuple(given.shape)
    what = say("nn.run-differs", name=wrong[0], count=len(wrong), own=tuple(mine.shape), theirs=theirs, **values)
    return RecipeError.of(where, what, say("nn.run-differs.remedy", run=folder))
