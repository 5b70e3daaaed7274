"""SimCLR: views of one image should be nearer to each other than to any other image's (Chen et al. 2020)."""

from __future__ import annotations

from torch import Tensor, nn

from danlu.tasks.self_supervised.learner import Learner


class Contrastive(Learner):
    """{"projection": (B, V, P)} of the views; the head is a perceptron of one hidden layer, without norms that would mix samples."""

    def __init__(self, encoder: nn.Module, width: int, projection: int) -> None:
        super().__init__(encoder)
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, projection))

    def forward(self, image: Tensor, views: Tensor | None = None) -> dict[str, Tensor]:
        found = {} if self.training else {"embedding": self.embed(image)}
        if views is not None:
            found["projection"] = self.head(self.of_views(views))
        return found
