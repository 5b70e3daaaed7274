"""Rotation prediction: by how many right angles was the image turned? (Gidaris, Singh & Komodakis 2018)"""

from __future__ import annotations

from torch import Tensor, nn

from danlu.tasks.self_supervised.learner import Learner


class Turned(Learner):
    """{"rotation": logits (B, 4, V)} of V turned images of each sample."""

    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__(encoder)
        self.head = nn.Linear(width, 4)

    def forward(self, image: Tensor, views: Tensor | None = None) -> dict[str, Tensor]:
        found = {} if self.training else {"embedding": self.embed(image)}
        if views is not None:
            found["rotation"] = self.head(self.of_views(views)).transpose(1, 2)
        return found
