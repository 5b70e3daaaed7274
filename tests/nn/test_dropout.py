"""Dropout drawn by words: the share, the mean, independence, the seed alone, and the gradient of what is kept."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch

from danlu.nn.dropout import Dropout, drop
from danlu.nn.nets.gpt import Gpt
from danlu.nn.nets.seq2seq_transformer import Seq2seqTransformer
from danlu.nn.nets.span_reader import SpanReader


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_share_is_dropped_and_the_mean_stays(share: float) -> None:
    torch.manual_seed(0)
    x = torch.ones(1000, 403)
    found = drop(x, share)
    spread = (share * (1 - share) / x.numel()) ** 0.5
    assert abs(float((found == 0).double().mean()) - share) < 5 * spread
    assert float(found.max()) == pytest.approx(1 / (1 - share), rel=1e-3)
    assert float(found.double().mean()) == pytest.approx(1, abs=5 * spread / (1 - share))


def test_all_of_it_can_go_and_none() -> None:
    x = torch.ones(70_000)
    assert not drop(x, 1.0).any()
    assert drop(x, 0.0) is x


def test_neighbours_are_independent() -> None:
    torch.manual_seed(0)
    gone = (drop(torch.ones(400_000), 0.3) == 0).double()
    for apart in (1, 2, 3, 4, 5):
        together = float((gone[apart:] * gone[:-apart]).mean())
        assert together == pytest.approx(0.09, abs=0.003)


@pytest.mark.parametrize("rows", [7, 30_000])
def test_it_depends_on_the_seed_alone(rows: int) -> None:
    """Of few values and of so many that another generator draws, whose seed is drawn."""
    x = torch.randn(rows, 5)
    torch.manual_seed(3)
    one = drop(x, 0.5)
    torch.manual_seed(3)
    assert torch.equal(one, drop(x, 0.5))
    assert not torch.equal(one, drop(x, 0.5))


def test_the_gradient_is_that_of_what_is_kept() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 3, requires_grad=True)
    found = drop(x, 0.4)
    found.sum().backward()
    assert torch.allclose(x.grad, found.detach() / x.detach())  # type: ignore[arg-type]


def test_nothing_is_drawn_where_nothing_is_dropped() -> None:
    x = torch.randn(3, 3)
    layer = Dropout(0.5).eval()
    before = torch.get_rng_state()
    assert layer(x) is x
    assert drop(x, 0.0) is x
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", [Seq2seqTransformer, Gpt, SpanReader])
def test_nets_of_tokens_draw_by_words(kind: Any) -> None:
    """A value for each token and feature is dropped: torch's own draws were a sixth of a translator's step on a CPU."""
    sizes = {"vocabulary": 9, "targets": 9, "width": 8, "layers": 1, "heads": 2, "dropout": 0.4}
    net = kind(**{name: value for name, value in sizes.items() if name in inspect.signature(kind).parameters})
    drops = [module for module in net.modules() if isinstance(module, torch.nn.Dropout)]
    assert drops
    assert all(type(module) is Dropout for module in drops)


@pytest.mark.parametrize("kind", ["tabm", "table-mlp", "fm", "deepfm", "dcnv2", "two-tower", "sasrec", "neumf"])
def test_nets_of_rows_and_pairs_draw_by_words(kind: str) -> None:
    """torch's own draws are a third of a training of these on a CPU."""
    from danlu.nn.embedding.interactions import Interactions
    from danlu.nn.embedding.items import Items
    from danlu.recipe.names import load_object, resolve

    known = Interactions(3, 4, np.arange(3), np.arange(3), np.zeros(3, int), np.arange(3.0))
    items = Items(np.zeros((4, 2), np.int64), np.ones((4, 2), np.float32), np.zeros((4, 1), np.float32), 3)
    given = {
        "numbers": 2, "cardinalities": [3, 4], "classes": 2, "users": 3, "items": 4, "interactions": known, "content": items,
        "dropout": 0.4, "hidden": 8 if kind == "two-tower" else (8,), "quantiles": [[0.0, 1.0, 2.0]] * 2,
    }  # fmt: skip
    target = load_object(resolve("net", kind))
    net = target(**{name: given[name] for name in inspect.signature(target).parameters if name in given})
    drops = [module for module in net.modules() if isinstance(module, torch.nn.Dropout)]
    assert drops
    assert all(type(module) is Dropout for module in drops)
