"""Weights that a detector begins with: published by name, a file, a package's, or a run's; layers for other classes stay new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from danlu.errors import RecipeError
from danlu.messages import choose, say
from danlu.nn.hub import careful
from danlu.nn.offline import published_file
from danlu.nn.run_weights import is_run, load_run
from danlu.nn.weights import is_file, tensors_of
from danlu.recipe.schema import Recipe
from danlu.tasks.detection import texts


def begin(net: nn.Module, recipe: Recipe, fresh: str, published: str | None = None) -> None:
    """Put in what ``model.pretrained`` asks for. fresh: what the names of layers that know the classes begin with; published: the net's
    name at torchvision. Raises RecipeError for weights that can't be had or don't fit.
    """
    asked, where = recipe.model.pretrained, recipe.where("model.pretrained")
    if not asked:
        return
    if isinstance(asked, str) and is_run(asked):
        load_run(net, Path(asked).expanduser(), (fresh,), where)
    elif isinstance(asked, str) and is_file(asked):
        fill(net, tensors_of(asked, where), fresh, asked, where)
    elif published is None:
        raise RecipeError.of(where, choose(texts.NONE_PUBLISHED), choose(texts.NONE_PUBLISHED_REMEDY))
    else:
        fill(net, _of_torchvision(published, asked, where), fresh, published, where)


def fill(net: nn.Module, tensors: dict[str, Tensor], fresh: str, file: str, where: str) -> None:
    """Names may all stand behind "1.". Raises RecipeError where anything but the layers ``fresh`` is missing or of another shape."""
    own = net.state_dict()
    if all(f"1.{name}" in tensors for name in own):
        tensors = {name: tensors[f"1.{name}"] for name in own}
    other = {name for name in own if name in tensors and tensors[name].shape != own[name].shape}
    kept = {name: value for name, value in tensors.items() if name not in other}
    with torch.no_grad():
        missing = net.load_state_dict(kept, strict=False).missing_keys
    wrong = [
        name for name in (*missing, *other) if not name.startswith(fresh) and not name.endswith("num_batches_tracked")
    ]
    wrong = sorted(set(wrong))
    if wrong:
        some = ", ".join(wrong[:5]) + (" …" if len(wrong) > 5 else "")
        raise RecipeError.of(where, say("nn.weights-differ", file=file, names=some, count=len(wrong)))


def frozen(net: nn.Module) -> None:
    """Batch norms keep what they were published with, as torchvision has it for these nets: batches of detection are small."""
    from torchvision.ops.misc import FrozenBatchNorm2d

    for module in list(net.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, FrozenBatchNorm2d(child.num_features, 0.0))


def _of_torchvision(name: str, asked: bool | str, where: str) -> dict[str, Tensor]:
    from torchvision import models

    known: Any = models.get_model_weights(name)
    choice = getattr(known, "DEFAULT" if asked is True else str(asked), None)
    if choice is None:
        what = choose(texts.NO_WEIGHTS).format(net=name, asked=asked)
        raise RecipeError.of(
            where, what, choose(texts.NO_WEIGHTS_REMEDY).format(known=", ".join(each.name for each in known))
        )
    here = published_file(choice.url.rpartition("/")[2])
    if here is not None:
        return tensors_of(str(here), where)
    try:
        with careful():
            return dict(choice.get_state_dict(progress=False, check_hash=True))
    except Exception as error:  # whatever a download can end in
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise RecipeError.of(
            where, say("nn.no-weights", net=name, reason=reason), say("nn.no-weights-remedy")
        ) from error
