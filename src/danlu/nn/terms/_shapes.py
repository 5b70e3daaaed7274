"""Refusals of outputs and targets that don't fit: torch would broadcast some of them with a mere warning."""

from __future__ import annotations

from torch import Tensor

from danlu.errors import DanluError, RecipeError
from danlu.messages import say


def same_shape(term: str, column: str, output: Tensor, target: Tensor) -> None:
    """Raises RecipeError unless both have one shape: (B, 1) beside (B,) would become (B, B)."""
    if output.shape != target.shape:
        squeezable = output.ndim == target.ndim + 1 and output.shape[-1] == 1
        remedy = say("nn.squeeze") if squeezable else say("nn.same-shape-remedy")
        raise misfit(term, column, output, target, remedy)


def classes_in_front(term: str, column: str, output: Tensor, target: Tensor) -> None:
    """Raises RecipeError unless labels (B, …) or probabilities (B, K, …) stand beside logits (B, K, …)."""
    soft = target.is_floating_point()
    expected = output.shape if soft else output.shape[:1] + output.shape[2:]
    if output.ndim < 2 or target.shape != expected:
        raise misfit(term, column, output, target, say("nn.classes-remedy"))


def misfit(term: str, column: str, output: Tensor, target: Tensor, remedy: str) -> DanluError:
    what = say("nn.shapes-differ", term=term, output=tuple(output.shape), target=tuple(target.shape))
    return RecipeError.of(f"column {column!r}", what, remedy)


def views_of_samples(term: str, column: str, output: Tensor) -> None:
    """Raises RecipeError unless the outputs are two or more views of each sample: (B, V, D)."""
    if output.ndim != 3 or output.shape[1] < 2:
        what = say("nn.no-views", term=term, output=tuple(output.shape))
        raise RecipeError.of(f"column {column!r}", what, say("nn.no-views.remedy"))
