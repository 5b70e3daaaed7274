"""Which items are candidates, and which terms are reasons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from danlu.nn.embedding.interactions import Interactions
from danlu.tasks.content_recommendation.decoder import REASONS, ExplainedItems
from danlu.tasks.content_recommendation.net import ContentRecommender


class Flat(nn.Module):
    """All items alike."""

    def scores(self, users: Tensor, part: Tensor | None) -> Tensor:
        return torch.zeros(len(users), 5)

    def like(self, items: Tensor) -> Tensor:
        return torch.zeros(len(items), 5)


@pytest.mark.parametrize("fresh", [True, False])
def test_where_items_are_divided_those_met_in_training_are_no_candidates_of_what_is_judged(fresh: bool) -> None:
    user, item, part = (np.asarray(each) for each in ([0, 0, 1, 1], [0, 1, 1, 3], [0, 0, 0, 2]))
    net = ContentRecommender(Flat(), Interactions(2, 5, user, item, part), fresh).eval()
    judged = net(torch.tensor([0, 1, -1]), torch.tensor([1, 2, 2]))["scores"]
    out = [True, True, False, False, False]  # 0 and 1 were met in training; 3 in the test part alone
    for row in judged:
        assert row.isneginf().tolist() == (out if fresh else [False] * 5)
    asked = net(torch.tensor([0, 1, -2]))["scores"]  # a question is about all there are
    assert not asked.isinf().any()


def test_terms_of_most_items_are_no_reason() -> None:
    """The rarest shared term first; what more than half of the items have is never told, nor what only one side has."""
    idf = [1.1, 2.0, 3.0, 4.0]
    content: dict[str, Any] = {
        "terms": ["film", "war", "sea", "crew"], "idf": idf, "rows": [[0, 1, 2], [0, 1, 2, 3], [0, 3], [0]],
        "numbers": [[]] * 4, "number_names": [],
    }  # fmt: skip
    decoder = ExplainedItems(list("abcd"), (), 3, 3, content)
    found = decoder.reasons(np.asarray([0]), np.asarray([1, 2, -1])).reshape(3, REASONS)
    assert found.tolist() == [[2, 1, -1], [-1, -1, -1], [-1, -1, -1]]
