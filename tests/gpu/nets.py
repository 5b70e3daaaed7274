"""Every own net, small, and what it is given: made-up pictures, texts, rows and users. Nothing in them draws numbers in training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from danlu.data.tabular.content import Content
from danlu.nn.embedding.interactions import Interactions
from danlu.nn.embedding.items import Items
from danlu.nn.nets.bag import Bag
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.nn.nets.dcnv2 import DCNv2
from danlu.nn.nets.deepfm import DeepFM
from danlu.nn.nets.ease import Ease
from danlu.nn.nets.fm import FM
from danlu.nn.nets.gpt import Gpt
from danlu.nn.nets.image_classifier import ImageClassifier
from danlu.nn.nets.ir import IR
from danlu.nn.nets.item_knn import ItemKnn
from danlu.nn.nets.lightgcn import Lightgcn
from danlu.nn.nets.logistic import Logistic
from danlu.nn.nets.mlp import MLP
from danlu.nn.nets.neumf import Neumf
from danlu.nn.nets.ngrams import Ngrams
from danlu.nn.nets.popularity import Popularity
from danlu.nn.nets.resnet import ResNet
from danlu.nn.nets.sasrec import SASRec
from danlu.nn.nets.seq2seq_transformer import Seq2seqTransformer
from danlu.nn.nets.span_reader import SpanReader
from danlu.nn.nets.table_mlp import TableMLP
from danlu.nn.nets.tabm import TabM
from danlu.nn.nets.text_classifier import TextClassifier
from danlu.nn.nets.text_cnn import TextCnn
from danlu.nn.nets.text_transformer import TextTransformer
from danlu.nn.nets.tf_idf import TfIdf
from danlu.nn.nets.two_tower import TwoTower
from danlu.nn.nets.vit import Vit
from danlu.nn.nets.whitened import Whitened
from danlu.nn.normalise import Normalise
from danlu.tasks.content_recommendation.net import ContentRecommender
from danlu.tasks.detection.net import Fcos
from danlu.tasks.item_recommendation.net import Recommender

Given = Callable[[torch.Generator], tuple[Tensor, ...]]

COUNT, VOCABULARY, USERS, ITEMS = 6, 30, 8, 9  # samples, tokens, users, items
CODES = (4, 5)  # of a row's two categories; before them stand three numbers


@dataclass(frozen=True)
class Small:
    """make: the net. given: its inputs. single: it computes with float32 matrices of its own, whatever its weights are."""

    make: Callable[[], nn.Module]
    given: Given
    single: bool = False

    def net(self) -> nn.Module:
        """Always the same, in training mode; dropout has no share, as a device draws other numbers than the CPU."""
        torch.manual_seed(3)
        net = self.make()
        for module in net.modules():
            if isinstance(module, _DropoutNd):
                module.p = 0.0
        return net

    def inputs(self) -> tuple[Tensor, ...]:
        return self.given(torch.Generator().manual_seed(5))


def leaves(value: Any) -> list[Tensor]:
    """The outputs that a loss may look at: all but whole numbers."""
    if isinstance(value, Tensor):
        return [value] if value.is_floating_point() else []
    return [leaf for part in value.values() for leaf in leaves(part)]


# ---- what nets are given ------------------------------------------------------------------------------------------------


def images(draw: torch.Generator) -> tuple[Tensor, ...]:
    return (torch.randint(0, 256, (COUNT, 3, 20, 20), generator=draw, dtype=torch.uint8),)


def tokens(draw: torch.Generator, longest: int = 9) -> tuple[Tensor, ...]:
    """Ids padded by 0, and their lengths (B, 1), from 1 to the ``longest``."""
    lengths = torch.tensor([[longest], [1], [4], [longest - 2], [2], [longest]])
    found = torch.randint(1, VOCABULARY, (COUNT, longest), generator=draw)
    return torch.where(torch.arange(longest) < lengths, found, 0), lengths


def two_texts(draw: torch.Generator) -> tuple[Tensor, ...]:
    return tokens(draw)[0], tokens(draw, 7)[0]


def question_and_text(draw: torch.Generator) -> tuple[Tensor, ...]:
    asked, text = tokens(draw, 5), tokens(draw)
    return asked[0], asked[1][:, 0], text[0], text[1][:, 0]


def rows(draw: torch.Generator) -> tuple[Tensor, ...]:
    codes = [torch.randint(0, most, (COUNT, 1), generator=draw) for most in CODES]
    return (torch.cat([torch.randn(COUNT, 3, generator=draw), *codes], 1),)


def pairs(draw: torch.Generator) -> tuple[Tensor, ...]:
    users = torch.randint(0, USERS, (COUNT,), generator=draw)
    return users, torch.randint(0, ITEMS, (COUNT,), generator=draw)


def candidates(draw: torch.Generator) -> tuple[Tensor, ...]:
    users = torch.randint(0, USERS, (COUNT,), generator=draw)
    return users, torch.randint(0, ITEMS, (COUNT, 4), generator=draw)


# ---- nets that must know something first --------------------------------------------------------------------------------


def seeing(net: nn.Module) -> nn.Module:
    return nn.Sequential(Normalise((120.0, 110.0, 100.0), (60.0, 61.0, 62.0)), net)


def resnet(**options: Any) -> nn.Module:
    return seeing(ResNet(3, 4, (20, 20), width=4, blocks=(1, 1), **options))


def ngrams() -> nn.Module:
    net = Ngrams(VOCABULARY, 4, solid=False, longest=3, grams=60, letters=40, embedding=6, hidden=5)
    draws = np.random.default_rng(0)
    texts = [draws.integers(1, VOCABULARY // 3, 12) for _ in range(40)]
    pieces = ["".join(chr(97 + each % 7) for each in range(token, 2 * token + 2)) for token in range(VOCABULARY)]
    net.fit_texts(texts, pieces)
    return net


def table(kind: Callable[..., nn.Module], **options: Any) -> nn.Module:
    quantiles = [[-1.0, -0.2, 0.3, 1.0]] * 3
    return kind(3, CODES, 4, quantiles, width=6, depth=2, size=5, **options)


class Asked(nn.Module):
    """A recommender as training asks it: users, and the items that its loss looks at under a ``name``."""

    def __init__(self, net: nn.Module, name: str) -> None:
        super().__init__()
        self.net, self.name = net, name

    def forward(self, users: Tensor, items: Tensor) -> Mapping[str, Tensor]:
        found: Mapping[str, Tensor] = self.net(users, **{self.name: items})
        return found


def met() -> Interactions:
    """Half of all pairs, each user's in an order of their own."""
    draws = np.random.default_rng(0)
    user, item = np.nonzero(draws.random((USERS, ITEMS)) < 0.5)
    part = draws.integers(0, 3, len(user)) // 2
    return Interactions(USERS, ITEMS, user, item, part, draws.random(len(user)))


def scoring(kind: type[nn.Module], **options: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        known = met()
        return Asked(Recommender(kind(USERS, ITEMS, known, **options), known), "candidates")

    return make


def by_content(kind: type[nn.Module], **options: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        known = met()
        words = tuple((item % 4, (item + 1) % 3) for item in range(ITEMS))
        numbers = tuple((item / ITEMS, -1.0) for item in range(ITEMS))
        content = Content(("sea", "war", "love", "rain"), (1.7, 2.0, 1.8, 1.1), words, numbers, ("year", "length"))
        scorer = kind(USERS, ITEMS, Items(*content.arrays()), known, **options)
        return Asked(ContentRecommender(scorer, known, fresh=False), "met")

    return make


NETS: dict[str, Small] = {
    "resnet, batch": Small(lambda: resnet(norm="batch"), images),
    "resnet, group": Small(lambda: resnet(norm="group"), images),
    "resnet, layer": Small(lambda: resnet(norm="layer"), images),
    "resnet, instance": Small(lambda: resnet(norm="instance"), images),
    "resnet, none": Small(lambda: resnet(norm="none"), images),
    "resnet, prelu": Small(lambda: resnet(activation="prelu"), images),
    "whitened": Small(lambda: seeing(Whitened(3, 4, (20, 20), widths=(8, 12))), images),
    "image-classifier": Small(lambda: seeing(ImageClassifier(3, 4, (20, 20), widths=(6, 8), activation="tanh")), images),
    "vit": Small(lambda: seeing(Vit(3, 4, (20, 20), patch=4, width=8, depth=2, heads=2)), images),
    "ir": Small(lambda: seeing(IR(3, 4, (20, 20), widths=(4, 6), blocks=(1, 2))), images),
    "mlp": Small(lambda: seeing(MLP(3, 4, (20, 20), widths=(16, 8))), images),
    "fcos": Small(lambda: seeing(Fcos(3, 3, width=8, features=16, tower=1)), images),
    "text, rnn": Small(lambda: TextClassifier(VOCABULARY, 4, embedding=6, hidden=5, cell="rnn"), tokens),
    "text, gru": Small(lambda: TextClassifier(VOCABULARY, 4, embedding=6, hidden=5, cell="gru", bidirectional=True), tokens),
    "text, lstm": Small(lambda: TextClassifier(VOCABULARY, 4, embedding=6, hidden=5, layers=2), tokens),
    "bag": Small(lambda: Bag(VOCABULARY, 4, embedding=6, ngrams=3, buckets=40, hidden=5), tokens),
    "ngrams": Small(ngrams, tokens),
    "text-cnn": Small(lambda: TextCnn(VOCABULARY, 4, embedding=6, filters=5), tokens),
    "text-transformer, rotary": Small(lambda: TextTransformer(VOCABULARY, 4, width=8, heads=2), tokens),
    "text-transformer, learned": Small(lambda: TextTransformer(VOCABULARY, 4, width=8, heads=2, positions="learned"), tokens),
    "gpt": Small(lambda: Gpt(VOCABULARY, width=8, layers=2, heads=2, longest=12), two_texts),
    "seq2seq-transformer": Small(lambda: Seq2seqTransformer(VOCABULARY, VOCABULARY, width=8, layers=2, heads=2, longest=12), two_texts),
    "span-reader": Small(lambda: SpanReader(VOCABULARY, width=8, layers=2, heads=2, kernel=3), question_and_text),
    "table-mlp": Small(lambda: table(TableMLP, embedding="piecewise"), rows),
    "tabm": Small(lambda: table(TabM, embedding="periodic", members=3), rows),
    "logistic": Small(lambda: Logistic(3, CODES), rows),
    "fm": Small(lambda: FM(3, CODES, embedding=4, scale=0.5), rows),
    "deepfm": Small(lambda: DeepFM(3, CODES, embedding=4, scale=0.5, hidden=(7, 5)), rows),
    "dcnv2": Small(lambda: DCNv2(3, CODES, embedding=4, scale=0.5, crosses=2, rank=6, hidden=(7,)), rows),
    "collaborative-filtering": Small(lambda: CollaborativeFiltering(USERS, ITEMS, embedding=4, biases=True), pairs),
    "neumf": Small(lambda: Neumf(USERS, ITEMS, embedding=4, hidden=(6, 5), scale=0.5), candidates),
    "lightgcn": Small(scoring(Lightgcn, embedding=4), candidates, single=True),
    "sasrec": Small(scoring(SASRec, width=8, length=4), candidates),
    "popularity": Small(scoring(Popularity), candidates),
    "item-knn": Small(scoring(ItemKnn, neighbours=4), candidates, single=True),
    "ease": Small(scoring(Ease, l2=2.0), candidates, single=True),
    "two-tower": Small(by_content(TwoTower, width=4, hidden=5, ids=True, drop_ids=0.0), pairs),
    "tf-idf": Small(by_content(TfIdf), pairs),
}  # fmt: skip
