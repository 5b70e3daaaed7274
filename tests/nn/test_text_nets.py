"""A text's answer does not depend on what it is batched with, for every net that reads texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from danlu.data.batches.batch import Padded
from danlu.nn.attention import attend
from danlu.nn.nets.bag import Bag
from danlu.nn.nets.ngrams import Ngrams
from danlu.nn.nets.text_classifier import TextClassifier, Turn, _take
from danlu.nn.nets.text_cnn import TextCnn
from danlu.nn.nets.text_transformer import TextTransformer, rotate


def _ngrams() -> Ngrams:
    net = Ngrams(50, 3, False, longest=3, grams=30, embedding=8, hidden=8)
    net.fit_texts([text.numpy() for text in _texts()] * 2, [str(number**3) for number in range(50)])
    torch.nn.init.normal_(net.embedding.weight)
    return net


def _ratios() -> Ngrams:
    net = Ngrams(50, 3, False, True, longest=3, grams=30, letters=40, embedding=8, hidden=8)
    pieces = [str(number**3) for number in range(50)]
    net.fit_texts([text.numpy() for text in _texts()] * 2, pieces, np.arange(10) % 3)
    for table in (net.embedding, net.runs):
        torch.nn.init.normal_(table.weight)  # type: ignore[union-attr]
    torch.nn.init.normal_(net.sizes)  # type: ignore[arg-type]
    return net


NETS: dict[str, Any] = {
    "ngrams": _ngrams,
    "ngrams-ratios": _ratios,
    "bag": lambda: Bag(50, 3, ngrams=3, buckets=97),
    "bag-hidden": lambda: Bag(50, 3, ngrams=1, hidden=8),
    "cnn": lambda: TextCnn(50, 3, filters=7, widths=(1, 2, 3, 4)),
    "rotary": lambda: TextTransformer(50, 3, width=16, heads=2),
    "learned": lambda: TextTransformer(50, 3, width=16, heads=2, positions="learned", longest=40),
    **{
        f"{cell}-{pool}-{directions}": (
            lambda cell=cell, pool=pool, directions=directions: TextClassifier(
                50, 3, embedding=8, hidden=6, cell=cell, layers=2, pool=pool, bidirectional=directions == "both"
            )
        )
        for cell in ("rnn", "lstm", "gru")
        for directions in ("one", "both")
        for pool in (
            ("last", "attention") if cell == "gru" else ("last", "mean", "max") if cell == "lstm" else ("last",)
        )
    },
}


def _texts() -> list[torch.Tensor]:
    draws = torch.Generator().manual_seed(1)
    return [torch.randint(1, 50, (size,), generator=draws, dtype=torch.int32) for size in (1, 2, 3, 7, 19)]


def _padded(texts: list[torch.Tensor], more: int = 0) -> Padded:
    block = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
    return Padded(F.pad(block, (0, more)), torch.tensor([[len(text)] for text in texts]))


@pytest.mark.parametrize("name", NETS)
def test_padded_is_single(name: str) -> None:
    torch.manual_seed(0)
    net, texts = NETS[name]().eval(), _texts()
    with torch.no_grad():
        together = net(_padded(texts, more=5))
        alone = torch.cat([net(_padded([text])) for text in texts])
    assert together.std(0).min() > 1e-4  # the texts are told apart
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", NETS)
def test_padding_gets_no_gradient(name: str) -> None:
    torch.manual_seed(0)
    net, texts = NETS[name]().eval(), _texts()
    net(_padded(texts, more=5)).sum().backward()
    slopes = net.embedding.weight.grad
    assert slopes is not None
    assert not slopes[0].any()
    assert slopes[texts[3][0]].abs().sum() > 0  # a maximum may pass others over


def test_a_bag_is_the_mean_of_its_embeddings() -> None:
    torch.manual_seed(0)
    net = Bag(50, 3, ngrams=1).eval()
    text = _texts()[4].long()
    expected = net.head(net.embedding.weight[text].mean(0))
    torch.testing.assert_close(net(_padded([text]))[0], expected)


def test_runs_of_tokens_are_told_from_each_other() -> None:
    torch.manual_seed(0)
    net = Bag(50, 3, ngrams=2, buckets=10_007).eval()
    one, other = net(_padded([torch.tensor([3, 4, 5]), torch.tensor([5, 4, 3])]))
    assert not torch.allclose(one, other)  # the same tokens, in another order


def test_attention_is_torchs() -> None:
    draws = torch.Generator().manual_seed(2)
    q, k, v = (torch.randn(2, 3, 5, 4, generator=draws, dtype=torch.float64) for _ in range(3))
    seen = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])[:, None, None, :]
    torch.testing.assert_close(attend(q, k, v), F.scaled_dot_product_attention(q, k, v))
    torch.testing.assert_close(attend(q, k, v, seen), F.scaled_dot_product_attention(q, k, v, attn_mask=seen))
    added = torch.randn(5, 5, generator=draws, dtype=torch.float64)
    torch.testing.assert_close(attend(q, k, v, added), F.scaled_dot_product_attention(q, k, v, attn_mask=added))


def test_rotary_products_depend_on_distance_alone() -> None:
    draws = torch.Generator().manual_seed(3)
    q, k = torch.randn(1, 1, 1, 8, generator=draws), torch.randn(1, 1, 1, 8, generator=draws)
    products = rotate(q.expand(1, 1, 9, 8)) @ rotate(k.expand(1, 1, 9, 8)).transpose(-2, -1)
    for distance in range(-8, 9):
        along = products[0, 0].diagonal(distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("pool", ["last", "mean"])
def test_moving_rows_gives_the_bits_of_gathering_values(monkeypatch: pytest.MonkeyPatch, pool: str) -> None:
    """Two layers and directions, lengths of all sorts: the logits, the gradients, and gradients of gradients."""

    def found() -> list[torch.Tensor]:
        torch.manual_seed(0)
        net = TextClassifier(20, 3, embedding=6, hidden=5, cell="gru", layers=2, bidirectional=True, pool=pool).double()
        ids = torch.randint(1, 20, (5, 7))
        x = net.embedding(ids).detach().transpose(0, 1).contiguous().transpose(0, 1).requires_grad_()
        y = net.from_embedded(x, ids, torch.tensor([7, 1, 4, 0, 6]).clamp_min(1))
        (slope,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        return [y.detach(), slope.detach(), *torch.autograd.grad(slope.square().sum(), list(net.parameters())[1:3])]

    moved = found()
    monkeypatch.setattr(Turn, "__call__", lambda self, x: _take(x, self.mirror))
    monkeypatch.setattr(Turn, "ends", lambda self, x: _take(x, self.last)[:, 0])
    for one, other in zip(moved, found(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)
