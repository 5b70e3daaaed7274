"""What an explanation explains: one number that a net's outputs hold for a sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from danlu.errors import DanluError
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.tasks.base import Task


@dataclass(frozen=True)
class Aim:
    """name: what is explained, in words ("ankle boot"). score: a net's outputs of B inputs → (B,), differentiable.

    The B inputs are variants of one sample (blurred, covered, scaled), so that ``score`` must pick the same thing in each of them: a
    class, a location, a direction.
    """

    name: str
    score: Callable[[Any], Tensor]


def by_target(task: Task, outputs: Any, asked: str | None) -> Aim:
    """A class's logit, or a number as it is, where the task has one target of classes or of numbers.

    outputs: the net's, of one sample. asked: a class's name; None: the class that the task decides for (of label sets, the most
    probable).
    Raises DanluError for an unknown class, TypeError where the outputs are something else.
    """
    name = task.data.targets[0] if len(task.data.targets) == 1 else ""
    kind = task.data.kinds.get(name)
    if not isinstance(outputs, Tensor) or kind is None:
        raise TypeError(f"{type(task).__name__} doesn't say which of its outputs can be explained")
    if kind.name == "number" and outputs.ndim == 1:
        return Aim(name, lambda given: given)
    classes: Sequence[str] | None = getattr(kind, "classes", None)
    if classes is None or outputs.ndim != 2 or outputs.shape[1] != len(classes):
        raise TypeError(f"{type(task).__name__} doesn't say which of its outputs can be explained")
    if asked is None:
        logits = outputs[0].detach()
        if task.offsets is not None:
            logits = logits + torch.as_tensor(task.offsets, dtype=logits.dtype, device=logits.device)
        place = int(logits.argmax())
    else:
        place = place_of(asked, classes)
    return Aim(classes[place], lambda given: given[:, place])


def place_of(asked: str, names: Sequence[str]) -> int:
    """Index of a class by its name. Raises DanluError, with the nearest, where there is none."""
    from danlu.recipe.nearest import did_you_mean

    if asked not in names:
        shown = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
        raise DanluError.of(asked, say("explain.no-class", classes=shown), did_you_mean(asked, names))
    return names.index(asked) if isinstance(names, list) else list(names).index(asked)


def of_masks(logits: Tensor, classes: Sequence[str], asked: str | None) -> Aim:
    """A class's logits, summed over the pixels that are answered with it. logits: (1, K, H, W). None: the class of most pixels, but for
    the first one (mostly the background) where there is another.
    """
    answer = logits[0].detach().argmax(0)
    counts = torch.bincount(answer.flatten(), minlength=len(classes))
    most = 1 + int(counts[1:].argmax()) if bool(counts[1:].any()) else 0
    place = most if asked is None else place_of(asked, classes)
    inside = (answer == place).to(logits.dtype)
    if not bool(inside.any()):  # asked for, and nowhere the answer: everywhere then
        inside = torch.ones_like(inside)
    return Aim(classes[place], lambda given: (given[:, place] * inside).sum((1, 2)))


def of_locations(logits: Tensor, classes: Sequence[str], asked: str | None) -> Aim:
    """The logit of the surest location, of a class or of all. logits: (1, L, K), one row for each place where an object may be."""
    seen = logits[0].detach()
    place = int(seen.max(0).values.argmax()) if asked is None else place_of(asked, classes)
    location = int(seen[:, place].argmax())
    return Aim(classes[place], lambda given: given[:, location, place])


def similarity(embedding: Tensor) -> Callable[[Tensor], Tensor]:
    """Cosine similarity to another sample's embedding (1, D): embeddings (B, D) → (B,)."""
    other = torch.nn.functional.normalize(embedding.detach(), dim=1)
    return lambda given: (torch.nn.functional.normalize(given, dim=1) * other).sum(1)
