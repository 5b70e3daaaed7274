"""NT-Xent: views of the same sample attract each other, all others in the effective batch repel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from danlu.nn.terms._shapes import views_of_samples
from danlu.nn.terms.base import Term

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch


class NtXent(Term):
    """The normalised, temperature-scaled cross entropy of SimCLR (Chen et al. 2020, section 2.1).

    output: (B, V, D), V ≥ 2 views of each of B samples, of any length: they are compared by their cosine. For each of the B·V views
    -log softmax(cosines / temperature) over all other views, at the other views of its sample (their mean where V > 2). A mean over
    the views of a sample, summed over samples: S/C is the usual mean over all views.
    temperature: > 0; 0.5 and 0.1 are usual, smaller ones look at the nearest others alone.
    coupled: a sample's loss depends on all others. Raises RecipeError for outputs of another shape.
    """

    coupled = True

    def __init__(
        self, target: str, output: str | None = None, *, temperature: Annotated[float, Field(gt=0)] = 0.5
    ) -> None:
        super().__init__(target, output)
        self.temperature = temperature

    def count(self, batch: Batch) -> Tensor:
        return torch.tensor(float(len(batch)), dtype=torch.float64, device=next(batch.tensors()).device)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        values = self.pick(outputs)
        views_of_samples(type(self).__name__, self.target, values)
        count, views, _ = values.shape
        unit = F.normalize(values, dim=2).flatten(0, 1)
        cosines = unit @ unit.T / self.temperature
        itself = torch.eye(count * views, dtype=torch.bool, device=values.device)
        scores = F.log_softmax(cosines.masked_fill(itself, -torch.inf), dim=1)
        sample = torch.arange(count * views, device=values.device) // views
        positive = (sample[:, None] == sample[None]) & ~itself
        return -scores[positive].sum() / (views * (views - 1))

    def extra_repr(self) -> str:
        return f"temperature={self.temperature}"
